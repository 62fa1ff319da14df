package ecs

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// slowest is the least part of its share that a limiter falls to.
	slowest = 1.0 / 16
	// recovery is the time in which a limiter grows back from nothing to its
	// whole share: ten minutes of polling at half speed cost little, a second
	// storm costs everybody in the account.
	recovery = time.Minute
)

// limiter is a token bucket whose rate halves on a throttled call and grows
// back by addition. It is safe for concurrent use.
type limiter struct {
	full   Quota // the configured share
	bucket *rate.Limiter

	mu     sync.Mutex
	factor float64   // of full, when last throttled
	since  time.Time // when last throttled
}

func newLimiter(q Quota, share float64) *limiter {
	full := Quota{Burst: max(1, q.Burst*share), Refill: q.Refill * share}
	return &limiter{
		full:   full,
		bucket: rate.NewLimiter(rate.Limit(full.Refill), int(full.Burst)),
		factor: 1,
	}
}

// wait takes a token, once there is one.
func (l *limiter) wait(ctx context.Context) error {
	l.mu.Lock()
	l.apply(time.Now())
	l.mu.Unlock()
	return l.bucket.Wait(ctx)
}

// throttled halves the rate and empties the bucket: whoever emptied the
// account's, it is empty. Of calls that were under way together only the first
// counts.
func (l *limiter) throttled(started, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if started.Before(l.since) {
		return
	}
	l.factor = max(slowest, l.current(now)/2)
	l.since = now
	l.apply(now)
	if n := int(l.bucket.TokensAt(now)); n > 0 {
		l.bucket.AllowN(now, n)
	}
}

func (l *limiter) current(now time.Time) float64 {
	if l.factor >= 1 {
		return 1
	}
	return min(1, l.factor+float64(now.Sub(l.since))/float64(recovery))
}

func (l *limiter) apply(now time.Time) {
	f := l.current(now)
	if limit := rate.Limit(l.full.Refill * f); limit != l.bucket.Limit() {
		l.bucket.SetLimitAt(now, limit)
		l.bucket.SetBurstAt(now, max(1, int(l.full.Burst*f)))
	}
}

// level is the rate in calls a second, and the tokens, at the moment.
func (l *limiter) level(now time.Time) (perSecond, tokens float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apply(now)
	return float64(l.bucket.Limit()), l.bucket.TokensAt(now)
}

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
// back by addition. Those who wait for a token have it by priority. It is safe
// for concurrent use, and runs nothing while nobody waits.
type limiter struct {
	full   Quota // the configured share
	bucket *rate.Limiter

	mu      sync.Mutex
	factor  float64   // of full, when last throttled
	since   time.Time // when last throttled
	waiting waitingLine
	refill  *time.Timer // when the next of those waiting can go; nil while nobody waits
}

func newLimiter(q Quota, share float64) *limiter {
	full := Quota{Burst: max(1, q.Burst*share), Refill: q.Refill * share}
	return &limiter{
		full:   full,
		bucket: rate.NewLimiter(rate.Limit(full.Refill), int(full.Burst)),
		factor: 1,
	}
}

// wait takes a token, once there is one and nobody goes first. Whoever gives up
// gives its place to the next.
func (l *limiter) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiter{priority: priorityOf(ctx), turn: make(chan struct{})}
	l.mu.Lock()
	l.waiting.join(w)
	l.serve()
	l.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
		l.giveUp(w)
		return ctx.Err()
	}
}

func (l *limiter) giveUp(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.waiting.leave(w) {
		l.waiting.next() // its turn had come: the token is the next one's
	}
	l.serve()
}

// serve lets go whom there are tokens for, and comes back when there is one for
// the next. The caller holds the lock.
func (l *limiter) serve() {
	if l.refill != nil {
		l.refill.Stop()
		l.refill = nil
	}
	now := time.Now()
	l.apply(now)
	for l.waiting.len() > 0 && l.bucket.AllowN(now, 1) {
		l.waiting.next()
	}
	if l.waiting.len() > 0 {
		l.refill = time.AfterFunc(l.untilToken(now), l.refilled)
	}
}

func (l *limiter) refilled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serve()
}

// untilToken is the time until the bucket holds a token, rounded up.
func (l *limiter) untilToken(now time.Time) time.Duration {
	lacking := 1 - l.bucket.TokensAt(now)
	return time.Duration(max(0, lacking)/float64(l.bucket.Limit())*float64(time.Second)) + time.Microsecond
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

// level is the rate in calls a second, the tokens, and how many calls wait, at
// the moment.
func (l *limiter) level(now time.Time) (perSecond, tokens float64, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apply(now)
	return float64(l.bucket.Limit()), l.bucket.TokensAt(now), l.waiting.len()
}

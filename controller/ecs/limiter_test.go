package ecs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLimiter(t *testing.T) {
	l := newLimiter(Quota{Burst: 100, Refill: 20}, 0.5)
	now := time.Now()
	rate := func(at time.Time) float64 { r, _, _ := l.level(at); return r }
	if got := rate(now); got != 10 {
		t.Fatalf("full rate %v", got)
	}
	l.throttled(now, now)
	l.throttled(now.Add(-time.Second), now) // was under way: counts once
	if got := rate(now); got != 5 {
		t.Fatalf("rate %v after a throttled call", got)
	}
	if _, tokens, _ := l.level(now); tokens >= 1 {
		t.Errorf("%v tokens left", tokens)
	}
	if got := rate(now.Add(recovery / 4)); got != 7.5 {
		t.Errorf("rate %v after a quarter of the recovery", got)
	}
	for i := range 10 {
		at := now.Add(time.Duration(i) * time.Millisecond)
		l.throttled(at, at)
	}
	if got := rate(now.Add(10 * time.Millisecond)); got < 10*slowest || got > 11*slowest {
		t.Errorf("slowest rate %v", got)
	}
	if got := rate(now.Add(2 * recovery)); got != 10 {
		t.Errorf("rate %v after recovery", got)
	}
}

// line is callers of a limiter whose bucket is empty.
type line struct {
	*limiter
	t    *testing.T
	mu   sync.Mutex
	went []string
	at   []time.Time
	all  sync.WaitGroup
}

func newLine(t *testing.T, burst, refill float64) *line {
	l := &line{limiter: newLimiter(Quota{Burst: burst, Refill: refill}, 1), t: t}
	for range int(burst) {
		if err := l.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// call waits in a goroutine of its own, and has joined the queue when it returns.
func (l *line) call(ctx context.Context, name string) {
	l.all.Go(func() {
		if err := l.wait(ctx); err != nil {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.went, l.at = append(l.went, name), append(l.at, time.Now())
	})
	synctest.Wait()
}

func TestUrgentCallsGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 2, 10)
		l.call(withLeisure(t.Context()), "refresh 1")
		l.call(t.Context(), "list 1")
		l.call(withUrgency(t.Context()), "event 1")
		l.call(t.Context(), "list 2")
		l.call(withLeisure(withUrgency(t.Context())), "event 2")
		l.call(withUrgency(withLeisure(t.Context())), "event 3")
		began := time.Now()
		l.all.Wait()
		want := []string{"event 1", "event 2", "event 3", "list 1", "list 2", "refresh 1"}
		if diff := cmp.Diff(want, l.went); diff != "" {
			t.Error(diff)
		}
		for i, at := range l.at {
			due := time.Duration(i+1) * 100 * time.Millisecond
			if late := at.Sub(began) - due; late < 0 || late > time.Millisecond {
				t.Errorf("call %d went after %v, want %v", i, at.Sub(began), due)
			}
		}
	})
}

// A stream of urgent calls that takes every token holds nobody back for ever.
func TestNobodyStarves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 1, 10)
		ctx, stop := context.WithCancel(t.Context())
		for i := range 4 * fairness {
			l.call(withUrgency(ctx), fmt.Sprint("early ", i))
		}
		l.call(withLeisure(ctx), "refresh")
		for i := range 100 * fairness {
			l.call(withUrgency(ctx), fmt.Sprint("late ", i))
		}
		// The early ones are older: they are what goes by age before it.
		time.Sleep(100 * time.Millisecond * fairness * (4*fairness + 1))
		synctest.Wait()
		stop()
		l.all.Wait()
		for i, name := range l.went {
			if name == "refresh" {
				if i < 4*fairness {
					t.Errorf("went as number %d, before older and more urgent ones", i)
				}
				return
			}
		}
		t.Errorf("not among the %d that went", len(l.went))
	})
}

func TestWhoGivesUpGivesItsPlaceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 1, 1)
		ctx, giveUp := context.WithCancel(t.Context())
		l.call(withUrgency(ctx), "gives up")
		l.call(t.Context(), "next")
		began := time.Now()
		time.Sleep(500 * time.Millisecond)
		giveUp()
		l.all.Wait()
		if len(l.went) != 1 || l.went[0] != "next" || l.at[0].Sub(began) > time.Second+time.Millisecond {
			t.Errorf("went %v after %v", l.went, l.at[0].Sub(began))
		}
		if err := l.wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a call that is given up waits: %v", err)
		}
		if _, _, waiting := l.level(time.Now()); waiting != 0 || l.refill != nil {
			t.Errorf("%d wait, timer %v", waiting, l.refill)
		}
	})
}

// A waiter that gives up at the moment of its turn passes the token on.
func TestTurnOfOneWhoGaveUp(t *testing.T) {
	l := newLimiter(Quota{Burst: 1, Refill: 1}, 1)
	gone := &waiter{turn: make(chan struct{})}
	next := &waiter{turn: make(chan struct{})}
	l.waiting.join(gone)
	l.waiting.join(next)
	l.waiting.next()
	<-gone.turn
	l.giveUp(gone)
	select {
	case <-next.turn:
	default:
		t.Error("the token is lost")
	}
}

// In no stretch of time are there more calls than the bucket of AWS, at the same
// share, would have let through: whatever comes when, gives up, or is throttled.
func TestNeverMoreThanTheShare(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { arrivals(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func arrivals(t *testing.T, random *rand.Rand) {
	quota := Quota{Burst: 1 + float64(random.IntN(60)), Refill: 0.5 + 30*random.Float64()}
	share := 0.1 + 0.9*random.Float64()
	l := &line{limiter: newLimiter(quota, share), t: t}
	marks := []func(context.Context) context.Context{
		withUrgency, withLeisure, func(ctx context.Context) context.Context { return ctx },
	}
	burst, refill := max(1, quota.Burst*share), quota.Refill*share
	for i := range 40 {
		time.Sleep(time.Duration(random.Int64N(int64(4 * time.Second))))
		for range random.IntN(2 * int(burst)) {
			ctx := t.Context()
			if random.IntN(4) == 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Duration(random.Int64N(int64(3*time.Second))))
				t.Cleanup(cancel)
			}
			l.call(marks[random.IntN(len(marks))](ctx), "")
		}
		if i%10 == 9 {
			l.throttled(time.Now(), time.Now())
		}
	}
	l.all.Wait()
	tokens, filled := burst, l.at[0]
	for i, at := range l.at {
		tokens = min(burst, tokens+at.Sub(filled).Seconds()*refill)
		if filled = at; tokens < 1 {
			t.Fatalf("call %d of %d would have been throttled: %v tokens of %v", i, len(l.at), tokens, quota)
		}
		tokens--
	}
}

package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// How long a pass waits for a load. Most loads take less; what comes later is
// seen by a later pass.
const (
	// firstPatience is for the first load, without which a pass has only what an
	// earlier run accepted.
	firstPatience = 10 * time.Second
	// patience keeps targets going on while the source is slow.
	patience = time.Second
	// silence is when a load that has not ended is an error.
	silence = 30 * time.Second
)

var errSilent = errors.New("the source of specs does not answer")

// Paced loads from the source at most once per interval, jittered by a tenth so
// that replicas do not read at once; passes in between see what it loaded last,
// and so do those that a slow load would hold up. Loads happen in Run, without
// which there are none; Load is for one other goroutine.
type Paced struct {
	source   reconcile.Source
	interval time.Duration
	asks     chan struct{}
	answers  chan answer

	// Of Load's goroutine alone.
	began   time.Time // of the load that has not ended; zero if there is none
	next    time.Time
	last    answer
	started bool // some load has ended
}

// answer is what a load gave.
type answer struct {
	set *spec.Set
	err error
}

// NewPaced returns a paced source.
func NewPaced(s reconcile.Source, interval time.Duration) *Paced {
	return &Paced{source: s, interval: interval, asks: make(chan struct{}, 1), answers: make(chan answer, 1)}
}

// Run loads when Load asks it to, until the context ends.
func (p *Paced) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.asks:
			p.answers <- p.load(ctx)
		}
	}
}

// load is one load. A panic is an error like any other.
func (p *Paced) load(ctx context.Context) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{err: fmt.Errorf("panic: %v", r)}
		}
	}()
	set, err := p.source.Load(ctx)
	return answer{set, err}
}

// Load implements reconcile.Source. It waits for a load that is due, but not
// long: 10 s for the first, and then 1 s.
func (p *Paced) Load(ctx context.Context) (*spec.Set, error) {
	select {
	case a := <-p.answers:
		p.take(a)
	default:
	}
	if now := time.Now(); p.began.IsZero() && !now.Before(p.next) {
		p.began = now
		p.next = now.Add(p.interval*9/10 + rand.N(p.interval/10+1)) //nolint:gosec // jitter needs no secrecy
		p.asks <- struct{}{}
		p.wait(ctx)
	}
	if err := ctx.Err(); err != nil {
		return p.last.set, err
	}
	if !p.started || !p.began.IsZero() && time.Since(p.began) >= silence {
		return nil, errSilent
	}
	return p.last.set, p.last.err
}

// wait gives the load that was asked for a moment.
func (p *Paced) wait(ctx context.Context) {
	limit := patience
	if !p.started {
		limit = firstPatience
	}
	enough := time.NewTimer(limit)
	defer enough.Stop()
	select {
	case a := <-p.answers:
		p.take(a)
	case <-enough.C:
	case <-ctx.Done():
	}
}

func (p *Paced) take(a answer) {
	p.last, p.started, p.began = a, true, time.Time{}
}

package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
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

// Revised is a source that can tell what it loaded last.
type Revised interface {
	reconcile.Source
	// Revision identifies it, and says whether it was published as that. It is
	// called after a load, by the goroutine that loads.
	Revision() (id string, published bool)
}

// Paced loads from the source about once per interval, jittered by a tenth either
// way so that replicas do not read at once; passes in between see what it loaded
// last, and so do those that a slow load would hold up. Loads happen in Run,
// without which there are none; Load and Loaded are for one other goroutine.
type Paced struct {
	source   reconcile.Source
	interval time.Duration
	asks     chan time.Time // when the load after it is due
	answers  chan answer
	ready    chan struct{}
	hurried  atomic.Bool
	late     atomic.Bool // nobody waits for the answer any more

	// Of Load's goroutine alone.
	began   time.Time // of the load that has not ended; zero if there is none
	next    time.Time
	last    answer
	started bool // some load has ended
	loaded  Loaded
}

// answer is what a load gave.
type answer struct {
	set       *spec.Set
	err       error
	revision  string // of what is in use, also with an error
	published bool
}

// Loaded is which specs are in use.
type Loaded struct {
	// Revision is "" before the first load that succeeds, and of a source that
	// cannot tell.
	Revision  string
	Published bool
}

// NewPaced returns a paced source.
func NewPaced(s reconcile.Source, interval time.Duration) *Paced {
	return &Paced{
		source: s, interval: interval, asks: make(chan time.Time, 1), answers: make(chan answer, 1), ready: make(chan struct{}, 1),
	}
}

// Hurry has the source looked at now rather than when it is due: something says
// that it has changed. It may be called from any goroutine, and never blocks.
func (p *Paced) Hurry() {
	p.hurried.Store(true)
	p.signal()
}

// Ready is signalled when a call of Load is of use: a load is due, Hurry asks for
// one, or one has ended that nobody waited for.
func (p *Paced) Ready() <-chan struct{} { return p.ready }

// Loaded is which specs Load gave last.
func (p *Paced) Loaded() Loaded { return p.loaded }

func (p *Paced) signal() {
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// Run loads when Load asks it to, until the context ends.
func (p *Paced) Run(ctx context.Context) {
	due := newAlarm()
	defer due.stop()
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-p.asks:
			p.answers <- p.load(ctx)
			if p.late.Swap(false) {
				p.signal()
			}
			due.clear()
			due.at(next)
		case <-due.c():
			p.signal()
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
	a.set, a.err = p.source.Load(ctx)
	if revised, ok := p.source.(Revised); ok {
		a.revision, a.published = revised.Revision()
	}
	return a
}

// Load implements reconcile.Source. It waits for a load that is due, but not
// long: 10 s for the first, and then 1 s.
func (p *Paced) Load(ctx context.Context) (*spec.Set, error) {
	select {
	case a := <-p.answers:
		p.take(a)
	default:
	}
	if now := time.Now(); p.began.IsZero() && p.due(now) {
		p.began = now
		p.next = now.Add(p.interval*9/10 + rand.N(p.interval/5+1)) //nolint:gosec // jitter needs no secrecy
		p.late.Store(false)
		p.asks <- p.next
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

// due says that a load is, or that somebody is in a hurry for one.
func (p *Paced) due(now time.Time) bool {
	return p.hurried.Swap(false) || !now.Before(p.next)
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
		return
	case <-enough.C:
	case <-ctx.Done():
	}
	p.late.Store(true)
	select { // it may have come before Run could see that
	case a := <-p.answers:
		p.take(a)
	default:
	}
}

func (p *Paced) take(a answer) {
	p.last, p.started, p.began = a, true, time.Time{}
	if a.err == nil && a.revision != "" {
		p.loaded = Loaded{Revision: a.revision, Published: a.published}
	}
}

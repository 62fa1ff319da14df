package controller

import (
	"context"
	"math/rand/v2"
	"time"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// Paced loads from the source at most once per interval, jittered by a tenth so
// that replicas do not read at once; passes in between see what it loaded last.
// It is for one goroutine.
type Paced struct {
	source   reconcile.Source
	interval time.Duration
	next     time.Time
	set      *spec.Set
	err      error
}

// NewPaced returns a paced source.
func NewPaced(s reconcile.Source, interval time.Duration) *Paced {
	return &Paced{source: s, interval: interval}
}

// Load implements reconcile.Source.
func (p *Paced) Load(ctx context.Context) (*spec.Set, error) {
	now := time.Now()
	if now.Before(p.next) {
		return p.set, p.err
	}
	set, err := p.source.Load(ctx)
	if ctx.Err() != nil {
		return p.set, err
	}
	p.set, p.err = set, err
	p.next = now.Add(p.interval*9/10 + rand.N(p.interval/10+1)) //nolint:gosec // jitter needs no secrecy
	return p.set, p.err
}

package web

import (
	"context"
	"errors"

	"ecs-scrape/reconcile/plan"
)

// mostWaiting is how many pages may wait for an explanation. One of a large
// fleet takes about a second, and one is made at a time.
const mostWaiting = 8

var errBusy = errors.New("too many explanations are asked for at once: each plans once more. Try again in a few seconds")

// gate has pages wait for their turn to ask for an explanation, and forget about
// it when nobody reads them any more.
type gate struct {
	source  Source
	waiting chan struct{}
	turn    chan struct{}
}

func newGate(s Source) *gate {
	return &gate{source: s, waiting: make(chan struct{}, mostWaiting), turn: make(chan struct{}, 1)}
}

// ask is the source's Explain, or errBusy, or the context's error where it ends
// before it is the page's turn.
func (g *gate) ask(ctx context.Context, query string) (*plan.Explanation, error) {
	select {
	case g.waiting <- struct{}{}:
		defer func() { <-g.waiting }()
	default:
		return nil, errBusy
	}
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return g.source.Explain(query)
}

package ecs

import "context"

type (
	urgencyKey struct{}
	leisureKey struct{}
)

// withUrgency marks calls that a new target waits for: they go before those of
// a listing, and before what only refreshes facts.
func withUrgency(ctx context.Context) context.Context {
	return context.WithValue(ctx, urgencyKey{}, true)
}

// urgent tells whether ctx was marked by withUrgency.
func urgent(ctx context.Context) bool {
	marked, _ := ctx.Value(urgencyKey{}).(bool)
	return marked
}

// withLeisure marks calls that only ask again for what is known: they go after
// all others. Within calls that are urgent it means nothing.
func withLeisure(ctx context.Context) context.Context {
	return context.WithValue(ctx, leisureKey{}, true)
}

func leisurely(ctx context.Context) bool {
	marked, _ := ctx.Value(leisureKey{}).(bool)
	return marked && !urgent(ctx)
}

// priority of a call that waits for the budget; the lowest goes first.
type priority int

const (
	urgentCalls priority = iota
	ordinaryCalls
	leisurelyCalls
	priorities // how many there are
)

func priorityOf(ctx context.Context) priority {
	switch {
	case urgent(ctx):
		return urgentCalls
	case leisurely(ctx):
		return leisurelyCalls
	}
	return ordinaryCalls
}

package ecs

import "context"

type urgencyKey struct{}

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

package inventory

import (
	"reflect"
	"slices"
	"time"
)

// ledger is what calls of their own have told of the things of one kind, such
// as the services of a scope, by name. It serves the facts that can be had or
// lack without any effect on the tasks.
type ledger[T any] map[string]*line[T]

type line[T any] struct {
	value  *T // nil: there is no such thing
	asked  time.Time
	unused time.Time // since; zero while in use
}

// wanted lists which of the used names to ask for now: sorted, those not known,
// or absent when they were asked for [AddresslessAge] ago; then those whose turn
// it is. Such a list is made that often.
func (l ledger[T]) wanted(used map[string]struct{}, batch int, every time.Duration, now time.Time) []string {
	var fresh []string
	var due []candidate
	for name := range used {
		got := l[name]
		switch {
		case got == nil, got.value == nil && now.Sub(got.asked) >= AddresslessAge:
			fresh = append(fresh, name)
		default:
			due = append(due, candidate{name, now.Sub(got.asked), Refresh})
		}
	}
	slices.Sort(fresh)
	return append(fresh, turns(due, batch, len(fresh), every)...)
}

// put keeps what was told of a name; false if it is what was known.
func (l ledger[T]) put(name string, value *T, now time.Time) bool {
	old, ok := l[name]
	l[name] = &line[T]{value: value, asked: now}
	return !ok || !reflect.DeepEqual(old.value, value)
}

// knows says that the name has been answered for, be it that there is no such thing.
func (l ledger[T]) knows(name string) bool { return l[name] != nil }

// value is what is known of the name, or nil.
func (l ledger[T]) value(name string) *T {
	if got := l[name]; got != nil {
		return got.value
	}
	return nil
}

// sweep forgets what has not been used for long.
func (l ledger[T]) sweep(used map[string]struct{}, now time.Time) {
	for name, got := range l {
		if _, ok := used[name]; expired(&got.unused, ok, now, unusedAge) {
			delete(l, name)
		}
	}
}

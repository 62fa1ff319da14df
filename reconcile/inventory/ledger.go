package inventory

import (
	"cmp"
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
// it is, so many as let all have theirs in time. The turns fill up the last
// batch. Elapsed is the time since such a list was last made.
func (l ledger[T]) wanted(used map[string]struct{}, batch int, elapsed time.Duration, now time.Time) []string {
	var fresh []string
	var due []candidate
	for name := range used {
		got := l[name]
		switch {
		case got == nil, got.value == nil && now.Sub(got.asked) >= AddresslessAge:
			fresh = append(fresh, name)
		default:
			due = append(due, candidate{name, float64(now.Sub(got.asked)) / float64(Refresh)})
		}
	}
	slices.Sort(fresh)
	most := share(len(used), batch, elapsed, Refresh)
	return append(fresh, turns(due, most-len(fresh)%batch)...)
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

// candidate is something to be asked for again.
type candidate struct {
	name string
	age  float64 // of what is known, in terms of the time within which it is asked for again
}

// turns are the most overdue of the candidates. They become due at half their
// time.
func turns(of []candidate, most int) []string {
	due := slices.DeleteFunc(of, func(c candidate) bool { return c.age < 0.5 })
	slices.SortFunc(due, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.age, a.age), cmp.Compare(a.name, b.name))
	})
	due = due[:max(0, min(len(due), most))]
	names := make([]string, len(due))
	for i, d := range due {
		names[i] = d.name
	}
	return names
}

// share is how many of a number of things to ask for again after that time, in
// whole batches: all within 40% of refresh, a tenth kept in reserve.
func share(of, batch int, elapsed, refresh time.Duration) int {
	part := min(1, float64(elapsed)/(0.4*float64(refresh)))
	return (int(part*float64(of))/batch + 1) * batch
}

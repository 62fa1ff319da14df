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
	anew   time.Time // an answer to a question before that is not the last word
	unused time.Time // since; zero while in use
}

// urgency says whether to ask for the name: it is not known, or was absent when
// it was asked for, or has changed since.
func (l ledger[T]) urgency(name string, now time.Time) urgency {
	switch got := l[name]; {
	case got == nil, !got.anew.IsZero():
		return atOnce
	case got.value == nil:
		return afterAbsence(got.asked, now)
	}
	return settled
}

// changed has the name asked for again, if it was: an answer to a question before
// that time will not do.
func (l ledger[T]) changed(name string, at time.Time) {
	if got := l[name]; got != nil {
		got.anew = at
	}
}

// wanted lists which of the used names to ask for now: sorted, those that cannot
// wait; then those whose turn
// it is. The next such list is made after every.
func (l ledger[T]) wanted(used map[string]struct{}, batch int, every time.Duration, now time.Time) []string {
	var fresh []string
	var due []candidate
	for name := range used {
		if l.urgency(name, now) == atOnce {
			fresh = append(fresh, name)
		} else {
			due = append(due, candidate{name, now.Sub(l[name].asked), Refresh})
		}
	}
	slices.Sort(fresh)
	return append(fresh, turns(due, batch, len(fresh), every)...)
}

// put keeps what the answer to a question told of a name; false if it is what
// was known.
func (l ledger[T]) put(name string, value *T, asked time.Time) bool {
	old, ok := l[name]
	next := &line[T]{value: value, asked: asked}
	if ok && asked.Before(old.anew) {
		next.anew = old.anew
	}
	l[name] = next
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

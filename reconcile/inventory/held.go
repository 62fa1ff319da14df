package inventory

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// unheard are the held tasks of a scope, by id, of which neither the store nor
// the others tell anything, and those restored and not described since. A scope
// that has been listed holds none: what was published for it has been judged, and
// its tasks are known or have ended.
func (s *Store) unheard(c *scopeState, l Listing, others iter.Seq[string]) []string {
	if !c.unlisted() || !s.keeps(heldIsAsked) {
		return nil
	}
	heard := map[string]struct{}{}
	for _, names := range []iter.Seq[string]{maps.Keys(c.tombs), others} {
		for name := range names {
			heard[nameOf(name)] = struct{}{}
		}
	}
	asked := slices.Clone(l.Held)
	for arn, e := range c.entries {
		switch {
		case e.restored && s.keeps(restoredIsAsked):
			asked = append(asked, nameOf(arn))
		case e.task.starting(): // if it is published it runs: this answer is older
		case !e.bare: // else it lacks facts that were asked for when it was told of
			heard[nameOf(arn)] = struct{}{}
		}
	}
	slices.Sort(asked)
	return slices.DeleteFunc(slices.Compact(asked), func(id string) bool { _, ok := heard[id]; return ok })
}

// believed are the tasks that ECS calls MISSING and that have been known for
// long enough to believe it. That is counted from their publication, not from
// the start of this process: a run that looks only once could otherwise never
// take down what ended long ago. No other failure is believed, however often it
// is given.
func (s *Store) believed(c *scopeState, l Listing, now time.Time) iter.Seq[string] {
	return func(yield func(string) bool) {
		if s.keeps(youngMissingStays) && now.Sub(l.HeldSince) <= MissingAge {
			return
		}
		for name, d := range c.unexplained {
			if d.missing && !yield(name) {
				return
			}
		}
	}
}

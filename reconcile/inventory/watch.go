package inventory

import (
	"slices"
	"time"
)

// EventGrace is how long the event of a change may take before a listing or
// describe that found the change counts as one that events missed. EventBridge
// delivers within a second or two as a rule; it promises no time.
const EventGrace = 30 * time.Second

// watch tells whether events tell of all changes in a scope.
type watch struct {
	on    bool
	since time.Time
	// counting is since when a complete listing that began after since has ended,
	// so that what is not known by then has come since; zero before.
	counting time.Time
	suspects map[string][]suspect // by ARN
	missed   uint64
}

// suspect is a change that a describe found and no event has told of yet.
type suspect struct {
	version int64 // an event of it, or of a higher one, clears it
	found   time.Time
}

// SetWatched says that events tell of all changes in a scope from now on, or no
// longer do. While they do, changes that only a listing or describe finds are
// counted as missed: from the end of the first complete listing that began since,
// which tells what there was before.
func (s *Store) SetWatched(scope Scope, watched bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.scopes[scope]; c != nil && c.watch.on != watched {
		c.watch = watch{on: watched, since: now, missed: c.watch.missed}
	}
}

// Missed counts, since the scope was first found, the changes in it that a
// listing or describe found while events were watched, and that no event told of
// within [EventGrace].
func (s *Store) Missed(scope Scope, now time.Time) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	if c == nil {
		return 0
	}
	c.watch.settle(now)
	c.forget(now)
	return c.watch.missed
}

// Heard takes down what events tell of that cannot be taken as they are: of which
// task, and which version, 0 for none. The tasks are to be described
// ([Store.Wanting]), and their changes are not missed.
func (s *Store) Heard(events []Event, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ev := range events {
		c, t := s.scopes[ev.Task.Scope], ev.Task
		if c == nil || c.status.State == Gone {
			continue
		}
		c.watch.heard(t.ARN, t.Version, now)
		if e := c.entries[t.ARN]; !s.buried(c, t) && (e == nil || t.Version > e.task.Version) {
			c.await(t.ARN, t.Version, now).old = now.Sub(ev.At) > MissingAge+ClockSkew
		}
	}
}

// anew is the watch over a cluster that was found anew, or lost.
func (w watch) anew(now time.Time) watch {
	return watch{on: w.on, since: now, missed: w.missed}
}

// listed tells of the end of a complete listing.
func (w *watch) listed(began, now time.Time) {
	if w.on && w.counting.IsZero() && !began.Before(w.since) {
		w.counting = now
	}
}

// settle counts the suspects whose events have not come in time.
func (w *watch) settle(now time.Time) {
	for arn, of := range w.suspects {
		left := slices.DeleteFunc(of, func(one suspect) bool { return now.Sub(one.found) > EventGrace })
		w.missed += uint64(len(of) - len(left))
		w.keep(arn, left)
	}
}

func (w *watch) keep(arn string, of []suspect) {
	if len(of) == 0 {
		delete(w.suspects, arn)
		return
	}
	if w.suspects == nil {
		w.suspects = map[string][]suspect{}
	}
	w.suspects[arn] = of
}

// heard clears what an event has told of after all.
func (w *watch) heard(arn string, version int64, now time.Time) {
	of := w.suspects[arn]
	if len(of) == 0 {
		return
	}
	w.settle(now)
	w.keep(arn, slices.DeleteFunc(w.suspects[arn], func(one suspect) bool { return one.version <= version }))
}

// suspect takes down a change that a describe found, unless its event may have
// come before events were watched, or has come and waits for this very describe.
func (c *scopeState) suspect(arn string, version int64, found time.Time) {
	w := &c.watch
	if w.counting.IsZero() || c.heardBefore(arn, w) {
		return
	}
	if p := c.pending[arn]; p != nil && p.version >= version {
		return
	}
	w.keep(arn, append(w.suspects[arn], suspect{version, found}))
}

// heardBefore says that the last that was told of a task, be it by a listing
// alone, is of before its events were watched.
func (c *scopeState) heardBefore(arn string, w *watch) bool {
	if e := c.entries[arn]; e != nil {
		return e.heard.Before(w.since)
	}
	doubt, listed := c.unexplained[nameOf(arn)]
	return listed && !doubt.since.After(w.counting)
}

package inventory

import (
	"maps"
	"slices"
	"strings"
)

// Snapshot returns the state as it is now. While nothing happens it returns the
// same pointer, and while only listings end the same tasks, definitions and
// instances.
func (s *Store) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot != nil && !s.header && !s.body {
		return s.snapshot
	}
	next := &Snapshot{Sources: slices.Clone(s.sources), Scopes: s.statuses(), Waiting: s.waiting(), Omitted: s.omitted()}
	if s.snapshot == nil || s.body {
		s.fill(next)
	} else {
		next.Tasks, next.Definitions, next.Instances = s.snapshot.Tasks, s.snapshot.Definitions, s.snapshot.Instances
		next.Services, next.Clusters = s.snapshot.Services, s.snapshot.Clusters
	}
	s.snapshot, s.header, s.body, s.uses = next, false, false, false
	return next
}

func (s *Store) statuses() []ScopeStatus {
	out := make([]ScopeStatus, 0, len(s.scopes))
	for _, c := range s.scopes {
		out = append(out, c.status)
	}
	slices.SortFunc(out, func(a, b ScopeStatus) int { return a.Scope.Compare(b.Scope) })
	return out
}

func (s *Store) waiting() int {
	n := 0
	for _, c := range s.scopes {
		n += len(c.omitted.since)
	}
	return n
}

// fill adds the tasks of all scopes that have been listed, and what they use.
func (s *Store) fill(next *Snapshot) {
	var shown []*scopeState
	total := 0
	for _, scope := range slices.SortedFunc(maps.Keys(s.scopes), Scope.Compare) {
		if c := s.scopes[scope]; c.status.State != Unsynced {
			s.refresh(c)
			c.fillOptional(next)
			shown = append(shown, c)
			total += len(c.sorted)
		}
	}
	if total > 0 {
		next.Tasks = make([]*Task, 0, total)
	}
	for _, c := range shown {
		next.Tasks = append(next.Tasks, c.sorted...)
	}
	if s.snapshot != nil && !s.uses {
		next.Definitions, next.Instances = s.snapshot.Definitions, s.snapshot.Instances
		return
	}
	s.fillUses(next, shown)
}

// refresh brings the sorted tasks of a scope up to date, at the cost of one
// copy and of sorting only what changed.
func (s *Store) refresh(c *scopeState) {
	for arn := range c.hidden {
		c.touched[arn] = struct{}{}
	}
	if len(c.touched) == 0 {
		return
	}
	clear(c.hidden)
	next, rest := make([]*Task, 0, len(c.sorted)+len(c.touched)), c.sorted
	for _, arn := range slices.Sorted(maps.Keys(c.touched)) {
		at, was := slices.BinarySearchFunc(rest, arn, func(t *Task, arn string) int { return strings.Compare(t.ARN, arn) })
		next = append(next, rest[:at]...)
		rest = rest[at:]
		if was {
			s.use(c, rest[0], -1)
			rest = rest[1:]
		}
		if t := s.show(c, arn); t != nil {
			s.use(c, t, 1)
			next = append(next, t)
		}
	}
	next = append(next, rest...)
	c.sorted = next
	clear(c.touched)
}

// show is the task as the snapshot has it, or nil.
func (s *Store) show(c *scopeState, arn string) *Task {
	e, ok := c.entries[arn]
	if !ok {
		return nil
	}
	if !s.shows(c, e) {
		c.hidden[arn] = struct{}{}
		return nil
	}
	e.shown = e.shown || e.task.Running()
	return c.whole(e.task)
}

// SameTasks says, at once, whether both snapshots hold the very same tasks,
// definitions and instances, and differ in statuses at most. False means
// nothing.
func (s *Snapshot) SameTasks(other *Snapshot) bool {
	if s == nil || other == nil || len(s.Tasks) != len(other.Tasks) {
		return s == other
	}
	return s == other || len(s.Tasks) > 0 && &s.Tasks[0] == &other.Tasks[0]
}

// Status returns the status of a scope. One that the snapshot does not know is
// unsynced: what is published for it stays.
func (s *Snapshot) Status(scope Scope) ScopeStatus {
	i, ok := slices.BinarySearchFunc(s.Scopes, scope, func(st ScopeStatus, sc Scope) int { return st.Scope.Compare(sc) })
	if !ok {
		return ScopeStatus{Scope: scope, State: Unsynced}
	}
	return s.Scopes[i]
}

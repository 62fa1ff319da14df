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
	next := &Snapshot{Sources: slices.Clone(s.sources), Scopes: s.statuses(), Waiting: s.waiting()}
	if s.snapshot == nil || s.body {
		s.fill(next)
	} else {
		next.Tasks, next.Definitions, next.Instances = s.snapshot.Tasks, s.snapshot.Definitions, s.snapshot.Instances
		next.Services, next.Clusters = s.snapshot.Services, s.snapshot.Clusters
	}
	s.snapshot, s.header, s.body = next, false, false
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
		for _, e := range c.entries {
			if e.omitted {
				n++
			}
		}
	}
	return n
}

// fill adds the tasks of all scopes that have been listed, and what they use.
func (s *Store) fill(next *Snapshot) {
	next.Definitions, next.Instances = map[string]*Definition{}, map[string]*Instance{}
	for _, scope := range slices.SortedFunc(maps.Keys(s.scopes), Scope.Compare) {
		c := s.scopes[scope]
		if c.status.State == Unsynced {
			continue
		}
		s.refresh(c)
		next.Tasks = append(next.Tasks, c.sorted...)
		c.fillOptional(next, c.sorted)
	}
	for _, t := range next.Tasks {
		if d := s.definitions[t.Definition]; d != nil && !d.absent {
			next.Definitions[t.Definition] = d.definition
		}
		if i := s.instances[t.Instance]; i != nil && (s.facts.Instances || s.needsInstance(t)) {
			next.Instances[t.Instance] = i.instance
		}
	}
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
	fresh := make([]*Task, 0, len(c.touched))
	for arn := range c.touched {
		e, ok := c.entries[arn]
		switch {
		case !ok:
		case s.shows(c, e):
			e.shown = e.shown || e.task.Running()
			fresh = append(fresh, c.whole(e.task))
		default:
			c.hidden[arn] = struct{}{}
		}
	}
	slices.SortFunc(fresh, byARN)
	c.sorted = merge(c.sorted, fresh, c.touched)
	clear(c.touched)
}

// merge returns a new slice of the old tasks that are not replaced and the
// fresh ones; both come sorted.
func merge(old, fresh []*Task, replaced map[string]struct{}) []*Task {
	out := make([]*Task, 0, len(old)+len(fresh))
	for _, t := range old {
		if _, ok := replaced[t.ARN]; ok {
			continue
		}
		for len(fresh) > 0 && byARN(fresh[0], t) < 0 {
			out, fresh = append(out, fresh[0]), fresh[1:]
		}
		out = append(out, t)
	}
	return append(out, fresh...)
}

func byARN(a, b *Task) int { return strings.Compare(a.ARN, b.ARN) }

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

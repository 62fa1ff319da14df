package inventory

import "time"

// eventSlack is how much older than a listing an event must be to be held
// against it: clocks differ, and ListTasks lags behind what it lists.
const eventSlack = 2 * time.Minute

// Knows says that the scope is known, and not as gone: events of it count.
func (s *Store) Knows(scope Scope) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	return c != nil && c.status.State != Gone
}

// Predates says that the event is of a task that is not known, and so old that
// a complete listing which began later would have named the task if it still
// ran: it tells nothing. Every listing of the scope, also one to come, begins
// after floor.
func (s *Store) Predates(e Event, floor time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.scopes[e.Task.Scope]; c != nil {
		if c.entries[e.Task.ARN] != nil && s.keeps(knownIsHeard) {
			return false
		}
		if c.began.After(floor) {
			floor = c.began
		}
	}
	if s.keeps(clocksDiffer) {
		floor = floor.Add(-eventSlack)
	}
	return e.At.Before(floor)
}

// Machine is what is known of a container instance, by ARN, or nil.
func (s *Store) Machine(arn string) *Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.instances[arn]; i != nil {
		return i.instance
	}
	return nil
}

// RefreshWithin is the shortest of the times within which the tasks of a scope
// are to be described again, at most [Refresh].
func (s *Store) RefreshWithin(scope Scope) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	shortest := Refresh
	if c := s.scopes[scope]; c != nil {
		for _, e := range c.entries {
			shortest = min(shortest, e.task.refresh(s.facts))
		}
	}
	return shortest
}

// Remark sets the reason of a synced scope: something in it has to wait, for
// that reason, while the rest goes on. It stays until the next listing, or
// until it is set to "".
func (s *Store) Remark(scope Scope, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	if c == nil || c.status.State != Synced {
		return
	}
	next := c.status
	next.Reason = reason
	s.setStatus(c, next)
}

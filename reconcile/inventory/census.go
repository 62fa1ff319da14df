package inventory

import (
	"cmp"
	"slices"
	"time"
)

const (
	// censusAge is how long a service is counted, as one without tasks, after its
	// last one has gone, where nobody says that it is still there.
	censusAge = time.Hour
	// desiredAge is how long the desired count of a service is told after it was
	// read last, of a cluster that can be read.
	desiredAge = 30 * time.Minute
)

// ServiceTasks counts the tasks of one service: as told last, whether or not
// they are shown yet.
type ServiceTasks struct {
	Scope   Scope
	Service string // "" is that of all tasks which belong to none
	Running int    // run, and are meant to
	Pending int    // are on their way to that
	// Desired is how many there should be; -1 where that is not known.
	Desired int
	// Started, Stopped and Crashed count tasks since the scope was first listed:
	// those that have come, those that have gone, and those of these that ended by
	// themselves or could not start.
	Started, Stopped, Crashed uint64
}

// DesiredTasks is how many tasks a service should have.
type DesiredTasks struct {
	Service string
	Desired int
}

// census counts, by service, what the entries of a scope are.
type census map[string]*serviceCount

type serviceCount struct {
	running, pending          int
	started, stopped, crashed uint64
	desired                   int
	asked                     time.Time // about desired; zero while it is not known
	idle                      time.Time // without tasks since
}

func (n census) of(t *Task) *serviceCount {
	name := t.Service()
	if n[name] == nil {
		n[name] = &serviceCount{}
	}
	return n[name]
}

// move counts a change of a task; before is nil for one that has come, after for
// one that has gone.
func (n census) move(before, after *Task) {
	if before != nil {
		n.of(before).add(before, -1)
	}
	if after != nil {
		n.of(after).add(after, 1)
	}
}

func (s *serviceCount) add(t *Task, by int) {
	if t.Running() {
		s.running += by
	} else {
		s.pending += by
	}
}

// comes counts a task that was not known. What is there at the first listing of a
// scope has not come just now.
func (c *scopeState) comes(t *Task) {
	c.census.move(nil, t)
	if !c.unlisted() {
		c.census.of(t).started++
	}
}

// ends counts the end of a task that t tells of, which may not have been known.
func (c *scopeState) ends(t *Task, crashed bool) {
	if c.unlisted() {
		return
	}
	c.census.of(t).stopped++
	if crashed {
		c.crashes(t)
	}
}

// crashes counts once that a task which has stopped ended by itself: that may be
// told later than that it stops.
func (c *scopeState) crashes(t *Task) {
	tomb, ok := c.tombs[t.ARN]
	if !ok || tomb.crashed || c.unlisted() {
		return
	}
	tomb.crashed = true
	c.tombs[t.ARN] = tomb
	c.census.of(t).crashed++
}

// sweepCensus forgets the services that are no more.
func (c *scopeState) sweepCensus(now time.Time) {
	for name, s := range c.census {
		if c.status.State == Synced && now.Sub(s.asked) > desiredAge {
			s.asked = time.Time{}
		}
		switch {
		case s.running+s.pending > 0 || !s.asked.IsZero():
			s.idle = time.Time{}
		case s.idle.IsZero():
			s.idle = now
		case now.Sub(s.idle) > censusAge && c.status.State == Synced:
			delete(c.census, name)
		}
	}
}

// Census counts the tasks of every service of the scopes that have been listed, or
// restored, sorted. Of a stale scope it is what was known last. It costs what there
// are services, not tasks.
func (s *Store) Census(now time.Time) []ServiceTasks {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []ServiceTasks
	for scope, c := range s.scopes {
		if c.status.State == Unsynced || c.status.State == Gone {
			continue
		}
		c.sweepCensus(now)
		for name, n := range c.census {
			one := ServiceTasks{
				Scope: scope, Service: name, Running: n.running, Pending: n.pending, Desired: -1,
				Started: n.started, Stopped: n.stopped, Crashed: n.crashed,
			}
			if !n.asked.IsZero() {
				one.Desired = n.desired
			}
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b ServiceTasks) int {
		return cmp.Or(a.Scope.Compare(b.Scope), cmp.Compare(a.Service, b.Service))
	})
	return out
}

// PutDesired takes down how many tasks the services should have, in the answer to
// a question of that time. all says that the scope has no other services.
func (s *Store) PutDesired(scope Scope, services []DesiredTasks, all bool, asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	if c == nil || c.status.State == Gone || asked.Before(c.renewed) {
		return
	}
	for _, d := range services {
		n := c.census[d.Service]
		if n == nil {
			n = &serviceCount{}
			c.census[d.Service] = n
		}
		n.desired, n.asked = d.Desired, asked
	}
	if !all {
		return
	}
	for _, n := range c.census {
		if n.asked.Before(asked) {
			n.asked = time.Time{}
		}
	}
}

// Short lists the services that have fewer running tasks than they should, as far
// as known, and were not asked about within that time: either that is about to
// change, or they should not have them any more. Sorted.
func (s *Store) Short(scope Scope, now time.Time, within time.Duration) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	if c == nil {
		return nil
	}
	var out []string
	for name, n := range c.census {
		if !n.asked.IsZero() && n.running < n.desired && now.Sub(n.asked) >= within {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

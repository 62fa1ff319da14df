package inventory

import (
	"reflect"
	"time"
)

// Event is what an "ECS Task State Change" event tells (Amazon ECS Developer
// Guide, "Amazon ECS task state change events"). Its version counts against
// those of describes: both are of one sequence.
type Event struct {
	At    time.Time // of the change, by AWS's clock
	Facts uint64    // generation that the task was decoded with
	Task  *Task     // without tags, which events do not carry
	// Crashed says of a task that stops that it does so by itself: an essential
	// container has exited, or it could not start.
	Crashed bool
}

// Observe merges events, which may come late, twice and in any order, of tasks
// in any scopes; tasks become the store's. It tells for each whether there was
// anything new in it. An event for a scope that is not known, or gone, is
// dropped. What is old enough is forgotten on the way: where events go on and no
// listing gets through, nothing grows without bound.
func (s *Store) Observe(events []Event, now time.Time) (news []bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = make([]bool, len(events))
	for i, e := range events {
		c := s.scopes[e.Task.Scope]
		if c == nil || c.status.State == Gone || c.status.State == Unsynced && !s.keeps(unsyncedMerges) {
			continue
		}
		news[i] = s.observeEvent(c, e, now)
		c.forget(now)
	}
	s.sweep(now)
	return news
}

// observeEvent says whether the event told anything new.
func (s *Store) observeEvent(c *scopeState, ev Event, now time.Time) bool {
	t := ev.Task.restricted(s.facts)
	c.watch.heard(t.ARN, t.Version, now)
	e := c.entries[t.ARN]
	switch {
	case s.buried(c, t):
		if ev.Crashed {
			c.crashes(t)
		}
		return false
	case e != nil && !s.overtakes(e, t):
		return false
	case t.Stopped():
		s.stopByEvent(c, t, now)
		c.ends(t, ev.Crashed)
	case e != nil:
		s.update(c, e, t, ev.Facts, now)
	case s.doubtful(c, ev, now):
		c.await(t.ARN, t.Version, now).old = now.Sub(ev.At) > MissingAge+ClockSkew
	default:
		s.create(c, t, ev.Facts, now)
	}
	return true
}

// overtakes says whether an event tells something newer than what is known. Of
// an equal version it tells nothing that a describe has not told better.
func (s *Store) overtakes(e *entry, t *Task) bool {
	switch known := e.task.Version; {
	case t.Version > known:
		return true
	case t.Version < known:
		return !s.keeps(lowerIsDropped)
	}
	return !s.keeps(equalEventIsNothing)
}

// doubtful says that an event is no ground to take a task for running that
// nothing is known of. It is so old that its stop may have been forgotten; or it
// may be of before this process knew the cluster, which may have been another
// one of the same name; or MISSING has been said of the task; or the event lacks
// the version to compare by.
func (s *Store) doubtful(c *scopeState, ev Event, now time.Time) bool {
	_, missing := c.tombs[ev.Task.ARN]
	switch {
	case ev.At.Before(now.Add(-TombstoneAge)):
		return s.keeps(oldEventIsDoubted)
	case ev.At.Before(c.trusted):
		return s.keeps(formerEventIsDoubted)
	case missing:
		return s.keeps(missingOutlivesEvents)
	}
	return ev.Task.Version <= 0 && s.keeps(versionIsNeeded)
}

func (s *Store) stopByEvent(c *scopeState, t *Task, now time.Time) {
	s.remove(c, t.ARN, tombstone{at: stamp(now), version: t.Version, stopped: true})
	if !s.keeps(stopEventBuries) {
		delete(c.tombs, t.ARN)
	}
}

// create adds a task that an event told of first. What it lacks for want of
// tags, or because it was decoded with older facts, a describe will tell.
func (s *Store) create(c *scopeState, t *Task, facts uint64, now time.Time) {
	e := &entry{task: t, learnt: now, heard: now, described: now, facts: facts}
	if s.facts.TaskTags {
		e.facts = 0 // TaskTags raised the generation when they were asked for
	}
	e.bare = e.facts != s.generation
	delete(c.tombs, t.ARN)
	c.entries[t.ARN] = e
	c.comes(t)
	c.await(t.ARN, t.Version, now)
	s.touch(c, t.ARN)
}

// update brings a known task up to date. Its tags stay, and where the event was
// decoded with older facts its overrides too, which never change.
func (s *Store) update(c *scopeState, e *entry, t *Task, facts uint64, now time.Time) {
	if s.keeps(eventKeepsTags) && e.task.Tags != nil {
		t = t.tagged(e.task.Tags)
	}
	if facts < e.facts {
		t = t.overridden(e.task.Environment)
	}
	if s.facts.TaskTags || facts < e.facts {
		facts = min(facts, e.facts)
	}
	changed := !reflect.DeepEqual(e.task, t)
	c.comesToRun(e.task, t, now)
	c.census.move(e.task, t)
	e.task, e.facts, e.heard = t, facts, now
	e.bare = e.bare && facts != s.generation
	c.await(t.ARN, t.Version, now)
	if changed {
		s.touch(c, t.ARN)
	}
}

// comesToRun has the network interface of a task that runs now asked for again, if
// it was before: its public address comes later than the interface.
func (c *scopeState) comesToRun(before, t *Task, at time.Time) {
	if before != nil && !before.Running() && t.Running() {
		c.interfaces.changed(t.InterfaceID(), at)
	}
}

func (t *Task) tagged(tags map[string]string) *Task {
	next := *t
	next.Tags = tags
	return &next
}

func (t *Task) overridden(env map[string]map[string]string) *Task {
	next := *t
	next.Environment = env
	return &next
}

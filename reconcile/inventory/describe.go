package inventory

import (
	"reflect"
	"slices"
	"time"
)

// Description is an answer of DescribeTasks.
type Description struct {
	Scope    Scope
	Asked    time.Time // before the call
	Answered time.Time
	Facts    uint64 // generation that it was asked and decoded with
	Tasks    []*Task
	// Missing are those that ECS does not know, and Failed those that it gave
	// another reason for, or no answer: ARNs, or ids as in [Listing.Held].
	Missing, Failed []string
	// Crashed are the ARNs of tasks that stop by themselves: see [Event.Crashed].
	Crashed []string
}

// Describe merges the answer. Tasks become the store's; callers must not
// change them afterwards. An answer for a scope that is not known, or gone, or of
// before it was found anew, is dropped.
func (s *Store) Describe(d Description) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[d.Scope]
	if c == nil || c.status.State == Gone || d.Asked.Before(c.renewed) && s.keeps(formerAnswerIsDropped) {
		return
	}
	for _, t := range d.Tasks {
		s.observe(c, d, t.restricted(s.facts))
		c.answered(t.ARN, d.Answered)
	}
	for _, arn := range d.Missing {
		s.miss(c, d, arn)
		c.answered(arn, d.Answered)
	}
	for _, arn := range d.Failed {
		c.unexplain(arn, doubt{since: d.Answered})
	}
}

// observe applies what a describe tells of one task.
func (s *Store) observe(c *scopeState, d Description, t *Task) {
	defer delete(c.unexplained, t.ID())
	e := c.entries[t.ARN]
	if s.buried(c, t) || s.refuted(c, d, t) {
		delete(c.pending, t.ARN)
		return
	}
	if e != nil && !s.replaces(e, d, t) {
		return
	}
	if e == nil && !t.Stopped() || e != nil && t.Version > e.task.Version {
		c.suspect(t.ARN, t.Version, d.Answered)
	}
	if t.Stopped() {
		s.remove(c, t.ARN, tombstone{at: stamp(d.Answered), version: t.Version, stopped: true})
		c.ends(t, slices.Contains(d.Crashed, t.ARN))
		return
	}
	delete(c.tombs, t.ARN)
	if e == nil {
		e = &entry{learnt: d.Answered}
		c.entries[t.ARN] = e
		c.comes(t)
	} else {
		c.census.move(e.task, t)
	}
	bare := e.bare && d.Facts != s.generation
	changed := e.task == nil || bare != e.bare || !reflect.DeepEqual(e.task, t)
	e.asked, e.described, e.facts, e.bare, e.restored = d.Asked, d.Answered, d.Facts, bare, false
	e.hear(d.Asked)
	if changed {
		c.comesToRun(e.task, t, d.Asked)
		e.task = t
		s.touch(c, t.ARN)
	}
}

// hear keeps the time that something was last told of the task.
func (e *entry) hear(at time.Time) {
	if at.After(e.heard) {
		e.heard = at
	}
}

// buried says that a tombstone forbids the task. A stop is final. What was
// MISSING has been wrong if an answer as new as the last one knows it.
func (s *Store) buried(c *scopeState, t *Task) bool {
	tomb, ok := c.tombs[t.ARN]
	if !ok || !s.keeps(stopIsFinal) {
		return false
	}
	return tomb.stopped || t.Version < tomb.version
}

// refuted says that the task was MISSING in the answer to a later question.
func (s *Store) refuted(c *scopeState, d Description, t *Task) bool {
	return s.keeps(laterMissingCounts) && d.Asked.Before(c.tombs[t.ARN].asked)
}

// replaces says whether a described task is at least as new as the known one.
func (s *Store) replaces(e *entry, d Description, t *Task) bool {
	switch known := e.task.Version; {
	case t.Version > known:
		return true
	case t.Version < known:
		return !s.keeps(lowerIsDropped)
	}
	if !s.keeps(equalRefreshes) {
		return false
	}
	return d.Facts >= e.facts && !d.Asked.Before(e.asked)
}

// miss applies MISSING for one task.
func (s *Store) miss(c *scopeState, d Description, arn string) {
	e := c.entries[arn]
	switch {
	case e == nil:
		c.giveUp(arn, d.Answered)
		if _, ok := c.tombs[arn]; !ok {
			c.unexplain(arn, doubt{since: d.Answered, missing: true})
		}
	case e.heard.After(d.Asked): // something newer was heard meanwhile
	case s.keeps(youngMissingStays) && d.Answered.Sub(e.learnt) <= MissingAge:
		c.unexplain(arn, doubt{since: d.Answered, missing: true})
	default:
		c.suspect(arn, e.task.Version+1, d.Answered)
		c.ends(e.task, false)
		s.remove(c, arn, tombstone{at: stamp(d.Answered), version: e.task.Version, asked: d.Asked})
	}
}

// giveUp believes MISSING of a task that only an event told of, once it has been
// told for long enough: answers about a task just started lag behind it.
func (c *scopeState) giveUp(arn string, at time.Time) {
	if p := c.pending[arn]; p != nil && (p.old || at.Sub(p.since) > MissingAge) {
		delete(c.pending, arn)
	}
}

// unexplain keeps the last doubt about a task that no describe has told of, and
// the time of the first.
func (c *scopeState) unexplain(arn string, d doubt) {
	if e := c.entries[arn]; e != nil && !e.bare {
		return
	}
	id := nameOf(arn)
	if before, ok := c.unexplained[id]; ok {
		d.since = before.since
	}
	c.unexplained[id] = d
}

func (s *Store) remove(c *scopeState, arn string, t tombstone) {
	c.tombs[arn] = t
	delete(c.pending, arn)
	if e, ok := c.entries[arn]; ok {
		if e.omitted {
			s.omit(c, e, false, time.Time{})
		}
		delete(c.entries, arn)
		c.census.move(e.task, nil)
		s.touch(c, arn)
	}
}

func (s *Store) touch(c *scopeState, arn string) {
	c.touched[arn] = struct{}{}
	if c.status.State != Unsynced {
		s.changeBody()
	}
}

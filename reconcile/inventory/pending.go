package inventory

import (
	"maps"
	"slices"
	"time"
)

// describeAgain is the pause before a task is asked for again whose description
// did not settle what is wanted of it: answers lag behind events.
const describeAgain = 5 * time.Second

// pending is a task that events have told of, until all is known that it takes
// to show it, or a task that uses something absent. One without an entry is known by name only.
type pending struct {
	version int64     // the highest that an event told
	since   time.Time // first told
	old     bool      // a change of so long ago that answers about it no longer lag
	after   time.Time // not to be described again before
}

// await keeps the task pending until what it refers to is known.
func (c *scopeState) await(arn string, version int64, now time.Time) *pending {
	p := c.pending[arn]
	if p == nil {
		p = &pending{since: now}
		c.pending[arn] = p
	}
	p.version = max(p.version, version)
	return p
}

// answered keeps a task from being described again at once, whatever the answer
// left open.
func (c *scopeState) answered(arn string, at time.Time) {
	if p := c.pending[arn]; p != nil {
		p.after = at.Add(describeAgain)
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

// Wanting lists what the tasks lack that events have told of, and, [AddresslessAge]
// after it was asked for, what any task uses that was absent then. It costs what is
// pending, not what is known, but for one look at all tasks after a listing, and
// after something was found absent. Of a scope that has not been listed nothing is
// wanted: its first listing asks for all. Facts that cannot be had at present
// ([Store.SetLacking]) are left to those who try again.
func (s *Store) Wanting(scope Scope, now time.Time) Wanting {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	if c == nil || c.unlisted() {
		return Wanting{}
	}
	s.awaitAbsent(c, now)
	if len(c.pending) == 0 {
		return Wanting{}
	}
	w := wants{}
	for arn, p := range c.pending {
		if !s.want(c, &w, arn, p, now) {
			delete(c.pending, arn)
		}
	}
	return Wanting{
		Tasks: w.tasks.sorted(), Definitions: w.definitions.sorted(), Instances: w.instances.sorted(),
		Services: w.services.sorted(), Interfaces: w.interfaces.sorted(),
	}
}

// wants collects a [Wanting].
type wants struct{ tasks, definitions, instances, services, interfaces set }

type set map[string]struct{}

func (s *set) add(name string) {
	if *s == nil {
		*s = set{}
	}
	(*s)[name] = struct{}{}
}

func (s set) sorted() []string { return slices.Sorted(maps.Keys(s)) }

// urgency says whether, and when, to ask for something that a task uses.
type urgency int

const (
	settled urgency = iota // not until it is its turn
	later                  // it was absent when it was asked for: that may change soon
	atOnce
)

// want adds what a pending task lacks, and says whether it lacks anything.
func (s *Store) want(c *scopeState, w *wants, arn string, p *pending, now time.Time) bool {
	e := c.entries[arn]
	lacks := e == nil || e.facts != s.generation || e.task.Version < p.version
	if lacks && !now.Before(p.after) {
		w.tasks.add(arn)
	}
	if e == nil {
		return true
	}
	t := e.task
	for _, one := range []struct {
		of   *set
		name string
		when urgency
	}{
		{&w.definitions, t.Definition, s.definitionUrgency(t, now)},
		{&w.instances, t.Instance, s.instanceUrgency(c, t, now)},
		{&w.services, t.Service(), partUrgency(s, c, FactServices, c.services, t.Service(), now)},
		{&w.interfaces, t.InterfaceID(), partUrgency(s, c, FactInterfaces, c.interfaces, t.InterfaceID(), now)},
	} {
		lacks = lacks || one.when == atOnce || one.when == later && s.keeps(absenceIsAsked)
		if one.when == atOnce {
			one.of.add(one.name)
		}
	}
	return lacks
}

func (s *Store) definitionUrgency(t *Task, now time.Time) urgency {
	if s.wantsDefinition(t.Definition, now) {
		return atOnce
	}
	return settled
}

// instanceUrgency is about the task's address, and, where machines are asked for,
// about what its own is like.
func (s *Store) instanceUrgency(c *scopeState, t *Task, now time.Time) urgency {
	needed, asked := s.needsInstance(t), t.Instance != "" && s.canAsk(c, FactInstances)
	i := s.instances[t.Instance]
	switch {
	case s.instanceIsDue(t, now), asked && !s.told(c, t, FactInstances):
		return atOnce
	case !needed && !asked, i.instance.hasAddress(), !needed && !i.instance.cloud():
		return settled
	}
	return afterAbsence(i.asked, now)
}

// partUrgency is about what a call of its own tells of a thing of that name.
func partUrgency[T any](s *Store, c *scopeState, fact Fact, of ledger[T], name string, now time.Time) urgency {
	if name == "" || !s.canAsk(c, fact) {
		return settled
	}
	return of.urgency(name, now)
}

// canAsk says that a fact is asked for and can be had.
func (s *Store) canAsk(c *scopeState, fact Fact) bool {
	return *s.facts.flag(fact) && c.lacking[fact] == ""
}

// afterAbsence is about what was absent when it was asked for.
func afterAbsence(asked, now time.Time) urgency {
	if now.Sub(asked) >= AddresslessAge {
		return atOnce
	}
	return later
}

// awaitAbsent has the tasks waited for that use something which is absent, after
// some of it was found to be.
func (s *Store) awaitAbsent(c *scopeState, now time.Time) {
	if !c.absent || !s.keeps(absenceIsAsked) {
		return
	}
	c.absent = false
	for arn, e := range c.entries {
		if c.pending[arn] == nil && s.usesAbsent(c, e.task, now) {
			c.await(arn, 0, now)
		}
	}
}

// usesAbsent leaves what has not been answered for to whoever is asking.
func (s *Store) usesAbsent(c *scopeState, t *Task, now time.Time) bool {
	i := s.instances[t.Instance]
	return i != nil && !i.instance.hasAddress() && s.instanceUrgency(c, t, now) != settled ||
		s.told(c, t, FactServices) && partUrgency(s, c, FactServices, c.services, t.Service(), now) != settled ||
		s.told(c, t, FactInterfaces) && partUrgency(s, c, FactInterfaces, c.interfaces, t.InterfaceID(), now) != settled
}

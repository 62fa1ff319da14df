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
// to show it. One without an entry is known by name only.
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

// Wanting lists what the tasks lack that events have told of. It costs what is
// pending, not what is known. Of a scope that has not been listed nothing is
// wanted: its first listing asks for all. Facts that cannot be had at present
// ([Store.SetLacking]) are left to the listings.
func (s *Store) Wanting(scope Scope, now time.Time) Wanting {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	if c == nil || len(c.pending) == 0 || c.unlisted() {
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
	if s.wantsDefinition(e.task.Definition, now) {
		w.definitions.add(e.task.Definition)
		lacks = true
	}
	if s.wantsInstance(c, e, now) {
		w.instances.add(e.task.Instance)
		lacks = true
	}
	if s.wantsPart(c, e.task, FactServices) {
		w.services.add(e.task.Service())
		lacks = true
	}
	if s.wantsPart(c, e.task, FactInterfaces) {
		w.interfaces.add(e.task.InterfaceID())
		lacks = true
	}
	return lacks
}

// wantsInstance says that the task's address is still to be had, or, where
// machines are asked for, what its own is like.
func (s *Store) wantsInstance(c *scopeState, e *entry, now time.Time) bool {
	return s.instanceIsDue(e.task, now) || s.wantsPart(c, e.task, FactInstances)
}

// wantsPart says that a fact is asked for, can be had, and has not been told of
// the task.
func (s *Store) wantsPart(c *scopeState, t *Task, fact Fact) bool {
	return *s.facts.flag(fact) && c.lacking[fact] == "" && !s.told(c, t, fact)
}

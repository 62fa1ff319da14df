package inventory

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Saved is what a process leaves to the next one. Both parts may be missing.
type Saved struct {
	Snapshot    *Snapshot // tasks of the scopes that were synced or stale
	At          time.Time // when that was the state
	Definitions []SavedDefinition
}

// SavedDefinition is a task definition, and what was asked for with it.
type SavedDefinition struct {
	Definition *Definition
	// Environment are the sorted names of the variables whose values it holds, as
	// far as it has them.
	Environment []string
	Unused      time.Duration // for how long no task has used it
}

// Definitions are the task definitions to be saved, sorted by ARN. They must not
// be changed.
func (s *Store) Definitions(now time.Time) []SavedDefinition {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]SavedDefinition, 0, len(s.definitions))
	for _, d := range s.definitions {
		if d.absent {
			continue
		}
		one := SavedDefinition{Definition: d.definition, Environment: d.environment}
		if !d.unused.IsZero() {
			one.Unused = max(0, now.Sub(d.unused))
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b SavedDefinition) int { return strings.Compare(a.Definition.ARN, b.Definition.ARN) })
	return out
}

// Learnt rises whenever a task definition has been answered for.
func (s *Store) Learnt() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.learnt
}

// Restore takes over what an earlier process has saved, under the present facts;
// it is for a store that knows of no scope yet. Its definitions count as asked
// for where they hold all that is asked for now.
//
// Its tasks are old: the events of the meantime may have been missed. Targets of
// those that have started since may be published, and those of tasks that have
// stopped may have been taken away. So only those are taken over that a held
// scope, which tells what was published last, names, and that run and are known
// completely. Until its first complete listing, which describes each of them, a
// scope is stale, with [ScopeStatus.Restored]; its held tasks that are not among
// its tasks are not known to have stopped.
func (s *Store) Restore(saved Saved, held []Held, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range saved.Definitions {
		s.restoreDefinition(d, now)
	}
	if saved.Snapshot == nil {
		return
	}
	if saved.At.After(now) { // by the clock of another machine
		saved.At = stamp(now)
	}
	published := map[Scope]Held{}
	for _, h := range held {
		published[h.Scope] = h
	}
	tasks := map[Scope][]*Task{}
	for _, t := range saved.Snapshot.Tasks {
		tasks[t.Scope] = append(tasks[t.Scope], t)
	}
	for i := range saved.Snapshot.Scopes {
		scope := saved.Snapshot.Scopes[i].Scope
		if s.scopes[scope] == nil {
			s.restoreScope(saved, saved.Snapshot.Scopes[i], tasks[scope], published[scope], now)
		}
	}
	s.changeUses()
}

func (s *Store) restoreDefinition(d SavedDefinition, now time.Time) {
	if s.definitions[d.Definition.ARN] != nil {
		return
	}
	next := &definitionEntry{
		definition: d.Definition.restricted(s.facts), environment: s.facts.held(d.Environment),
		restored: true, asked: now, unused: now.Add(-d.Unused),
	}
	if len(next.environment) == len(s.facts.Environment) {
		next.facts = s.generation
	}
	s.definitions[d.Definition.ARN] = next
}

// restoreScope adds a scope with its instances and services, and with those of
// its tasks that held ones name.
func (s *Store) restoreScope(saved Saved, status ScopeStatus, tasks []*Task, held Held, now time.Time) {
	claim := status.Facts.meet(s.facts)
	// A restart is no reading, and does not put off the alarm about a scope that
	// could not be read before it. Nobody has failed to read the others yet.
	unread := cmp.Or(status.Since, now)
	c := newScope(status.Scope, ScopeStatus{
		State: Stale, SyncedAt: status.SyncedAt, Since: stamp(earlier(unread, now)), Reason: "restored from disk, not listed yet",
		Restored: cmp.Or(status.Restored, saved.At), Facts: claim,
	})
	c.trusted = now
	s.scopes[status.Scope] = c
	s.restoreOptional(c, saved, tasks)
	known := saved.At
	if !held.Since.IsZero() {
		known = earlier(held.Since, known)
	}
	complete := claim.Covers(Facts{Environment: s.facts.Environment, TaskTags: s.facts.TaskTags})
	for _, t := range tasks {
		_, published := slices.BinarySearch(held.Tasks, t.ID())
		if !published || !t.settled() || !s.resolved(t) {
			continue
		}
		e := &entry{task: t.bare().restricted(s.facts), learnt: known, asked: saved.At, heard: saved.At, described: saved.At, restored: true, shown: true}
		if complete {
			e.facts = s.generation
		}
		c.entries[t.ARN] = e
		c.census.move(nil, e.task)
		c.touched[t.ARN] = struct{}{}
	}
}

// restoreOptional adds what the scope's tasks refer to, as far as it is asked for
// now. Where the scope claimed a fact, what it does not have there is none of.
func (s *Store) restoreOptional(c *scopeState, saved Saved, tasks []*Task) {
	claim := c.status.Facts
	snap, at := saved.Snapshot, saved.At
	if cluster := snap.Cluster(c.status.Scope); s.facts.ClusterTags && (cluster != nil || claim.ClusterTags) {
		c.clusters.put(c.status.Scope.Cluster, cluster, at)
	}
	for _, t := range tasks {
		if i := snap.Instances[t.Instance]; i != nil {
			s.instances[t.Instance] = &instanceEntry{instance: i.restricted(s.facts), whole: claim.Instances, asked: at}
		}
		if service := snap.Service(t); t.Service() != "" && s.facts.Services && (service != nil || claim.Services) {
			c.services.put(t.Service(), service, at)
		}
		if id := t.InterfaceID(); id != "" && claim.Interfaces {
			var known *Interface
			if t.Interface.PublicIPv4.IsValid() || t.Interface.VPC != "" {
				known = &Interface{PublicIPv4: t.Interface.PublicIPv4, VPC: t.Interface.VPC}
			}
			c.interfaces.put(id, known, at)
		}
	}
}

// bare is the task as DescribeTasks tells it: what EC2 knows of its network
// interface is kept beside it. The same pointer where that is nothing.
func (t *Task) bare() *Task {
	if t.Interface == nil || !t.Interface.PublicIPv4.IsValid() && t.Interface.VPC == "" {
		return t
	}
	next, i := *t, *t.Interface
	i.PublicIPv4, i.VPC = netip.Addr{}, ""
	next.Interface = &i
	return &next
}

// held are the names whose values may be kept.
func (f Facts) held(names []string) []string {
	if !slices.ContainsFunc(names, func(name string) bool { return !f.Holds(name) }) {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !f.Holds(name) })
}

// unlisted says that the next complete listing is the first of this process.
func (c *scopeState) unlisted() bool {
	return c.status.State == Unsynced || !c.status.Restored.IsZero()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

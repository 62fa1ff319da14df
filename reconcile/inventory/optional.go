package inventory

import (
	"maps"
	"reflect"
	"slices"
	"time"
)

// Fact names a part of [Facts] that calls of its own tell, as in its JSON. Where
// such a call fails, the scope goes on without the fact.
type Fact string

// The facts that calls of their own tell.
const (
	FactServices    Fact = "services"
	FactClusterTags Fact = "clusterTags"
	FactInstances   Fact = "instances"
	FactInterfaces  Fact = "interfaces"
)

func optionalFacts() []Fact {
	return []Fact{FactServices, FactClusterTags, FactInstances, FactInterfaces}
}

// flag is where f keeps whether it asks for the fact.
func (f *Facts) flag(name Fact) *bool {
	switch name {
	case FactServices:
		return &f.Services
	case FactClusterTags:
		return &f.ClusterTags
	case FactInstances:
		return &f.Instances
	default:
		return &f.Interfaces
	}
}

// optional is what is known of a scope beyond its tasks. What was told once
// stays known when nobody can tell it any more.
type optional struct {
	services   ledger[Service]
	clusters   ledger[Cluster]   // of one
	interfaces ledger[Interface] // no more of them than the fact
	lacking    map[Fact]string
}

func newOptional() optional {
	return optional{
		services: ledger[Service]{}, clusters: ledger[Cluster]{}, interfaces: ledger[Interface]{}, lacking: map[Fact]string{},
	}
}

// used are the names of one kind that the scope's tasks refer to.
func (c *scopeState) used(name func(*Task) string) map[string]struct{} {
	out := map[string]struct{}{}
	for _, e := range c.entries {
		if n := name(e.task); n != "" {
			out[n] = struct{}{}
		}
	}
	return out
}

// InterfaceID is the id of the task's own network interface, or "".
func (t *Task) InterfaceID() string {
	if t.Interface == nil {
		return ""
	}
	return t.Interface.ID
}

// WantedServices lists the services of the scope's tasks to ask for, by name:
// all that are not known, and those whose turn it is to be asked for again
// within [Refresh], if they are next asked for after every. None where nobody asks
// for services.
func (s *Store) WantedServices(scope Scope, now time.Time, every time.Duration) []string {
	return s.wantedOf(scope, FactServices, func(c *scopeState) []string {
		return c.services.wanted(c.used((*Task).Service), ServiceBatch, every, now)
	})
}

// WantedInterfaces does the same for the network interfaces of awsvpc tasks, by id.
func (s *Store) WantedInterfaces(scope Scope, now time.Time, every time.Duration) []string {
	return s.wantedOf(scope, FactInterfaces, func(c *scopeState) []string {
		return c.interfaces.wanted(c.used((*Task).InterfaceID), InterfaceBatch, every, now)
	})
}

// WantedCluster says whether to ask for the scope's cluster and its tags.
func (s *Store) WantedCluster(scope Scope, now time.Time, every time.Duration) bool {
	wanted := s.wantedOf(scope, FactClusterTags, func(c *scopeState) []string {
		return c.clusters.wanted(map[string]struct{}{scope.Cluster: {}}, 1, every, now)
	})
	return len(wanted) > 0
}

func (s *Store) wantedOf(scope Scope, fact Fact, list func(*scopeState) []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.asking(scope, fact)
	if c == nil {
		return nil
	}
	return list(c)
}

// asking is the scope, if it is there and the fact is asked for.
func (s *Store) asking(scope Scope, fact Fact) *scopeState {
	c := s.scopes[scope]
	if c == nil || c.status.State == Gone || !*s.facts.flag(fact) {
		return nil
	}
	return c
}

// PutServices adds services, which become the store's, and the names of those
// that ECS calls MISSING, in the answer to a question of that time.
func (s *Store) PutServices(scope Scope, found []*Service, missing []string, asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.asking(scope, FactServices)
	if c == nil {
		return
	}
	changed := false
	for _, one := range found {
		changed = c.services.put(one.Name, one, asked) || changed
	}
	for _, name := range missing {
		if c.services.put(name, nil, asked) {
			changed, c.absent = true, true
		}
	}
	s.changeIf(changed)
}

// PutCluster adds the scope's cluster, which becomes the store's.
func (s *Store) PutCluster(scope Scope, cluster *Cluster, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.asking(scope, FactClusterTags); c != nil {
		s.changeIf(c.clusters.put(scope.Cluster, cluster, now))
	}
}

// PutInterfaces adds what was found of the network interfaces with these ids, which
// were asked for at that time: VPC and public address. One that EC2 does not mention concerns only its task,
// and keeps what is known of it: answers about interfaces lag, too.
func (s *Store) PutInterfaces(scope Scope, ids []string, found map[string]Interface, asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.asking(scope, FactInterfaces)
	if c == nil {
		return
	}
	changed := map[string]bool{}
	for _, id := range ids {
		next := c.interfaces.value(id)
		if i, ok := found[id]; ok {
			next = &Interface{PublicIPv4: i.PublicIPv4, VPC: i.VPC}
		}
		if c.interfaces.put(id, next, asked) {
			c.absent = c.absent || next == nil
			changed[id] = true
		}
	}
	s.touchInterfaces(c, changed)
}

func (s *Store) touchInterfaces(c *scopeState, changed map[string]bool) {
	for arn, e := range c.entries {
		if changed[e.task.InterfaceID()] {
			s.touch(c, arn)
		}
	}
}

// SetLacking says why a fact could not be asked for; "" that it could. What is
// known of it stays. From now on a synced scope holds the fact if all its tasks
// have been answered for; if not, what is published by it stays.
func (s *Store) SetLacking(scope Scope, fact Fact, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.asking(scope, fact)
	switch {
	case c == nil:
		return
	case reason == "":
		c.absent = c.absent || c.lacking[fact] != ""
		delete(c.lacking, fact)
	default:
		c.lacking[fact] = reason
	}
	next := c.status
	next.Lacking = c.reasons()
	*next.Facts.flag(fact) = next.State != Unsynced && s.holds(c, fact)
	s.setStatus(c, next)
}

// reasons is a copy of why facts are lacking, nil where none is.
func (c *scopeState) reasons() map[string]string {
	var out map[string]string
	for fact, reason := range c.lacking {
		if out == nil {
			out = map[string]string{}
		}
		out[string(fact)] = reason
	}
	return out
}

// holds says whether the scope may claim the fact: all its tasks have been
// answered for, or a task has just come and its answer is under way. After a
// restart a task that is new to this process may have a published target, which
// cannot wait for the answer.
func (s *Store) holds(c *scopeState, fact Fact) bool {
	if !*s.facts.flag(fact) {
		return false
	}
	return *c.status.Facts.flag(fact) && c.lacking[fact] == "" && !c.unlisted() || s.toldAll(c, fact)
}

// toldAll says that all of the scope's tasks have been answered for.
func (s *Store) toldAll(c *scopeState, fact Fact) bool {
	if fact == FactClusterTags {
		return c.clusters.knows(c.status.Scope.Cluster)
	}
	for _, e := range c.entries {
		if !s.told(c, e.task, fact) {
			return false
		}
	}
	return true
}

// told says that what the fact is about has been answered for, for this task.
func (s *Store) told(c *scopeState, t *Task, fact Fact) bool {
	switch fact {
	case FactServices:
		return t.Service() == "" || c.services.knows(t.Service())
	case FactInterfaces:
		return t.InterfaceID() == "" || c.interfaces.knows(t.InterfaceID())
	case FactInstances:
		i := s.instances[t.Instance]
		return t.Instance == "" || i != nil && i.whole
	}
	return true
}

// shows says whether a task can be shown. Where the scope claims a fact, a task
// that has just come waits for its part of it, which is asked for right after the
// listing or event. One that has been shown as running is not taken away for
// that.
func (s *Store) shows(c *scopeState, e *entry) bool {
	if s.keeps(resolvedFirst) && !s.resolved(e.task) {
		return false
	}
	if e.shown || !s.keeps(factsComeFirst) {
		return true
	}
	claimed := c.status.Facts
	if e.bare && (claimed.TaskTags || len(claimed.Environment) > 0) {
		return false
	}
	return !slices.ContainsFunc(optionalFacts(), func(fact Fact) bool {
		return *claimed.flag(fact) && !s.told(c, e.task, fact)
	})
}

// whole is the task with what is known of its network interface.
func (c *scopeState) whole(t *Task) *Task {
	known := c.interfaces.value(t.InterfaceID())
	if known == nil {
		return t
	}
	next, i := *t, *t.Interface
	i.PublicIPv4, i.VPC = known.PublicIPv4, known.VPC
	next.Interface = &i
	return &next
}

// fillOptional adds the scope's cluster and the services of the tasks shown.
func (c *scopeState) fillOptional(next *Snapshot) {
	scope := c.status.Scope.String()
	if cluster := c.clusters.value(c.status.Scope.Cluster); cluster != nil {
		next.Clusters = with(next.Clusters, scope, cluster)
	}
	if len(c.services) == 0 {
		return
	}
	for name := range c.uses.services {
		if service := c.services.value(name); service != nil {
			next.Services = with(next.Services, scope+"/"+name, service)
		}
	}
}

func with[T any](m map[string]T, key string, value T) map[string]T {
	if m == nil {
		m = map[string]T{}
	}
	m[key] = value
	return m
}

// dropOptional forgets what facts do not ask for.
func (c *scopeState) dropOptional(facts Facts) {
	if !facts.Services {
		clear(c.services)
	}
	if !facts.ClusterTags {
		clear(c.clusters)
	}
	if !facts.Interfaces {
		for arn, e := range c.entries {
			if c.interfaces.value(e.task.InterfaceID()) != nil {
				c.touched[arn] = struct{}{}
			}
		}
		clear(c.interfaces)
	}
	maps.DeleteFunc(c.lacking, func(fact Fact, _ string) bool { return !*facts.flag(fact) })
	c.status.Lacking = c.reasons()
}

func (c *scopeState) sweepOptional(now time.Time) {
	c.services.sweep(c.used((*Task).Service), now)
	c.interfaces.sweep(c.used((*Task).InterfaceID), now)
}

// claim is what the scope holds at the end of a complete listing.
func (s *Store) claim(c *scopeState) Facts {
	out := c.status.Facts
	if s.holdsFacts(c) {
		out.Environment, out.TaskTags = slices.Clone(s.facts.Environment), s.facts.TaskTags
	}
	for _, fact := range optionalFacts() {
		*out.flag(fact) = s.holds(c, fact)
	}
	return out
}

// settled is what the scope still holds when a listing has failed: not the
// facts that its newest tasks are still waiting for.
func (s *Store) settled(c *scopeState) Facts {
	out := c.status.Facts
	for _, fact := range optionalFacts() {
		*out.flag(fact) = *out.flag(fact) && s.toldAll(c, fact)
	}
	return out
}

// listed ends a listing with this status. Where only its time differs, there is
// no new revision.
func (s *Store) listed(c *scopeState, next ScopeStatus) {
	same := c.status
	same.SyncedAt = next.SyncedAt
	if reflect.DeepEqual(same, next) {
		c.status = next
		s.header = true
		return
	}
	s.setStatus(c, next)
}

func (s *Store) changeIf(changed bool) {
	if changed {
		s.changeBody()
	}
}

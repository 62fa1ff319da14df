package inventory

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"
)

type definitionEntry struct {
	definition *Definition // nil where absent
	facts      uint64
	absent     bool
	asked      time.Time
	unused     time.Time // since; zero while in use

	environment []string // names of the variables whose values it holds
	restored    bool     // and not used since
}

type instanceEntry struct {
	instance *Instance
	whole    bool // with what [Facts.Instances] asks for, as far as there is any
	asked    time.Time
	unused   time.Time
}

// WantedDefinitions lists, sorted, the task definitions of the scope's tasks
// to ask for: those not known, those absent for over [AbsentAge], and those
// that lack environment variables named since they were asked for.
func (s *Store) WantedDefinitions(scope Scope, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted(scope, func(t *Task) string {
		if !s.wantsDefinition(t.Definition, now) {
			return ""
		}
		return t.Definition
	})
}

func (s *Store) wantsDefinition(arn string, now time.Time) bool {
	d, ok := s.definitions[arn]
	switch {
	case arn == "":
		return false
	case ok && d.absent:
		return now.Sub(d.asked) >= AbsentAge
	}
	return !ok || d.facts != s.generation
}

// WantedInstances lists, sorted, the container instances to ask for: those
// that tasks in bridge or host mode run on and that are not known, or had no
// address [AddresslessAge] ago, or are ECS Anywhere's and were asked for
// [RefreshExternal] ago. Definitions come first: without them the network mode
// is not known.
func (s *Store) WantedInstances(scope Scope, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted(scope, func(t *Task) string {
		if !s.instanceIsDue(t, now) {
			return ""
		}
		return t.Instance
	})
}

// instanceIsDue says that the task's addresses are its machine's, and that these
// are to be asked for.
func (s *Store) instanceIsDue(t *Task, now time.Time) bool {
	if !s.needsInstance(t) {
		return false
	}
	i, ok := s.instances[t.Instance]
	return !ok || now.Sub(i.asked) >= i.instance.refresh()
}

func (s *Store) wanted(scope Scope, pick func(*Task) string) []string {
	c := s.scopes[scope]
	if c == nil {
		return nil
	}
	found := map[string]struct{}{}
	for _, e := range c.entries {
		if arn := pick(e.task); arn != "" {
			found[arn] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// PutDefinition adds a task definition, read under the given generation of
// facts. It becomes the store's.
func (s *Store) PutDefinition(d *Definition, facts uint64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &definitionEntry{definition: d.restricted(s.facts), facts: facts, asked: now}
	old, ok := s.definitions[d.ARN]
	if ok && !old.absent && old.facts > facts {
		return
	}
	if facts == s.generation {
		next.environment = s.facts.Environment
	}
	s.definitions[d.ARN] = next
	s.learnt++
	switch {
	case ok && old.absent:
		s.recount()
	case !ok || !reflect.DeepEqual(old.definition, next.definition):
		s.changeUses()
	}
}

// PutAbsentDefinition says that ECS has no such task definition. That concerns
// only its tasks, which stay, without a definition.
func (s *Store) PutAbsentDefinition(arn string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.definitions[arn]
	if ok && !old.absent { // known before: last known good
		return
	}
	s.definitions[arn] = &definitionEntry{absent: true, asked: now}
	if !ok {
		s.changeUses()
	}
}

// WholeInstances lists the container instances to ask for because
// [Facts.Instances] does: sorted ARNs of those not known, and those known whose
// machines are to be asked for their tags and addresses, for the first time or
// because it is their turn within [Refresh], as in [Store.WantedServices]. ECS Anywhere's have neither.
func (s *Store) WholeInstances(scope Scope, now time.Time, every time.Duration) (unknown []string, known []*Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.asking(scope, FactInstances)
	if c == nil {
		return nil, nil
	}
	used := c.used(func(t *Task) string { return t.Instance })
	var due []candidate
	for arn := range used {
		switch i := s.instances[arn]; {
		case i == nil:
			unknown = append(unknown, arn)
		case !i.whole:
			known = append(known, i.instance)
		case i.instance.cloud():
			due = append(due, candidate{arn, now.Sub(i.asked), min(Refresh, i.instance.refresh())})
		}
	}
	slices.Sort(unknown)
	for _, arn := range turns(due, MachineBatch, len(known), every) {
		known = append(known, s.instances[arn].instance)
	}
	slices.SortFunc(known, func(a, b *Instance) int { return strings.Compare(a.ARN, b.ARN) })
	return unknown, known
}

// PutInstance adds a container instance, with all that its machine's API tells.
// One whose address nobody could tell has none, which concerns only its tasks;
// it never replaces one that has.
func (s *Store) PutInstance(i *Instance, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.instances[i.ARN]
	if ok && old.instance.hasAddress() && !i.hasAddress() {
		i = old.instance
	}
	next := &instanceEntry{instance: i.restricted(s.facts), whole: s.facts.Instances, asked: now}
	s.instances[i.ARN] = next
	if !ok && !next.instance.hasAddress() {
		for _, c := range s.scopes {
			c.absent = true
		}
	}
	if !ok || old.whole != next.whole || !reflect.DeepEqual(old.instance, next.instance) {
		s.changeUses()
	}
}

// restricted is the instance without what facts do not ask for; the same
// pointer where it holds nothing else.
func (i *Instance) restricted(facts Facts) *Instance {
	if facts.Instances || len(i.Tags) == 0 && !i.PublicIPv4.IsValid() {
		return i
	}
	next := *i
	next.Tags, next.PublicIPv4 = nil, netip.Addr{}
	return &next
}

// restrictInstances drops the instances that no address comes from, and of the
// others what nobody asks for.
func (s *Store) restrictInstances() {
	needed := map[string]bool{}
	for _, c := range s.scopes {
		for _, e := range c.entries {
			if s.needsInstance(e.task) {
				needed[e.task.Instance] = true
			}
		}
	}
	for arn, i := range s.instances {
		if !needed[arn] {
			delete(s.instances, arn)
			continue
		}
		i.instance, i.whole = i.instance.restricted(s.facts), false
	}
}

// resolved says that what the task refers to has been answered for.
func (s *Store) resolved(t *Task) bool {
	if t.Definition == "" {
		return true
	}
	if _, ok := s.definitions[t.Definition]; !ok {
		return false
	}
	if !s.needsInstance(t) {
		return true
	}
	_, ok := s.instances[t.Instance]
	return ok
}

// needsInstance says that the task's addresses are its machine's.
func (s *Store) needsInstance(t *Task) bool {
	d := s.definitions[t.Definition]
	if t.Instance == "" || d == nil || d.absent {
		return false
	}
	mode := d.definition.Mode()
	return mode == NetworkBridge || mode == NetworkHost
}

// sweep forgets definitions and instances that no task has used for long
// enough that a deployment rolled back finds them again.
func (s *Store) sweep(now time.Time) {
	if now.Sub(s.swept) < sweepEvery {
		return
	}
	s.swept = now
	definitions, instances := map[string]bool{}, map[string]bool{}
	for _, c := range s.scopes {
		c.sweepOptional(now)
		for _, e := range c.entries {
			definitions[e.task.Definition] = true
			instances[e.task.Instance] = true
		}
	}
	for arn, d := range s.definitions {
		if definitions[arn] {
			d.restored = false
		}
		if expired(&d.unused, definitions[arn], now, d.age()) {
			delete(s.definitions, arn)
			s.countAgain()
		}
	}
	for arn, i := range s.instances {
		if expired(&i.unused, instances[arn], now, unusedAge) {
			delete(s.instances, arn)
		}
	}
}

// age is how long the definition is kept unused. What an earlier process used may
// be of clusters that this one has yet to list.
func (d *definitionEntry) age() time.Duration {
	if d.restored {
		return restoredAge
	}
	return unusedAge
}

func expired(unused *time.Time, used bool, now time.Time, age time.Duration) bool {
	switch {
	case used:
		*unused = time.Time{}
	case unused.IsZero():
		*unused = now
	}
	return !used && now.Sub(*unused) > age
}

func (i *Instance) hasAddress() bool { return i.IPv4.IsValid() || i.IPv6.IsValid() }

// refresh is how long what is known of the instance holds.
func (i *Instance) refresh() time.Duration {
	switch {
	case !i.hasAddress():
		return AddresslessAge
	case i.External():
		return RefreshExternal
	}
	return 1<<63 - 1 // the private address of an EC2 instance never changes
}

// cloud says that the machine is one of EC2.
func (i *Instance) cloud() bool { return i.MachineID != "" && !i.External() }

// External says that the machine is one of ECS Anywhere.
func (i *Instance) External() bool { return strings.HasPrefix(i.MachineID, "mi-") }

package inventory

import (
	"reflect"
	"slices"
	"sync"
	"time"
)

// Store merges what is read of ECS into one last known good state per [Scope].
//
// It keeps these rules. A task of a higher version replaces the known one; an
// equal version, from a describe, replaces it too, for what changes without
// raising the version; a lower one is dropped. A stop is final and is
// remembered for [TombstoneAge]. An event creates no task if it is older than
// that, or of before the cluster was known, or contradicts a MISSING: the task is
// described instead ([Store.Wanting]). A task that a listing omits stays, and is
// counted in [Snapshot.Waiting], until a describe says that it stops, or says
// MISSING of a task known for over [MissingAge]; one learnt after the listing
// began, by an event as a rule, is not even counted. A scope shows no task before its first complete
// listing, for which the tasks of its published targets ([Listing.Held]) count
// as known before; but for those of them that were restored ([Store.Restore]). A
// task shows when its definition, and the instance that its addresses come from,
// have been answered for.
//
// What calls of their own tell (services, tags of clusters, machines' tags,
// network interfaces) is kept beside the tasks and never keeps a scope from
// being synced: see [Store.SetLacking].
//
// That a newer running task at the same address and port retires a stale one
// is left to the planner, which knows the ports.
//
// All methods are safe for concurrent use. Time is what the caller says it is.
type Store struct {
	mu          sync.Mutex
	facts       Facts
	generation  uint64 // of facts: rises when more is asked of tasks and definitions
	sources     []SourceStatus
	scopes      map[Scope]*scopeState
	definitions map[string]*definitionEntry
	instances   map[string]*instanceEntry
	swept       time.Time
	learnt      uint64 // answers about definitions

	revision uint64
	header   bool // statuses differ from the snapshot's
	body     bool // tasks, definitions or instances do
	uses     bool // and what the tasks use may
	snapshot *Snapshot
	without  rule // rules taken out, by tests
}

// scopeState is what is known of one cluster.
type scopeState struct {
	status      ScopeStatus
	entries     map[string]*entry
	tombs       map[string]tombstone
	forgot      time.Time           // when the old ones of them were dropped last
	unexplained map[string]doubt    // by id: listed or held, but no describe knew them
	began       time.Time           // of the last complete listing
	sorted      []*Task             // as in the last snapshot
	touched     map[string]struct{} // differ from sorted
	hidden      map[string]struct{} // lack something that they refer to
	uses        uses                // of sorted
	census      census              // of entries
	omitted     omissions
	pending     map[string]*pending // by ARN
	absent      bool                // something was found to be, of which not all users may be pending
	watch       watch
	// renewed is when the cluster was found after one of its name was gone; zero
	// for the first. Events of changes before trusted, by AWS's clock, may be of
	// tasks whose end nobody here remembers.
	renewed, trusted time.Time
	optional
}

type entry struct {
	task      *Task
	learnt    time.Time // first told of
	asked     time.Time // the question that task answers, but for events since
	heard     time.Time // last told of, by event or describe
	described time.Time // last described, or first told of
	facts     uint64    // generation of facts that task holds
	omitted   bool      // by the last complete listing
	shown     bool      // as running
	restored  bool      // from disk, and not described since
	bare      bool      // an event made it, without all the facts asked for
}

// doubt is about a task that is known by name only.
type doubt struct {
	since   time.Time
	missing bool // the last answer was MISSING, not a failure or none
}

type tombstone struct {
	at      time.Time
	version int64
	stopped bool // false: MISSING, which the answer to a later question may disprove
	crashed bool // it ended by itself, and is counted as such
	asked   time.Time
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{
		scopes:      map[Scope]*scopeState{},
		definitions: map[string]*definitionEntry{},
		instances:   map[string]*instanceEntry{},
	}
}

// Revision rises whenever the snapshot comes to differ in more than the time of
// its last listings.
func (s *Store) Revision() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision
}

// SetSources replaces the statuses of the sources; the snapshot shows them in
// the order given.
func (s *Store) SetSources(sources []SourceStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := make([]SourceStatus, len(sources))
	for i, src := range sources {
		src.Since = stamp(src.Since)
		src.Source.Clusters = slices.Clone(src.Source.Clusters)
		next[i] = src
	}
	if reflect.DeepEqual(next, s.sources) {
		return
	}
	s.sources = next
	s.changeHeader()
}

// Found says that a cluster exists. One that is new, or was gone, is unsynced.
func (s *Store) Found(scope Scope, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.scopes[scope]
	if old != nil && old.status.State != Gone {
		if old.trusted.IsZero() {
			old.trusted = now
		}
		return
	}
	c := newScope(scope, ScopeStatus{State: Unsynced, Since: stamp(now), Reason: "not listed yet"})
	c.trusted = now
	if old != nil {
		c.renewed, c.trusted = now, now.Add(ClockSkew)
		s.inherit(c, old, now)
	}
	s.scopes[scope] = c
	s.changeHeader()
}

// Fail says that an attempt to list a scope failed: what is known of it stays,
// as stale. A scope that was never listed stays unsynced, one that is gone
// stays gone.
func (s *Store) Fail(scope Scope, reason string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	if c == nil {
		c = newScope(scope, ScopeStatus{State: Unsynced, Since: stamp(now)})
		s.scopes[scope] = c
	}
	c.absent = true // perhaps, of what was described before it failed
	next := c.status
	next.Reason, next.Facts = reason, s.settled(c)
	switch c.status.State {
	case Gone:
		return
	case Synced:
		next.State, next.Since = Stale, stamp(now)
	}
	s.setStatus(c, next)
}

// Gone says that a scope is no more: its cluster was deleted, or the
// configuration no longer names it. Its tasks go with it.
func (s *Store) Gone(scope Scope, reason string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.scopes[scope]
	if old != nil && old.status.State == Gone {
		return
	}
	c := newScope(scope, ScopeStatus{State: Gone, Since: stamp(now), Reason: reason})
	if old != nil {
		s.inherit(c, old, now)
	}
	s.scopes[scope] = c
	s.changeUses()
}

// inherit gives c what outlives a cluster of that name: which tasks have
// stopped, and what is counted. It may only have been taken out of the
// configuration for a while.
func (s *Store) inherit(c, old *scopeState, now time.Time) {
	c.watch = old.watch.anew(now)
	for arn, t := range old.tombs {
		if t.stopped && s.keeps(tombsOutliveGone) {
			c.tombs[arn] = t
		}
	}
}

// Forget drops a scope and its status: nobody holds targets of it any more.
func (s *Store) Forget(scope Scope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.scopes[scope]; ok {
		delete(s.scopes, scope)
		s.changeUses()
	}
}

// Statuses lists every scope with its status, sorted.
func (s *Store) Statuses() []ScopeStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.statuses()
}

// SetFacts says which optional parts to keep from now on. What is no longer
// asked for is dropped at once; when there are more variables, or tags of
// tasks, every task and definition counts as lacking them until it is read again.
func (s *Store) SetFacts(facts Facts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	facts = facts.normalised()
	if reflect.DeepEqual(facts, s.facts) {
		return
	}
	if !s.facts.Covers(Facts{Environment: facts.Environment, TaskTags: facts.TaskTags}) {
		s.generation++
	}
	s.facts = facts
	for _, c := range s.scopes {
		c.restrict(facts)
	}
	if !facts.Instances {
		s.restrictInstances()
	}
	for _, d := range s.definitions {
		d.definition = d.definition.restricted(facts)
		d.environment = facts.held(d.environment)
	}
	s.recount()
}

// Facts returns the optional parts that are kept and their generation, which
// goes back to the store with what was read by them.
func (s *Store) Facts() (Facts, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts.clone(), s.generation
}

func (s *Store) setStatus(c *scopeState, next ScopeStatus) {
	if reflect.DeepEqual(c.status, next) {
		return
	}
	if (c.status.State == Unsynced) != (next.State == Unsynced) || !next.Facts.Covers(c.status.Facts) {
		s.changeUses()
	}
	c.status = next
	s.changeHeader()
}

func (s *Store) changeHeader() { s.revision++; s.header = true }

func (s *Store) changeBody() { s.body = true; s.changeHeader() }

// changeUses is changeBody where definitions or instances may differ too.
func (s *Store) changeUses() { s.uses = true; s.changeBody() }

func newScope(scope Scope, status ScopeStatus) *scopeState {
	status.Scope = scope
	return &scopeState{
		status:      status,
		entries:     map[string]*entry{},
		tombs:       map[string]tombstone{},
		unexplained: map[string]doubt{},
		touched:     map[string]struct{}{},
		hidden:      map[string]struct{}{},
		pending:     map[string]*pending{},
		uses:        newUses(),
		census:      census{},
		optional:    newOptional(),
	}
}

// stamp strips what does not survive being written to a file.
func stamp(t time.Time) time.Time { return t.Round(0).UTC() }

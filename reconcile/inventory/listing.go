package inventory

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Listing is every page of ListTasks for one scope. Where a page failed there
// is no Listing.
type Listing struct {
	Scope Scope
	Began time.Time // before the first page was asked for
	Tasks []string  // ARNs

	// Held are the ids of the tasks that published targets of the scope are of,
	// and HeldSince is when they were known at the latest. They count until the
	// scope is synced: an earlier process knew them, this one cannot.
	Held      []string
	HeldSince time.Time
}

// Needed lists, sorted, the tasks that must be described before the listing is
// complete: those not seen before, or restored, those not yet running, those that lack
// facts asked for since, and, because a removal needs evidence, those that it omits.
// It names them by ARN, and by id where only [Listing.Held] does.
func (s *Store) Needed(l Listing) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[l.Scope]
	if c == nil {
		return nil
	}
	var need []string
	listed := make(map[string]struct{}, len(l.Tasks))
	for _, arn := range l.Tasks {
		if _, twice := listed[arn]; twice {
			continue
		}
		listed[arn] = struct{}{}
		if s.mustDescribe(c, arn) {
			need = append(need, arn)
		}
	}
	for arn, e := range c.entries {
		if _, ok := listed[arn]; !ok && (s.omits(l, e) || s.mustDescribe(c, arn)) {
			need = append(need, arn)
		}
	}
	need = append(need, s.unheard(c, l, known(c, listed))...)
	slices.Sort(need)
	return need
}

// known are the tasks that are known, or listed, by ARN.
func known(c *scopeState, listed map[string]struct{}) iter.Seq[string] {
	return func(yield func(string) bool) {
		for arn := range listed {
			if !yield(arn) {
				return
			}
		}
		for arn := range c.entries {
			if !yield(arn) {
				return
			}
		}
	}
}

func (s *Store) mustDescribe(c *scopeState, arn string) bool {
	e, known := c.entries[arn]
	if !known {
		tomb, dead := c.tombs[arn]
		return !dead || !tomb.stopped || !s.keeps(stopIsFinal)
	}
	return e.restored && s.keeps(restoredIsAsked) || e.facts != s.generation || !e.task.settled()
}

// omits says whether the absence of a known task from l means anything.
func (s *Store) omits(l Listing, e *entry) bool {
	return !s.keeps(learntSurvives) || !e.learnt.After(l.Began)
}

// Due lists which of the other tasks to describe again now, the most overdue
// first, so that none is left alone for longer than [Refresh] (or less: see
// [RefreshExternal] and [RefreshHealth]), if it is asked again after every, the
// time until which is planned. Of a large scope that is as many at each time,
// from the first on; a small one has them in one full batch.
func (s *Store) Due(scope Scope, now time.Time, every time.Duration) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	if c == nil {
		return nil
	}
	due := make([]candidate, 0, len(c.entries))
	for arn, e := range c.entries {
		due = append(due, candidate{arn, now.Sub(e.described), e.task.refresh(s.facts)})
	}
	return turns(due, DescribeBatch, 0, every)
}

// refresh is how long the task may go without being described.
func (t *Task) refresh(facts Facts) time.Duration {
	switch {
	case facts.Health && t.Running():
		return RefreshHealth
	case t.LaunchType == LaunchExternal:
		return RefreshExternal
	}
	return Refresh
}

// Complete ends a listing whose every needed describe has been answered and
// merged: the scope is synced, and the omitted tasks are waiting for evidence.
// It is an error, and the scope stays as it is, if something that the listing
// names has not been answered for.
func (s *Store) Complete(l Listing, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[l.Scope]
	switch {
	case c == nil || c.status.State == Gone:
		return nil
	case l.Began.Before(c.renewed):
		return fmt.Errorf("the cluster %s was found anew during the listing", l.Scope.Cluster)
	}
	listed := make(map[string]struct{}, len(l.Tasks))
	for _, arn := range l.Tasks {
		listed[arn] = struct{}{}
	}
	if err := s.unanswered(c, l, listed, now); err != nil {
		return err
	}
	if unheard := s.unheard(c, l, s.believed(c, l, now)); len(unheard) > 0 {
		return fmt.Errorf("%d tasks of published targets are not answered for, such as %s", len(unheard), unheard[0])
	}
	s.markOmitted(c, l, listed, now)
	c.forget(now)
	c.expire(listed, now)
	c.sweepCensus(now)
	c.began = l.Began
	c.absent = true // for all that is known by now
	c.watch.listed(l.Began, now)
	s.listed(c, ScopeStatus{Scope: l.Scope, State: Synced, SyncedAt: stamp(now), Facts: s.claim(c), Lacking: c.reasons()})
	s.sweep(now)
	return nil
}

// unanswered returns an error for the first listed task, if any, that nothing
// is known of, and for a task that is known but refers to something unknown,
// unless an event told of it during the listing: see [Store.Wanting].
// A scope listed before takes tasks that no describe knows for very young or
// very dead ones. At the first listing they could be published targets whose
// record was lost: it waits for them, but for no longer than MissingAge, since
// one odd task must not hold back the others. Those that are known to be
// published are more than odd: see unheard.
func (s *Store) unanswered(c *scopeState, l Listing, listed map[string]struct{}, now time.Time) error {
	first := c.unlisted()
	var unknown, odd, unresolved []string
	for arn := range listed {
		if c.knows(arn, first) {
			continue
		}
		if d, ok := c.unexplained[nameOf(arn)]; !ok {
			unknown = append(unknown, arn)
		} else if now.Sub(d.since) <= MissingAge {
			odd = append(odd, arn)
		}
	}
	for arn, e := range c.entries {
		if _, ok := listed[arn]; !s.resolved(e.task) && (s.omits(l, e) || ok && first) {
			unresolved = append(unresolved, arn)
		}
	}
	switch {
	case len(unknown) > 0:
		return fmt.Errorf("%d listed tasks are not described, such as %s", len(unknown), slices.Min(unknown))
	case len(unresolved) > 0:
		return fmt.Errorf("%d tasks lack their definition or instance, such as %s", len(unresolved), slices.Min(unresolved))
	case len(odd) > 0 && first && s.keeps(firstSyncIsComplete):
		return fmt.Errorf("%d listed tasks are unknown to DescribeTasks, such as %s", len(odd), slices.Min(odd))
	}
	return nil
}

// knows says that the task is known, to run or to have ended. Before the first
// complete listing it takes more than an event that lacks some facts: the task
// may have a published target, which cannot wait for them.
func (c *scopeState) knows(arn string, first bool) bool {
	e, known := c.entries[arn]
	_, dead := c.tombs[arn]
	return dead || known && (!first || !e.bare)
}

func (s *Store) markOmitted(c *scopeState, l Listing, listed map[string]struct{}, now time.Time) {
	for arn, e := range c.entries {
		_, ok := listed[arn]
		omitted := !ok && s.omits(l, e)
		if omitted && !s.keeps(omissionIsNothing) {
			s.remove(c, arn, tombstone{version: e.task.Version})
			continue
		}
		if omitted != e.omitted {
			s.omit(c, e, omitted, now)
		}
	}
}

func (s *Store) omit(c *scopeState, e *entry, omitted bool, now time.Time) {
	e.omitted = omitted
	if omitted {
		c.omitted.add(e.task.ARN, stamp(now))
	} else {
		c.omitted.drop(e.task.ARN)
	}
	s.changeHeader()
}

// forget drops old tombstones, at a look of all of them now and then.
func (c *scopeState) forget(now time.Time) {
	if now.Sub(c.forgot) < forgetEvery {
		return
	}
	c.forgot = now
	for arn, t := range c.tombs {
		if now.Sub(t.at) > TombstoneAge+ClockSkew {
			delete(c.tombs, arn)
		}
	}
}

// expire forgets unexplained tasks that are not listed, and those that only an
// old event told of, when events are no longer watched.
func (c *scopeState) expire(listed map[string]struct{}, now time.Time) {
	for arn, p := range c.pending {
		if now.Sub(p.since) > TombstoneAge && c.entries[arn] == nil && !c.watch.on {
			delete(c.pending, arn)
		}
	}
	if len(c.unexplained) == 0 {
		return
	}
	ids := make(map[string]struct{}, len(listed))
	for arn := range listed {
		ids[nameOf(arn)] = struct{}{}
	}
	for id := range c.unexplained {
		if _, ok := ids[id]; !ok {
			delete(c.unexplained, id)
		}
	}
}

func (s *Store) holdsFacts(c *scopeState) bool {
	for _, e := range c.entries {
		if e.bare && !e.shown { // it waits for them: see shows
			continue
		}
		if e.facts != s.generation {
			return false
		}
		if d := s.definitions[e.task.Definition]; d != nil && !d.absent && d.facts != s.generation {
			return false
		}
	}
	return true
}

// Stopped says that the task stops or has stopped; there is no way back.
func (t *Task) Stopped() bool {
	if t.DesiredStatus == StatusStopped {
		return true
	}
	switch t.LastStatus {
	case StatusStopped, "DEACTIVATING", "STOPPING", "DEPROVISIONING", "DELETED":
		return true
	}
	return false
}

// settled says that only an unusual event will change the task: it runs, and
// no container of it is still on its way.
func (t *Task) settled() bool {
	return t.Running() && !slices.ContainsFunc(t.Containers, func(c Container) bool {
		switch strings.ToUpper(c.LastStatus) {
		case "", StatusRunning, StatusStopped:
			return false
		}
		return true
	})
}

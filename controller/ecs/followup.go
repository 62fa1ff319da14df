package ecs

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// tally counts the answers of one round of follow-ups.
type tally struct {
	mu   sync.Mutex
	good int
	err  error // the last
}

func (t *tally) add(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.good++
	} else {
		t.err = err
	}
}

// joined adds names to a sorted list, without doubles.
func joined(names []string, more extra) []string {
	if len(more) == 0 {
		return names
	}
	names = slices.AppendSeq(slices.Clone(names), maps.Keys(more))
	slices.Sort(names)
	return slices.Compact(names)
}

// batches are the chunks of each list: what failed before does not spoil the
// calls for the rest.
func batches(size int, lists ...[]string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for _, list := range lists {
			for batch := range slices.Chunk(list, size) {
				if !yield(batch) {
					return
				}
			}
		}
	}
}

// split tells names that have not been asked for yet from the others.
func (s *source) split(scope inventory.Scope, names []string) (fresh, failed []string) {
	s.follow.mu.Lock()
	defer s.follow.mu.Unlock()
	p := s.follow.of(scope.Cluster)
	for _, name := range names {
		if p.asked[name] == nil {
			fresh = append(fresh, name)
		} else {
			failed = append(failed, name)
		}
	}
	return fresh, failed
}

// settleAsked puts off what was asked for, also what was answered: as long as
// the store still wants it, the answer did not help. What nobody but an event
// wants is done with, too, if ECS says that there can be no such thing.
func (s *source) settleAsked(ctx context.Context, scope inventory.Scope, names []string, err error) {
	if ctx.Err() != nil {
		return
	}
	now := s.w.now()
	s.follow.mu.Lock()
	defer s.follow.mu.Unlock()
	p := s.follow.of(scope.Cluster)
	for _, name := range names {
		var last *retrying
		if o := p.asked[name]; o != nil {
			last = o.retrying
		}
		p.asked[name] = &putOff{last.again(now, s.w.backoff), err}
		if err == nil || refusesNames(err) || noCluster(err) {
			delete(p.tasks, name)
			delete(p.machines, name)
		}
	}
}

// judgeFollowing calls the scope stale where nothing has got through for a
// while, though AWS did not refuse: the next listing will tell.
func (s *source) judgeFollowing(ctx context.Context, scope inventory.Scope, t *tally) {
	if ctx.Err() != nil || t.good == 0 && t.err == nil { // or nothing was asked
		return
	}
	now := s.w.now()
	s.follow.mu.Lock()
	p := s.follow.of(scope.Cluster)
	switch {
	case t.good > 0 || answered(t.err):
		p.stuck = time.Time{}
	case p.stuck.IsZero():
		p.stuck = now
	}
	stuck := !p.stuck.IsZero() && now.Sub(p.stuck) >= stuckAfter
	if stuck {
		p.stuck = time.Time{}
	}
	s.follow.mu.Unlock()
	if stuck {
		s.settleScope(ctx, scope, t.err)
		signal(s.wake)
	}
}

// remark has the status say what new tasks wait for, if that lasts.
func (s *source) remark(scope inventory.Scope) {
	s.follow.mu.Lock()
	p := s.follow.of(scope.Cluster)
	var waiting []string
	for _, name := range slices.Sorted(maps.Keys(p.asked)) {
		if o := p.asked[name]; o.err != nil && o.failures >= lasting {
			waiting = append(waiting, reason(o.err))
		}
	}
	clear := len(waiting) == 0 && p.remarked
	p.remarked = len(waiting) > 0
	s.follow.mu.Unlock()
	switch {
	case len(waiting) > 0:
		s.w.store.Remark(scope, fmt.Sprintf("new tasks wait for %d answers: %s", len(waiting), waiting[0]))
	case clear:
		s.w.store.Remark(scope, "")
	}
	s.w.notify()
}

package ecs

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"ecs-scrape/reconcile/inventory"
)

const (
	// lookupEvery is the least time between two questions about a cluster that
	// is not known, and absentAge how long it is remembered that there is none.
	lookupEvery = 5 * time.Second
	absentAge   = time.Hour
	// maxStrangers and maxHeldBack bound the clusters that are not known, and the
	// events of all of them; a listing finds the rest.
	maxStrangers = 1000
	maxHeldBack  = 10_000
)

// stranger is a cluster that events tell of, and the store does not know.
type stranger struct {
	events    []heldBack // until it is known
	busy      bool
	notBefore time.Time
	failed    *retrying
	absent    time.Time // when ECS said that there is none: what happened before does not count
}

// heldBack is an event of a cluster that is not known.
type heldBack struct {
	inventory.Event
	odd bool // not to be taken as it is
}

// observe gives the store what was held back.
func (s *source) observe(events []heldBack) {
	var plain, odd []inventory.Event
	for _, e := range events {
		if e.odd {
			odd = append(odd, e.Event)
		} else {
			plain = append(plain, e.Event)
		}
	}
	s.w.store.Observe(plain, s.w.now())
	s.w.store.Heard(odd, s.w.now())
}

// hearUnknown has the cluster of an event looked up, unless the event is older
// than the answer that there is none.
func (s *source) hearUnknown(e heldBack) {
	f := s.follow
	f.mu.Lock()
	one := f.stranger(e.Task.Scope.Cluster)
	wanted := one != nil && f.held < maxHeldBack && e.At.After(one.absent)
	if wanted {
		one.events = append(one.events, e)
		f.held++
	}
	f.mu.Unlock()
	if wanted {
		signal(f.told)
	}
}

// stranger is the cluster of that name, or nil where there are too many. Rather
// than that, the one longest known to be absent is forgotten. The caller holds
// the lock.
func (f *following) stranger(name string) *stranger {
	if one := f.strange[name]; one != nil {
		return one
	}
	if len(f.strange) >= maxStrangers {
		oldest := ""
		for other, one := range f.strange {
			if !one.busy && len(one.events) == 0 && (oldest == "" || one.absent.Before(f.strange[oldest].absent)) {
				oldest = other
			}
		}
		if oldest == "" {
			return nil
		}
		delete(f.strange, oldest)
	}
	one := &stranger{}
	f.strange[name] = one
	return one
}

// forget drops a stranger, and with it what was held back, which it returns. The
// caller holds the lock.
func (f *following) forget(name string) []heldBack {
	events := f.strange[name].events
	f.held -= len(events)
	delete(f.strange, name)
	return events
}

// strangers are the clusters to look up now: none before the source's clusters
// have been asked for once, which tells of most.
func (s *source) strangers() []string {
	if !s.discovered() {
		return nil
	}
	s.introduce()
	now := s.w.now()
	f := s.follow
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f.strange)) {
		one := f.strange[name]
		switch {
		case one.busy:
		case len(one.events) == 0 && now.Sub(one.absent) > absentAge:
			delete(f.strange, name)
		case len(one.events) > 0 && !now.Before(one.notBefore) && len(out) < clusterBatch:
			one.busy = true
			out = append(out, name)
		}
	}
	return out
}

// discovered says that the source's clusters have been asked for.
func (s *source) discovered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Listed || s.failed > 0
}

// introduce applies the events of clusters that a poll has found meanwhile.
func (s *source) introduce() {
	f := s.follow
	var events []heldBack
	f.mu.Lock()
	for name, one := range f.strange {
		if !one.busy && len(one.events) > 0 && s.w.store.Knows(s.scope(name)) {
			events = append(events, f.forget(name)...)
			f.of(name).due = true
		}
	}
	f.mu.Unlock()
	s.observe(events)
	s.w.notify()
}

// meet looks clusters up by name. Those that exist are found, get the events
// that were held back, and are listed.
func (s *source) meet(ctx context.Context, names []string) {
	asked := s.w.now()
	out, err := s.aws.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: names})
	if ctx.Err() != nil {
		return
	}
	exists, absent := map[string]bool{}, map[string]bool{}
	if err == nil {
		for _, c := range out.Clusters {
			name := aws.ToString(c.ClusterName)
			exists[name] = aws.ToString(c.Status) != "INACTIVE"
			absent[name] = !exists[name]
		}
		for _, f := range out.Failures {
			absent[nameOf(aws.ToString(f.Arn))] = aws.ToString(f.Reason) == "MISSING"
		}
	}
	var found []inventory.Scope
	for _, name := range names {
		if events := s.settleStranger(name, asked, exists[name], absent[name]); exists[name] {
			found = append(found, s.scope(name))
			s.w.store.Found(s.scope(name), s.w.now())
			s.observe(events)
		}
	}
	s.w.notify()
	signal(s.follow.told) // for what came meanwhile
	if len(found) == 0 {
		return
	}
	s.clusterTags(ctx, found)
	_ = s.each(ctx, found, s.listWatched) // failures are in the statuses
	s.w.update()
	signal(s.wake)
	for _, scope := range found {
		s.hear(scope)
	}
}

// settleStranger keeps what a look-up told, and returns the events that were
// held back of a cluster that exists.
func (s *source) settleStranger(name string, asked time.Time, exists, absent bool) []heldBack {
	f, now := s.follow, s.w.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.strange[name]
	one.busy = false
	switch {
	case exists:
		return f.forget(name)
	case absent:
		one.absent, one.failed, one.notBefore = asked, nil, now.Add(lookupEvery)
		later := slices.DeleteFunc(one.events, func(e heldBack) bool { return !e.At.After(asked) })
		f.held -= len(one.events) - len(later)
		one.events = later
	default:
		one.failed = one.failed.again(now, s.w.backoff)
		one.notBefore = one.failed.at
		if earliest := now.Add(lookupEvery); one.notBefore.Before(earliest) {
			one.notBefore = earliest
		}
	}
	return nil
}

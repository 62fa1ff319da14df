package ecs

import (
	"context"
	"time"

	"ecs-scrape/reconcile/inventory"
)

const (
	// resyncEvery is the time between complete listings while events tell of all
	// changes: what they lost is noticed within it.
	resyncEvery = 10 * time.Minute
	// resyncSoon is the same while that is in doubt, which is for doubtFor after
	// the events began to arrive, and after they missed something. A controller
	// that is being replaced takes events from its successor for as long as both
	// run.
	resyncSoon = time.Minute
	doubtFor   = 10 * time.Minute
	// subscribeWithin is how long the first listing waits for the queue.
	subscribeWithin = 5 * time.Second
	// tick is how often a source looks for what has become due.
	tick = 15 * time.Second
)

// Cause says why a complete listing was made.
type Cause string

// The causes of complete listings.
const (
	CauseStart  Cause = "start"  // the source is new
	CauseChange Cause = "change" // something else is wanted
	CausePoll   Cause = "poll"   // no events arrive
	CauseReturn Cause = "return" // events arrive again
	CauseResync Cause = "resync" // as often as is done beside events
	CauseMissed Cause = "missed" // events had missed something
)

// feeding is how the events of a source stand.
type feeding struct {
	queue  *queue // nil: the source is polled
	state  feedState
	relied bool      // a listing that began after the events did has been made
	doubt  time.Time // until then listings are made sooner
	missed uint64    // by events, of all scopes
}

// queueURL is the queue that the source's events arrive in, or "".
func (s *source) queueURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Source.EventsQueue
}

// setQueue names the queue that is wanted. Until it is read the source is
// polled.
func (s *source) setQueue(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Source.EventsQueue == url && (s.state.Events != nil) == (url != "") {
		return
	}
	s.state.Source.EventsQueue, s.state.Events = url, nil
	if url != "" {
		s.state.Events = &inventory.EventsStatus{Since: stamp(s.w.now())}
	}
}

// subscribe says which queue tells of the source, or nil.
func (s *source) subscribe(q *queue) {
	s.mu.Lock()
	old := s.feeding.queue
	lost := old != q && s.feeding.state.working
	if old != q {
		s.feeding = feeding{queue: q, missed: s.feeding.missed}
	}
	if q == nil {
		s.state.Events = nil
	}
	if lost {
		s.sooner(s.began.Add(s.w.options.PollInterval), CausePoll)
	}
	s.mu.Unlock()
	if lost {
		s.watch(false)
		signal(s.wake)
	}
}

// feed is told of every change of the queue's state.
func (s *source) feed(q *queue, st feedState) {
	s.mu.Lock()
	if s.feeding.queue != q {
		s.mu.Unlock()
		return
	}
	was := s.feeding.state.working
	s.feeding.state = st
	s.state.Events = &inventory.EventsStatus{Working: st.working, Since: st.since, Reason: st.reason}
	switch {
	case st.working && !was:
		s.feeding.doubt = s.w.now().Add(doubtFor)
		s.sooner(s.w.now(), CauseReturn)
	case !st.working && was:
		s.feeding.relied = false
		s.sooner(s.began.Add(s.w.options.PollInterval), CausePoll)
	}
	s.mu.Unlock()
	if was != st.working {
		s.watch(st.working)
		signal(s.wake)
	}
}

// fed says that events arrive.
func (s *source) fed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.feeding.state.working
}

// sooner brings the next full poll forward; the caller holds the lock.
func (s *source) sooner(at time.Time, why Cause) {
	if at.Before(s.next) {
		s.next, s.cause = at, why
	}
}

// subscribed waits until the queue, if there is one, has answered or failed, but
// not for long: what an event tells after that is in the queue or in the
// listing.
func (s *source) subscribed(ctx context.Context) {
	s.mu.Lock()
	q := s.feeding.queue
	s.mu.Unlock()
	if q == nil {
		return
	}
	timer := time.NewTimer(s.w.subscribeWithin)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-q.answered:
	}
}

// schedule says when to list everything again; the caller holds the lock.
func (s *source) schedule(began, now time.Time) {
	switch f := &s.feeding; {
	case s.failed > 0:
		s.next, s.cause = now.Add(s.w.backoff(s.failed)), CausePoll
	case !f.state.working || s.state.Account == "":
		s.next, s.cause = began.Add(earlier(s.interval(began))), CausePoll
	case began.Before(f.state.since):
		s.next, s.cause = now, CauseReturn
	default:
		f.relied = true
		s.next, s.cause = began.Add(earlier(s.interval(began))), CauseResync
	}
}

// interval is the time between full polls that is aimed at. While the account is
// not known no event can be told to be the source's. The caller holds the lock.
func (s *source) interval(now time.Time) time.Duration {
	switch f := &s.feeding; {
	case !f.state.working || s.state.Account == "":
		return s.w.options.PollInterval
	case now.Before(f.doubt):
		return min(resyncSoon, s.w.options.ResyncInterval)
	}
	return s.w.options.ResyncInterval
}

// listWatched lists a scope, after which events, if they arrive, tell of all
// changes in it.
func (s *source) listWatched(ctx context.Context, scope inventory.Scope) error {
	s.w.store.SetWatched(scope, s.fed(), s.w.now())
	return s.list(ctx, scope)
}

// watch says of all scopes of the source whether events tell of them.
func (s *source) watch(watched bool) {
	for _, scope := range s.known() {
		s.w.store.SetWatched(scope, watched, s.w.now())
	}
}

// known are the scopes of the source that exist.
func (s *source) known() []inventory.Scope {
	var out []inventory.Scope
	for _, st := range s.w.store.Statuses() {
		if st.State != inventory.Gone && s.owns(st.Scope) {
			out = append(out, st.Scope)
		}
	}
	return out
}

// countMissed lists soon, and more often for a while, after events missed
// something.
func (s *source) countMissed() {
	var missed uint64
	now := s.w.now()
	for _, scope := range s.known() {
		missed += s.w.store.Missed(scope, now)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if missed > s.feeding.missed && s.feeding.relied {
		s.feeding.doubt = now.Add(doubtFor)
		s.sooner(s.began.Add(earlier(resyncSoon)), CauseMissed)
	}
	s.feeding.missed = missed
}

// untilListing is the time until the next full poll, as far as it is planned: during
// one, that until the one after it.
func (s *source) untilListing() time.Duration {
	now := s.w.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polling.IsZero() {
		return s.next.Sub(now)
	}
	return max(s.interval(s.polling), s.stats.Duration+rest(s.stats.Duration))
}

// refreshAfter is when to describe again the tasks of a scope that are to be
// described within that time: a tick before it is over, and some for the calls.
func refreshAfter(within time.Duration) time.Duration { return within * 4 / 5 }

// due are the tasks of a scope whose turn it is to be described again.
func (s *source) due(scope inventory.Scope) []string {
	every := s.untilListing()
	if within := s.w.store.RefreshWithin(scope); within < inventory.Refresh {
		every = min(every, refreshAfter(within))
	}
	return s.w.store.Due(scope, s.w.now(), every)
}

// restless are the scopes with tasks to be described again before the next
// listing.
func (s *source) restless() []inventory.Scope {
	now := s.w.now()
	var out []inventory.Scope
	for _, scope := range s.known() {
		within := s.w.store.RefreshWithin(scope)
		s.retryMu.Lock()
		last, listed := s.refreshed[scope.Cluster]
		s.retryMu.Unlock()
		if listed && within < inventory.Refresh && now.Sub(last) >= refreshAfter(within) && !s.failing(scope.Cluster) {
			out = append(out, scope)
		}
	}
	return out
}

// refreshScope is refresh, whose time is kept.
func (s *source) refreshScope(ctx context.Context, scope inventory.Scope) error {
	s.retryMu.Lock()
	s.refreshed[scope.Cluster] = s.w.now()
	s.retryMu.Unlock()
	return s.refresh(ctx, scope)
}

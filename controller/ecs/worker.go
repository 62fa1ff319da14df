package ecs

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// worker is what goes on for a source, or a queue, beside all others, so that
// one that hangs or fails leaves them alone.
type worker struct {
	kick   chan struct{} // poll everything now
	cancel context.CancelFunc
	group  sync.WaitGroup
}

func newWorker(ctx context.Context, run ...func(context.Context, *worker)) *worker {
	ctx, cancel := context.WithCancel(ctx)
	one := &worker{kick: make(chan struct{}, 1), cancel: cancel}
	for _, f := range run {
		one.group.Go(func() { f(ctx, one) })
	}
	return one
}

// stop ends the worker and waits for it.
func (o *worker) stop() {
	o.cancel()
	o.group.Wait()
}

func (s *source) loop(ctx context.Context, one *worker) {
	s.subscribed(ctx)
	full := true
	for {
		_ = s.poll(ctx, full) // failures are in the statuses
		timer := time.NewTimer(s.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-one.kick:
			timer.Stop()
			s.forgive()
			s.mu.Lock()
			s.cause = CauseChange
			s.mu.Unlock()
			full = true
		case <-s.wake:
			timer.Stop()
			full = !s.w.now().Before(s.nextPoll())
		case <-timer.C:
			full = !s.w.now().Before(s.nextPoll())
		}
	}
}

func (s *source) nextPoll() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

// pause is the time until the next full poll, or until a failed cluster or fact
// is to be tried again, or until something else may be due.
func (s *source) pause() time.Duration {
	next := s.nextPoll()
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	for _, r := range s.retries {
		if r.at.Before(next) {
			next = r.at
		}
	}
	for p, r := range s.lacking {
		if s.retries[p.cluster] == nil && r.at.Before(next) {
			next = r.at
		}
	}
	return min(tick, max(0, next.Sub(s.w.now())))
}

// retrying is the state of a cluster whose last listing failed, or of a fact
// that could not be had.
type retrying struct {
	failures int
	at       time.Time // not before
}

// again counts one more failure; r may be nil.
func (r *retrying) again(now time.Time, backoff func(failures int) time.Duration) *retrying {
	n := 1
	if r != nil {
		n += r.failures
	}
	return &retrying{failures: n, at: now.Add(backoff(n))}
}

// ready are those of the scopes that are not waiting to be tried again.
func (s *source) ready(scopes []inventory.Scope) []inventory.Scope {
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	now := s.w.now()
	var out []inventory.Scope
	for _, scope := range scopes {
		if r := s.retries[scope.Cluster]; r == nil || !now.Before(r.at) {
			out = append(out, scope)
		}
	}
	return out
}

func (s *source) failing(cluster string) bool {
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	return s.retries[cluster] != nil
}

func (s *source) forgetRetry(cluster string) {
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	delete(s.retries, cluster)
	maps.DeleteFunc(s.lacking, func(p part, _ *retrying) bool { return p.cluster == cluster })
}

// mayAsk says that the fact's calls are not waiting to be tried again.
func (s *source) mayAsk(p part) bool {
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	r := s.lacking[p]
	return r == nil || !s.w.now().Before(r.at)
}

// retryDue says that the fact's last calls failed, and may be made again.
func (s *source) retryDue(p part) bool {
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	r := s.lacking[p]
	return r != nil && !s.w.now().Before(r.at)
}

// lacksDue says that retryDue holds for a fact of the scope, whose listing works.
func (s *source) lacksDue(scope inventory.Scope) bool {
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	now := s.w.now()
	for p, r := range s.lacking {
		if p.cluster == scope.Cluster && s.retries[p.cluster] == nil && !now.Before(r.at) {
			return true
		}
	}
	return false
}

// forgetOthers drops what is kept of clusters that are no longer the source's.
func (s *source) forgetOthers() {
	known := map[string]bool{}
	for _, scope := range s.known() {
		known[scope.Cluster] = true
	}
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	maps.DeleteFunc(s.retries, func(cluster string, _ *retrying) bool { return !known[cluster] })
	maps.DeleteFunc(s.lacking, func(p part, _ *retrying) bool { return !known[p.cluster] })
	maps.DeleteFunc(s.refreshed, func(cluster string, _ time.Time) bool { return !known[cluster] })
	maps.DeleteFunc(s.counted, func(cluster string, _ counting) bool { return !known[cluster] })
}

// healthy are those of the scopes whose listing has just worked.
func (s *source) healthy(scopes []inventory.Scope) []inventory.Scope {
	var out []inventory.Scope
	for _, scope := range scopes {
		if !s.failing(scope.Cluster) {
			out = append(out, scope)
		}
	}
	return out
}

// dueRetries are the failed clusters whose time has come.
func (s *source) dueRetries() []inventory.Scope {
	var out []inventory.Scope
	for _, st := range s.w.store.Statuses() {
		if s.owns(st.Scope) && st.State != inventory.Gone && s.failing(st.Scope.Cluster) {
			out = append(out, st.Scope)
		}
	}
	return s.ready(out)
}

// forgive lets every failed cluster and fact be tried again at once.
func (s *source) forgive() {
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	for _, r := range s.retries {
		r.at = time.Time{}
	}
	for _, r := range s.lacking {
		r.at = time.Time{}
	}
}

// backoff is the pause after the n-th failure in a row: a second, doubling to
// the longest, jittered.
func (w *Watcher) backoff(n int) time.Duration {
	longest := w.options.MaxBackoff
	return jitter(min(longest, time.Second<<min(n-1, 16)), 0.25)
}

// jitter spreads d by a part of it either way.
func jitter(d time.Duration, part float64) time.Duration {
	return time.Duration(float64(d) * (1 + part*(2*rand.Float64()-1)))
}

// earlier spreads an interval by a twentieth towards less: listings are never
// rarer than they are asked to be.
func earlier(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 - 0.05*rand.Float64()))
}

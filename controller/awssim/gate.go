package awssim

import (
	"context"
	"slices"
	"sync"
	"time"
)

// call is what the gate and the faults know of a request.
type call struct {
	scope     Scope
	service   string
	operation string
	cluster   string // its name, where the request names one
	page      int    // from 1
	filtered  bool   // EC2: by identifier, filter or page
	expired   bool
}

type countKey struct {
	scope     Scope
	service   string
	operation string
}

type bucketKey struct {
	scope    Scope
	category Category
}

// gate is what every call passes first: it counts, charges and misleads.
type gate struct {
	now  func() time.Time
	done chan struct{}

	mu      sync.Mutex
	quotas  Quotas
	buckets map[bucketKey]*bucket
	counts  map[countKey]*CallCount
	faults  []*fault
}

func newGate(quotas Quotas, now func() time.Time) *gate {
	return &gate{
		quotas:  quotas,
		now:     now,
		done:    make(chan struct{}),
		buckets: map[bucketKey]*bucket{},
		counts:  map[countKey]*CallCount{},
	}
}

func (g *gate) close() { close(g.done) }

func (g *gate) arm(f *fault) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.left != 0 {
		g.faults = append(g.faults, f)
	}
	return func() { g.disarm(f) }
}

func (g *gate) disarm(f *fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.faults, f)
	if i < 0 {
		return
	}
	g.faults = slices.Delete(g.faults, i, i+1)
	if f.hang != nil {
		close(f.hang)
	}
}

// admit answers nil for a call that may proceed, after any delay it is due.
func (g *gate) admit(ctx context.Context, c call) *APIError {
	why, delay, hangs := g.judge(c)
	for _, hang := range hangs {
		if !g.wait(ctx, hang) {
			return refused(c.service, refusedClosed)
		}
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		if !g.waitTimer(ctx, timer.C) {
			return refused(c.service, refusedClosed)
		}
	}
	if why != nil {
		return refused(c.service, *why)
	}
	return nil
}

func (g *gate) wait(ctx context.Context, held <-chan struct{}) bool {
	select {
	case <-held:
		return true
	case <-ctx.Done():
	case <-g.done:
	}
	return false
}

func (g *gate) waitTimer(ctx context.Context, passed <-chan time.Time) bool {
	select {
	case <-passed:
		return true
	case <-ctx.Done():
	case <-g.done:
	}
	return false
}

// judge counts the call, spends its faults and charges its bucket.
func (g *gate) judge(c call) (why *refusal, delay time.Duration, hangs []<-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	count := g.count(c)
	count.Calls++
	why, delay, hangs = g.spendFaults(c)
	if why == nil && c.expired {
		expired := refusedExpired
		why = &expired
	}
	if why == nil && !g.charge(c) {
		throttled := refusedThrottled
		why = &throttled
	}
	if why != nil && *why == refusedThrottled {
		count.Throttled++
	}
	return why, delay, hangs
}

func (g *gate) spendFaults(c call) (why *refusal, delay time.Duration, hangs []<-chan struct{}) {
	kept := g.faults[:0]
	for _, f := range g.faults {
		if !f.match.holds(c) || (f.page > 0 && f.page != c.page) || (f.refuse != nil && why != nil) {
			kept = append(kept, f)
			continue
		}
		switch {
		case f.refuse != nil:
			why = f.refuse
		case f.hang != nil:
			hangs = append(hangs, f.hang)
		default:
			delay += f.delay
		}
		if f.left > 0 {
			f.left--
		}
		if f.left != 0 {
			kept = append(kept, f)
		}
	}
	clear(g.faults[len(kept):])
	g.faults = kept
	return why, delay, hangs
}

func (g *gate) charge(c call) bool {
	cat := CategoryOf(c.operation, c.filtered)
	quota, limited := g.quotas[cat]
	if !limited {
		return true
	}
	key := bucketKey{c.scope, cat}
	b, ok := g.buckets[key]
	if !ok {
		b = &bucket{quota: quota, tokens: quota.Burst, filled: g.now()}
		g.buckets[key] = b
	}
	return b.take(g.now())
}

func (g *gate) count(c call) *CallCount {
	key := countKey{c.scope, c.service, c.operation}
	n, ok := g.counts[key]
	if !ok {
		n = &CallCount{Scope: c.scope, Service: c.service, Operation: c.operation}
		g.counts[key] = n
	}
	return n
}

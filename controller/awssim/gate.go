package awssim

import (
	"context"
	"math/rand/v2"
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
	key       string // of an object of S3
	page      int    // from 1
	filtered  bool   // EC2: by identifier, filter or page
	expired   bool
	skewed    bool // signed at another time than the service's
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
	random  *rand.Rand
	tally   *faultCounts
}

func newGate(quotas Quotas, now func() time.Time, seed uint64, counts *faultCounts) *gate {
	return &gate{
		random:  rand.New(rand.NewPCG(seed, 2)),
		tally:   counts,
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
		g.tally.armed(f.verb)
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

// verdict is what becomes of a call. The zero value lets it proceed.
type verdict struct {
	refuse *refusal
	delay  time.Duration
	hangs  []<-chan struct{}
	spoil  spoiling
}

// admit lets a call proceed, after any delay it is due, and says what then
// becomes of its answer.
func (g *gate) admit(ctx context.Context, c call) (spoiling, *APIError) {
	v := g.judge(c)
	for _, hang := range v.hangs {
		if !g.wait(ctx, hang) {
			return unspoilt, refused(c.service, refusedClosed)
		}
	}
	if v.delay > 0 {
		timer := time.NewTimer(v.delay)
		defer timer.Stop()
		if !g.waitTimer(ctx, timer.C) {
			return unspoilt, refused(c.service, refusedClosed)
		}
	}
	if v.refuse != nil {
		return unspoilt, refused(c.service, *v.refuse)
	}
	return v.spoil, nil
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
func (g *gate) judge(c call) verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	count := g.count(c)
	count.Calls++
	v := g.spendFaults(c)
	if v.refuse == nil && c.expired {
		v.refuse = why(refusedExpired)
	}
	if v.refuse == nil && c.skewed {
		v.refuse = why(refusedSkewed)
	}
	if v.refuse == nil && !g.charge(c) {
		g.tally.met("SetQuotas")
		v.refuse = why(refusedThrottled)
	}
	if v.refuse != nil && *v.refuse == refusedThrottled {
		count.Throttled++
	}
	return v
}

// spendFaults applies the faults that the call meets. Of those that refuse it,
// and of those that spoil its answer, only the first is spent.
func (g *gate) spendFaults(c call) (v verdict) {
	kept := g.faults[:0]
	for _, f := range g.faults {
		if g.meets(f, c, v) {
			v.add(f)
			g.tally.met(f.verb)
			if f.left > 0 {
				f.left--
			}
		}
		if f.left != 0 {
			kept = append(kept, f)
		}
	}
	clear(g.faults[len(kept):])
	g.faults = kept
	return v
}

func (g *gate) meets(f *fault, c call, so verdict) bool {
	return f.match.holds(c) && (f.page == 0 || f.page == c.page) &&
		(f.refuse == nil || so.refuse == nil) && (f.spoil == unspoilt || so.spoil == unspoilt) &&
		(f.part == 0 || g.random.Float64() < f.part)
}

func (v *verdict) add(f *fault) {
	switch {
	case f.refuse != nil:
		v.refuse = f.refuse
	case f.hang != nil:
		v.hangs = append(v.hangs, f.hang)
	case f.spoil != unspoilt:
		v.spoil = f.spoil
	default:
		v.delay += f.delay
	}
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

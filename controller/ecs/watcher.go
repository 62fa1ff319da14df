package ecs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"ecs-scrape/reconcile/inventory"
)

// Options configures a Watcher; zero values mean the defaults named.
type Options struct {
	// PollInterval is the time between the starts of two polls of a source, if
	// the budget allows it; 15 seconds.
	PollInterval time.Duration
	// QuotaShare is the part of every AWS quota to use, above 0 and up to 1;
	// 0.5. Controllers that share an account share its quotas.
	QuotaShare float64
	// Quotas replace the documented ones, where AWS has raised them.
	Quotas map[Category]Quota
	// ResyncInterval is the most time between complete listings while events tell
	// of all changes; 10 minutes.
	ResyncInterval time.Duration
	// MaxBackoff is the longest pause after failures in a row, jitter apart; a
	// minute.
	MaxBackoff time.Duration
	// CallTimeout bounds one attempt of a call; 10 seconds. Three are made.
	CallTimeout time.Duration
	// ServiceMetrics asks for all services of the clusters, for their desired
	// counts, every ResyncInterval. Nothing but metrics depends on it.
	ServiceMetrics bool
	// Cache keeps what is known for the next process, below the names "inventory"
	// and "definitions"; nil: nothing is kept.
	Cache Cache
	// CacheFailed is told when the cache cannot be read or written, once for
	// each error until it works again, and never by two goroutines at once.
	CacheFailed func(error)
	// ObjectChanged is told of each object of S3 that an event says was written or
	// removed, and says whether anybody cares; nil: nobody does. It is called by
	// several goroutines, and must not block.
	ObjectChanged func(Object) bool
	// Now is the clock that what is learnt is dated by; time.Now. Pauses pass in
	// real time.
	Now func() time.Time
}

// Watcher keeps a snapshot of what runs in the sources it is told to want. All
// methods are safe for concurrent use; of Run and Once only one may run at a
// time.
type Watcher struct {
	options Options
	store   *inventory.Store
	budgets *budgets
	http    *awshttp.BuildableClient
	asking  singleflight.Group // task definitions
	names   inventory.Interner // of what tasks have in common
	changed chan struct{}
	wanted  chan struct{}
	now     func() time.Time
	keeper  *keeper

	longPoll        time.Duration // of a queue
	subscribeWithin time.Duration

	mu       sync.Mutex
	want     inventory.Want
	known    bool // Want has been called
	sources  map[string]*source
	order    atomic.Pointer[[]*source] // as wanted; may be read without the lock
	queues   []*queue                  // that are read
	notified uint64                    // revision of the store
}

// New returns a Watcher that wants nothing yet. It is an error if an option is
// out of range.
func New(o Options) (*Watcher, error) {
	if o.PollInterval == 0 {
		o.PollInterval = 15 * time.Second
	}
	if o.QuotaShare == 0 {
		o.QuotaShare = 0.5
	}
	o.ResyncInterval = cmp.Or(o.ResyncInterval, resyncEvery)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, time.Minute)
	if o.CallTimeout == 0 {
		o.CallTimeout = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.QuotaShare < 0 || o.QuotaShare > 1:
		return nil, fmt.Errorf("quota share %v: want more than 0 and at most 1", o.QuotaShare)
	case o.PollInterval < 0:
		return nil, fmt.Errorf("poll interval %v: want more than 0", o.PollInterval)
	case o.ResyncInterval < 0:
		return nil, fmt.Errorf("resync interval %v: want more than 0", o.ResyncInterval)
	case o.MaxBackoff < 0:
		return nil, fmt.Errorf("back-off %v: want more than 0", o.MaxBackoff)
	case o.CallTimeout < 0:
		return nil, fmt.Errorf("call timeout %v: want more than 0", o.CallTimeout)
	}
	w := &Watcher{
		options: o,
		store:   inventory.NewStore(),
		budgets: newBudgets(o.QuotaShare, o.Quotas),
		http:    newHTTPClient(o.CallTimeout),
		changed: make(chan struct{}, 1),
		wanted:  make(chan struct{}, 1),
		now:     o.Now,
		sources: map[string]*source{},

		longPoll: longPoll, subscribeWithin: subscribeWithin,
	}
	w.keeper = newKeeper(w)
	return w, nil
}

// Want says what to watch from now on. Equal wants cost nothing; another one
// is polled for at once, unless it differs only in what is said of held scopes.
// A source left out takes its tasks with it.
func (w *Watcher) Want(want inventory.Want) {
	w.store.SetFacts(want.Facts)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known && reflect.DeepEqual(w.want, want) {
		return
	}
	if !w.known {
		w.keeper.restore(want.Held)
	}
	again := !w.known || !reflect.DeepEqual(w.want.Sources, want.Sources) ||
		!reflect.DeepEqual(w.want.Facts, want.Facts) || w.newlyHeld(want.Held)
	w.want = copyWant(want)
	w.known = true
	w.reconcile()
	w.retire()
	w.publish()
	if again {
		signal(w.wanted)
	}
}

// newlyHeld says that a scope was not held before and is not known to the
// store. The tasks of a held scope are for the next listing, whenever that is.
// The caller holds the lock.
func (w *Watcher) newlyHeld(held []inventory.Held) bool {
	known := map[inventory.Scope]bool{}
	for _, st := range w.store.Statuses() {
		known[st.Scope] = true
	}
	for _, h := range w.want.Held {
		known[h.Scope] = true
	}
	return slices.ContainsFunc(held, func(h inventory.Held) bool { return !known[h.Scope] })
}

// Snapshot is the state as it is known now; cheap while nothing changes.
func (w *Watcher) Snapshot() *inventory.Snapshot { return w.store.Snapshot() }

// Changed receives whenever the snapshot may have changed in more than the
// time of its listings; statuses count. It holds one signal.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

// Run polls what is wanted until ctx ends, and waits for all that it started.
// It returns nil: failures are statuses in the snapshot.
func (w *Watcher) Run(ctx context.Context) error {
	kept := w.keeper.start(ctx)
	workers, readers := map[*source]*worker{}, map[*queue]*worker{}
	defer func() {
		<-kept
		w.keeper.last()
	}()
	defer func() { // first, so that all that was learnt is kept
		for _, one := range workers {
			one.stop()
		}
		for _, one := range readers {
			one.stop()
		}
	}()
	select { // what is wanted so far is what is started with
	case <-w.wanted:
	default:
	}
	for {
		w.readQueues(ctx, readers)
		w.staff(ctx, workers)
		select {
		case <-ctx.Done():
			return nil
		case <-w.wanted:
		}
	}
}

// Once polls every source once. The error names each source and cluster that
// failed; the snapshot holds what worked.
func (w *Watcher) Once(ctx context.Context) error {
	w.mu.Lock()
	sources := w.ordered()
	w.mu.Unlock()
	errs := make([]error, len(sources))
	var group errgroup.Group
	for i, s := range sources {
		group.Go(func() error {
			if err := s.poll(ctx, true); err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.name(), err)
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return nil
	return errors.Join(append(errs, ctx.Err())...)
}

// staff starts a worker for each source that has none, stops those whose
// source is no longer wanted, and wakes the others.
func (w *Watcher) staff(ctx context.Context, workers map[*source]*worker) {
	w.mu.Lock()
	sources := w.ordered()
	w.mu.Unlock()
	for s, one := range workers {
		if !slices.Contains(sources, s) {
			one.stop()
			delete(workers, s)
		}
	}
	for _, s := range sources {
		if one, ok := workers[s]; ok {
			signal(one.kick)
		} else {
			workers[s] = newWorker(ctx, s.loop, s.followUp, s.countServices)
		}
	}
	w.mu.Lock() // a source that was stopped may have been in the middle of a poll
	w.retire()
	w.publish()
	w.mu.Unlock()
	w.notify()
}

// readQueues reads the queues that are wanted, each once, and no others.
func (w *Watcher) readQueues(ctx context.Context, readers map[*queue]*worker) {
	w.mu.Lock()
	sources := w.ordered()
	w.mu.Unlock()
	old := w.queues
	var queues []*queue
	for _, id := range queueIDs(sources) {
		i := slices.IndexFunc(old, func(q *queue) bool { return q.id == id })
		if i >= 0 {
			queues = append(queues, old[i])
		} else {
			queues = append(queues, newQueue(w, id))
		}
	}
	w.mu.Lock()
	w.queues = queues
	w.mu.Unlock()
	for _, s := range sources {
		s.subscribe(queueOf(queues, s.queueURL()))
	}
	for _, q := range queues {
		q.attach(slices.DeleteFunc(slices.Clone(sources), func(s *source) bool { return s.queueURL() != q.id.url }))
		if readers[q] == nil {
			readers[q] = newWorker(ctx, func(ctx context.Context, _ *worker) { q.run(ctx) })
		}
	}
	for q, one := range readers {
		if !slices.Contains(queues, q) {
			one.stop()
			delete(readers, q)
		}
	}
}

// ordered are the wanted sources without doubles; the caller holds the lock.
func (w *Watcher) ordered() []*source {
	var out []*source
	for _, src := range w.want.Sources {
		if s := w.sources[key(src)]; !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// reconcile keeps one source per entry wanted; the caller holds the lock.
func (w *Watcher) reconcile() {
	next := map[string]*source{}
	for _, src := range w.want.Sources {
		k := key(src)
		if next[k] != nil {
			continue
		}
		if s := w.sources[k]; s != nil {
			next[k] = s
		} else {
			next[k] = newSource(w, src)
			w.inherit(next[k])
		}
		next[k].setQueue(src.EventsQueue)
	}
	w.sources = next
	order := w.ordered()
	w.order.Store(&order)
}

// inherit takes over where the source is from one of the same identity, so that
// other clusters of a known account are judged at once; the caller holds the
// lock.
func (w *Watcher) inherit(s *source) {
	for _, old := range w.sources {
		if sameIdentity(old.want, s.want) {
			s.setPlace(old.place())
		}
	}
}

func (w *Watcher) held() []inventory.Held {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.want.Held
}

// heldIn is what is held of one scope.
func (w *Watcher) heldIn(scope inventory.Scope) inventory.Held {
	for _, h := range w.held() {
		if h.Scope == scope {
			return h
		}
	}
	return inventory.Held{Scope: scope}
}

// update is called after each poll of a source.
func (w *Watcher) update() {
	w.mu.Lock()
	w.retire()
	w.publish()
	w.mu.Unlock()
	w.notify()
}

// publish hands the sources' statuses to the store; the caller holds the lock.
func (w *Watcher) publish() {
	statuses := make([]inventory.SourceStatus, 0, len(w.want.Sources))
	for _, src := range w.want.Sources {
		statuses = append(statuses, w.sources[key(src)].status())
	}
	w.store.SetSources(statuses)
}

// notify signals a change of the store once.
func (w *Watcher) notify() {
	revision := w.store.Revision()
	w.mu.Lock()
	defer w.mu.Unlock()
	if revision != w.notified {
		w.notified = revision
		signal(w.changed)
	}
}

func copyWant(want inventory.Want) inventory.Want {
	want.Sources = slices.Clone(want.Sources)
	for i, src := range want.Sources {
		want.Sources[i].Clusters = slices.Clone(src.Clusters)
	}
	want.Facts.Environment = slices.Clone(want.Facts.Environment)
	return want
}

// key tells sources apart.
func key(src inventory.Source) string {
	return fmt.Sprintf("%q %q %q %q", src.Region, src.RoleARN, src.ExternalID, src.Clusters)
}

// signal leaves one signal in a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

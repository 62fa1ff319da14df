package target

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	firstPause = 250 * time.Millisecond
	lastPause  = 10 * time.Second
	// A new pool exists up to 5 s (discovery manager) plus 5 s (scrape manager)
	// after the reload.
	poolWait = 15 * time.Second
	// A reload that something else started before the swap may have read the old
	// configuration and end after it. None is taken to last longer.
	longestReload = 5 * time.Second
	// The time of a swap is that of the link, which is made a moment before it is
	// renamed, by a clock of the kernel that is up to 10 ms late.
	swapSlack = 20 * time.Millisecond
)

// Want is the configuration that Prometheus should run.
type Want struct {
	Digest  string
	Swapped time.Time // as [Directory.Current] says
	// Pools are the names of the pools that have targets by now: targets change
	// while a configuration stays. It is called from any goroutine; nil is none.
	Pools func() []string
	Path  string // as [Directory.ConfigPath] says; "" is not compared
}

// Confirmation is Prometheus's word that it runs a configuration.
type Confirmation struct {
	Digest   string
	Loaded   time.Time // when it was loaded; whole seconds
	Started  time.Time // when the process started
	Reloaded bool      // a reload was asked for
	// OtherMount is --config.file where it is our file seen at another path.
	OtherMount string
}

// Reloader brings a Prometheus to run what is published. Ensure is for one
// caller at a time; Check and Missing may be called beside it.
type Reloader struct {
	Prometheus *Prometheus
	// Report hears each new state and its reason from within Ensure, which waits
	// for it; nil is allowed.
	Report func(state string, err error)

	mu       sync.Mutex
	accepted swapID // the swap after which a reload was answered with 200
}

type swapID struct {
	digest  string
	swapped int64 // nanoseconds
}

// Ensure blocks until Prometheus runs want, and has a scrape pool for each of
// its pools; until it is clear that it will not ([*RejectedError],
// [*PoolsMissingError]); or until ctx ends, and then the error is that of ctx
// with the last reason. Everything else is reported and tried again, after
// 250 ms at first and after 10 s at most.
//
// Nothing is kept on disk for it: whether a reload is due is told by comparing
// the time of the swap with the time at which Prometheus last loaded its
// configuration, so it holds across a restart of either side.
func (r *Reloader) Ensure(ctx context.Context, want Want) (Confirmation, error) {
	t := &round{Reloader: r, want: want, confirmation: Confirmation{Digest: want.Digest}}
	pause := firstPause
	for {
		err := t.attempt(ctx)
		if err == nil {
			t.progress(StateConfirmed)
			return t.confirmation, nil
		}
		if ctx.Err() != nil {
			return Confirmation{}, t.ended(ctx)
		}
		if t.failed(err) {
			pause = firstPause
		}
		if isA[*RejectedError](err) || isA[*PoolsMissingError](err) {
			return Confirmation{}, err
		}
		if !sleep(ctx, pause/2+rand.N(pause/2)) {
			return Confirmation{}, t.ended(ctx)
		}
		pause = min(2*pause, lastPause)
	}
}

// Check only reads: whether Prometheus runs want, and when its process started.
// It is one request. An error says that Prometheus did not answer.
func (r *Reloader) Check(ctx context.Context, want Want) (confirmed bool, started time.Time, err error) {
	info, err := r.Prometheus.Runtime(ctx)
	if statusOf(err) == http.StatusServiceUnavailable {
		return false, time.Time{}, errStarting
	}
	if err != nil {
		return false, time.Time{}, &UnreachableError{Cause: err}
	}
	return r.runs(want, info), info.StartTime, nil
}

// Missing only reads: which pools that have targets do not exist, sorted. One
// that got its first target a moment ago may take 10 s to come. It is one
// request; an error says that Prometheus did not answer.
func (r *Reloader) Missing(ctx context.Context, want Want) ([]string, error) {
	return r.absent(ctx, want.pools())
}

// absent are those of the pools that do not exist.
func (r *Reloader) absent(ctx context.Context, pools []string) ([]string, error) {
	if len(pools) == 0 {
		return nil, nil
	}
	found, err := r.Prometheus.Pools(ctx)
	if err != nil {
		return nil, unanswered(err)
	}
	have := make(map[string]bool, len(found))
	for _, name := range found {
		have[name] = true
	}
	missing := slices.DeleteFunc(slices.Clone(pools), func(name string) bool { return have[name] })
	slices.Sort(missing)
	return missing, nil
}

// runs says whether what Prometheus reports can only mean that it loaded want.
// Its time of loading has whole seconds and is that of the end. So after a 200
// of ours the second of the swap will do, and in a process that started after
// the swap any: it reads what is current after its start, which it tells to the
// nanosecond. Otherwise it must be a time long after the swap.
func (r *Reloader) runs(want Want, info Runtime) bool {
	r.mu.Lock()
	accepted := r.accepted == want.id()
	r.mu.Unlock()
	second := want.second()
	switch {
	case !info.ReloadConfigSuccess || info.LastConfigTime.Before(second):
		return false
	case accepted:
		return true
	}
	return want.younger(info) || info.LastConfigTime.Sub(second) > longestReload
}

// reloadedSince is all that can be told of a Prometheus that nobody can ask for
// a reload: it loaded in a later second than that of the swap, or is younger.
func (w Want) reloadedSince(info Runtime) bool {
	return info.ReloadConfigSuccess && (info.LastConfigTime.After(w.second()) || info.StartTime.After(w.Swapped))
}

// younger says that the process started after the swap beyond doubt.
func (w Want) younger(info Runtime) bool { return info.StartTime.After(w.Swapped.Add(swapSlack)) }

func (w Want) pools() []string {
	if w.Pools == nil {
		return nil
	}
	return w.Pools()
}

func (r *Reloader) accept(want Want) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted = want.id()
}

func (w Want) id() swapID { return swapID{w.Digest, w.Swapped.UnixNano()} }

func (w Want) second() time.Time { return w.Swapped.Truncate(time.Second) }

package target

import (
	"context"
	"math/rand/v2"
	"net/http"
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
)

// Want is the configuration that Prometheus should run.
type Want struct {
	Digest  string
	Swapped time.Time // as [Directory.Current] says
	Pools   []string  // names of the pools that have targets
	Path    string    // as [Directory.ConfigPath] says; "" is not compared
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
// caller at a time; Check may be called beside it.
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
	t := &round{Reloader: r, want: want, confirmation: Confirmation{Digest: want.Digest}, said: map[string]bool{}}
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

// runs says whether what Prometheus reports can only mean that it loaded want.
// Its time of loading has whole seconds and is that of the end. So after a 200
// of ours the second of the swap will do; otherwise it must be a later one, and
// the reload must have begun after the swap: as it did in a process that started
// later, or where it ended long after.
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
	return info.LastConfigTime.After(second) &&
		(info.StartTime.After(want.Swapped) || info.LastConfigTime.Sub(second) > longestReload)
}

// reloadedSince is all that can be told of a Prometheus that nobody can ask for
// a reload: it loaded in a later second than that of the swap, or is younger.
func (w Want) reloadedSince(info Runtime) bool {
	return info.ReloadConfigSuccess && (info.LastConfigTime.After(w.second()) || info.StartTime.After(w.Swapped))
}

func (r *Reloader) accept(want Want) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted = want.id()
}

func (w Want) id() swapID { return swapID{w.Digest, w.Swapped.UnixNano()} }

func (w Want) second() time.Time { return w.Swapped.Truncate(time.Second) }

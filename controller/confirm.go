package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ecs-scrape/controller/target"
)

// silences is how many checks in a row a confirmed Prometheus may leave
// unanswered: one may have met its restart.
const silences = 2

// outcome is what became of a published configuration, or only that Prometheus
// restarted.
type outcome struct {
	want target.Want // zero where there is nothing new about it
	// err is nil where Prometheus has confirmed it.
	err error
	// restarted says that Prometheus has started anew since the last outcome,
	// so that what it refused is worth another try.
	restarted bool
}

// confirmer has Prometheus take the newest configuration, in a goroutine of its
// own, so that target files go on while Prometheus is slow or away. Newer input
// interrupts it.
type confirmer struct {
	reloader Reloader
	wants    chan target.Want
	outcomes chan outcome
	needed   atomic.Pointer[[]string] // pools that have targets now
	started  time.Time
	silent   int // checks in a row that Prometheus did not answer
}

func newConfirmer(r Reloader) *confirmer {
	return &confirmer{reloader: r, wants: make(chan target.Want, 1), outcomes: make(chan outcome)}
}

// want replaces what is to be confirmed. It is called from one goroutine.
func (c *confirmer) want(w target.Want) {
	w.Pools = c.pools
	select {
	case <-c.wants:
	default:
	}
	c.wants <- w
}

// need replaces the pools that Prometheus must be seen to have, and interrupts
// nothing.
func (c *confirmer) need(pools []string) { c.needed.Store(&pools) }

func (c *confirmer) pools() []string {
	if p := c.needed.Load(); p != nil {
		return *p
	}
	return nil
}

// run serves until the context ends.
func (c *confirmer) run(ctx context.Context) {
	var want target.Want
	select {
	case <-ctx.Done():
		return
	case want = <-c.wants:
	}
	for ctx.Err() == nil {
		want = c.follow(ctx, want)
	}
}

// follow confirms one configuration and then watches it until there is a newer
// one, which it returns.
func (c *confirmer) follow(ctx context.Context, want target.Want) (newer target.Want) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		for ctx.Err() == nil {
			c.attempt(ctx, want)
		}
	})
	select {
	case <-ctx.Done():
		return want
	case newer := <-c.wants:
		return newer
	}
}

// attempt ensures the configuration once, reports, and returns when it is time
// for another attempt: Prometheus restarted, something else reloaded it, it went
// away, its pools are not what they were, or its refusal is long ago.
func (c *confirmer) attempt(ctx context.Context, want target.Want) {
	_, err := c.reloader.Ensure(ctx, want)
	if ctx.Err() != nil {
		return
	}
	_, started, _ := c.reloader.Check(ctx, want)
	c.silent = 0
	c.send(ctx, outcome{want: want, err: err, restarted: c.restarted(started)})
	again := time.NewTimer(rejectedFor)
	defer again.Stop()
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if err != nil {
				return
			}
		case <-tick.C:
			if c.due(ctx, want, err) {
				return
			}
		}
	}
}

// due says that Prometheus is not what it was when it confirmed the
// configuration, or refused it with err.
func (c *confirmer) due(ctx context.Context, want target.Want, err error) bool {
	confirmed, started, checkErr := c.reloader.Check(ctx, want)
	if c.restarted(started) {
		c.send(ctx, outcome{restarted: true})
		return true
	}
	var known *target.PoolsMissingError
	if err != nil && !errors.As(err, &known) {
		return confirmed
	}
	if checkErr != nil {
		c.silent++
		return c.silent >= silences
	}
	c.silent = 0
	return !confirmed || c.poolsDiffer(ctx, want, known)
}

// poolsDiffer says that pools are missing other than those known to be: what
// has targets changes while a configuration stays. Another attempt gives a new
// one the time to come.
func (c *confirmer) poolsDiffer(ctx context.Context, want target.Want, known *target.PoolsMissingError) bool {
	missing, err := c.reloader.Missing(ctx, want)
	if err != nil {
		return false // the next check tells
	}
	if known == nil {
		return len(missing) > 0
	}
	return !slices.Equal(missing, known.Pools)
}

func (c *confirmer) restarted(started time.Time) bool {
	if started.IsZero() || started.Equal(c.started) {
		return false
	}
	first := c.started.IsZero()
	c.started = started
	return !first
}

func (c *confirmer) send(ctx context.Context, o outcome) {
	select {
	case <-ctx.Done():
	case c.outcomes <- o:
	}
}

package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// Tuning, each with its goal.
const (
	// window is how long a pass waits after its first trigger, so that a burst
	// of changes costs one pass. It is fixed: waiting for quiet would starve.
	window = time.Second
	// firstRetry and lastRetry bound the back-off after an error that another try
	// may mend.
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	// rejectedFor is how long a configuration that Prometheus refused is left
	// alone while nothing changes.
	rejectedFor = 10 * time.Minute
	// checkEvery is how often a confirmed Prometheus is looked at again, for a
	// restart or for a reload that was not ours.
	checkEvery = 5 * time.Second
	// lookEvery is how often the status is brought up to date though nothing happens,
	// so that its time tells that the controller is alive.
	lookEvery = 20 * time.Second
)

// AcceptedFile holds the last valid objects, below the output's .state.
const AcceptedFile = "accepted.json"

// Inventory is what the controller asks of ECS beyond a pass.
type Inventory interface {
	// Run watches until the context ends.
	Run(ctx context.Context) error
	// Changed is signalled when the snapshot may have changed.
	Changed() <-chan struct{}
}

// Output is the published directory. It is used from one goroutine.
type Output interface {
	// Live is what is published now. It is not changed afterwards.
	Live() (*artifact.Bundle, error)
	// WriteTargets is as in [reconcile.Targets].
	WriteTargets(now time.Time, pools []artifact.Pool) (reconcile.Published, error)
	Current() (digest string, swapped time.Time, err error)
	Swap(digest string) error
	Collect(keep map[string]bool, generations int) error
	WriteState(name string, data []byte) error
	// Earlier are the digests of the configurations that can be gone back to,
	// the one used last first.
	Earlier() ([]string, error)
	// Intact is false where a published file is not as it was written.
	Intact() bool
	// Modified are the modification times of the target files, by path.
	Modified() map[string]time.Time
	// Mend makes what was made current last current again, and whole, where
	// somebody else has changed it.
	Mend() error
	// Interference is what somebody else did to published files, since the last call.
	Interference() []string
	// Hold is the configuration that is to be held; nil if none is.
	Hold() (*target.Hold, error)
	// Sound is nil where the configuration of that digest can be published.
	Sound(digest string) error
	// Confirm notes that Prometheus has confirmed a configuration.
	Confirm(digest string) error
	// ReadGeneration is the configuration of that digest.
	ReadGeneration(digest string) (artifact.Files, error)
	// Scraped is what that configuration has scraped; nil where nobody knows.
	Scraped(digest string) (artifact.Scraped, error)
}

// Reloader has Prometheus take a configuration and watches that it keeps it.
type Reloader interface {
	// Ensure blocks until the configuration is confirmed or refused.
	Ensure(ctx context.Context, want target.Want) (target.Confirmation, error)
	// Check only looks. started is when Prometheus started.
	Check(ctx context.Context, want target.Want) (confirmed bool, started time.Time, err error)
	// Missing only looks: the pools that have targets and do not exist, sorted.
	Missing(ctx context.Context, want target.Want) ([]string, error)
}

// Options of a Controller.
type Options struct {
	// SpecsInterval is how often the specs are looked at.
	SpecsInterval time.Duration
	// Specs is the source that the passes load from, where it says when to look and
	// what it loaded; nil: only the interval counts.
	Specs *Paced
	// ConfigPath is the path of prometheus.yml as Prometheus should be given it.
	ConfigPath string
	// StaleAfter is how long a place may go unread before that is an alarm; 0 for
	// ever. It takes nothing away.
	StaleAfter time.Duration
	// Observed is the Prometheus that the reloader tells; nil where nothing is
	// asked of it.
	Observed Observed

	// For the status alone:
	SpecsLocation string // as --specs names it
	Version       string // of the program
	Instance      Instance
	// Usage tells what AWS has been asked; nil if nobody knows. It is called often,
	// and from one goroutine.
	Usage func() []Usage
	// Outlets are where the status is written to.
	Outlets []Outlet
	// Earlier is the last status that an earlier process wrote; nil if there is none.
	Earlier *Status
	// Generations is how many configurations are kept on disk, the current one
	// included; 0 is [target.DefaultGenerations].
	Generations int
	Log         *slog.Logger
}

// Controller runs passes until it is told to stop.
type Controller struct {
	options    Options
	reconciler *reconcile.Reconciler
	inventory  Inventory
	output     Output
	confirmer  *confirmer // nil where no Prometheus is told
	// acquaintance and reads are nil where no Prometheus is observed.
	acquaintance *acquaintance
	reads        *reads
	grave        atomic.Int64 // differences that matter

	status  atomic.Pointer[Status]
	metrics *Metrics
	waiting atomic.Pointer[waiting] // what Reported said last
	nudged  chan struct{}

	explained  atomic.Pointer[reconcile.Pass] // the last that succeeded, for Explain
	explaining sync.Mutex

	// Of the loop's goroutine alone.
	looked     time.Time       // when the source of the specs last asked for a pass
	last       *reconcile.Pass // the last that succeeded
	reported   *reconcile.Pass // that the status tells of
	passErr    error           // of that pass, for the status
	standings  []standing      // of the objects of that pass
	since      map[heading]time.Time
	unfinished bool // not all of last is written yet
	published  artifact.Bundle
	config     configState
	scraped    ScrapedLog
	backoff    time.Duration
	resume     time.Time // no pass before it
	failure    string    // the last error logged
	problems   map[string]bool
	failing    map[string]bool   // places that were logged not to be read
	overdue    map[string]bool   // those that were logged to be overdue
	events     map[string]string // why the events of a place do not arrive, as logged
	remembered *spec.Set         // whose accepted objects are on disk
	told       map[string]bool   // grave differences that were logged
	unread     bool              // that target files are not read was logged
	history    history
	memory     recollection
	writers    []*writer // of the status; each has a goroutine of its own

	interference []Interference // of late, the newest first
}

// New wires a controller. reloader may be nil: then nobody is told of a new
// configuration, and it counts as confirmed.
func New(r *reconcile.Reconciler, inv Inventory, out Output, reloader Reloader, m *Metrics, o Options) *Controller {
	c := &Controller{
		options: o, reconciler: r, inventory: inv, output: out, metrics: m,
		problems: map[string]bool{}, nudged: make(chan struct{}, 1),
	}
	c.waiting.Store(&waiting{})
	if reloader != nil {
		c.confirmer = newConfirmer(reloader)
	}
	c.observe(o.Observed)
	c.recall(o.Earlier)
	for _, outlet := range o.Outlets {
		c.writers = append(c.writers, newWriter(outlet, c))
	}
	s := newStatus(StateStarting, "the first pass has not run yet")
	c.introduce(s)
	c.status.Store(s)
	m.watch(c)
	return c
}

// Run reconciles until the context ends, and then returns nil. A transient
// error never ends it.
func (c *Controller) Run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return c.inventory.Run(inner) })
	if c.confirmer != nil {
		group.Go(func() error { c.confirmer.run(inner); return nil })
	}
	if c.acquaintance != nil {
		group.Go(func() error { c.acquaintance.run(inner); return nil })
		group.Go(func() error { c.reads.run(inner); return nil })
	}
	for _, w := range c.writers {
		group.Go(func() error { w.run(inner); return nil })
	}
	group.Go(func() error { c.loop(inner); return nil })
	err := group.Wait()
	c.writeLast(ctx)
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// loop runs a pass at once and then whenever something says when.
func (c *Controller) loop(ctx context.Context) {
	c.found()
	c.holdChanged()
	next := newAlarm()
	defer next.stop()
	next.at(time.Now())
	specs := time.NewTicker(c.options.SpecsInterval)
	defer specs.Stop()
	holds := time.NewTicker(holdEvery)
	defer holds.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.inventory.Changed():
			next.at(time.Now().Add(window))
			continue
		case o := <-c.outcomes():
			c.outcome(o)
			c.refresh()
			if c.last == nil || !c.config.settled(c.last) {
				next.at(time.Now().Add(window))
			}
			continue
		case <-c.nudged:
			c.refresh()
			continue
		case <-c.options.Specs.signals():
			next.at(c.soon(time.Now()))
			continue
		case <-holds.C:
			c.lookAtHold(next)
			continue
		case <-specs.C:
		case <-next.c():
		}
		next.clear()
		if now := time.Now(); now.Before(c.resume) {
			next.at(c.resume)
			continue
		}
		if due := c.pass(ctx); !due.IsZero() {
			next.at(due)
		}
	}
}

// found notes the configuration that an earlier run left, where it is whole: it
// is what a refused first publication goes back to, and it may be served.
func (c *Controller) found() {
	digest, _, err := c.output.Current()
	if err != nil || digest == "" || c.output.Swap(digest) != nil { // a swap to the current one only looks
		return
	}
	c.config.previous = digest
	c.noteFound(digest)
	s := newStatus(StateStarting, c.Status().Message)
	s.Healthy = true
	c.introduce(s)
	c.store(s)
}

// waiting is what a confirmation waits for.
type waiting struct {
	state string // as in target.State...
	err   error
}

// Reported takes what a [target.Reloader] reports while it waits for
// Prometheus. It may be called from any goroutine.
func (c *Controller) Reported(state string, err error) {
	last := c.waiting.Swap(&waiting{state, err})
	if err != nil && (last.err == nil || last.err.Error() != err.Error()) {
		c.options.Log.Warn("Prometheus does not take the configuration yet", "state", state, "err", err)
	}
	c.nudge()
}

func (c *Controller) outcomes() <-chan outcome {
	if c.confirmer == nil {
		return nil
	}
	return c.confirmer.outcomes
}

// pass runs once and says when it must run again though nothing triggers it;
// zero if it need not.
func (c *Controller) pass(ctx context.Context) (again time.Time) {
	start := time.Now()
	r := c.attempt(ctx, start)
	if ctx.Err() != nil {
		return time.Time{}
	}
	c.report(r)
	c.metrics.observe(time.Since(start), r.idle, r.err)
	if r.err != nil {
		return c.failed(r.err, r.pass)
	}
	c.recovered(r.pass.LoadError)
	c.explained.Store(r.pass)
	c.last, c.unfinished = r.pass, !r.done.Due.IsZero()
	return r.done.Due
}

// result is what became of a pass.
type result struct {
	pass *reconcile.Pass
	idle bool // there was nothing to do
	done reconcile.Published
	err  error
}

// attempt evaluates and publishes. A panic is an error like any other.
func (c *Controller) attempt(ctx context.Context, now time.Time) (r result) {
	defer func() {
		if p := recover(); p != nil {
			c.options.Log.Debug("stack of a panic", "stack", string(debug.Stack()))
			r.err = fmt.Errorf("panic: %v", p)
			if r.pass = c.last; r.pass == nil {
				r.pass = &reconcile.Pass{}
			}
		}
	}()
	r.pass, r.err = c.reconciler.Evaluate(ctx)
	if r.err != nil || ctx.Err() != nil {
		return r
	}
	r.idle = r.pass == c.last && !c.unfinished && c.config.settled(r.pass) && c.output.Intact()
	if !r.idle {
		r.done, r.err = c.publish(r.pass, now)
		c.metrics.wrote(r.done, r.err)
	}
	return r
}

// failed logs an error once and says when to try again; zero where only the
// specs can mend it, which are looked at at their own interval.
func (c *Controller) failed(err error, pass *reconcile.Pass) time.Time {
	c.logFailure(err)
	if errors.Is(err, reconcile.ErrInput) || pass.LoadError != nil {
		c.backoff, c.resume = 0, time.Time{}
		return time.Time{}
	}
	c.backoff = min(max(2*c.backoff, firstRetry), lastRetry)
	c.resume = time.Now().Add(c.backoff)
	return c.resume
}

// recovered ends the back-off. Where the specs could not be loaded the last
// good ones are published, and that is logged like a failure.
func (c *Controller) recovered(load error) {
	c.backoff, c.resume = 0, time.Time{}
	if load != nil {
		c.logFailure(load)
		return
	}
	if c.failure != "" {
		c.options.Log.Info("pass succeeds again")
	}
	c.failure = ""
}

func (c *Controller) logFailure(err error) {
	if err.Error() != c.failure {
		c.failure = err.Error()
		c.options.Log.Error("pass failed; what is published stays", "err", err)
	}
}

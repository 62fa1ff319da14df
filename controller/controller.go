package controller

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
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
	// retryMin and retryMax bound the back-off after an error that another try
	// may mend.
	retryMin = time.Second
	retryMax = 30 * time.Second
	// rejectedFor is how long a configuration that Prometheus refused is left
	// alone while nothing changes.
	rejectedFor = 10 * time.Minute
	// checkEvery is how often a confirmed Prometheus is looked at again, for a
	// restart or for a reload that was not ours.
	checkEvery = 5 * time.Second
	// generations is how many old configurations are kept on disk.
	generations = 5
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
	Current() (digest string, swapped time.Time, err error)
	Swap(digest string) error
	Collect(keep map[string]bool, generations int) error
	WriteState(name string, data []byte) error
}

// Reloader has Prometheus take a configuration and watches that it keeps it.
type Reloader interface {
	// Ensure blocks until the configuration is confirmed or refused.
	Ensure(ctx context.Context, want target.Want) (target.Confirmation, error)
	// Check only looks. started is when Prometheus started.
	Check(ctx context.Context, want target.Want) (confirmed bool, started time.Time, err error)
}

// Options of a Controller.
type Options struct {
	// SpecsInterval is how often the specs are looked at.
	SpecsInterval time.Duration
	// ConfigPath is the path of prometheus.yml as Prometheus should be given it.
	ConfigPath string
	Log        *slog.Logger
}

// Controller runs passes until it is told to stop.
type Controller struct {
	options    Options
	reconciler *reconcile.Reconciler
	inventory  Inventory
	output     Output
	confirmer  *confirmer // nil where no Prometheus is told

	status  atomic.Pointer[Status]
	metrics *Metrics
	waiting atomic.Pointer[waiting] // what Reported said last
	nudged  chan struct{}

	// Of the loop's goroutine alone.
	last      *reconcile.Pass
	published artifact.Bundle
	config    configState
	backoff   time.Duration
	failure   string // the last error logged
	problems  map[string]bool
	accepted  string // what is on disk
}

// New wires a controller. reloader may be nil: then nobody is told of a new
// configuration, and it counts as confirmed.
func New(r *reconcile.Reconciler, inv Inventory, out Output, reloader Reloader, m *Metrics, o Options) *Controller {
	c := &Controller{
		options: o, reconciler: r, inventory: inv, output: out, metrics: m,
		config:   configState{rejected: map[string]rejection{}},
		problems: map[string]bool{}, nudged: make(chan struct{}, 1),
	}
	c.waiting.Store(&waiting{})
	if reloader != nil {
		c.confirmer = newConfirmer(reloader)
	}
	c.status.Store(&Status{State: StateStarting, Message: "the first pass has not run yet"})
	m.watch(c)
	return c
}

// Run reconciles until the context ends, and then returns nil. A transient
// error never ends it.
func (c *Controller) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.inventory.Run(ctx) })
	if c.confirmer != nil {
		group.Go(func() error { c.confirmer.run(ctx); return nil })
	}
	group.Go(func() error { c.loop(ctx); return nil })
	err := group.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// loop runs a pass at once and then whenever something says when.
func (c *Controller) loop(ctx context.Context) {
	c.config.previous, _, _ = c.output.Current() // where a refused first publication goes back to
	next := newAlarm()
	defer next.stop()
	next.at(time.Now())
	specs := time.NewTicker(c.options.SpecsInterval)
	defer specs.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.inventory.Changed():
			next.at(time.Now().Add(window))
			continue
		case o := <-c.outcomes():
			c.outcome(o)
			next.at(time.Now())
			continue
		case <-c.nudged:
			next.at(time.Now())
			continue
		case <-specs.C:
		case <-next.c():
		}
		next.clear()
		if due := c.pass(ctx); !due.IsZero() {
			next.at(due)
		}
	}
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
	select {
	case c.nudged <- struct{}{}:
	default:
	}
}

func (c *Controller) outcomes() <-chan outcome {
	if c.confirmer == nil {
		return nil
	}
	return c.confirmer.outcomes
}

// pass runs once and says when it must run again though nothing triggers it;
// zero if it need not. A panic is an error like any other.
func (c *Controller) pass(ctx context.Context) (again time.Time) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			again = c.failed(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	pass, err := c.reconciler.Evaluate(ctx)
	if ctx.Err() != nil {
		return time.Time{}
	}
	idle := err == nil && pass == c.last && c.config.settled(pass)
	var done reconcile.Published
	if err == nil && !idle {
		done, err = c.publish(pass, start)
	}
	c.report(pass, err)
	if !idle {
		c.metrics.observe(time.Since(start), err)
	}
	if err == nil {
		err = pass.LoadError
	}
	if err != nil {
		return c.failed(err)
	}
	c.recovered()
	c.last = pass
	if !done.Due.IsZero() {
		c.last = nil // not all of it is written yet
	}
	return done.Due
}

// publish makes the pass live and has Prometheus told.
func (c *Controller) publish(pass *reconcile.Pass, now time.Time) (reconcile.Published, error) {
	desired := pass.Plan.Bundle.Digest()
	c.config.desired = desired
	allowed := c.config.allowed(desired, now)
	done, err := c.reconciler.Publish(pass, now, allowed)
	c.metrics.written(done.Changed)
	if err != nil {
		return done, err
	}
	c.published = pass.Plan.Bundle
	digest, swapped, err := c.output.Current()
	if err != nil {
		return done, err
	}
	if digest != c.config.published || !swapped.Equal(c.config.swapped) {
		c.config.publish(digest, swapped)
		c.options.Log.Info("published configuration", "digest", digest, "objects", len(pass.Objects), "targets", count(pass.Plan.Bundle.Pools))
		c.tell(pass)
	}
	return done, c.remember(pass)
}

// tell has the confirmer see to it that Prometheus loads what is published.
func (c *Controller) tell(pass *reconcile.Pass) {
	c.config.objects = revisions(pass)
	if c.confirmer == nil {
		c.config.confirm(c.config.published)
		return
	}
	c.confirmer.want(target.Want{
		Digest: c.config.published, Swapped: c.config.swapped,
		Path: c.options.ConfigPath, Pools: withTargets(c.published.Pools),
	})
}

// remember keeps the accepted objects for the next start, and removes what the
// confirmed configuration no longer names.
func (c *Controller) remember(pass *reconcile.Pass) error {
	data, err := c.reconciler.Accepted().Encode()
	if err != nil {
		return err
	}
	if string(data) != c.accepted {
		if err := c.output.WriteState(AcceptedFile, data); err != nil {
			return fmt.Errorf("keep the accepted objects: %w", err)
		}
		c.accepted = string(data)
	}
	return c.collect(pass.Plan.Bundle)
}

// collect removes target files that the confirmed configuration does not name.
func (c *Controller) collect(b artifact.Bundle) error {
	if c.config.confirmed == "" || c.config.confirmed != b.Digest() || c.config.collected == c.config.confirmed {
		return nil
	}
	keep := map[string]bool{}
	for _, p := range b.Pools {
		keep[p.Path] = true
	}
	if err := c.output.Collect(keep, generations); err != nil {
		return fmt.Errorf("remove what is no longer named: %w", err)
	}
	c.config.collected = c.config.confirmed
	return nil
}

// failed logs an error once and says when to try again.
func (c *Controller) failed(err error) time.Time {
	if err.Error() != c.failure {
		c.failure = err.Error()
		c.options.Log.Error("pass failed; what is published stays", "err", err)
	}
	c.backoff = min(max(2*c.backoff, retryMin), retryMax)
	return time.Now().Add(c.backoff)
}

func (c *Controller) recovered() {
	if c.failure != "" {
		c.options.Log.Info("pass succeeds again")
	}
	c.failure, c.backoff = "", 0
}

func revisions(pass *reconcile.Pass) map[spec.ID]string {
	out := map[spec.ID]string{}
	for _, o := range pass.Objects {
		out[o.ID] = o.Served
	}
	return out
}

func count(pools []artifact.Pool) int {
	n := 0
	for _, p := range pools {
		n += len(p.Targets)
	}
	return n
}

// withTargets are the names of the pools that Prometheus must be seen to have.
func withTargets(pools []artifact.Pool) []string {
	var names []string
	for _, p := range pools {
		if len(p.Targets) > 0 {
			names = append(names, p.Name)
		}
	}
	return names
}

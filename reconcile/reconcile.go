package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// Source gives the specs. A load is complete or an error, and gives the same
// pointer while nothing has changed.
type Source interface {
	Load(ctx context.Context) (*spec.Set, error)
}

// Inventory knows what runs. Both methods are cheap and never wait for AWS.
type Inventory interface {
	// Want tells what is needed from now on.
	Want(want inventory.Want)
	// Snapshot is what is known. It gives the same pointer while nothing has changed.
	Snapshot() *inventory.Snapshot
}

// Targets are the target files of the published directory. Calls come from one
// goroutine.
type Targets interface {
	// Live is what is published now.
	Live() (*artifact.Bundle, error)
	// WriteTargets publishes target files. Files that were written too recently
	// wait, as [Published.Due] says.
	WriteTargets(now time.Time, pools []artifact.Pool) (Published, error)
}

// Output is the published directory. Calls come from one goroutine.
type Output interface {
	Targets
	// WriteConfig publishes configuration and rules if they differ from what
	// is live. check judges the files as they were read back from disk.
	WriteConfig(files artifact.Files, check func(artifact.Files) error) error
}

// ErrInput marks errors that only a change of the specs or flags can mend.
// All others are worth another try.
var ErrInput = errors.New("the specs must change")

// inputError is an ErrInput that says what is wrong in words of its own.
type inputError struct{ error }

func (inputError) Is(target error) bool { return target == ErrInput }

func (e inputError) Unwrap() error { return e.error }

// Options of a Reconciler.
type Options struct {
	// Name picks the PrometheusConfig where there are several.
	Name string
	// Sources are watched where the PrometheusConfig names none.
	Sources []inventory.Source
	// AllowEmpty lets a source without any object take everything away.
	AllowEmpty bool
	// History is asked where nothing was accepted before, as on a fresh disk; nil:
	// nobody knows earlier versions.
	History History
	// Self is where this Prometheus and the controller serve their own metrics.
	Self plan.Self
	// Shard is which of the PrometheusConfig's shards this Prometheus is, from 0;
	// nil where that was not said.
	Shard *int
	// Secrets says whether the secret of that name, in lower case, is there. Nil
	// leaves it unjudged.
	Secrets func(name string) bool
}

// Reconciler runs passes. It keeps the last valid version of every object and
// nothing else that matters. It is for one goroutine.
type Reconciler struct {
	source    Source
	inventory Inventory
	output    Output
	options   Options

	accepted Accepted
	judged   *judgement
	holding  holding
	changes  changes
	jobs     jobs
	planner  plan.Planner
	last     *Pass
}

// New returns a Reconciler that starts from the accepted objects, which may be empty.
func New(s Source, i Inventory, o Output, accepted Accepted, opts Options) *Reconciler {
	return &Reconciler{source: s, inventory: i, output: o, accepted: accepted, options: opts, changes: changes{earlier: accepted}}
}

// Accepted are the last valid versions of all objects, to be kept across restarts.
func (r *Reconciler) Accepted() Accepted { return r.accepted }

// Pass is the result of one evaluation: what should be published, and why.
type Pass struct {
	Set      *spec.Set // nil where nothing could be loaded yet
	Objects  []ObjectStatus
	Problems []spec.Problem
	Snapshot *inventory.Snapshot
	Plan     *plan.Plan
	// Declared is the Prometheus that the PrometheusConfig in use declares; nil
	// where there is none.
	Declared *spec.PrometheusVersion
	// LoadError says that the specs could not be read, and that the last good
	// ones are in use.
	LoadError error

	input   plan.Input       // of Plan
	options validate.Options // of the Prometheus that is declared
}

// Evaluate computes what should be published: load, judge, choose, snapshot,
// plan, validate. It changes nothing outside. The pass is the last one's
// pointer while nothing has changed. With an error, whatever is live stays; the
// pass then tells what is known, and has no Plan.
func (r *Reconciler) Evaluate(ctx context.Context) (*Pass, error) {
	j, loadErr := r.load(ctx)
	if j == nil {
		return &Pass{LoadError: loadErr}, loadErr
	}
	pass := &Pass{Set: j.set, Objects: j.statuses(), Problems: j.problems, LoadError: loadErr, options: j.options}
	if j.choice != nil {
		pass.Declared = &j.choice.Config.PrometheusConfig.Prometheus
	}
	if j.err != nil {
		return pass, j.err
	}
	live, err := r.output.Live()
	if err != nil {
		return pass, fmt.Errorf("read what is published: %w", err)
	}
	want := j.choice.Want(r.options.Sources)
	want.Held = r.holding.of(live, r.inventory.Snapshot())
	r.inventory.Want(want)
	pass.Snapshot = r.inventory.Snapshot()
	if r.unchanged(pass) {
		return r.last, nil
	}
	if err := r.plan(pass, j, live, want.Sources); err != nil {
		return pass, err
	}
	r.last = pass
	return pass, nil
}

// unchanged says that this pass would find what the last one found. What was
// live only matters where targets are held, and those are published by then.
func (r *Reconciler) unchanged(p *Pass) bool {
	return r.last != nil && r.last.Set == p.Set && r.last.Snapshot == p.Snapshot &&
		fmt.Sprint(r.last.LoadError) == fmt.Sprint(p.LoadError)
}

func (r *Reconciler) plan(pass *Pass, j *judgement, live *artifact.Bundle, sources []inventory.Source) error {
	shard, err := j.choice.Shard(r.options.Shard)
	if err != nil {
		return inputError{err}
	}
	pass.input = plan.Input{
		Choice: j.choice, Files: j.files, Config: j.config, Snapshot: pass.Snapshot, Sources: sources, Live: r.jobs.loaded(live),
		Changed: r.changes.note(j.choice), Self: r.options.Self, Shard: shard,
	}
	p := r.planner.Build(pass.input)
	if errs := validate.Pools(j.config, p.Bundle.Pools); len(errs) > 0 {
		return inputError{join(errs)}
	}
	pass.Plan = p
	for i := range pass.Objects {
		o := &pass.Objects[i]
		if o.Kind == spec.KindScrapeTarget {
			o.Targets = p.Targets[o.Name]
		}
	}
	return nil
}

// Published says what a publication did.
type Published struct {
	// Changed counts the target files that were written, and Bytes what is in them.
	Changed int
	Bytes   int64
	// Due is when a target file that had to wait may be written; zero if none waits.
	Due time.Time
}

// Standing is where a pass's configuration stands with Prometheus.
type Standing int

// Standings of a configuration.
const (
	// Wanted is published and may still be refused, so targets that move to
	// another pool are in both.
	Wanted Standing = iota
	// Confirmed is loaded, or nobody is there to refuse it: targets that have
	// moved leave their old pool.
	Confirmed
)

// Publish makes the pass live: target files first, then configuration and rules.
// Where another configuration stays, [Stay] takes its place.
func (r *Reconciler) Publish(p *Pass, now time.Time, s Standing) (Published, error) {
	out, err := r.publishTargets(p.Plan.Bundle.Pools, now, s)
	if err != nil {
		return out, fmt.Errorf("publish target files: %w", err)
	}
	if !out.Due.IsZero() {
		live, err := r.output.Live()
		if err != nil {
			return out, fmt.Errorf("read what is published: %w", err)
		}
		if r.early(live, p.Plan.Bundle) {
			return out, nil
		}
	}
	err = r.output.WriteConfig(p.Plan.Bundle.Config, func(files artifact.Files) error {
		_, errs := validate.Files(files, p.options)
		return join(errs)
	})
	if err != nil {
		return out, fmt.Errorf("publish configuration: %w", err)
	}
	return out, nil
}

func join(errs []*validate.Error) error {
	all := make([]error, len(errs))
	for i, e := range errs {
		all[i] = e
	}
	return errors.Join(all...)
}

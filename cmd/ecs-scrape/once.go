package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"ecs-scrape/controller"
	"ecs-scrape/controller/ecs"
	"ecs-scrape/controller/source"
	"ecs-scrape/reconcile"
)

// onceOptions are those of the commands that look once and end.
type onceOptions struct {
	specs      specsFlags
	ecs        ecsFlags
	prometheus prometheusFlags
	output     string
	snapshot   string
	// have says which secrets there are; nil leaves them unjudged.
	have func(name string) bool
}

func (o *onceOptions) add(f *pflag.FlagSet) {
	o.specs.add(f)
	o.ecs.add(f)
	o.prometheus.add(f, "where Prometheus answers, to be scraped there; empty: it is not scraped", "where the controller serves, to be scraped there")
	f.StringVar(&o.output, "output", defaultOutput, "the published directory")
	f.StringVar(&o.snapshot, "snapshot", "", "`FILE` written by ecs-scrape snapshot, to be used instead of AWS")
}

// onceInventory is an inventory that is read once.
type onceInventory interface {
	reconcile.Inventory
	// Once reads everything that is wanted. With an error the snapshot still
	// holds what was read.
	Once(ctx context.Context) error
}

var (
	_ onceInventory = (*ecs.Watcher)(nil)
	_ onceInventory = (*recorded)(nil)
)

func (o *onceOptions) inventory() (onceInventory, error) {
	if o.snapshot == "" {
		return o.ecs.watcher()
	}
	return readSnapshot(o.snapshot)
}

// evaluate computes what should be published now. With an error of AWS's the
// pass is there all the same: what could not be read keeps its targets.
func (o *onceOptions) evaluate(ctx context.Context, out controller.Directory) (*reconcile.Reconciler, *reconcile.Pass, error) {
	if err := o.specs.check(); err != nil {
		return nil, nil, err
	}
	specs, err := source.Open(ctx, o.specs.location)
	if err != nil {
		return nil, nil, err
	}
	inv, err := o.inventory()
	if err != nil {
		return nil, nil, err
	}
	objects, err := accepted(out.Directory)
	if err != nil {
		return nil, nil, err
	}
	options := reconcile.Options{
		Name: o.specs.name, Sources: o.ecs.sources(), AllowEmpty: o.specs.allowEmpty, History: specs, Secrets: o.have,
	}
	if err := o.prometheus.apply(ctx, &options, nil); err != nil {
		return nil, nil, err
	}
	r := reconcile.New(specs, inv, out, objects, options)
	if pass, err := r.Evaluate(ctx); err != nil { // tells the inventory what is wanted
		return nil, nil, withProblems(pass, err)
	}
	readErr := inv.Once(ctx)
	pass, err := r.Evaluate(ctx)
	if err == nil && o.snapshot != "" {
		err = readErr // what a recording does not tell of would look as if it had stopped
	}
	if err != nil {
		return nil, nil, withProblems(pass, err)
	}
	if o.snapshot == "" {
		readErr = withFacts(readErr, inv.Snapshot())
	}
	return r, pass, errors.Join(pass.LoadError, readErr, pass.Problem())
}

// withProblems adds to an error what is wrong with single documents, which may
// be its cause.
func withProblems(pass *reconcile.Pass, err error) error {
	if pass == nil {
		return err
	}
	return errors.Join(pass.Problem(), err)
}

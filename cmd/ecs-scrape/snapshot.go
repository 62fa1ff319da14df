package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ecs-scrape/controller/source"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
)

type snapshotOptions struct {
	specs  specsFlags
	ecs    ecsFlags
	stdout io.Writer
}

func newSnapshotCmd(run func(context.Context, *snapshotOptions) error) *cobra.Command {
	o := &snapshotOptions{}
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Print the live inventory as JSON",
		Long: `Reads ECS once and prints what runs, for diff and render with --snapshot where
there is no AWS. With --specs the inventory holds what those specs need: their
regions, the values of the environment variables that they name, and the tags,
services, machines and network interfaces that they ask for. Without, it holds
no value of any environment variable and none of the others. It can be used for
specs that watch the same clusters, or some where it holds all of a region.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.stdout = cmd.OutOrStdout()
			return run(cmd.Context(), o)
		},
	}
	o.specs.add(cmd.Flags())
	o.ecs.add(cmd.Flags())
	return cmd
}

func snapshotRun(ctx context.Context, o *snapshotOptions) error {
	want, err := o.want(ctx)
	if err != nil {
		return err
	}
	w, err := o.ecs.watcher()
	if err != nil {
		return err
	}
	w.Want(want)
	err = w.Once(ctx)
	if err := withFacts(err, w.Snapshot()); err != nil {
		return err
	}
	enc := json.NewEncoder(o.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(w.Snapshot())
}

func (o *snapshotOptions) want(ctx context.Context) (inventory.Want, error) {
	if o.specs.location == "" {
		return inventory.Want{Sources: o.ecs.sources()}, nil
	}
	specs, err := source.Open(ctx, o.specs.location)
	if err != nil {
		return inventory.Want{}, err
	}
	set, err := specs.Load(ctx)
	if err != nil {
		return inventory.Want{}, fmt.Errorf("load specs: %w", err)
	}
	choice, err := plan.Choose(set.Objects, o.specs.name)
	if err != nil {
		return inventory.Want{}, err
	}
	return choice.Want(o.ecs.sources()), nil
}

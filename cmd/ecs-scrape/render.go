package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ecs-scrape/controller/target"
)

type renderOptions struct {
	onceOptions
	stdout io.Writer
}

func newRenderCmd(run func(context.Context, *renderOptions) error) *cobra.Command {
	o := &renderOptions{}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Publish once, without a reload, and end",
		Long: `Publishes once what Prometheus reads, and ends without telling Prometheus.
Where a document is wrong or a cluster cannot be read, everything else is
published and the exit code is 2.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.stdout = cmd.OutOrStdout()
			return run(cmd.Context(), o)
		},
	}
	o.add(cmd.Flags())
	return cmd
}

func renderRun(ctx context.Context, o *renderOptions) error {
	dir, err := target.Open(o.output, target.Options{})
	if err != nil {
		return err
	}
	r, pass, problems := o.evaluate(ctx, dir)
	if pass == nil {
		return problems
	}
	done, err := r.Publish(pass, time.Now(), true)
	if err != nil {
		return err
	}
	n := 0
	for _, p := range pass.Plan.Bundle.Pools {
		n += len(p.Targets)
	}
	_, err = fmt.Fprintf(o.stdout, "published configuration %s with %d targets in %s (%d target files written)\n",
		pass.Plan.Bundle.Digest(), n, dir.Path(), done.Changed)
	if problems != nil {
		return problems
	}
	return err
}

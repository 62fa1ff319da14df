package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ecs-scrape/controller"
	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/artifact"
)

type diffOptions struct {
	onceOptions
	format string
	stdout io.Writer
	stderr io.Writer
}

func newDiffCmd(run func(context.Context, *diffOptions) error) *cobra.Command {
	o := &diffOptions{}
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show what a publication would change",
		Long: `Compares what the specs and ECS ask for with what is published, and changes
nothing. Exit code 0: the same. 1: they differ. 2 or more: an error, and no
answer.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.stdout, o.stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return run(cmd.Context(), o)
		},
	}
	o.add(cmd.Flags())
	cmd.Flags().StringVar(&o.format, "format", "text", "text, json or markdown")
	return cmd
}

func diffRun(ctx context.Context, o *diffOptions) error {
	show, err := diffFormat(o.format)
	if err != nil {
		return err
	}
	dir, err := target.Open(o.output, target.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	_, pass, err := o.evaluate(ctx, controller.Directory{Directory: dir})
	if err != nil {
		return err // a difference to half of the truth would mislead
	}
	printFindings(o.stderr, pass)
	live, _, err := dir.Live()
	if err != nil {
		return err
	}
	d := artifact.Diff(live, &pass.Plan.Bundle)
	text, err := show(&d)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(o.stdout, text); err != nil {
		return err
	}
	if !d.Empty() {
		return &exit{code: exitDiffers}
	}
	return nil
}

func diffFormat(name string) (func(*artifact.Difference) (string, error), error) {
	switch name {
	case "text":
		return func(d *artifact.Difference) (string, error) { return d.Text(), nil }, nil
	case "markdown":
		return func(d *artifact.Difference) (string, error) { return d.Markdown(), nil }, nil
	case "json":
		return func(d *artifact.Difference) (string, error) {
			data, err := json.MarshalIndent(d, "", "  ")
			return string(data) + "\n", err
		}, nil
	}
	return nil, fmt.Errorf("--format is %q: give text, json or markdown", name)
}

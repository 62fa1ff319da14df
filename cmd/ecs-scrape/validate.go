package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ecs-scrape/controller/source"
	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

type validateOptions struct {
	name   string
	paths  []string
	stdout io.Writer
	stderr io.Writer
}

func newValidateCmd(run func(context.Context, *validateOptions) error) *cobra.Command {
	o := &validateOptions{}
	cmd := &cobra.Command{
		Use:   "validate PATH...",
		Short: "Judge specs offline",
		Long: `Judges specs as the controller would, without AWS and without Prometheus: each
PATH is a file or a directory. Every problem is a line with its place and its
remedy. Exit code 0: all valid. 1: not.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.paths, o.stdout, o.stderr = args, cmd.OutOrStdout(), cmd.ErrOrStderr()
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.name, "prometheus.name", "", "name of the PrometheusConfig, where the specs hold several")
	return cmd
}

func validateRun(ctx context.Context, o *validateOptions) error {
	files, err := readSpecs(ctx, o.paths)
	if err != nil {
		return &exit{exitInvalid, err}
	}
	set := spec.Decode(files)
	problems, err := reconcile.Validate(set, o.name)
	for _, p := range problems {
		fmt.Fprintln(o.stderr, p.Error())
	}
	if err != nil {
		return &exit{exitInvalid, err}
	}
	if len(problems) > 0 {
		return &exit{code: exitInvalid}
	}
	_, err = fmt.Fprintf(o.stdout, "%d objects in %d files are valid\n", len(set.Objects), len(set.Files))
	return err
}

// readSpecs reads all paths as one set, so that objects may refer to each other.
func readSpecs(ctx context.Context, paths []string) ([]spec.File, error) {
	var files []spec.File
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			data, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			files = append(files, spec.File{Name: path, Data: data})
			continue
		}
		below, err := source.NewDirectory(path).Files(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range below {
			files = append(files, spec.File{Name: filepath.Join(path, f.Name), Data: f.Data})
		}
	}
	if len(files) == 0 {
		return nil, errors.New("no specs there: files end in .yaml, .yml or .json")
	}
	return files, nil
}

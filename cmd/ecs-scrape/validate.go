package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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
remedy. Where there are several PrometheusConfigs, everything is judged under
each of them; where there is none, under an empty one. Exit code 0: all valid.
1: not.`,
		Args:        cobra.MinimumNArgs(1),
		Annotations: map[string]string{yesOrNo: "true"},
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
		return err
	}
	set := spec.Decode(files)
	problems, err := reconcile.Validate(set, o.name)
	for _, p := range problems {
		if _, err := fmt.Fprintln(o.stderr, p.Error()); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return &exit{code: exitNo}
	}
	_, err = fmt.Fprintf(o.stdout, "valid: %s in %s\n", plural(len(set.Objects), "object"), plural(len(set.Files), "file"))
	return err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// readSpecs reads all paths as one set, so that objects may refer to each
// other. A file that is named twice is read once.
func readSpecs(ctx context.Context, paths []string) ([]spec.File, error) {
	var files []spec.File
	seen := map[string]bool{}
	for _, path := range paths {
		found, err := readPath(ctx, path)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !seen[f.Name] {
				files = append(files, f)
			}
			seen[f.Name] = true
		}
	}
	if len(files) == 0 {
		return nil, errors.New("no specs there: files end in .yaml, .yml or .json")
	}
	return files, nil
}

func readPath(ctx context.Context, path string) ([]spec.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		data, err := os.ReadFile(path)
		name := filepath.ToSlash(filepath.Clean(path))
		return []spec.File{{Name: name, Root: rootOf(name), Data: data}}, err
	}
	files, err := source.NewDirectory(path).Files(ctx)
	for i := range files {
		files[i].Name = filepath.ToSlash(filepath.Join(path, files[i].Name))
		files[i].Root = rootOf(files[i].Name)
	}
	return files, err
}

// rootOf is what leads from here to files elsewhere: all that a clean path
// cannot have within a source.
func rootOf(name string) string {
	rest := strings.TrimPrefix(name, "/")
	for strings.HasPrefix(rest, "../") {
		rest = rest[len("../"):]
	}
	return name[:len(name)-len(rest)]
}

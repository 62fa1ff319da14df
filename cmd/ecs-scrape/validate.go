package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

type validateOptions struct {
	name   string
	format string
	paths  []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

func newValidateCmd(run func(context.Context, *validateOptions) error) *cobra.Command {
	o := &validateOptions{}
	cmd := &cobra.Command{
		Use:   "validate PATH...",
		Short: "Judge specs offline",
		Long: `Judges specs as the controller would, without AWS and without Prometheus: each
PATH is a file, a directory, a pattern such as 'specs/*.yaml', or - for standard
input. Every problem is a line with its place and its remedy. Each object is
judged under the PrometheusConfigs that select it, or under the one alone that
--prometheus.name names. What none selects is judged under an empty one, with a
warning where there are several; without a PrometheusConfig, that is everything.
Exit code 0: all valid, perhaps with warnings. 1: not.`,
		Args:        cobra.MinimumNArgs(1),
		Annotations: map[string]string{yesOrNo: "true"},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.paths, o.stdin, o.stdout, o.stderr = args, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.name, "prometheus.name", "", "name of the PrometheusConfig, where the specs hold several")
	cmd.Flags().StringVar(&o.format, "format", formatText, "text; json, one document on standard output; or github, annotations of a GitHub workflow")
	return cmd
}

func validateRun(ctx context.Context, o *validateOptions) error {
	write, err := reportFormat(o.format)
	if err != nil {
		return err
	}
	files, err := readSpecs(ctx, o.paths, o.stdin)
	if err != nil {
		return err
	}
	set := spec.Decode(files)
	r := &report{objects: len(set.Objects), files: len(set.Files)}
	r.problems, r.err = reconcile.Validate(set, o.name)
	if err := write(o, r); err != nil {
		return err
	}
	if !r.valid() {
		return &exit{code: exitNo}
	}
	return nil
}

// report is what became of a set. err is what is wrong with it as a whole.
type report struct {
	problems       []spec.Problem
	err            error
	objects, files int
}

func (r *report) valid() bool { return r.err == nil && !spec.Faulty(r.problems) }

// all are the problems, and one without a place for what is wrong with the whole.
func (r *report) all() []spec.Problem {
	if r.err == nil {
		return r.problems
	}
	return append(r.problems[:len(r.problems):len(r.problems)], spec.Problem{Message: r.err.Error()})
}

// summary is the last line where all is valid.
func (r *report) summary() string {
	return fmt.Sprintf("valid: %s in %s\n", plural(r.objects, "object"), plural(r.files, "file"))
}

// Formats of validate.
const (
	formatText   = "text"
	formatJSON   = "json"
	formatGitHub = "github"
)

func reportFormat(name string) (func(*validateOptions, *report) error, error) {
	switch name {
	case formatText:
		return writeText, nil
	case formatJSON:
		return writeJSON, nil
	case formatGitHub:
		return writeGitHub, nil
	}
	return nil, fmt.Errorf("--format is %q: use text, json or github", name)
}

func writeText(o *validateOptions, r *report) error {
	for _, p := range r.problems {
		if _, err := fmt.Fprintln(o.stderr, p.Error()); err != nil {
			return err
		}
	}
	if r.err != nil {
		return r.err
	}
	if !r.valid() {
		return nil
	}
	_, err := io.WriteString(o.stdout, r.summary())
	return err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

var errNoSpecs = errors.New("no specs there: files end in .yaml, .yml or .json")

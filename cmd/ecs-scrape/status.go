package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// statusOld is how old a status may be before it is said to be: it is written at
// least once a minute.
const statusOld = 2 * time.Minute

type statusOptions struct {
	from   statusSource
	name   string
	watch  bool
	fail   bool
	format string

	stdout io.Writer
	stderr io.Writer
	every  time.Duration // between two looks of --watch
}

func newStatusCmd(run func(context.Context, *statusOptions) error) *cobra.Command {
	o := &statusOptions{every: 2 * time.Second}
	cmd := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show how everything stands",
		Long: `Shows how everything stands, as the running controller tells: the state of the
whole, every object, every cluster; with -o wide also what AWS has been asked,
the last changes, and the tasks whose end nothing proves yet. Of NAME, an object's
name or KIND/NAME: its conditions, findings and changes.

Asks the controller at --url, or reads what it has written: --file, the file
.state/status.json of its output directory, or --s3, the object that its
--status.s3 names. Exit code 0: there is an answer, whatever it says; 1: with
--fail, the controller is not ready, or what it has written is old; 2: there is
no answer.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.stdout, o.stderr, o.name = cmd.OutOrStdout(), cmd.ErrOrStderr(), strings.Join(args, "")
			return run(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	o.from.add(f)
	f.BoolVar(&o.watch, "watch", false, "go on showing it, until interrupted")
	f.BoolVar(&o.fail, "fail", false, "exit with 1 when the controller is not ready, or what it has written is older than two minutes")
	f.StringVarP(&o.format, "output-format", "o", "table", "table, wide, json or yaml")
	return cmd
}

func statusRun(ctx context.Context, o *statusOptions) error {
	if !slices.Contains([]string{"table", "wide", "json", "yaml"}, o.format) {
		return fmt.Errorf("-o is %q: give table, wide, json or yaml", o.format)
	}
	if o.watch && o.fail {
		return errors.New("--watch and --fail exclude each other: one does not end, the other is about the end")
	}
	read, err := o.from.open(ctx)
	if err != nil {
		return err
	}
	if o.watch {
		return o.follow(ctx, read)
	}
	s, err := read(ctx)
	if err != nil {
		return err
	}
	text, err := o.show(s, time.Now())
	if err != nil {
		return err
	}
	if _, err := io.WriteString(o.stdout, text); err != nil {
		return err
	}
	if o.fail && (!s.Ready || old(s, time.Now())) {
		return &exit{code: exitNo}
	}
	return nil
}

func old(s *controller.Status, now time.Time) bool { return now.Sub(s.Time) > statusOld }

// show is the status, or what it tells of one object, as text.
func (o *statusOptions) show(s *controller.Status, now time.Time) (string, error) {
	if o.name != "" {
		var err error
		if s, err = only(s, o.name); err != nil {
			return "", err
		}
	}
	switch {
	case o.format == "json":
		doc, err := s.Document()
		return string(doc), err
	case o.format == "yaml":
		doc, err := s.Document()
		if err != nil {
			return "", err
		}
		doc, err = yaml.JSONToYAML(doc)
		return string(doc), err
	case o.name != "":
		return objectText(s, now), nil
	}
	return statusText(s, now, o.format == "wide"), nil
}

// only is the part of the status that is about an object, of each kind that has one
// of that name.
func only(s *controller.Status, name string) (*controller.Status, error) {
	means := func(id spec.ID) bool { return id.Name == name || strings.EqualFold(id.Kind+"/"+id.Name, name) }
	out := *s
	out.Objects = those(s.Objects, func(x controller.ObjectStatus) bool { return means(spec.ID{Kind: x.Kind, Name: x.Name}) })
	out.Findings = those(s.Findings, func(x plan.Finding) bool { return means(x.Object) })
	out.Problems = those(s.Problems, func(x spec.Problem) bool { return means(x.Object) })
	out.Changes = changesAbout(s.Changes, means)
	if len(out.Objects) == 0 {
		return nil, fmt.Errorf("there is no object %q: `ecs-scrape status` lists all", name)
	}
	return &out, nil
}

// changesAbout are those of the objects, each with the lines that are about them.
func changesAbout(all []controller.Change, means func(spec.ID) bool) []controller.Change {
	out := []controller.Change{}
	for _, c := range all {
		if objects := those(c.Objects, means); len(objects) > 0 {
			out = append(out, c.About(objects))
		}
	}
	return out
}

// those is a new list of those that are wanted; it is never nil.
func those[T any](all []T, wanted func(T) bool) []T {
	out := []T{}
	for _, x := range all {
		if wanted(x) {
			out = append(out, x)
		}
	}
	return out
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/version"
	"github.com/spf13/cobra"

	"ecs-scrape/controller/source"
	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

type publishOptions struct {
	dir, location string
	name          string
	dryRun        bool
	origin        source.Origin
	stdout        io.Writer
	stderr        io.Writer
}

func newPublishCmd(run func(context.Context, *publishOptions) error) *cobra.Command {
	o := &publishOptions{}
	cmd := &cobra.Command{
		Use:   "publish DIR s3://BUCKET/PREFIX",
		Short: "Publish specs as a revision in S3",
		Long: `Judges the specs of a directory as validate does, and then writes them as one
immutable revision below the prefix: contents first, a manifest that names them,
and last the pointer that controllers follow. A controller takes all of it or
nothing. What is there already is not written again unless it is damaged; where the
revision in use holds the same, nothing is. Loose objects below the prefix count for
nothing from the first revision on.
Exit code 0: published, or nothing to do. 1: the specs are not valid. 2: an error,
and the revision in use is as it was.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.dir, o.location = args[0], args[1]
			o.stdout, o.stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return run(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "prometheus.name", "", "name of the PrometheusConfig, where the specs hold several")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would change in the objects, and write nothing")
	f.StringVar(&o.origin.Message, "message", "", "what the revision is about")
	f.StringVar(&o.origin.Commit, "commit", "", "commit of the specs in git")
	f.StringVar(&o.origin.By, "author", "", "who publishes (default: the user of this process)")
	return cmd
}

func publishRun(ctx context.Context, o *publishOptions) error {
	p, err := source.OpenPublisher(ctx, o.location)
	if err != nil {
		return err
	}
	files, err := o.read(ctx)
	if err != nil {
		return err
	}
	before, err := p.Current(ctx)
	if err != nil {
		return err
	}
	if before.Wrong != nil {
		say(o.stderr, "note: %v\n", before.Wrong)
	}
	if o.dryRun {
		return o.show(ctx, p, before, files)
	}
	o.origin.By, o.origin.Program = cmp.Or(o.origin.By, username()), "ecs-scrape "+cmp.Or(version.Version, "unknown")
	done, err := p.Publish(ctx, before, files, o.origin)
	if err != nil {
		return err
	}
	_, err = io.WriteString(o.stdout, publication(&done, before, files))
	return err
}

// read reads the directory and judges it. The names of the files are below it.
func (o *publishOptions) read(ctx context.Context) ([]spec.File, error) {
	if info, err := os.Stat(o.dir); err != nil || !info.IsDir() {
		return nil, cmp.Or(err, fmt.Errorf("%s is no directory", o.dir))
	}
	files, err := source.NewDirectory(o.dir).Files(ctx)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, &exit{exitNo, fmt.Errorf("%s: %w", o.dir, errNoSpecs)}
	}
	return files, judgeFiles(o.dir, files, o.name, o.stderr)
}

// judgeFiles is validate's judgement of files below a directory. What is wrong is
// printed, and the error is that of an exit.
func judgeFiles(dir string, files []spec.File, name string, stderr io.Writer) error {
	set := spec.Decode(below(dir, files))
	r := &report{objects: len(set.Objects), files: len(set.Files)}
	r.problems, r.err = reconcile.Validate(set, name)
	for _, p := range r.problems {
		say(stderr, "%s\n", p.Error())
	}
	if !r.valid() {
		return &exit{exitNo, cmp.Or(r.err, errors.New("not published: the specs are not valid"))}
	}
	return nil
}

// below names files as they are found from here.
func below(dir string, files []spec.File) []spec.File {
	out := make([]spec.File, len(files))
	for i, f := range files {
		f.Name = filepath.ToSlash(filepath.Join(dir, f.Name))
		f.Root = rootOf(f.Name)
		out[i] = f
	}
	return out
}

// publication tells what was done.
func publication(done *source.Publication, before *source.Published, files []spec.File) string {
	contents := fmt.Sprintf("contents: %d uploaded, %d there already", done.Uploaded, done.Present)
	if done.Mended > 0 {
		contents += fmt.Sprintf(", %d damaged ones written anew", done.Mended)
	}
	contents += "\n"
	if done.Unchanged {
		return fmt.Sprintf("revision %s is in use and holds the same %s\n", shortDigest(done.Digest), plural(len(files), "file")) + contents
	}
	var b strings.Builder
	fmt.Fprintf(&b, "published revision %s: %s", shortDigest(done.Digest), plural(len(files), "file"))
	b.WriteString(inPlaceOf(before) + "\n")
	for _, c := range fileChanges(before, files) {
		fmt.Fprintf(&b, "%-7s %s\n", c.change, c.path)
	}
	return b.String() + contents + looseCount(before, "count for nothing from now on")
}

// inPlaceOf names the revision that was in use before, if any was.
func inPlaceOf(before *source.Published) string {
	if before.Digest == "" {
		return ""
	}
	return ", in place of " + shortDigest(before.Digest)
}

// looseCount says what becomes of loose objects that are in use, if any are.
func looseCount(before *source.Published, what string) string {
	if before.LooseCount == 0 {
		return ""
	}
	return fmt.Sprintf("%s there %s\n", plural(before.LooseCount, "loose object"), what)
}

func shortDigest(digest string) string { return digest[:min(12, len(digest))] }

// username is empty where it is not known, as in a container of another user.
func username() string {
	u, err := user.Current()
	if err != nil {
		return os.Getenv("USER")
	}
	return u.Username
}

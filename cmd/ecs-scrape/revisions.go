package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ecs-scrape/controller/source"
)

type revisionsOptions struct {
	location string
	format   string
	limit    int
	use      string
	uses     bool // use was given
	name     string
	author   string
	stdout   io.Writer
	stderr   io.Writer
}

// manyRevisions are shown unless more are asked for.
const manyRevisions = 20

func newRevisionsCmd(run func(context.Context, *revisionsOptions) error) *cobra.Command {
	o := &revisionsOptions{}
	cmd := &cobra.Command{
		Use:   "revisions s3://BUCKET/PREFIX",
		Short: "List published revisions, or go back to one",
		Long: `Lists the revisions that were published below the prefix, the newest first; the
one in use is marked. With --use it has controllers follow another one instead,
after every object of it was read, held to its digest, and judged as validate
does. Publishing again goes on from there.
Exit code 0: listed, or in use now. 1: what --use names is not valid for this
version. 2: an error, or nothing was published there; the revision in use is as it
was.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.location = args[0]
			o.stdout, o.stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			o.uses = cmd.Flags().Changed("use")
			return run(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", formatText, "text or json")
	f.IntVar(&o.limit, "limit", manyRevisions, "how many to list at most; 0 is all")
	f.StringVar(&o.use, "use", "", "`DIGEST` of the revision to use from now on, or how it begins")
	f.StringVar(&o.name, "prometheus.name", "", "name of the PrometheusConfig, where the specs hold several; with --use")
	f.StringVar(&o.author, "author", "", "who goes back (default: the user of this process); with --use")
	return cmd
}

func (o *revisionsOptions) check() error {
	switch {
	case o.format != formatText && o.format != formatJSON:
		return fmt.Errorf("--format is %q: use text or json", o.format)
	case o.limit < 0:
		return fmt.Errorf("--limit is %d: give how many to list at most, or 0 for all", o.limit)
	case o.uses && o.use == "":
		return errors.New("--use is empty: give the digest of a revision, or how it begins; without --use they are listed")
	}
	return nil
}

func revisionsRun(ctx context.Context, o *revisionsOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	p, err := source.OpenPublisher(ctx, o.location)
	if err != nil {
		return err
	}
	if o.uses {
		return o.goTo(ctx, p)
	}
	all, err := p.Revisions(ctx, o.limit)
	if err != nil {
		return err
	}
	if o.format == formatJSON {
		enc := json.NewEncoder(o.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(all)
	}
	return listRevisions(o.stdout, all)
}

func listRevisions(w io.Writer, all *source.History) error {
	if all.Error != "" {
		say(w, "none is in use: %s\n", oneLine(all.Error))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	say(table, "\tREVISION\tPUBLISHED\tBY\tCOMMIT\tFILES\tMESSAGE\n")
	for _, r := range all.Revisions {
		mark, message := "", r.Message
		if r.Current {
			mark = "*"
		}
		if r.Overtaken {
			message = strings.TrimSpace("(overtaken) " + message)
		}
		if r.Error != "" {
			message = r.Error
		}
		say(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", mark, shortDigest(r.Digest), r.At.UTC().Format(time.RFC3339),
			oneLine(r.By), shortDigest(oneLine(r.Commit)), len(r.Files), oneLine(message))
	}
	return table.Flush()
}

// oneLine is text of somebody else's, fit for a line of a terminal.
func oneLine(text string) string {
	out := []rune(text)
	for i, c := range out {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			out[i] = ' '
		}
	}
	return string(out)
}

// goTo has the pointer name another revision, if that is whole and valid.
func (o *revisionsOptions) goTo(ctx context.Context, p *source.Publisher) error {
	before, err := p.Pointed(ctx)
	if err != nil {
		return err
	}
	if before.Wrong != nil {
		say(o.stderr, "note: %v\n", before.Wrong)
	}
	digest, manifest, err := p.Find(ctx, o.use)
	if err != nil {
		return err
	}
	if before.Digest == digest {
		_, err := fmt.Fprintf(o.stdout, "revision %s is in use already\n", shortDigest(digest))
		return err
	}
	files, err := p.Files(ctx, digest, manifest, nil)
	if err != nil {
		return err
	}
	if err := judgeFiles("", files, o.name, o.stderr); err != nil {
		return err
	}
	if err := p.Use(ctx, before, digest, cmp.Or(o.author, username())); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.stdout, "revision %s is in use%s\n", shortDigest(digest), inPlaceOf(before))
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ecs-scrape/controller"
	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
)

type renderOptions struct {
	onceOptions
	secrets secretsFlags
	stdout  io.Writer
	stderr  io.Writer
}

func newRenderCmd(run func(context.Context, *renderOptions) error) *cobra.Command {
	o := &renderOptions{}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Publish once, without a reload, and end",
		Long: `Publishes once what Prometheus reads, and ends without telling Prometheus.
Where a document is wrong or a cluster cannot be read, everything else is
published, what was published of it before stays, and the exit code is 2. It
does nothing where a controller runs on the directory, also with exit code 2.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.stdout, o.stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return run(cmd.Context(), o)
		},
	}
	o.add(cmd.Flags())
	o.secrets.add(cmd.Flags())
	return cmd
}

func renderRun(ctx context.Context, o *renderOptions) error {
	if err := o.specs.check(); err != nil {
		return err // before the directory is made
	}
	lock, dir, err := own(o.output, holder(""))
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }() // the end of the process releases it too
	values, err := readSecrets()
	if err != nil {
		return err
	}
	o.have = holds(values)
	r, pass, problems := o.evaluate(ctx, controller.Directory{Directory: dir, Secrets: values, SecretsUID: o.secrets.uid})
	if pass == nil {
		return problems
	}
	if err := dir.RefreshSecrets(values, o.secrets.uid); err != nil {
		return err
	}
	out := controller.Directory{Directory: dir, Secrets: values, SecretsUID: o.secrets.uid}
	held, err := heldInstead(dir, pass)
	if err != nil {
		return err
	}
	done, err := publishOnce(r, pass, out, held)
	if err != nil {
		return err
	}
	if err := keep(dir, r.Accepted()); err != nil {
		return err
	}
	printFindings(o.stderr, pass)
	if held != nil {
		_, err = fmt.Fprintf(o.stdout, "configuration %s is held: published only targets (%s written)\n", held.Digest, plural(done.Changed, "target file"))
		return errors.Join(problems, err)
	}
	_, err = fmt.Fprintf(o.stdout, "published configuration %s with %s in %s (%s written)\n",
		pass.Plan.Bundle.Digest(), plural(artifact.Found(pass.Plan.Bundle.Pools), "target"), dir.Path(), plural(done.Changed, "target file"))
	if problems != nil {
		return problems
	}
	return err
}

// heldInstead is the other configuration that is to be held; nil if there is none.
func heldInstead(dir *target.Directory, pass *reconcile.Pass) (*target.Hold, error) {
	hold, err := dir.Hold()
	if err != nil || hold == nil || hold.Digest == pass.Plan.Bundle.Digest() {
		return nil, err
	}
	return hold, nil
}

// publishOnce publishes a pass, or has its targets follow where another
// configuration is held.
func publishOnce(r *reconcile.Reconciler, pass *reconcile.Pass, out controller.Directory, held *target.Hold) (reconcile.Published, error) {
	now := time.Now()
	if held != nil {
		return out.Stay(&pass.Plan.Bundle, now, held.Digest)
	}
	done, err := r.Publish(pass, now, reconcile.Confirmed)
	if err != nil {
		return done, err
	}
	return done, new(controller.ScrapedLog).Note(out, pass.Plan.Bundle.Digest(), pass.Plan.Bundle.Pools)
}

// keep keeps the accepted objects for the next pass, whoever runs it.
func keep(dir *target.Directory, objects reconcile.Accepted) error {
	data, err := objects.Encode()
	if err != nil {
		return err
	}
	return dir.WriteState(controller.AcceptedFile, data)
}

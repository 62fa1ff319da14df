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
)

type rollbackOptions struct {
	output  string
	digest  string // "" is the one confirmed before the current one
	reason  string
	release bool
	list    bool
	stdout  io.Writer
}

func newRollbackCmd(run func(context.Context, *rollbackOptions) error) *cobra.Command {
	o := &rollbackOptions{}
	cmd := &cobra.Command{
		Use:   "rollback [DIGEST]",
		Short: "Go back to an earlier configuration and hold it",
		Long: `Makes an earlier configuration, with its rules, live again, and holds it until
it is released, whatever becomes of the specs. Targets follow all the same.
Without a digest, which may be cut short, it is the one that Prometheus
confirmed before the current one.
A running controller does the work, within a second; where none runs, the
command does it, and Prometheus is not told.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.stdout = cmd.OutOrStdout()
			if len(args) > 0 {
				o.digest = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.output, "output", defaultOutput, "the published directory")
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, in words that the status shows")
	cmd.Flags().BoolVar(&o.release, "release", false, "publish what the specs ask for again")
	cmd.Flags().BoolVar(&o.list, "list", false, "list the configurations that are kept, and change nothing")
	cmd.MarkFlagsMutuallyExclusive("release", "list")
	cmd.MarkFlagsMutuallyExclusive("release", "reason")
	return cmd
}

func rollbackRun(_ context.Context, o *rollbackOptions) error {
	if o.digest != "" && (o.release || o.list) {
		return errors.New("--release and --list take no digest")
	}
	dir, err := target.Open(o.output, target.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	k, err := readKept(controller.Directory{Directory: dir})
	switch {
	case err != nil:
		return err
	case o.list:
		return k.print(o.stdout)
	case o.release:
		return o.let(k)
	}
	digest, err := k.pick(o.digest)
	if err != nil {
		return err
	}
	return o.hold(&target.Hold{Digest: digest, Since: time.Now().UTC().Truncate(time.Second), Reason: o.reason})
}

// let releases what is held.
func (o *rollbackOptions) let(k *kept) error {
	if k.hold == nil && k.holdErr == nil {
		_, err := fmt.Fprintf(o.stdout, "nothing is held in %s\n", k.dir.Path())
		return err
	}
	if err := target.RequestHold(o.output, nil); err != nil {
		return err
	}
	what := "what was to be held"
	if k.hold != nil {
		what = "configuration " + k.hold.Digest
	}
	_, err := fmt.Fprintf(o.stdout, "released %s: the controller publishes what the specs ask for, at once or when it next runs\n", what)
	return err
}

// hold asks for a configuration to be held, or, where nobody is there to ask,
// makes it current.
func (o *rollbackOptions) hold(h *target.Hold) error {
	lock, err := target.Acquire(o.output, holder(""))
	var running *target.LockedError
	switch {
	case errors.As(err, &running):
		return o.ask(h, "the controller ("+running.Holder.String()+") makes it live within a second")
	case err != nil:
		return err
	}
	defer func() { _ = lock.Release() }() // the end of the process releases it too
	if lock.Unenforced != nil {
		return o.ask(h, "a controller makes it live, within a second if it runs: this filesystem has no locks that would tell")
	}
	dir, err := target.Open(o.output, target.Options{})
	if err != nil {
		return err
	}
	out := controller.Directory{Directory: dir}
	if _, err := out.Stay(nil, time.Now(), h.Digest); err != nil { // its target files, before it is current
		return err
	}
	if err := target.RequestHold(o.output, h); err != nil {
		return err
	}
	if err := dir.Swap(h.Digest); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.stdout, "no controller runs on %s: configuration %s is current now, and will be held. Prometheus has not been told: reload or restart it\n", dir.Path(), h.Digest)
	return err
}

func (o *rollbackOptions) ask(h *target.Hold, who string) error {
	if err := target.RequestHold(o.output, h); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.stdout, "configuration %s is to be held: %s. `ecs-scrape rollback --release` ends that\n", h.Digest, who)
	return err
}

// Command ecs-scrape keeps a Prometheus on Amazon ECS configured: it reconciles
// ScrapeTarget, PrometheusConfig and PrometheusRule documents with what runs on
// ECS, and writes and reloads what Prometheus reads.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes. Of diff, exitDiffers is an answer and every error is exitError; of
// validate and healthcheck, everything but exitOK is exitNo, which is what publish
// and revisions give for specs that are not valid.
const (
	exitOK      = 0
	exitDiffers = 1
	exitNo      = 1
	exitError   = 2
)

// yesOrNo marks the commands that know no exit code but exitOK and exitNo.
const yesOrNo = "yes-or-no"

// exit is an error that says which code to end with. Its text is printed
// unless it is empty.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// execute runs the command line and returns the exit code.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCmd()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return executeOn(ctx, root, stderr)
}

// executeOn runs a command. A panic is an error, never an answer.
func executeOn(ctx context.Context, root *cobra.Command, stderr io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			_, _ = fmt.Fprintf(stderr, "ecs-scrape: panic: %v\n%s", p, debug.Stack())
			code = exitError
		}
	}()
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		_, _ = fmt.Fprintf(stderr, "ecs-scrape: %s\n", text)
	}
	var e *exit
	switch {
	case errors.As(err, &e):
		return e.code
	case cmd.Annotations[yesOrNo] != "":
		return exitNo
	}
	return exitError
}

func newRootCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ecs-scrape",
		Short: "Keeps Prometheus on Amazon ECS configured",
		Long: `Keeps Prometheus on Amazon ECS configured: reconciles ScrapeTarget,
PrometheusConfig and PrometheusRule documents with what runs on ECS.

Every flag has an environment variable: --specs.interval is
ECS_SCRAPE_SPECS_INTERVAL. The flag wins. Lists are separated by commas.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fromEnvironment(cmd.Flags(), os.LookupEnv)
		},
		RunE: func(*cobra.Command, []string) error { // without it a mistyped command would be a success
			return errors.New("no command: see ecs-scrape --help")
		},
	}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.AddCommand(newRunCmd(runRun), newRenderCmd(renderRun), newDiffCmd(diffRun), newValidateCmd(validateRun),
		newPublishCmd(publishRun), newRevisionsCmd(revisionsRun), newExplainCmd(explainRun), newStatusCmd(statusRun),
		newSnapshotCmd(snapshotRun), newRollbackCmd(rollbackRun), newHealthcheckCmd(healthcheckRun), newSchemaCmd(), newVersionCmd())
	return cmd
}

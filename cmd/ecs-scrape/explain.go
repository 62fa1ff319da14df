package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ecs-scrape/controller"
	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/plan"
)

// explainWithin bounds how long a running controller is waited for: it plans
// once more for each answer.
const explainWithin = time.Minute

type explainOptions struct {
	onceOptions
	url    string
	http   string
	format string
	query  string
	stdout io.Writer
}

func newExplainCmd(run func(context.Context, *explainOptions) error) *cobra.Command {
	o := &explainOptions{}
	cmd := &cobra.Command{
		Use:   "explain [NAME | TASK | ADDRESS]",
		Short: "Tell why something is scraped or is not",
		Long: `Tells why something is scraped or is not. Of a ScrapeTarget: how many clusters,
services, tasks, containers, endpoints and targets there are and how many it
takes, and the reasons for everything left out. Of a task (ARN, id or its
beginning), a container (TASK/NAME, or its runtime id) or an address (with or
without a port): which ScrapeTargets take it, and the first reason for each
that does not. Without an argument: every ScrapeTarget.

Asks the running controller at --url, or, with --specs, looks by itself at the
live account or at a --snapshot. Beside a controller that has its specs from
the environment the controller is asked all the same.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.stdout, o.query = cmd.OutOrStdout(), strings.Join(args, "")
			if cmd.Flags().Changed("url") && cmd.Flags().Changed("specs") {
				return errors.New("--url and --specs exclude each other: ask the running controller, or look at the specs")
			}
			return run(cmd.Context(), o)
		},
	}
	o.add(cmd.Flags())
	_ = cmd.Flags().SetAnnotation("specs", commandLineOnly, []string{"true"}) // the flag exists
	cmd.Flags().StringVar(&o.url, "url", "http://"+defaultListen, "where the controller serves; a user and a password may be part of it")
	cmd.Flags().StringVar(&o.http, "http.config.file", "", httpConfigUsage)
	cmd.Flags().StringVar(&o.format, "format", "text", "text or json")
	return cmd
}

func explainRun(ctx context.Context, o *explainOptions) error {
	if o.format != "text" && o.format != "json" {
		return fmt.Errorf("--format is %q: give text or json", o.format)
	}
	if o.specs.location == "" {
		return o.ask(ctx)
	}
	dir, err := target.Open(o.output, target.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	_, pass, problems := o.evaluate(ctx, controller.Directory{Directory: dir})
	if pass == nil {
		return problems
	}
	e, err := pass.Explain(o.query)
	if err != nil {
		return errors.Join(err, problems)
	}
	return errors.Join(o.show(e), problems)
}

func (o *explainOptions) show(e *plan.Explanation) error {
	if o.format == "text" {
		_, err := io.WriteString(o.stdout, e.Text())
		return err
	}
	enc := json.NewEncoder(o.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(e)
}

// ask asks the running controller.
func (o *explainOptions) ask(ctx context.Context) error {
	client, err := newHTTPClient(o.http)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, explainWithin)
	defer cancel()
	query := url.Values{"query": {o.query}, "format": {o.format}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(o.url, "/")+"/api/v1/explain?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no controller answers: name its address by --url, or look at the specs by --specs: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	_, err = io.Copy(o.stdout, response.Body)
	return err
}

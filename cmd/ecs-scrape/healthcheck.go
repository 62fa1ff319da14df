package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

type healthcheckOptions struct {
	listen  string
	timeout time.Duration
}

func newHealthcheckCmd(run func(context.Context, *healthcheckOptions) error) *cobra.Command {
	o := &healthcheckOptions{}
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the running controller whether it is healthy",
		Long: `For the task definition's healthCheck: exit code 0 when the controller answers
and what it has published passed validation, so that Prometheus may start.
Neither AWS, nor Prometheus, nor a broken spec makes it unhealthy.`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{yesOrNo: "true"},
		RunE:        func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.listen, "web.listen-address", defaultListen, "where the controller serves")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 3*time.Second, "how long to wait for an answer")
	return cmd
}

func healthcheckRun(ctx context.Context, o *healthcheckOptions) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	address := o.listen
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("--web.listen-address: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy of the environment
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no controller answers: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("unhealthy: %s", strings.TrimSpace(string(body)))
	}
	return nil
}

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ecs-scrape/reconcile/artifact"
)

type healthcheckOptions struct {
	listen  string
	output  string
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
	cmd.Flags().StringVar(&o.output, "output", defaultOutput, "the published directory, looked at where the page asks for a password")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 3*time.Second, "how long to wait for an answer")
	return cmd
}

func healthcheckRun(ctx context.Context, o *healthcheckOptions) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	status, body, err := o.ask(ctx, "http")
	if err == nil && status == http.StatusBadRequest && strings.Contains(body, "HTTPS") {
		status, body, err = o.ask(ctx, "https") // --web.config.file has TLS settings
	}
	switch {
	case err != nil:
		return fmt.Errorf("no controller answers: %w", err)
	case status == http.StatusUnauthorized:
		return o.published() // --web.config.file asks for a password, which is nowhere in the clear
	case status != http.StatusOK:
		return fmt.Errorf("unhealthy: %s", strings.TrimSpace(body))
	}
	return nil
}

func (o *healthcheckOptions) ask(ctx context.Context, scheme string) (status int, body string, err error) {
	address := o.listen
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+address+"/healthz", nil)
	if err != nil {
		return 0, "", fmt.Errorf("--web.listen-address: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,                                  // and no proxy of the environment
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // whether it answers, not who it is
	}}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	return response.StatusCode, string(data), err
}

// published is nil where the directory holds a set: whatever is current there
// has passed validation.
func (o *healthcheckOptions) published() error {
	if _, err := os.Stat(filepath.Join(o.output, "current", artifact.ConfigFile)); err != nil {
		return fmt.Errorf("the controller answers, and nothing is published yet: %w", err)
	}
	return nil
}

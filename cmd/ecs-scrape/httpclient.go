package main

import (
	"fmt"
	"net/http"

	"ecs-scrape/controller/target"
)

const httpConfigUsage = "file with the TLS and authentication settings to reach the controller by, as in Prometheus's http_config"

// newHTTPClient reaches what asks for TLS or credentials as the file says. Without
// a file it is Go's own.
func newHTTPClient(file string) (*http.Client, error) {
	if file == "" {
		return http.DefaultClient, nil
	}
	c, err := target.NewConnection(file)
	if err != nil {
		return nil, fmt.Errorf("--http.config.file: %w", err)
	}
	return &http.Client{Transport: c}, nil
}

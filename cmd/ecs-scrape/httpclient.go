package main

import (
	"fmt"
	"net/http"

	promconfig "github.com/prometheus/common/config"
)

const httpConfigUsage = "file with the TLS and authentication settings to reach the controller by, as in Prometheus's http_config"

// newHTTPClient is configured by a file in the form of Prometheus's HTTP client
// settings (tls_config, basic_auth, authorization, ...): see "http_config" in
// Prometheus's documentation. Without a file it is Go's own.
func newHTTPClient(file string) (*http.Client, error) {
	if file == "" {
		return http.DefaultClient, nil
	}
	cfg, _, err := promconfig.LoadHTTPConfigFile(file)
	if err != nil {
		return nil, fmt.Errorf("--http.config.file: read %s: %w", file, err)
	}
	client, err := promconfig.NewClientFromConfig(*cfg, "ecs-scrape")
	if err != nil {
		return nil, fmt.Errorf("--http.config.file: %s: %w", file, err)
	}
	return client, nil
}

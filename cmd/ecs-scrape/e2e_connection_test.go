package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// TestPrometheusBehindTLSAndPassword: it is told to reload, what it is and what
// it has read is told by the status and the metrics, and the password by nothing.
func TestPrometheusBehindTLSAndPassword(t *testing.T) {
	t.Parallel()
	eachPrometheus(t, func(t *testing.T, p prometheusBinary) {
		w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()})
		w.populate()
		w.write("all.yaml", strings.Join([]string{w.prometheusConfig("  prometheus: {version: \"3.15\"}\n"), scrapeNamed}, "---\n"))
		dir := t.TempDir()
		servesTLS(t, dir)
		// The hash is bcrypt's of "open sesame".
		for name, text := range map[string]string{
			"web.yml":  "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {reader: $2a$04$yLl8ORw4uU6WTliB4l7iGeJL5QpLWrALjNw.giendeg8XYSFIm8pu}\n",
			"http.yml": "tls_config: {ca_file: cert.pem}\nbasic_auth: {username: reader, password_file: password}\n",
			"password": "open barley\n",
		} {
			must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		self, err := os.Executable()
		must(t, err)
		w.controller = w.start("ecs-scrape", self, w.environment(), "run", "--specs", w.specs, "--output", w.output, "--prometheus.url=https://"+w.prom,
			"--prometheus.config.file", filepath.Join(dir, "http.yml"), "--web.listen-address", w.web, "--ecs.poll-interval", "1s", "--log.level", "debug")
		w.healthy()
		w.startPrometheusOn(p, filepath.Join(w.output, "current", "prometheus.yml"), "--web.enable-lifecycle", "--web.config.file="+filepath.Join(dir, "web.yml"))
		w.eventually("the status says what is missing", func() error { return w.says("--prometheus.config.file") })
		must(t, os.WriteFile(filepath.Join(dir, "password"), []byte("open sesame\n"), 0o600))
		w.ready()
		w.write("rules.yaml", recordingRule)
		w.eventually("the rule is published", func() error { return w.publishedRule("up") })
		w.ready()
		w.eventually("Prometheus is known", func() error { return w.knows(p.name == "debian") })
		must(t, w.sim.Scale("prod", "api", 4))
		w.eventually("its targets are seen to be read", func() error { return w.hasRead() })
		must(t, os.WriteFile(filepath.Join(dir, "http.yml"), []byte("basic_auth: [open sesame]\n"), 0o600))
		w.eventually("a spoilt file is told", func() error {
			s, err := w.status()
			if err == nil && !slices.ContainsFunc(s.Prometheus.Differences, func(d string) bool { return strings.Contains(d, "http.yml") }) {
				err = fmt.Errorf("%q", s.Prometheus.Differences)
			}
			return err
		})
		w.ready()
		w.secretIsNowhere("sesame", "barley")
	})
}

// knows waits for what the status tells of a Prometheus, which may be an older
// one than is declared.
func (w *world) knows(older bool) error {
	s, err := w.status()
	if err != nil {
		return err
	}
	differs := slices.ContainsFunc(s.Prometheus.Differences, func(d string) bool {
		return strings.Contains(d, "declares version 3.15, but Prometheus 2.")
	})
	if s.Prometheus.URL != "https://"+w.prom || s.Prometheus.Started.IsZero() || differs != older {
		return fmt.Errorf("%+v", s.Prometheus)
	}
	return nil
}

// hasRead waits until no change of a target file is unread, and one was timed.
func (w *world) hasRead() error {
	page, err := get("http://" + w.web + "/metrics")
	if err != nil {
		return err
	}
	for _, line := range []string{"\necs_scrape_target_files_unread 0\n", "\necs_scrape_target_files_lag_seconds 0\n", "\necs_scrape_prometheus_info{version="} {
		if !strings.Contains(string(page), line) {
			return fmt.Errorf("the metrics have no %q", line)
		}
	}
	if strings.Contains(string(page), "\necs_scrape_target_file_read_seconds_count 0\n") {
		return errors.New("no change was timed")
	}
	return nil
}

// secretIsNowhere looks through what the controller tells and writes.
func (w *world) secretIsNowhere(words ...string) {
	w.t.Helper()
	told := w.controller.log.String()
	for _, path := range []string{"/", "/api/v1/status", "/metrics"} {
		page, err := get("http://" + w.web + path)
		must(w.t, err)
		told += string(page)
	}
	for _, word := range words {
		if strings.Contains(told, word) {
			w.t.Errorf("%q is told", word)
		}
	}
}

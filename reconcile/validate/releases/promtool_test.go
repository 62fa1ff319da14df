package releases_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ecs-scrape/reconcile/validate/releases"
)

// debian is the release of Debian 12's package.
const debian = "2.42"

// TestDebian: promtool 2.42 refuses by its name each field that the table says it
// lacks, and takes each that the table says it has.
func TestDebian(t *testing.T) {
	t.Parallel()
	promtool := cmp.Or(os.Getenv("DEBIAN_PROMTOOL_BIN"), "/usr/bin/promtool")
	if out, err := exec.CommandContext(t.Context(), promtool, "--version").CombinedOutput(); err != nil || !strings.Contains(string(out), "version "+debian+".") {
		t.Skipf("no promtool %s: %v", debian, err)
	}
	job := func(text string) string { return "scrape_configs: [{job_name: a, " + text + "}]" }
	for _, c := range []struct{ field, kind, text string }{
		{"scrape_config_files", releases.Config, "scrape_config_files: [a]"},
		{"keep_dropped_targets", releases.Config, "global: {keep_dropped_targets: 1}"},
		{"rule_query_offset", releases.Config, "global: {rule_query_offset: 1m}"},
		{"sample_limit", releases.Config, "global: {sample_limit: 1}"},
		{"runtime", releases.Config, "runtime: {gogc: 75}"},
		{"otlp", releases.Config, "otlp: {}"},
		{"azuread", releases.Config, "remote_write: [{url: http://a, azuread: {}}]"},
		{"protobuf_message", releases.Config, "remote_write: [{url: http://a, protobuf_message: prometheus.WriteRequest}]"},
		{"chunked_read_limit", releases.Config, "remote_read: [{url: http://a, chunked_read_limit: 1}]"},
		{"sigv4", releases.Config, "alerting: {alertmanagers: [{sigv4: {}}]}"},
		{"scrape_classic_histograms", releases.Config, job("scrape_classic_histograms: true")},
		{"no_proxy", releases.Config, job("proxy_url: 'http://a', no_proxy: b")},
		{"ca", releases.Config, job("tls_config: {ca: a}")},
		{"username_file", releases.Config, job("basic_auth: {username_file: a}")},
		{"http_headers", releases.Config, job("http_headers: {a: {values: [b]}}")},
		{"external_id", releases.Config, job("ec2_sd_configs: [{region: a, external_id: b}]")},
		{"msk_sd_configs", releases.Config, job("msk_sd_configs: [{region: a}]")},
		{"query_offset", releases.RuleFile, "groups: [{name: a, query_offset: 1m}]"},
		{"labels", releases.RuleFile, "groups: [{name: a, labels: {b: c}}]"},
		{"", releases.Config, "global: {scrape_interval: 1m, query_log_file: a, external_labels: {scrape_protocols: a}}"},
		{"", releases.Config, "remote_write: [{url: http://a, send_native_histograms: true, sigv4: {region: a}, queue_config: {retry_on_http_429: true}}]"},
		{"", releases.Config, job("label_limit: 1, enable_http2: false, tls_config: {min_version: TLS12}, oauth2: {client_id: a, client_secret: c, token_url: b}")},
		{"", releases.Config, job("metric_relabel_configs: [{action: keepequal, source_labels: [a], target_label: b}, {action: lowercase, source_labels: [a], target_label: b}]")},
		{"", releases.Config, "storage: {tsdb: {out_of_order_time_window: 1m}, exemplars: {max_exemplars: 1}}"},
		{"", releases.RuleFile, "groups: [{name: a, limit: 1, rules: [{alert: b, expr: up, keep_firing_for: 1m}]}]"},
	} {
		t.Run(cmp.Or(c.field, c.text), func(t *testing.T) {
			t.Parallel()
			judged := "config"
			if c.kind == releases.RuleFile {
				judged = "rules"
			}
			out, err := check(t, promtool, judged, c.text)
			lacks := lacking(t, debian, c.kind, c.text)
			switch {
			case c.field == "" && (err != nil || lacks != ""):
				t.Errorf("%v: %s\nthe table: %q", err, out, lacks)
			case c.field != "" && (!strings.Contains(out, "field "+c.field+" not found") || !strings.Contains(lacks, c.field+" since ")):
				t.Errorf("promtool: %s\nthe table: %q", out, lacks)
			}
		})
	}
}

// TestDebianPromQL: promtool 2.42 refuses each expression with a function, an
// aggregator or syntax that the table says it lacks, and takes those that it has.
func TestDebianPromQL(t *testing.T) {
	t.Parallel()
	promtool := cmp.Or(os.Getenv("DEBIAN_PROMTOOL_BIN"), "/usr/bin/promtool")
	if out, err := exec.CommandContext(t.Context(), promtool, "--version").CombinedOutput(); err != nil || !strings.Contains(string(out), "version "+debian+".") {
		t.Skipf("no promtool %s: %v", debian, err)
	}
	v, _ := releases.ParseVersion(debian)
	for _, c := range []struct{ list, name, expr string }{
		{releases.Functions, "holt_winters", "holt_winters(x[5m], 0.5, 0.5)"},
		{releases.Functions, "histogram_count", "histogram_count(x)"},
		{releases.Functions, "last_over_time", "last_over_time(x[5m])"},
		{releases.Functions, "clamp", "clamp(x, 1, 2)"},
		{releases.Functions, "double_exponential_smoothing", "double_exponential_smoothing(x[5m], 0.5, 0.5)"},
		{releases.Functions, "histogram_avg", "histogram_avg(x)"},
		{releases.Functions, "histogram_stddev", "histogram_stddev(x)"},
		{releases.Functions, "histogram_stdvar", "histogram_stdvar(x)"},
		{releases.Functions, "first_over_time", "first_over_time(x[5m])"},
		{releases.Functions, "mad_over_time", "mad_over_time(x[5m])"},
		{releases.Functions, "sort_by_label", "sort_by_label(x, 'a')"},
		{releases.Functions, "info", "info(x)"},
		{releases.Functions, "step", "step()"},
		{releases.Aggregators, "group", "group(x)"},
		{releases.Aggregators, "limitk", "limitk(1, x)"},
		{releases.Aggregators, "limit_ratio", "limit_ratio by (a) (0.5, x)"},
		{releases.Syntax, releases.QuotedName, `{"my.metric"}`},
		{releases.Syntax, releases.QuotedGrouping, `sum by ("a") (x)`},
		{releases.Syntax, releases.NumberDuration, "rate(x[300])"},
		{releases.Syntax, releases.NumberDuration, "x > 5m"},
		{releases.Syntax, releases.NumberDuration, "x offset 300"},
		{releases.Syntax, releases.DurationExpr, "rate(x[5m * 2])"},
		{releases.Syntax, releases.Trim, "x </ 5"},
	} {
		t.Run(c.expr, func(t *testing.T) {
			t.Parallel()
			span, known := releases.Known().PromQL(c.list, c.name)
			out, err := check(t, promtool, "rules", "groups: [{name: a, rules: [{record: b, expr: "+strconv.Quote(c.expr)+"}]}]")
			if !known || span.Has(v) != (err == nil) {
				t.Errorf("promtool: %v: %s\nthe table: %t, %+v", err, out, known, span)
			}
		})
	}
}

func check(t *testing.T, promtool, what, text string) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.yml")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"check", what}
	if what == "config" {
		args = append(args, "--syntax-only")
	}
	out, err := exec.CommandContext(t.Context(), promtool, append(args, path)...).CombinedOutput()
	return string(out), err
}

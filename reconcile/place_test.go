package reconcile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

func judge(t *testing.T, text string) []spec.Problem {
	t.Helper()
	found, _ := reconcile.Validate(spec.Decode([]spec.File{{Name: "f", Data: []byte(text)}}), "")
	return found
}

// TestManyBrokenRules: each is told with its place, up to a bound.
func TestManyBrokenRules(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("  groups:\n  - name: g\n    rules:\n")
	for i := range 800 {
		fmt.Fprintf(&b, "    - alert: a%d\n      expr: sum(\n      for: 5x\n", i)
	}
	found := judge(t, object("PrometheusRule", "r", b.String()))
	if len(found) != 101 {
		t.Fatalf("%d problems", len(found))
	}
	first := 0
	for i, p := range found[:100] {
		line := 8 + 3*(i/2) + 1 + i%2
		field := []string{"expr", "for"}[i%2]
		if first == 0 {
			first = p.Line - line
		}
		want := fmt.Sprintf("spec.groups[0].rules[%d].%s", i/2, field)
		if p.Path != want || p.Line != line+first || p.Rule != fmt.Sprintf("g/a%d", i/2) {
			t.Errorf("%d: %s, want %s", i, p.Error(), want)
		}
	}
	if got := found[100].Message; !strings.HasPrefix(got, "and more: PrometheusRule/r has at least 8") {
		t.Error(got)
	}
}

// TestPlaceOfSecretsAndDiscovery: what a message leaves out, its place tells.
func TestPlaceOfSecretsAndDiscovery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ config, want string }{
		"URL":       {"    remote_write: [{url: \"http://u:S3CR3T@x:port/\"}]\n", `spec.config.remote_write[0].url: parse "http://<redacted>@x:port/": `},
		"section":   {"    scrape_configs: [{job_name: a, static_configs: [], authorization: S3CR3T}]\n", "spec.config.scrape_configs[0].authorization: cannot unmarshal !!str `<redacted>` into "},
		"discovery": {"    scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod}]}]\n", "spec.config.scrape_configs[0].kubernetes_sd_configs: this version of ecs-scrape does not know the discovery kubernetes_sd_configs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := judge(t, config("main", "  config:\n"+c.config))
			if len(found) == 0 {
				t.Fatal("no problem")
			}
			text := found[0].Error()
			if !strings.Contains(text, c.want) || strings.Contains(text, "S3CR3T") {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}
}

// TestAllAtOnce: Prometheus stops at the first thing that it does not take, and
// one run tells all the same everything, each at its own words and nothing else.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"jobs": {config("main", `  config:
    global: {scrape_interval: 5s, evaluation_interval: 1q}
    remote_write:
    - {url: "http://x:port"}
    - {name: nowhere}
    scrape_configs:
    - {job_name: fine, static_configs: []}
    - {job_name: a, scrape_timeout: 9s, static_configs: []}
    - {job_name: b, static_configs: [], relabel_configs: [{action: replac}, {regex: '(', target_label: x}, {action: keep, source_labels: [a], regex: b}]}
    - {job_name: two, static_configs: [], basic_auth: {username: a}, authorization: {credentials: b}}
    - {job_name: c, static_configs: [], nonsense: 1, metric_relabel_configs: [{regex: '[', action: drop}]}
  scrapeClasses:
  - {name: x, scrapeConfig: {scrape_interval: 1h, scrape_timeout: 2h}}
  - {name: y, scrapeConfig: {basic_auth: {username: a}, authorization: {credentials: b}}}
`), []string{
			"6:56 spec.config.global.evaluation_interval", "8:13 spec.config.remote_write[0].url", "9:7 spec.config.remote_write[1]",
			"12:37 spec.config.scrape_configs[1].scrape_timeout",
			"13:68 spec.config.scrape_configs[2].relabel_configs[0].action", "13:85 spec.config.scrape_configs[2].relabel_configs[1].regex",
			"14:7 spec.config.scrape_configs[3]", "15:51 spec.config.scrape_configs[4].nonsense",
			"15:87 spec.config.scrape_configs[4].metric_relabel_configs[0].regex",
			"17:67 spec.scrapeClasses[0].scrapeConfig.scrape_timeout", "18:29 spec.scrapeClasses[1].scrapeConfig",
		}},
		"what follows is left out": {config("main", `  config:
    scrape_configs:
    - {job_name: a, static_configs: [], scrape_protocols: [Foo]}
    - {job_name: b, static_configs: [], oauth2: {client_id: x, client_secret_file: /s, token_url: [1], scopes: 1}}
    - {job_name: c, static_configs: [], http_sd_configs: [{url: foo}]}
`), []string{
			"7:60 spec.config.scrape_configs[0].scrape_protocols[0]", "8:100 spec.config.scrape_configs[1].oauth2.token_url[0]",
			"8:112 spec.config.scrape_configs[1].oauth2.scopes", "9:65 spec.config.scrape_configs[2].http_sd_configs[0].url",
		}},
		"target": {scrape("t", "j", `  relabelConfigs:
  - {action: drop, source_labels: [job], regex: '('}
  - {action: replace, source_labels: [a]}
  - {action: keepp}
  scrapeConfig:
    scrape_interval: 5q
    sample_limit: many
    metric_relabel_configs: [{regex: a, action: drop}, {regex: '(', action: drop}]
`), []string{
			"9:49 spec.relabelConfigs[0].regex", "10:5 spec.relabelConfigs[1]", "11:14 spec.relabelConfigs[2].action",
			"13:22 spec.scrapeConfig.scrape_interval", "14:19 spec.scrapeConfig.sample_limit",
			"15:64 spec.scrapeConfig.metric_relabel_configs[1].regex",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range judge(t, c.text) {
				if p.IsError() {
					got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Column, p.Path))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s\n%s", diff, text(judge(t, c.text)))
			}
		})
	}
}

// TestJobAgainstGlobal: of two parts that do not go together the one that the
// message names is meant, not what holds both.
func TestJobAgainstGlobal(t *testing.T) {
	t.Parallel()
	found := judge(t, config("main", "  config:\n    global: {scrape_interval: 15s}\n    scrape_configs:\n    - {job_name: a, static_configs: []}\n    - job_name: b\n      static_configs: []\n      scrape_timeout: 20s\n"))
	const want = `f:11:23: spec.config.scrape_configs[1].scrape_timeout: scrape timeout greater than scrape interval for scrape config with job name "b"`
	if len(found) == 0 || found[0].Error() != want {
		t.Error(text(found))
	}
	found = judge(t, config("main", "  config:\n    global: {scrape_interval: 15s}\n  scrapeClasses:\n  - {name: b, scrapeConfig: {scrape_timeout: 20s}}\n"))
	if len(found) != 1 || found[0].Path != "spec.scrapeClasses[0].scrapeConfig.scrape_timeout" {
		t.Error(text(found))
	}
}

// TestManyBrokenJobs: there is an end to it.
func TestManyBrokenJobs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("  config:\n    scrape_configs:\n")
	for i := range 120 {
		fmt.Fprintf(&b, "    - {job_name: a%d, static_configs: [], scrape_interval: 5q%d}\n", i, i)
	}
	found := judge(t, config("main", b.String()))
	if len(found) != 101 || found[99].Path != "spec.config.scrape_configs[99].scrape_interval" || !strings.HasPrefix(found[100].Message, "and more: PrometheusConfig/main has at least 101") {
		t.Fatalf("%d problems: %s", len(found), text(found))
	}
}

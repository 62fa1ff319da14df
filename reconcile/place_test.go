package reconcile_test

import (
	"fmt"
	"strings"
	"testing"

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

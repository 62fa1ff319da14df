package reconcile_test

import (
	"fmt"
	"strings"
	"testing"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// thousand are a thousand documents as a company may have them: a configuration
// with ten classes, 600 targets, 100 of them with a pool of their own, 399 rule
// files; broken of them are wrong in ways that have to be looked for.
func thousand(broken int) []spec.File {
	var classes strings.Builder
	for i := range 10 {
		fmt.Fprintf(&classes, "  - {name: class-%d, scrapeConfig: {scheme: https, basic_auth: {username: u, password_file: /run/secrets/p}, sample_limit: 1000}}\n", i)
	}
	files := []spec.File{{Name: "main.yaml", Data: []byte(config("main", "  config: {global: {scrape_interval: 30s}}\n  scrapeClasses:\n"+classes.String()))}}
	for i := range 999 {
		name := fmt.Sprintf("object-%03d", i)
		body := scrape(name, name, fmt.Sprintf("  scrapeClass: class-%d\n  labels: {tier: web}\n", i%10))
		switch {
		case i >= 600:
			body = object("PrometheusRule", name, rules(name, i-600 < broken))
		case i%6 == 0:
			interval := "15s"
			if i/6 < broken {
				interval = "15q"
			}
			body += "  scrapeConfig:\n    honor_labels: true\n    scrape_interval: " + interval + "\n    metric_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]\n"
		}
		files = append(files, spec.File{Name: name + ".yaml", Data: []byte(body)})
	}
	return files
}

func rules(name string, broken bool) string {
	expr := "up"
	if broken {
		expr = "sum("
	}
	return "  groups:\n  - name: " + name + "\n    rules:\n" +
		"    - {record: 'job:requests:" + name + "', expr: 'sum by (job) (rate(requests_total{job=\"" + name + "\"}[5m]))'}\n" +
		"    - alert: Down" + name + "\n      expr: " + expr + "\n      for: 5m\n      labels: {severity: page}\n      annotations: {summary: '{{ $labels.instance }} is down'}\n" +
		"    - alert: Slow" + name + "\n      expr: histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[5m]))) > 1\n      for: 10m\n"
}

// BenchmarkValidate is all that `validate` does but reading the files.
func BenchmarkValidate(b *testing.B) {
	for _, broken := range []int{0, 20} {
		b.Run(fmt.Sprintf("broken=%d", broken), func(b *testing.B) {
			files := thousand(broken)
			b.ReportAllocs()
			for b.Loop() {
				found, err := reconcile.Validate(spec.Decode(files), "")
				if err != nil || len(found) != 2*broken {
					b.Fatalf("%d problems, %v", len(found), err)
				}
			}
		})
	}
}

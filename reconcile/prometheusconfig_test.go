package reconcile_test

import (
	"slices"
	"strings"
	"testing"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/plan"
)

// TestMissingSecret: a PrometheusConfig that names a secret which is not there
// is as good as an invalid one, and one that was served stays.
func TestMissingSecret(t *testing.T) {
	with := func(name string) string {
		return config("main", "  scrapeClasses:\n  - name: default\n    scrapeConfig: {authorization: {credentials_file: 'secret:"+name+"'}}\n")
	}
	const missing = `main.yaml:7:54: spec.scrapeClasses[0].scrapeConfig.authorization.credentials_file: secret "new" is not in the controller's environment; give it the variable ECS_SCRAPE_SECRET_NEW`
	w := newWorld(t, good())
	given := []string{"old"}
	w.options.Secrets = func(name string) bool { return slices.Contains(given, name) }
	w.start(reconcile.Accepted{})
	w.source.Set(map[string]string{"main.yaml": with("OLD")})
	wantProblems(t, w.pass())
	first := string(w.output.config[artifact.ConfigFile])
	if !strings.Contains(first, "credentials_file: ../secrets/old") {
		t.Errorf("rendered:\n%s", first)
	}

	w.source.Set(map[string]string{"main.yaml": with("NEW"), "web.yaml": scrape("web", "moved", "")})
	p := w.pass()
	wantProblems(t, p, missing)
	if got := string(w.output.config[artifact.ConfigFile]); got != first || w.targets()[classFile][1] != "10.0.0.2:8080 moved" {
		t.Errorf("targets %v, rendered:\n%s", w.targets(), got)
	}

	given = nil // and a restart: what is served was served before
	w.source.Set(map[string]string{"main.yaml": with("OLD")})
	w.restart()
	wantProblems(t, w.pass(), strings.NewReplacer(`"new"`, `"old"`, "NEW", "OLD").Replace(missing))
	if got := string(w.output.config[artifact.ConfigFile]); got != first {
		t.Errorf("rendered:\n%s", got)
	}

	w.options.Secrets = nil
	w.start(reconcile.Accepted{})
	wantProblems(t, w.pass())
}

func TestShards(t *testing.T) {
	w := newWorld(t, good())
	w.source.Set(map[string]string{"main.yaml": config("main", "  shards: 2\n")})
	if _, err := w.fails(); !strings.Contains(err.Error(), "--prometheus.shard") {
		t.Errorf("told nothing: %v", err)
	}
	two := 2
	w.options.Shard = &two
	w.start(reconcile.Accepted{})
	if _, err := w.fails(); !strings.Contains(err.Error(), "--prometheus.shard is 2") {
		t.Errorf("out of range: %v", err)
	}
	one := 1
	w.options.Shard = &one
	w.start(reconcile.Accepted{})
	w.pass()
}

// TestTwoPrometheus: several PrometheusConfigs share one source, and each
// controller takes its own and what its selectors choose.
func TestTwoPrometheus(t *testing.T) {
	files := good()
	label := func(text, team string) string {
		return strings.Replace(text, "metadata: {", "metadata: {labels: {team: "+team+"}, ", 1)
	}
	files["main.yaml"] = config("main", "  scrapeTargetSelector: {matchLabels: {team: a}}\n  ruleSelector: {matchLabels: {team: a}}\n")
	files["other.yaml"] = config("other", "  scrapeTargetSelector: {matchLabels: {team: b}}\n  ruleSelector: {matchLabels: {team: b}}\n  selfScrape: false\n")
	files["api.yaml"], files["web.yaml"] = label(files["api.yaml"], "a"), label(files["web.yaml"], "b")
	files["rule.yaml"], files["rule-b.yaml"] = label(rule("r", "1"), "a"), label(rule("s", "2"), "b")
	for name, want := range map[string]struct{ target, rule string }{
		"main": {"10.0.0.1:8080", "rules/r.yml"}, "other": {"10.0.0.2:8080", "rules/s.yml"},
	} {
		w := newWorld(t, files)
		w.options.Name = name
		w.start(reconcile.Accepted{})
		wantProblems(t, w.pass())
		got := w.targets()[classFile]
		if len(got) != 1 || !strings.HasPrefix(got[0], want.target) || !slices.Equal(w.output.config.Paths(), []string{artifact.ConfigFile, want.rule}) {
			t.Errorf("%s: %v, %v", name, got, w.output.config.Paths())
		}
	}
}

// TestExtraPools: what is no pool of a ScrapeTarget has its file, and only what
// is scraped has a job.
func TestExtraPools(t *testing.T) {
	t.Setenv("HOSTNAME", "of-this-process")
	w := newWorld(t, good())
	w.options.Self = plan.Self{Prometheus: plan.SelfTarget{Scheme: "http", Address: "127.0.0.1:9090", Path: "/metrics"}}
	w.start(reconcile.Accepted{})
	w.source.Set(map[string]string{"main.yaml": config("main",
		"  config: {global: {external_labels: {replica: '${HOSTNAME}'}}}\n  alertmanagers: [{name: shop, selector: {services: [api]}, port: 9093}]\n")})
	wantProblems(t, w.pass())
	wantTargets(t, w, map[string][]string{
		classFile:                                w.targets()[classFile],
		"targets/alertmanager/shop/targets.json": {"10.0.0.1:9093 "},
		"targets/self/prometheus/targets.json":   {"127.0.0.1:9090 prometheus"},
	})
	text := string(w.output.config[artifact.ConfigFile])
	if !strings.Contains(text, "replica: '${HOSTNAME}'") || strings.Contains(text, "of-this-process") {
		t.Errorf("a variable was expanded:\n%s", text)
	}
}

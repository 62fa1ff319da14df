package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// lineTarget is a target as discovery makes it, with some labels besides.
func lineTarget(object, address string, more ...string) artifact.Target {
	b := labels.NewBuilder(labels.FromStrings(more...))
	for name, value := range map[string]string{
		"__address__": address, "__metrics_path__": "/metrics", "__scheme__": "http", "__scrape_interval__": "30s", "__scrape_timeout__": "10s",
		"job": object, "ecs_cluster": "prod", "ecs_service": object, "ecs_account_id": "1",
	} {
		if b.Get(name) == "" {
			b.Set(name, value)
		}
	}
	return artifact.Target{Labels: b.Labels(), Origin: artifact.Origin{Object: object}}
}

// TestTargetLines: what tells targets apart comes first, and the lines of each
// object are told apart from those of others.
func TestTargetLines(t *testing.T) {
	t.Parallel()
	pool := func(targets ...artifact.Target) []artifact.Pool {
		return []artifact.Pool{{Name: "class/shared", Path: "shared", Targets: targets}}
	}
	api := lineTarget("api", "10.0.0.1:80")
	before := pool(api, lineTarget("web", "10.0.0.2:80", "version", "1"), lineTarget("web", "10.0.0.4:80"))
	after := pool(
		lineTarget("api", "10.0.0.3:80", "__metrics_path__", "/m", "__scheme__", "https", "__param_x", "y", "a b", "line\nbreak"),
		lineTarget("web", "10.0.0.2:80", "version", "2", "__scrape_interval__", "5s", "ecs_service", "front"),
	)
	c := targetChange(time.Now(), artifact.DiffTargets(before, after))
	const (
		ofAPI = `@@ ScrapeTarget/api @@
- 10.0.0.1:80 {job="api", ecs_cluster="prod", ecs_service="api", ecs_account_id="1"}
+ 10.0.0.3:80 {job="api", ecs_cluster="prod", ecs_service="api", "a b"="line\nbreak", ecs_account_id="1", __metrics_path__="/m", __param_x="y", __scheme__="https"}
`
		ofWeb = `@@ ScrapeTarget/web @@
- 10.0.0.4:80 {job="web", ecs_cluster="prod", ecs_service="web", ecs_account_id="1"}
! 10.0.0.2:80 ecs_service: "web" -> "front", version: "1" -> "2", __scrape_interval__: "30s" -> "5s"
`
	)
	if diff := cmp.Diff(ofAPI+ofWeb, c.Diff); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	web := []spec.ID{{Kind: spec.KindScrapeTarget, Name: "web"}}
	if diff := cmp.Diff(ofWeb, c.About(web).Diff); diff != "" {
		t.Errorf("about one: -want +got\n%s", diff)
	}
	one := targetChange(time.Now(), artifact.DiffTargets(nil, pool(api)))
	const alone = `+ 10.0.0.1:80 {job="api", ecs_cluster="prod", ecs_service="api", ecs_account_id="1"}` + "\n"
	if diff := cmp.Diff(alone, one.Diff); diff != "" {
		t.Errorf("of one object: -want +got\n%s", diff)
	}
}

// TestAbout: what is not about an object is left out, as far as it can be told.
func TestAbout(t *testing.T) {
	t.Parallel()
	const (
		config = "--- live/prometheus.yml\n+++ want/prometheus.yml\n@@ -1 +1 @@\n-a\n+b\n"
		gone   = "--- live/rules/a.yml\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
		more   = "--- /dev/null\n+++ want/rules/b.yml\n@@ -0,0 +1 @@\n+b\n"
		rest   = "... and 7 lines more\n"
		ofA    = "@@ ScrapeTarget/a @@\n+ a\n"
		ofB    = "@@ ScrapeTarget/b @@\n- b\n"
		others = "... and 3 targets more\n"
	)
	a, b := spec.ID{Kind: spec.KindScrapeTarget, Name: "a"}, spec.ID{Kind: spec.KindScrapeTarget, Name: "b"}
	ruleA, ruleB := spec.ID{Kind: spec.KindPrometheusRule, Name: "a"}, spec.ID{Kind: spec.KindPrometheusRule, Name: "b"}
	main := spec.ID{Kind: spec.KindPrometheusConfig, Name: "main"}
	for name, c := range map[string]struct {
		kind, diff string
		objects    []spec.ID
		want       string
	}{
		"a rule that goes":      {ChangeConfiguration, config + gone + more, []spec.ID{ruleA}, gone},
		"a rule that comes":     {ChangeConfiguration, config + gone + more + rest, []spec.ID{ruleB}, more + rest},
		"no rule":               {ChangeRollback, config + gone + more, []spec.ID{a}, config},
		"two of one name":       {ChangeConfiguration, config + gone + more, []spec.ID{a, ruleA}, config + gone},
		"a configuration":       {ChangeConfiguration, config + gone + more, []spec.ID{main}, config + gone + more},
		"only of others":        {ChangeConfiguration, config + more, []spec.ID{ruleA}, config + more},
		"a refusal":             {ChangeReload, "", []spec.ID{ruleA}, ""},
		"targets":               {ChangeTargets, ofA + ofB, []spec.ID{b}, ofB},
		"targets of both":       {ChangeTargets, ofA + ofB, []spec.ID{a, b}, ofA + ofB},
		"cut targets":           {ChangeTargets, ofA + others, []spec.ID{b}, others},
		"of an earlier version": {ChangeTargets, "+ a\n- b\n", []spec.ID{b}, "+ a\n- b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, (Change{Kind: c.kind, Diff: c.diff}).About(c.objects).Diff); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

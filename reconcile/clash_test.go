package reconcile_test

import (
	"strings"
	"testing"

	"ecs-scrape/reconcile"
)

const goldFile = "targets/class/gold/targets.json"

func classes(body string) string {
	return config("main", "  prometheus: {version: '3.15'}\n  scrapeClasses:\n  - {name: silver}\n"+body)
}

// TestChangedClassStays: a class that changes so that a served object could not be
// scraped any more is as good as one that goes.
func TestChangedClassStays(t *testing.T) {
	t.Parallel()
	own := "  scrapeClass: gold\n  scrapeConfig: {proxy_from_environment: true}\n"
	served := map[string][]string{classFile: {"10.0.0.2:8080 two"}, ownFile: {"10.0.0.1:8080 one"}}
	const why = "ScrapeTarget/api: spec.scrapeConfig.proxy_from_environment: if proxy_from_environment is configured, proxy_url must not be configured"
	for name, text := range map[string]string{
		"as it was":            scrape("api", "one", own),
		"in a wrong version":   scrape("api", "5", own),
		"cannot be read":       "kind: [",
		"wrong in another way": scrape("api", "one", own+"  labelsFrom: {x: {meta: __meta_ecs_x}}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := good()
			files["main.yaml"], files["api.yaml"] = classes("  - {name: gold}\n"), scrape("api", "one", own)
			w := newWorld(t, files)
			wantProblems(t, w.pass())
			wantTargets(t, w, served)
			w.source.Set(map[string]string{"main.yaml": classes("  - {name: gold, scrapeConfig: {proxy_url: 'http://p'}}\n"), "api.yaml": text})
			for range 2 {
				p := w.pass()
				wantTargets(t, w, served)
				s := status(p, "PrometheusConfig/main")
				if got := s.Accepted(); got.Reason != reconcile.ReasonInvalid || !strings.HasPrefix(got.Message, "main.yaml:8:5: spec.scrapeClasses[1]: ") || !strings.Contains(got.Message, why) {
					t.Errorf("%+v", got)
				}
				w.restart()
			}
			w.source.Set(map[string]string{"api.yaml": scrape("api", "mended", "  scrapeClass: gold\n")})
			wantProblems(t, w.pass())
			if got := w.targets()[goldFile]; len(got) != 1 {
				t.Errorf("mended: %v", w.targets())
			}
		})
	}
}

// TestClassGoesWithABrokenUser: what counts is the version that will be served.
func TestClassGoesWithABrokenUser(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"refused": scrape("api", "new", "  scrapeClass: platinum\n"), "does not decode": scrape("api", "5", "")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := good()
			files["main.yaml"], files["api.yaml"] = classes("  - {name: gold}\n"), scrape("api", "one", "  scrapeClass: gold\n")
			w := newWorld(t, files)
			w.pass()
			w.source.Set(map[string]string{"main.yaml": classes(""), "api.yaml": text})
			p := w.pass()
			wantTargets(t, w, map[string][]string{goldFile: {"10.0.0.1:8080 one"}, classFile: {"10.0.0.2:8080 two"}})
			if !strings.Contains(allText(p), `(ScrapeTarget/api names "gold")`) {
				t.Error(allText(p))
			}
		})
	}
}

func allText(p *reconcile.Pass) string { return strings.Join(problems(p), "\n") }

// TestPolicyActsAtOnce: what the operator forbids goes, and comes back in its last
// valid version when it is allowed again.
func TestPolicyActsAtOnce(t *testing.T) {
	t.Parallel()
	gold := "  - {name: gold}\n"
	for _, c := range []struct{ name, object, before, after, why string }{
		{"who may use a class", "", classes(gold), classes("  - {name: gold, allowedFor: {matchLabels: {team: x}}}\n"), `scrape class "gold" is only for objects`},
		{
			"credentials", "  scrapeConfig: {proxy_url: 'http://mine'}\n", classes(gold),
			classes("  - {name: gold, scrapeConfig: {basic_auth: {username: u, password_file: /p}}}\n"), `scrape class "gold" has credentials`,
		},
		{"an older version", "  labels: {a.b: c}\n", classes(gold), strings.Replace(classes(gold), "3.15", "2.53", 1), "is a label name for Prometheus 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := good()
			files["main.yaml"], files["api.yaml"] = c.before, scrape("api", "one", "  scrapeClass: gold\n"+c.object)
			w := newWorld(t, files)
			wantProblems(t, w.pass())
			before := w.targets()
			for name, text := range map[string]string{"the same": files["api.yaml"], "unreadable": "kind: [", "wrong": scrape("api", "5", "")} {
				w.source.Set(map[string]string{"main.yaml": c.after, "api.yaml": text})
				for range 2 {
					p := w.pass()
					if p.Plan.Targets["api"] != 0 || p.Plan.Targets["web"] != 1 {
						t.Errorf("%s: targets %v", name, p.Plan.Targets)
					}
					s := status(p, "ScrapeTarget/api")
					if got := s.Accepted(); got.Reason != reconcile.ReasonForbidden || s.Served != "" || s.Kept == "" || (name != "wrong" && !strings.Contains(allText(p), c.why)) {
						t.Errorf("%s: %+v\n%s", name, got, allText(p))
					}
					if !status(p, "PrometheusConfig/main").Valid() {
						t.Errorf("%s: the policy waits: %s", name, allText(p))
					}
					w.restart()
				}
				w.source.Set(map[string]string{"main.yaml": c.before})
				w.pass()
				wantTargets(t, w, before)
			}
		})
	}
}

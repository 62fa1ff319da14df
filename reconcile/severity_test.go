package reconcile_test

import (
	"strings"
	"testing"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// Warn adds a warning about an object to what the source gives.
func (s *source) Warn(file string, id spec.ID) {
	s.warnings = append(s.warnings, spec.Problem{
		Position: spec.Position{File: file, Line: 1, Column: 1}, Object: id, Severity: spec.Warning, Message: "is odd",
	})
	s.set = nil
}

// TestWarningsRefuseNothing: a warning of the decoder, about an object or about a
// whole file, is told and does nothing else.
func TestWarningsRefuseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.source.Warn("api.yaml", spec.ID{Kind: spec.KindScrapeTarget, Name: "api"})
	w.source.Warn("web.yaml", spec.ID{})
	p := w.pass()
	wantProblems(t, p, "api.yaml:1:1: warning: is odd", "web.yaml:1:1: warning: is odd")
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 two"}})
	if s := status(p, "ScrapeTarget/api"); !s.Valid() || s.Accepted().Reason != reconcile.ReasonValid || len(s.Problems) != 1 {
		t.Errorf("status %+v", s)
	}
	if err := p.Problem(); err != nil {
		t.Errorf("as an error: %v", err)
	}

	w.source.Set(map[string]string{"api.yaml": scrape("api", "new", "")})
	w.pass()
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 new", "10.0.0.2:8080 two"}})
	w.source.Set(map[string]string{"api.yaml": "", "web.yaml": ""})
	w.pass()
	wantTargets(t, w, map[string][]string{})
}

// TestWarningsAreNoObjects: a source that holds nothing but a warning is empty.
func TestWarningsAreNoObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	w.source.Set(map[string]string{"main.yaml": "", "api.yaml": "", "web.yaml": "", "rule.yaml": ""})
	w.source.Warn("notes.yaml", spec.ID{})
	if p := w.pass(); p.LoadError == nil || !strings.Contains(p.LoadError.Error(), "would take away 4") {
		t.Errorf("load error %v", p.LoadError)
	}
}

// TestAcceptedCondition: each reason, and that it outlives a restart.
func TestAcceptedCondition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, text, id string
		status, reason       string
		message              []string
	}{
		{"valid", "api.yaml", scrape("api", "new", ""), "ScrapeTarget/api", reconcile.True, reconcile.ReasonValid, nil},
		{"with a warning", "main.yaml", config("main", "  prometheus: {features: [x]}\n"), "PrometheusConfig/main", reconcile.True, reconcile.ReasonValid, nil},
		{"refused", "rule.yaml", rule("r", "sum("), "PrometheusRule/r", reconcile.False, reconcile.ReasonInvalid, []string{"rule.yaml:9:13: spec.groups[0].rules[0].expr: g/a: could not parse", "(its last valid version is served)"}},
		{"a lint that is an error", "main.yaml", config("main", "  scrapeClasses: [{name: a, scrapeConfig: {scheme: ftp}}]\n"), "PrometheusConfig/main", reconcile.False, reconcile.ReasonInvalid, []string{"[bad-scheme]", "(its last valid version is served)"}},
		{"unreadable", "rule.yaml", "kind: [", "PrometheusRule/r", reconcile.False, reconcile.ReasonUnreadable, []string{"rule.yaml:1: does not parse", "(its last valid version is served)"}},
		{"clash", "zzz.yaml", rule("r", "down"), "PrometheusRule/r", reconcile.False, reconcile.ReasonClash, []string{"is also at rule.yaml:1:1"}},
		{"never valid", "new.yaml", rule("new", "sum("), "PrometheusRule/new", reconcile.False, reconcile.ReasonNeverValid, []string{"new.yaml:9:13: spec.groups[0].rules[0].expr: g/a: could not parse", "(no version of it that was valid is known here, so it is left out)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, good())
			w.pass()
			w.source.Set(map[string]string{c.file: c.text})
			for range 2 {
				s := status(w.pass(), c.id)
				got := s.Accepted()
				if got.Type != reconcile.AcceptedType || got.Status != c.status || got.Reason != c.reason {
					t.Errorf("%+v", got)
				}
				if (got.Message == "") != (c.message == nil) {
					t.Errorf("message %q", got.Message)
				}
				for _, want := range c.message {
					if !strings.Contains(got.Message, want) {
						t.Errorf("message %q, want %q in it", got.Message, want)
					}
				}
				w.restart()
			}
		})
	}
}

// TestStateIsLost: without what was kept, an object whose present version is wrong
// is served nothing, and says why.
func TestStateIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	w.source.Set(map[string]string{"rule.yaml": rule("r", "sum(")})
	w.pass()
	if w.output.config["rules/r.yml"] == nil {
		t.Error("the last valid version is not served")
	}
	w.start(reconcile.Accepted{})
	got := status(w.pass(), "PrometheusRule/r")
	if c := got.Accepted(); w.output.config["rules/r.yml"] != nil || got.Served != "" || c.Reason != reconcile.ReasonNeverValid || !strings.Contains(c.Message, reconcile.NeverValid) {
		t.Errorf("%+v", c)
	}
}

// TestNotJudged: without a PrometheusConfig nothing can be said of the rest.
func TestNotJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	w.source.Set(map[string]string{"rule.yaml": rule("r", "down"), "main.yaml": ""})
	p, _ := w.fails()
	if c := status(p, "PrometheusRule/r").Accepted(); c.Status != reconcile.Unknown || c.Reason != reconcile.ReasonNotJudged {
		t.Errorf("%+v", c)
	}
}

// TestIntervalChangesUnderATimeout: a new version whose timeout is too long is
// refused; one that became so by a change of the configuration is served on.
func TestIntervalChangesUnderATimeout(t *testing.T) {
	t.Parallel()
	slow := strings.Replace(scrape("api", "one", ""), "port: 8080", "port: 8080, timeout: 40s", 1)
	files := good()
	files["api.yaml"] = slow
	w := newWorld(t, files)
	wantProblems(t, w.pass())
	w.source.Set(map[string]string{"main.yaml": config("main", "  config: {global: {scrape_interval: 30s}}\n")})
	const at = "api.yaml:6:37: spec.endpoints[0].timeout: "
	p := w.pass()
	wantProblems(t, p, at+"40s is longer than the interval 30s, the global one, and Prometheus refuses such a target; lower it, or set interval [timeout-above-interval]")
	if s := status(p, "ScrapeTarget/api"); s.Served != s.Observed || s.Valid() {
		t.Errorf("%+v", s)
	}
	w.source.Set(map[string]string{"api.yaml": strings.Replace(slow, "40s", "50s", 1)})
	p = w.pass()
	if s := status(p, "ScrapeTarget/api"); s.Served == s.Observed || s.Served == "" {
		t.Errorf("a new version that is wrong is not kept out, or takes the served one with it: %+v", s)
	}
}

// TestDeclaredPrometheus: rules are judged as the one that is declared judges them.
func TestDeclaredPrometheus(t *testing.T) {
	t.Parallel()
	files := good()
	files["rule.yaml"] = rule("r", "mad_over_time(up[5m])")
	files["main.yaml"] = config("main", "  prometheus: {version: '3.15', features: [promql-experimental-functions]}\n")
	w := newWorld(t, files)
	wantProblems(t, w.pass())
	w.source.Set(map[string]string{"main.yaml": config("main", "  prometheus: {version: '3.15'}\n")})
	p := w.pass()
	wantProblems(t, p, `rule.yaml:9:13: spec.groups[0].rules[0].expr: g/a: could not parse expression: 1:1: parse error: function "mad_over_time" is not enabled`)
	if w.output.config["rules/r.yml"] != nil {
		t.Error("a rule that this Prometheus refuses is published")
	}
	w.source.Set(map[string]string{"main.yaml": config("main", "  prometheus: {agent: true}\n  config: {remote_write: [{url: http://metrics}]}\n"), "rule.yaml": rule("r", "up")})
	wantProblems(t, w.pass(), "rule.yaml:6:3: spec.groups: warning: PrometheusConfig/main runs as an agent, which evaluates no rules, so these are left out; leave them out of its ruleSelector [rule-of-agent]")
	if w.output.config["rules/r.yml"] != nil {
		t.Error("an agent is given rules")
	}
}

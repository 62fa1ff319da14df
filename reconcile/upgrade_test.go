package reconcile_test

import (
	"strings"
	"testing"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// tooNew needs more than it declares, which an earlier build did not find.
func tooNew(interval string) string {
	return declares("2.45", "  config: {global: {scrape_interval: "+interval+", scrape_failure_log_file: /a}}\n")
}

const tooNewSays = "scrape_failure_log_file: Prometheus 2.45 does not know it (since 2.55): " +
	`raise spec.prometheus.version of PrometheusConfig "main" and the Prometheus itself, or remove it`

// TestUpgradeFindsMore: a PrometheusConfig that an earlier build accepted, and that
// this one would not for what its release does not know, is served on with that
// error, and so is the last such version when it is edited: targets follow.
func TestUpgradeFindsMore(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"] = tooNew("20s")
	w := newWorld(t, files)
	accepted := reconcile.Accepted{}
	for _, o := range decoded(files) {
		accepted[o.ID] = o
	}
	data, err := accepted.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if accepted, err = reconcile.DecodeAccepted(data); err != nil {
		t.Fatal(err)
	}
	w.start(accepted)
	for _, c := range []struct{ config, label, interval string }{
		{tooNew("20s"), "one", "20s"},
		{tooNew("20s"), "two", "20s"},
		{tooNew("30s"), "three", "20s"}, // the last one that was accepted
		{declares("2.55", "  config: {global: {scrape_interval: 40s, scrape_failure_log_file: /a}}\n"), "four", "40s"},
		{tooNew("50s"), "five", "40s"}, // the last valid one
	} {
		files["main.yaml"], files["api.yaml"], files["web.yaml"] = c.config, scrape("api", c.label, ""), scrape("web", c.label, "")
		w.source.Set(files)
		p := w.pass()
		if c.config == tooNew(c.interval) || strings.Contains(c.config, "2.45") {
			wantProblems(t, p, "main.yaml:6:43: spec.config.global."+tooNewSays)
			if s := status(p, "PrometheusConfig/main"); s.Accepted().Status != reconcile.False || s.Accepted().Reason != reconcile.ReasonInvalid {
				t.Errorf("%s: status %+v", c.label, s.Accepted())
			}
		} else {
			wantProblems(t, p)
		}
		wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 " + c.label, "10.0.0.2:8080 " + c.label}})
		if got := string(w.output.config["prometheus.yml"]); !strings.Contains(got, "scrape_interval: "+c.interval) {
			t.Errorf("%s: published:\n%s", c.label, got)
		}
		w.restart()
	}
}

// TestOnlyTooNew: where no other version is known, it is served with its error, and
// offline it is one.
func TestOnlyTooNew(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"] = tooNew("20s")
	w := newWorld(t, files)
	p := w.pass()
	wantProblems(t, p, "main.yaml:6:43: spec.config.global."+tooNewSays)
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 two"}})
	if err := p.Problem(); err == nil {
		t.Error("no problem is told")
	}
	found, err := reconcile.Validate(spec.Decode([]spec.File{{Name: "main.yaml", Data: []byte(files["main.yaml"])}}), "")
	if err != nil || !spec.Faulty(found) {
		t.Errorf("offline: %v, %v", err, found)
	}
	files["main.yaml"] = declares("2.45", "  config: {global: {scrape_failure_log_file: /a, nonsense: 1}}\n")
	w = newWorld(t, files)
	if p, err := w.r.Evaluate(t.Context()); err == nil && p.Plan != nil {
		t.Error("one that is wrong otherwise too is served")
	}
}

func decoded(files map[string]string) []*spec.Object {
	var in []spec.File
	for name, text := range files {
		in = append(in, spec.File{Name: name, Data: []byte(text)})
	}
	return spec.Decode(in).Objects
}

package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
)

// TestConfigurationThatStays: while another configuration is wanted and not
// published, targets follow in the pools that the published one has, whatever
// pools they are wanted in.
func TestConfigurationThatStays(t *testing.T) {
	t.Parallel()
	const own = "  scrapeConfig: {sample_limit: 5}\n"
	for name, c := range map[string]struct {
		before, after string // of the object api; "" is none
		want          map[string][]string
	}{
		"to a pool of its own": {
			scrape("api", "one", ""), scrape("api", "one", own),
			map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 one", "10.0.0.3:8080 three"}, ownFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 one"}},
		},
		"from a pool of its own": {
			scrape("api", "one", own), scrape("api", "one", ""),
			map[string][]string{classFile: {"10.0.0.3:8080 three"}, ownFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 one"}},
		},
		"away": {
			scrape("api", "one", own), "",
			map[string][]string{classFile: {"10.0.0.3:8080 three"}},
		},
		"nowhere": {
			scrape("api", "one", own), scrape("api", "one", own+"  labels: {a: b}\n"),
			map[string][]string{classFile: {"10.0.0.3:8080 three"}, ownFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 one"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := strings.NewReplacer("[api]", "['api*']")
			files := good()
			files["api.yaml"], files["web.yaml"] = all.Replace(c.before), scrape("web", "three", "")
			w := newWorld(t, files)
			w.pass()
			w.publish(reconcile.Confirmed)
			before := w.output.config.Digest()
			w.source.Set(map[string]string{"api.yaml": all.Replace(c.after), "rule.yaml": rule("another", "up")})
			for range 2 { // the second finds what the first has written
				w.inventory.Run("api", "api2", "web")
				w.stay(w.output.config, false)
				wantTargets(t, w, c.want)
			}
			if got := w.output.config.Digest(); got != before {
				t.Error("the configuration changed")
			}
			w.publish(reconcile.Wanted)
			if got := w.output.config.Digest(); got == before {
				t.Error("the configuration stays although it may go")
			}
		})
	}
}

// publish runs a pass whose configuration stands so.
func (w *world) publish(s reconcile.Standing) {
	w.t.Helper()
	p, err := w.r.Evaluate(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.r.Publish(p, time.Time{}, s); err != nil {
		w.t.Fatal(err)
	}
	w.note()
}

// note notes what the published configuration scrapes, as a controller does.
func (w *world) note() {
	w.t.Helper()
	live, err := w.output.Live()
	if err != nil {
		w.t.Fatal(err)
	}
	digest := live.Digest()
	if w.scraped[digest] == nil {
		w.scraped[digest] = artifact.Scraped{}
	}
	for _, p := range reconcile.Loaded(live) {
		w.scraped[digest].Add(p)
	}
}

// stay runs a pass while another configuration stays, or is gone back to.
func (w *world) stay(config artifact.Files, confirmed bool) {
	w.t.Helper()
	p, err := w.r.Evaluate(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	s := reconcile.Staying{Config: config, Scraped: w.scraped[config.Digest()], Confirmed: confirmed}
	if _, err := reconcile.Stay(w.output, &p.Plan.Bundle, time.Time{}, s); err != nil {
		w.t.Fatal(err)
	}
}

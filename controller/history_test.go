package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// brief is a change without its time and its diff.
func brief(c Change) string { return fmt.Sprintf("%s %v: %s", c.Kind, c.Objects, c.Summary) }

func briefs(changes []Change) []string {
	var out []string
	for _, c := range changes {
		out = append(out, brief(c))
	}
	return out
}

func wantChanges(t *testing.T, w *world, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, briefs(w.c.Status().Changes)); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
}

// forget starts a history anew.
func (w *world) forget() { w.c.history.changes = nil }

// TestChangesOfTargets: within some seconds they are one, what was taken back is
// none, and each object knows when its own were the last time.
func TestChangesOfTargets(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.wait(joined)
		w.forget()
		start := time.Now()
		w.inventory.Scale(3)
		w.wait(window)
		wantChanges(t, w, "targets [ScrapeTarget/api]: api: 2 added")
		w.inventory.Scale(4)
		w.wait(window)
		wantChanges(t, w, "targets [ScrapeTarget/api]: api: 3 added")
		api := w.c.Status().Objects[2]
		if since := api.LastChange.Sub(start); api.Name != "api" || since <= window || since > 2*window {
			t.Errorf("%s changed after %v", api.Name, since)
		}
		if diff := w.c.Status().Changes[0].Diff; strings.Count(diff, "\n") != 3 || !strings.HasPrefix(diff, `+ 10.0.0.2:8080 {job="api", ecs_cluster="prod", `) || strings.Contains(diff, "__") {
			t.Errorf("diff %s", diff)
		}
		w.inventory.Scale(1)
		w.wait(window)
		wantChanges(t, w)
		w.inventory.Scale(2)
		w.wait(joined + window)
		w.inventory.Scale(1)
		w.wait(joined + window)
		wantChanges(t, w, "targets [ScrapeTarget/api]: api: 1 removed", "targets [ScrapeTarget/api]: api: 1 added")
		w.wait(lookEvery)
		if w.c.history.base != nil {
			t.Error("the targets of before are kept for longer than they are needed")
		}
	})
}

// TestChangesOfConfiguration: each with its diff, without what is secret.
func TestChangesOfConfiguration(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.forget()
		w.write(map[string]string{"main.yaml": strings.Replace(configText, "spec: {}", "spec:\n  config:\n    remote_write: [{url: 'http://x', basic_auth: {username: u, password: planted}}]", 1)})
		w.wait(time.Second)
		first := w.c.Status().Changes[0]
		if got := brief(first); !strings.HasPrefix(got, "configuration [PrometheusConfig/main]: configuration ") || !strings.HasSuffix(got, ": prometheus.yml changed") {
			t.Error(got)
		}
		if !strings.Contains(first.Diff, "password: '<secret, new>'") || strings.Contains(first.Diff, "planted") {
			t.Errorf("diff %s", first.Diff)
		}
	})
}

// TestChangesByRefusal: what Prometheus refuses, and what is gone back to.
func TestChangesByRefusal(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		published := w.c.Status().Config.Published
		w.forget()
		w.server.Refuse(w.rejects())
		w.write(map[string]string{"rule.yaml": ruleText("second")})
		w.wait(5 * time.Second)
		got := w.c.Status().Changes
		if len(got) != 3 || got[0].Kind != ChangeRollback || got[1].Kind != ChangeReload || got[2].Kind != ChangeConfiguration {
			t.Fatalf("%q", briefs(got))
		}
		if !strings.HasPrefix(got[0].Summary, "configuration "+published+" instead of ") || !strings.Contains(got[0].Diff, "+++ /dev/null") {
			t.Errorf("%+v", got[0])
		}
		culprits := []spec.ID{{Kind: spec.KindPrometheusRule, Name: "first"}, {Kind: spec.KindPrometheusRule, Name: "second"}}
		if diff := cmp.Diff(culprits, got[1].Objects); diff != "" || !strings.Contains(got[1].Summary, "couldn't load configuration: no") {
			t.Errorf("%s; %s", got[1].Summary, diff)
		}
		if last := w.c.Status().LastError; last == nil || !strings.Contains(last.Message, "was taken back") {
			t.Errorf("last error %+v", last)
		}
		w.server.Refuse(nil)
		w.write(map[string]string{"rule.yaml": ruleText("third")})
		w.wait(5 * time.Second)
		wantState(t, w, StateOK, "")
		if last := w.c.Status().LastError; last == nil || !strings.Contains(last.Message, "was taken back") {
			t.Errorf("the last error is forgotten: %+v", last)
		}
	})
}

// TestChangesByHold: what an operator has gone back to.
func TestChangesByHold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.server.Loaded()
		w.write(map[string]string{"rule.yaml": ruleText("second")})
		w.wait(window)
		w.forget()
		w.ask(&target.Hold{Digest: first, Since: time.Now(), Reason: "too many alerts"})
		want := "rollback []: configuration " + first + " is held: too many alerts: prometheus.yml changed, rules/first.yml added, rules/second.yml removed"
		wantChanges(t, w, want)
		w.ask(nil)
		w.wait(window)
		if got := w.c.Status().Changes; len(got) != 2 || got[0].Kind != ChangeConfiguration {
			t.Errorf("after its release: %q", briefs(got))
		}
	})
}

// TestHistorySurvives: a new process goes on with what the one before has told, and
// adds what has changed meanwhile, be it nothing.
func TestHistorySurvives(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		before := w.c.Status()
		doc, err := before.Document()
		if err != nil {
			t.Fatal(err)
		}
		w.stop()
		w.wait(time.Hour)
		w.options.Earlier = decoded(t, doc)
		w.start(w.server)
		w.wait(window)
		if diff := cmp.Diff(briefs(before.Changes), briefs(w.c.Status().Changes)); diff != "" {
			t.Errorf("after a restart: -want +got\n%s", diff)
		}
		for i, o := range w.c.Status().Objects {
			if !o.LastChange.Equal(before.Objects[i].LastChange) {
				t.Errorf("%s changed at %v, was %v", o.Name, o.LastChange, before.Objects[i].LastChange)
			}
		}
		w.stop()
		w.inventory.Scale(2)
		w.options.Earlier = decoded(t, doc)
		w.start(w.server)
		w.wait(window)
		if got := w.c.Status().Changes; len(got) != len(before.Changes)+1 || got[0].Summary != "api: 1 added" {
			t.Errorf("%q", briefs(got))
		}
	})
}

// TestHistoryIsBounded: in number and in size.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	h := &history{}
	long := strings.Repeat(strings.Repeat("x", 100)+"\n", 10_000)
	var objects []spec.ID
	for i := range 1000 {
		objects = append(objects, spec.ID{Kind: spec.KindScrapeTarget, Name: fmt.Sprint(i)})
	}
	for i := range 200 {
		h.add(Change{Summary: fmt.Sprint(i) + strings.Repeat(" is long", 10_000), Diff: long, Objects: objects})
	}
	if len(h.changes) != maxChanges || !strings.HasPrefix(h.changes[0].Summary, "199 is long") {
		t.Errorf("%d changes, the newest %q", len(h.changes), h.changes[0].Summary)
	}
	c := h.changes[0]
	if size := len(c.Diff) + len(c.Summary); size > 20<<10 || len(c.Objects) != maxObjects {
		t.Errorf("%d bytes, %d objects", size, len(c.Objects))
	}
	if want := "... and 9838 lines more\n"; !strings.HasSuffix(c.Diff, want) {
		t.Errorf("%q, want %q", c.Diff[len(c.Diff)-100:], want)
	}
}

// TestManyTargets: as many lines as are kept, and the number of the others.
func TestManyTargets(t *testing.T) {
	t.Parallel()
	var after []artifact.Pool
	for p := range 10 {
		pool := artifact.Pool{Name: fmt.Sprint("pool", p), Path: fmt.Sprint(p)}
		for i := range 30 {
			target := fleetTarget(fmt.Sprintf("10.0.%d.%03d:80", p, i))
			target.Origin.Object = fmt.Sprint("object", p)
			pool.Targets = append(pool.Targets, target)
		}
		after = append(after, pool)
	}
	c := targetChange(time.Now(), artifact.DiffTargets(nil, after))
	if lines := strings.Count(c.Diff, "\n"); lines != maxTargetLines+1 || !strings.HasSuffix(c.Diff, "... and 204 targets more\n") {
		t.Errorf("%d lines: %s", lines, c.Diff[len(c.Diff)-80:])
	}
	if want := "object0: 30 added; object1: 30 added; object2: 30 added; object3: 30 added; object4: 30 added; object5: 30 added; and 4 more"; c.Summary != want {
		t.Errorf("%s", c.Summary)
	}
}

// BenchmarkHistory is a change of one target of 100,000, while changes are joined:
// two comparisons and one entry.
func BenchmarkHistory(b *testing.B) {
	const size = 100_000
	targets := make([]artifact.Target, size, size+1)
	for i := range targets {
		targets[i] = fleetTarget(fmt.Sprintf("10.0.%03d.%03d:80", i>>8, i&255))
		targets[i].Origin.Object = "api"
	}
	pools := make([][]artifact.Pool, 2)
	for k := range pools { // of the same labels in memory, as those of two plans
		pools[k] = []artifact.Pool{{Name: "p", Path: "p", Targets: append(slices.Clip(targets), fleetTarget(fmt.Sprintf("10.1.%d.0:80", k)))}}
	}
	h := &history{pools: pools[0]}
	now := time.Now()
	for i := 1; b.Loop(); i++ {
		h.targets(now.Add(time.Duration(i)*time.Second), pools[i%2])
	}
}

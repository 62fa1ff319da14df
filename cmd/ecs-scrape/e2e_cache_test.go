package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// TestRestartWithoutAWSFromDisk: at a restart while AWS is down, with a cache older
// than what is published, not a byte of what is published changes, but for what
// the specs change. When AWS is back the truth is found without asking for any
// definition again.
func TestRestartWithoutAWSFromDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("main.yaml", w.prometheusConfig(""))
	w.write("all.yaml", strings.Join([]string{scrapeNamed, scrapeBridge, scrapeDaemon}, "---\n"))
	settled := func(is func(awssim.Listener) bool) {
		t.Helper()
		w.eventually("the published targets are those that listen", func() error { return w.publishedMatches(is) })
		w.eventually("all is read", w.synced)
	}
	w.startController()
	settled(isAny)
	w.controller.stop()
	old := w.state("inventory")
	for _, name := range []string{"inventory", "definitions"} {
		if text := w.state(name); strings.Contains(text, "planted-secret") || !strings.Contains(text, "node-exporter") {
			t.Errorf(".state/%s holds what is secret, or nothing", name)
		}
	}

	w.startController() // some tasks end and others start, and a new definition is learnt
	settled(isAny)
	w.populateMore()
	settled(isAny)
	w.controller.stop()
	must(t, os.WriteFile(w.stateFile("inventory"), []byte(old), 0o600))
	before := w.writtenTargets()

	release := w.sim.Deny(awssim.Match{})
	defer release()
	w.startController()
	w.restored(before)
	if diff := cmp.Diff(before, w.writtenTargets()); diff != "" {
		t.Fatalf("a restart changes what is published: %s", diff)
	}
	w.write("more.yaml", strings.Replace(strings.Replace(scrapeNamed, "name: named", "name: http", 1), "port: metrics", "port: http", 1))
	w.eventually("a new object has targets of the tasks that were known", func() error {
		s, err := w.status()
		if err != nil {
			return err
		}
		for _, o := range s.Objects {
			if o.Name == "http" && o.Targets == 4 { // of five, one has started since
				return nil
			}
		}
		return fmt.Errorf("%+v", s.Objects)
	})
	w.sim.ResetCalls()
	release()
	settled(func(l awssim.Listener) bool { return isAny(l) || isHTTP(l) })
	if n, _ := w.sim.CallsTo("DescribeTaskDefinition"); n != 0 {
		t.Errorf("%d definitions are asked for again", n)
	}
}

func isHTTP(l awssim.Listener) bool {
	return (l.Service == "api" || l.Service == "managed") && portOf(l) == "80"
}

// populateMore replaces a task of api by another of a new revision, and adds one
// of web.
func (w *world) populateMore() {
	w.t.Helper()
	tasks, err := w.sim.RunningTasks("prod", "api")
	must(w.t, err)
	must(w.t, w.sim.StopTask(tasks[0], "test"))
	must(w.t, w.sim.Scale("prod", "web", 5))
	create(w.t, w.sim.Place, awssim.TaskDefinition{Family: "web-other", NetworkMode: awssim.ModeBridge, Containers: []awssim.Container{{
		Name: "app", Ports: []awssim.Port{{Container: 8080}}, Metrics: []awssim.Metrics{{Port: 8080, Path: "/internal/metrics"}},
	}}}, awssim.Service{Name: "other", Desired: 0, Launch: awssim.LaunchEC2})
}

// restored waits until a restarted controller has published what it knows without
// AWS: as many targets as there were.
func (w *world) restored(before map[string]string) {
	w.t.Helper()
	w.eventually("the last state is served", func() error {
		s, err := w.status()
		if err != nil {
			return err
		}
		if len(s.Scopes) != 1 || s.Scopes[0].State != inventory.Stale || s.Scopes[0].Restored.IsZero() || s.Targets.Held == 0 || s.Targets.Held != s.Targets.Total {
			return fmt.Errorf("%+v, %+v", s.Targets, s.Scopes)
		}
		return nil
	})
	if len(before) == 0 {
		w.t.Fatal("nothing was published")
	}
}

// writtenTargets is the content of every target file, and when it was written.
func (w *world) writtenTargets() map[string]string {
	w.t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.output, "targets", "*", "*", "*.json"))
	must(w.t, err)
	out := map[string]string{}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		must(w.t, err)
		info, err := os.Stat(p)
		must(w.t, err)
		out[p] = fmt.Sprintf("%v %s", info.ModTime(), text)
	}
	return out
}

func (w *world) stateFile(name string) string { return filepath.Join(w.output, ".state", name) }

func (w *world) state(name string) string {
	w.t.Helper()
	text, err := os.ReadFile(w.stateFile(name))
	must(w.t, err)
	return string(text)
}

// TestDamagedCache: what cannot be trusted is told once, and written anew.
func TestDamagedCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed}, "---\n"))
	w.startController()
	w.eventually("all is read", w.synced)
	w.controller.stop()
	for _, name := range []string{"inventory", "definitions"} {
		must(t, os.WriteFile(w.stateFile(name), []byte(w.state(name)[:200]), 0o600))
	}
	for _, warnings := range []int{2, 0} {
		w.startController()
		w.eventually("all is read", w.synced)
		w.controller.stop()
		if n := strings.Count(w.controller.log.String(), "cannot be used and will be written anew"); n != warnings {
			t.Errorf("%d warnings, want %d", n, warnings)
		}
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// TestRestartWithOmittedTasks: what is published is all that a restarted
// controller knows of the tasks that its first listing omits. Those that run
// stay, at every moment; the one that has stopped meanwhile goes.
func TestRestartWithOmittedTasks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed, scrapeBridge, scrapeDaemon}, "---\n"))
	w.startAll(current(t))
	w.scraped(isAny)
	w.controller.stop()

	must(t, w.sim.Scale("prod", "web", 3))
	var omitted []awssim.Listener
	for _, of := range []func(awssim.Listener) bool{isNamed, isBridge, isDaemon} {
		l := w.first(of)
		must(t, w.sim.OmitFromNextListing(l.TaskARN))
		omitted = append(omitted, l)
	}
	w.startController()
	w.neverGone(omitted, w.synced)
	w.scraped(isAny)
}

// first is one of the listeners.
func (w *world) first(is func(awssim.Listener) bool) awssim.Listener {
	w.t.Helper()
	for _, l := range w.sim.Listeners() {
		if is(l) {
			return l
		}
	}
	w.t.Fatal("no such listener")
	return awssim.Listener{}
}

// synced says that the restarted controller has published what its first
// complete listing told.
func (w *world) synced() error {
	s, err := w.status()
	if err != nil {
		return err
	}
	if len(s.Scopes) == 0 || s.Targets.Held > 0 {
		return fmt.Errorf("%d targets are held, %d scopes are known", s.Targets.Held, len(s.Scopes))
	}
	for _, st := range s.Scopes {
		if st.State != inventory.Synced {
			return fmt.Errorf("%s is %s: %s", st.Scope, st.State, st.Reason)
		}
	}
	return nil
}

// neverGone asserts, until something holds and once more thereafter, that the
// target files hold these listeners. A file changes at most once a second, so
// none of its versions is missed.
func (w *world) neverGone(listeners []awssim.Listener, until func() error) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := until()
		published := w.targetFiles()
		for _, l := range listeners {
			if !strings.Contains(published, fmt.Sprintf("%q", l.Address)) {
				w.t.Fatalf("the target of %s at %s is gone (%v); published:\n%s", l.TaskARN, l.Address, err, published)
			}
		}
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain: %v", err)
		}
		w.alive()
		<-time.After(20 * time.Millisecond)
	}
}

// targetFiles is the text of all target files.
func (w *world) targetFiles() string {
	w.t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.output, "targets", "*", "*", "*.json"))
	must(w.t, err)
	var all strings.Builder
	for _, p := range paths {
		text, err := os.ReadFile(p)
		must(w.t, err)
		all.Write(text)
	}
	return all.String()
}

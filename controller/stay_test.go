package controller

import (
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/artifact"
)

const (
	silverFile   = "targets/class/silver/targets.json"
	silverConfig = "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec:\n" +
		"  scrapeClasses: [{name: silver, scrapeConfig: {basic_auth: {username: u, password_file: /p}}}]\n"
	silverTarget = targetText + "  scrapeClass: silver\n"
)

// pools are the paths of the pools of a configuration.
func pools(files artifact.Files) []string {
	var out []string
	for _, p := range []string{defaultFile, silverFile} {
		if strings.Contains(string(files[artifact.ConfigFile]), strings.TrimSuffix(p, "targets.json")) {
			out = append(out, p)
		}
	}
	return out
}

// neverLost has every change of what is published looked at: each pool of the
// current configuration, and of the one that Prometheus has loaded, has its file,
// and one of them the targets.
func (w *world) neverLost() {
	w.output.Watch(func(o *output) {
		for which, digest := range map[string]string{"current": o.current, "loaded": w.server.Loaded()} {
			if digest == "" { // it has just restarted, and loads what is current
				continue
			}
			found := 0
			for _, p := range pools(o.generations[digest]) {
				if _, ok := o.pools[p]; !ok {
					w.t.Errorf("%s is %s, and %s is missing", which, digest, p)
				}
				found += len(o.pools[p].Targets)
			}
			if found == 0 {
				w.t.Errorf("%s is %s, and none of its pools has a target", which, digest)
			}
		}
	})
}

// targetsIn counts those in a file.
func (w *world) targetsIn(path string) int {
	w.output.mu.Lock()
	defer w.output.mu.Unlock()
	return len(w.output.pools[path].Targets)
}

// withoutSilver publishes a class with credentials, and then removes it.
func withoutSilver(t *testing.T, w *world) (before string) {
	t.Helper()
	w.write(map[string]string{"main.yaml": silverConfig, "api.yaml": silverTarget})
	w.wait(2 * window)
	before = w.server.Loaded()
	if w.targetsIn(silverFile) != 1 || w.targetsIn(defaultFile) != 0 {
		t.Fatalf("the class is not used: %+v", w.c.Status())
	}
	w.write(map[string]string{"main.yaml": configText, "api.yaml": targetText})
	w.wait(2 * window)
	if w.server.Loaded() == before || w.targetsIn(defaultFile) != 1 || w.targetsIn(silverFile) != 0 {
		t.Fatal("the class is not gone")
	}
	return before
}

// TestHoldOfARemovedClass: the class is back with the targets of now before its
// configuration is, Prometheus loses none meanwhile, and a restart changes nothing.
func TestHoldOfARemovedClass(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		before := withoutSilver(t, w)
		w.inventory.Scale(2)
		w.wait(window)
		w.neverLost()
		w.server.Leave() // so that the other one stays loaded for a while
		w.ask(&target.Hold{Digest: before})
		w.wait(2 * window)
		if w.targetsIn(silverFile) != 2 || w.targetsIn(defaultFile) != 2 {
			t.Errorf("before it is loaded: %d, %d", w.targetsIn(silverFile), w.targetsIn(defaultFile))
		}
		w.server.Return()
		w.wait(2 * window)
		if got := w.server.Loaded(); got != before {
			t.Fatalf("loaded is %s, not %s", got, before)
		}
		w.inventory.Scale(3)
		w.wait(2 * window)
		if w.targetsIn(silverFile) != 3 || w.targetsIn(defaultFile) != 0 {
			t.Errorf("held: %d, %d", w.targetsIn(silverFile), w.targetsIn(defaultFile))
		}
		w.stop()
		w.inventory.Scale(5)
		w.start(w.server)
		w.wait(3 * window)
		if w.server.Loaded() != before || w.targetsIn(silverFile) != 5 || w.targetsIn(defaultFile) != 0 {
			t.Errorf("after a restart: %d, %d", w.targetsIn(silverFile), w.targetsIn(defaultFile))
		}
		w.ask(nil)
		w.wait(3 * window)
		if w.server.Loaded() == before || w.targetsIn(silverFile) != 0 || w.targetsIn(defaultFile) != 5 {
			t.Errorf("released: %d, %d", w.targetsIn(silverFile), w.targetsIn(defaultFile))
		}
	})
}

// TestHoldWaitsForTargetFiles: while a file may not be written yet, the other
// configuration stays current, and the status says why.
func TestHoldWaitsForTargetFiles(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		before := withoutSilver(t, w)
		w.neverLost()
		w.wait(10 * time.Second)
		w.output.Defer(5 * time.Second)
		w.inventory.Scale(2) // is written, and then nothing for 5 s
		w.wait(window)
		w.ask(&target.Hold{Digest: before})
		if s := w.c.Status(); w.server.Loaded() == before || !strings.Contains(s.Message, "is to be held, and becomes current when") {
			t.Errorf("it does not wait: %s", s.Message)
		}
		w.wait(5 * time.Second)
		if s := w.c.Status(); w.server.Loaded() != before || !strings.Contains(s.Message, "is held since") {
			t.Errorf("it still waits: %s", s.Message)
		}
	})
}

// TestRefusedAfterItsPredecessorWasCollected: what Prometheus refuses after it had
// confirmed it is taken back with all target files of the one before.
func TestRefusedAfterItsPredecessorWasCollected(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		before := withoutSilver(t, w)
		w.neverLost()
		w.server.Refuse(func(digest string) error {
			if digest == before {
				return nil
			}
			return &target.RejectedError{Digest: digest, Status: 500, Body: "no"}
		})
		w.server.Restart()
		w.wait(time.Minute)
		if w.server.Loaded() != before || w.targetsIn(silverFile) != 1 {
			t.Errorf("loaded is %s, with %d targets", w.server.Loaded(), w.targetsIn(silverFile))
		}
	})
}

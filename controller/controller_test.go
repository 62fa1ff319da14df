package controller

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/target"
)

func wantLog(t *testing.T, w *world, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.log.Take()); diff != "" {
		t.Errorf("log: -want +got\n%s", diff)
	}
}

func wantState(t *testing.T, w *world, state, message string) {
	t.Helper()
	s := w.c.Status()
	if s.State != state || !strings.Contains(s.Message, message) || (message == "") != (s.Message == "") {
		t.Errorf("state %s, %q; want %s, %q", s.State, s.Message, state, message)
	}
}

func TestFirstPass(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if w.output.Targets() != 1 || w.output.Rules() != "first" || w.server.Loaded() == "" {
			t.Errorf("%d targets, rules %q", w.output.Targets(), w.output.Rules())
		}
		wantState(t, w, StateOK, "")
		if s := w.c.Status(); !s.Ready || !s.Healthy || s.Config.Confirmed != w.server.Loaded() {
			t.Errorf("status %+v", s)
		}
		if got := w.output.Collected(); !slices.Equal(got, []string{
			"targets/class/default/targets.json", "targets/self/controller/targets.json", "targets/self/prometheus/targets.json",
		}) {
			t.Errorf("kept %v", got)
		}
		wantLog(t, w, "INFO published configuration")
	})
}

// TestWindow: a burst costs one pass, one second after its first trigger.
func TestWindow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		before := w.source.Loads()
		for n := range 50 {
			w.inventory.Scale(n)
			w.wait(time.Millisecond)
		}
		w.wait(window - 51*time.Millisecond)
		if got := w.source.Loads() - before; got != 0 {
			t.Errorf("%d passes within the window", got)
		}
		w.wait(time.Millisecond)
		if got := w.source.Loads() - before; got != 1 || w.output.Targets() != 49 {
			t.Errorf("%d passes, %d targets", got, w.output.Targets())
		}
		w.wait(time.Minute)
		if got := w.source.Loads() - before; got != 1 {
			t.Errorf("%d passes of one burst", got)
		}
		wantLog(t, w, "INFO published configuration")
	})
}

// TestChurn: without a quiet moment there is still a pass a second.
func TestChurn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		before := w.source.Loads()
		for i := range 100 {
			w.inventory.Scale(i%7 + 1)
			w.wait(100 * time.Millisecond)
		}
		if got := w.source.Loads() - before; got < 8 || got > 10 {
			t.Errorf("%d passes in 10 s of churn", got)
		}
	})
}

// TestTriggersDuringPass: any number of them means exactly one more.
func TestTriggersDuringPass(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		before := w.source.Loads()
		release := w.source.Hang()
		w.inventory.Scale(2)
		w.wait(window)
		for n := range 5 {
			w.inventory.Scale(10 + n)
			w.wait(time.Second)
		}
		release()
		w.wait(time.Minute)
		if got := w.source.Loads() - before; got != 2 || w.output.Targets() != 14 {
			t.Errorf("%d passes, %d targets", got, w.output.Targets())
		}
	})
}

func TestSpecsInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.SpecsInterval = 5 * time.Second
		w.start(w.server)
		w.wait(window)
		w.log.Take()
		before := w.source.Loads()
		w.wait(time.Minute)
		if got := w.source.Loads() - before; got != 12 {
			t.Errorf("the specs were looked at %d times in a minute", got)
		}
		wantLog(t, w)
		if n := testCounter(t, w, "ecs_scrape_reconciles_total"); n > 3 {
			t.Errorf("%v passes found something to do", n)
		}
		w.source.Set(map[string]string{"second.yaml": strings.NewReplacer("name: g,", "name: h,", "record: a", "record: b").Replace(ruleText("second"))})
		w.wait(5 * time.Second)
		if w.output.Rules() != "first second" || w.server.Loaded() != w.c.Status().Config.Desired {
			t.Errorf("rules %q", w.output.Rules())
		}
		wantLog(t, w, "INFO published configuration")
		w.stop()
	})
}

// TestBackOff: an error that another try may mend is tried again after 1, 2, 4,
// ... up to 30 s, whatever else happens, and logged once.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.SpecsInterval = time.Second
		w.start(w.server)
		w.wait(0)
		w.log.Take()
		w.output.Fail("WriteTargets", errBroken)
		before := w.source.Loads()
		w.inventory.Scale(3)
		for range 120 {
			w.inventory.Trigger()
			w.wait(time.Second)
		}
		if got := w.source.Loads() - before; got < 6 || got > 9 {
			t.Errorf("%d passes in two minutes of failure", got)
		}
		wantLog(t, w, "ERROR pass failed; what is published stays: publish target files: broken on purpose")
		wantState(t, w, StateDegraded, "broken on purpose")
		w.output.Fail("WriteTargets", nil)
		w.wait(lastRetry)
		if w.output.Targets() != 3 {
			t.Errorf("%d targets", w.output.Targets())
		}
		wantLog(t, w, "INFO pass succeeds again")
		wantState(t, w, StateOK, "")
		before = w.source.Loads()
		w.wait(10 * time.Second)
		if got := w.source.Loads() - before; got != 10 {
			t.Errorf("%d passes in 10 s after the recovery", got)
		}
		w.stop()
	})
}

// TestSpecsAreNotBackedOff: what only the specs can mend is looked at at their
// interval, and a source that fails holds up no targets.
func TestSpecsAreNotBackedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.SpecsInterval = time.Second
		w.start(w.server)
		w.wait(0)
		w.log.Take()
		w.source.Set(map[string]string{"main.yaml": ""})
		w.wait(time.Minute)
		wantLog(t, w, "ERROR pass failed; what is published stays: the specs hold no valid PrometheusConfig: add one, `spec: {}` is enough to begin with")
		wantState(t, w, StateDegraded, "no valid PrometheusConfig")
		if s := w.c.Status(); !s.Healthy || s.Targets.Total != 1 {
			t.Errorf("status %+v", s)
		}
		w.source.Set(map[string]string{"main.yaml": configText})
		w.wait(time.Second)
		wantState(t, w, StateOK, "")
		wantLog(t, w, "INFO pass succeeds again")

		w.source.Fail(errBroken)
		w.wait(time.Minute)
		w.inventory.Scale(4)
		w.wait(window)
		if w.output.Targets() != 4 {
			t.Errorf("%d targets while the source fails", w.output.Targets())
		}
		wantState(t, w, StateDegraded, "load specs: broken on purpose")
		w.source.Fail(nil)
		w.wait(time.Second)
		wantState(t, w, StateOK, "")
		wantLog(t, w, "ERROR pass failed; what is published stays: load specs: broken on purpose", "INFO pass succeeds again")
		w.stop()
	})
}

func TestPanic(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.log.Take()
		w.source.Panic("what a pity")
		w.inventory.Trigger()
		w.wait(10 * time.Second)
		wantLog(t, w, "ERROR pass failed; what is published stays: panic: what a pity")
		wantState(t, w, StateDegraded, "panic: what a pity")
		if s := w.c.Status(); len(s.Objects) != 3 || !s.Healthy {
			t.Errorf("status %+v", s)
		}
		if n := testCounter(t, w, "ecs_scrape_reconciles_total", "error"); n != 4 {
			t.Errorf("%v errors counted", n)
		}
		w.source.Panic("")
		w.wait(lastRetry)
		wantState(t, w, StateOK, "")
		wantLog(t, w, "INFO pass succeeds again")
	})
}

func TestPanicAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.source.Panic("what a pity")
		w.start(w.server)
		w.wait(0)
		wantState(t, w, StateDegraded, "panic: what a pity")
		w.stop()
	})
}

// TestDeferred: a target file that may not be written yet is written later, with
// what is true then.
func TestDeferred(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.log.Take()
		w.output.Defer(5 * time.Second)
		w.inventory.Scale(2)
		w.wait(window)
		if w.output.Targets() != 1 {
			t.Errorf("%d targets before the time", w.output.Targets())
		}
		w.source.Fail(errBroken)
		w.wait(4*time.Second + time.Millisecond)
		if w.output.Targets() != 2 || w.c.Status().Targets.Total != 2 {
			t.Errorf("%d targets", w.output.Targets())
		}
	})
}

func TestProblemsAreLoggedOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.log.Take()
		w.write(map[string]string{"broken.yaml": "kind: ["})
		w.inventory.Scale(5)
		w.wait(window)
		w.write(map[string]string{"web.yaml": strings.ReplaceAll(targetText, "name: api", "name: web")})
		wantLog(t, w, "WARN document refused: broken.yaml:1: does not parse: did not find expected node content; check indentation and quotes here and in the lines before")
		wantState(t, w, StateDegraded, "broken.yaml:1: does not parse")
		w.write(map[string]string{"broken.yaml": ""})
		wantLog(t, w, "INFO all objects are valid")
		wantState(t, w, StateOK, "")
	})
}

// TestRunEnds: an inventory that cannot go on ends the controller with its error.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(w.server)
		w.wait(0)
		w.inventory.Fail(errBroken)
		if err := <-w.done; !errors.Is(err, errBroken) {
			t.Errorf("run: %v", err)
		}
		w.cancel()
	})
}

// TestStopDuringPass: nothing is published once the end has begun.
func TestStopDuringPass(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		defer w.source.Hang()()
		w.inventory.Scale(9)
		w.wait(window)
		w.cancel()
		w.wait(0)
		if w.output.Targets() != 1 {
			t.Errorf("%d targets", w.output.Targets())
		}
	})
}

func TestNobodyIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(nil)
		w.wait(0)
		wantState(t, w, StateOK, "")
		w.write(map[string]string{"second.yaml": ruleText("second")})
		if s := w.c.Status(); !s.Ready || w.output.Rules() != "first second" {
			t.Errorf("status %+v", s)
		}
		w.stop()
	})
}

// TestHealthy: healthy as soon as a whole set is there, also an earlier run's.
func TestHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.source.Fail(errBroken)
		w.start(w.server)
		w.wait(time.Minute)
		if s := w.c.Status(); s.Healthy || s.Ready {
			t.Errorf("healthy without anything: %+v", s)
		}
		w.source.Fail(nil)
		w.wait(time.Hour)
		if s := w.c.Status(); !s.Healthy || !s.Ready {
			t.Errorf("status %+v", s)
		}
		w.stop()

		w.source.Fail(errBroken)
		release := w.source.Hang()
		w.start(w.server)
		w.wait(0)
		if s := w.c.Status(); !s.Healthy || s.Ready || s.State != StateStarting {
			t.Errorf("during the first pass: %+v", s)
		}
		release()
		w.wait(0)
		if s := w.c.Status(); !s.Healthy || s.Ready {
			t.Errorf("without specs: %+v", s)
		}
		w.stop()

		w.output.Fail("Swap", errBroken) // current/ is damaged
		w.start(w.server)
		w.wait(0)
		if w.c.Status().Healthy {
			t.Error("healthy on a damaged set")
		}
		w.stop()
	})
}

func TestPrometheusAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.server.Leave()
		w.start(w.server)
		w.wait(0)
		wantState(t, w, StateDegraded, "prometheus is unreachable: broken on purpose")
		s := w.c.Status()
		if !s.Healthy || s.Ready || s.Config.Prometheus != target.StateUnreachable || s.Config.Confirmed != "" {
			t.Errorf("status %+v", s)
		}
		w.inventory.Scale(7)
		w.wait(window)
		if w.output.Targets() != 7 {
			t.Errorf("%d targets", w.output.Targets())
		}
		wantLog(t, w, "INFO published configuration", "WARN Prometheus does not take the configuration yet: prometheus is unreachable: broken on purpose")
		w.server.Return()
		w.wait(0)
		wantState(t, w, StateOK, "")
		w.stop()
	})
}

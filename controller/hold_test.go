package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
)

// ask has a configuration held, and waits until that was noticed.
func (w *world) ask(h *target.Hold) {
	w.t.Helper()
	w.output.Ask(h)
	w.wait(time.Second + window)
}

// held is the metric.
func (w *world) held() string {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "ecs_scrape_config_held" {
			return fmt.Sprint(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return "none"
}

// TestHold: a configuration that is gone back to stays while specs change, and
// targets follow, until it is released.
func TestHold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.server.Loaded()
		w.write(map[string]string{"rule.yaml": ruleText("second")})
		w.wait(window)
		second := w.server.Loaded()
		if w.c.Status().Hold != nil || w.held() != "0" || first == second {
			t.Fatalf("before: %+v", w.c.Status().Hold)
		}
		w.log.Take()
		since := time.Now()
		w.ask(&target.Hold{Digest: first, Since: since, Reason: "too many alerts"})
		if got := w.server.Loaded(); got != first {
			t.Errorf("loaded is %s, not %s", got, first)
		}
		w.isHeld(t, first, second, since)
		w.write(map[string]string{"rule.yaml": ruleText("third")})
		w.inventory.Scale(7)
		w.wait(window)
		if w.output.Rules() != "first" || w.output.Targets() != 7 || w.server.Loaded() != first {
			t.Errorf("while it is held: rules %s, %d targets", w.output.Rules(), w.output.Targets())
		}
		if c := w.c.Status().Objects; condition(c, "third") != reconcile.ReasonHeld || condition(c, "api") != reconcile.ReasonServed {
			t.Errorf("conditions %s, %s", condition(c, "third"), condition(c, "api"))
		}
		w.isReleased(t, "third")
	})
}

// isReleased releases, and looks at what becomes of it.
func (w *world) isReleased(t *testing.T, rules string) {
	t.Helper()
	w.ask(nil)
	w.wait(window)
	if s := w.c.Status(); w.output.Rules() != rules || !s.Ready || s.Hold != nil || s.State != StateOK {
		t.Errorf("released: rules %s, %+v", w.output.Rules(), s)
	}
	logged := strings.Join(w.log.Take(), "\n")
	for _, want := range []string{"WARN configuration is held until it is released", "INFO configuration is released"} {
		if strings.Count(logged, want) != 1 {
			t.Errorf("the log does not have once %q:\n%s", want, logged)
		}
	}
}

// isHeld looks at what is told of a held configuration.
func (w *world) isHeld(t *testing.T, first, second string, since time.Time) {
	t.Helper()
	s := w.c.Status()
	want := "configuration " + first + " is held since " + since.UTC().Format(time.RFC3339) +
		" (too many alerts); targets follow; `ecs-scrape rollback --release` publishes what the specs ask for"
	if s.Message != want || s.State != StateDegraded || s.Ready || !s.Healthy || s.Hold == nil || s.Hold.Digest != first {
		t.Errorf("status %+v", s)
	}
	if s.Config.Desired != second || s.Config.Published != first || s.Config.Confirmed != first || w.held() != "1" {
		t.Errorf("config %+v, %s", s.Config, w.held())
	}
}

func condition(objects []ObjectStatus, name string) string {
	for _, o := range objects {
		if o.Name == name {
			return o.Condition(reconcile.ReadyType).Reason
		}
	}
	return ""
}

// TestHoldWhatIsDesired changes nothing yet, and is told.
func TestHoldWhatIsDesired(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first, asked := w.server.Loaded(), w.server.Asked()
		w.ask(&target.Hold{Digest: first})
		if s := w.c.Status(); !s.Ready || s.State != StateDegraded || s.Hold == nil || w.server.Asked() != asked {
			t.Errorf("status %+v", s)
		}
		w.write(map[string]string{"rule.yaml": ruleText("second")})
		if s := w.c.Status(); s.Ready || w.output.Rules() != "first" {
			t.Errorf("rules %s, status %+v", w.output.Rules(), s)
		}
	})
}

// TestHoldThatCannotBe is refused, and what the specs ask for stays published.
func TestHoldThatCannotBe(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.ask(&target.Hold{Digest: "0123456789abcdef"})
		s := w.c.Status()
		if s.State != StateDegraded || !s.Ready || !strings.Contains(s.Message, "is not: no generation") || w.held() != "0" {
			t.Errorf("status %+v", s)
		}
		if n := testCounter(t, w, "ecs_scrape_config_hold_failed"); n != 1 {
			t.Errorf("the metric is %v", n)
		}
		w.write(map[string]string{"rule.yaml": ruleText("second")})
		w.wait(window)
		if w.output.Rules() != "second" {
			t.Errorf("rules %s", w.output.Rules())
		}
		w.ask(nil)
		if s := w.c.Status(); s.State != StateOK || testCounter(t, w, "ecs_scrape_config_hold_failed") != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

// TestHoldThatCannotBeRead leaves what is held.
func TestHoldThatCannotBeRead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.server.Loaded()
		w.ask(&target.Hold{Digest: first})
		w.log.Take()
		w.output.Fail("Hold", errBroken)
		w.write(map[string]string{"rule.yaml": ruleText("second")})
		w.wait(10 * holdEvery)
		if w.output.Rules() != "first" {
			t.Errorf("rules %s", w.output.Rules())
		}
		if logged := strings.Join(w.log.Take(), "\n"); strings.Count(logged, "what is to be held cannot be read") != 1 {
			t.Errorf("logged not once:\n%s", logged)
		}
		w.output.Fail("Hold", nil)
		w.ask(nil)
		w.wait(window)
		if w.output.Rules() != "second" {
			t.Errorf("rules %s", w.output.Rules())
		}
	})
}

// TestHoldWithoutAPass: who goes back because nothing is judged any more is heard
// all the same, and a swap that fails is tried again.
func TestHoldWithoutAPass(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.server.Loaded()
		w.write(map[string]string{"rule.yaml": ruleText("second")})
		w.wait(window)
		w.write(map[string]string{"other.yaml": strings.Replace(configText, "main", "other", 1)})
		if s := w.c.Status(); s.State != StateDegraded {
			t.Fatalf("two PrometheusConfigs: %+v", s)
		}
		w.output.Fail("Swap", errBroken)
		w.ask(&target.Hold{Digest: first})
		if got := w.server.Loaded(); got == first || !strings.Contains(w.c.Status().Config.Error, errBroken.Error()) {
			t.Errorf("loaded is %s, and the status %+v", got, w.c.Status().Config)
		}
		w.output.Fail("Swap", nil)
		w.wait(time.Second)
		if got := w.server.Loaded(); got != first {
			t.Errorf("loaded is %s, not %s", got, first)
		}
	})
}

// TestHeldIsRefused: it stays, with Prometheus's words.
func TestHeldIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.server.Loaded()
		w.write(map[string]string{"rule.yaml": ruleText("second")})
		w.wait(window)
		w.server.Refuse(w.rejects())
		w.ask(&target.Hold{Digest: first})
		s := w.c.Status()
		if w.output.Rules() != "first" || !strings.Contains(s.Config.Error, "release it, or hold another one") {
			t.Errorf("rules %s, status %+v", w.output.Rules(), s.Config)
		}
		w.ask(nil)
		w.wait(window)
		if s := w.c.Status(); w.output.Rules() != "second" || !s.Ready {
			t.Errorf("rules %s, status %+v", w.output.Rules(), s.Config)
		}
	})
}

// TestHoldSurvivesRestart of the controller, from its first pass on.
func TestHoldSurvivesRestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.server.Loaded()
		w.ask(&target.Hold{Digest: first})
		w.stop()
		w.source.Set(map[string]string{"rule.yaml": ruleText("second")})
		w.start(w.server)
		w.wait(window)
		if s := w.c.Status(); w.output.Rules() != "first" || s.Hold == nil || s.Ready || s.Config.Confirmed != first {
			t.Errorf("rules %s, status %+v", w.output.Rules(), s)
		}
	})
}

// TestInterference is logged once, shown for a while, and no reason for alarm.
func TestInterference(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.log.Take()
		for i := range 3 {
			w.output.Meddle("targets/x.json was altered")
			w.inventory.Scale(i + 2)
			w.wait(window)
		}
		s := w.c.Status()
		if len(s.Interference) != 1 || s.State != StateOK || !strings.Contains(s.Message, "somebody else writes into the output directory: at ") {
			t.Errorf("status %+v", s)
		}
		if n := strings.Count(strings.Join(w.log.Take(), "\n"), "somebody else writes"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		if n := testCounter(t, w, "ecs_scrape_interference_total"); n != 3 {
			t.Errorf("counted %v times", n)
		}
		w.wait(interferenceFor)
		w.inventory.Scale(1)
		w.wait(window)
		if s := w.c.Status(); len(s.Interference) > 0 || s.Message != "" {
			t.Errorf("status %+v", s)
		}
	})
}

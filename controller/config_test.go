package controller

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/target"
	"ecs-scrape/spec"
)

// TestRejected: a refused configuration is taken back, named with what changed,
// and left alone while nothing changes; targets go on.
func TestRejected(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.log.Take()
		good := w.server.Loaded()
		w.write(map[string]string{"api.yaml": strings.Replace(targetText, "8080", "9090", 1)}) // moves targets, nothing else
		w.server.Refuse(w.rejects())
		w.write(map[string]string{"second.yaml": ruleText("second"), "rule.yaml": ""})
		refused := w.c.Status().Config.Desired
		if w.output.Rules() != "first" || w.server.Loaded() != good || refused == good {
			t.Errorf("rules %q", w.output.Rules())
		}
		want := "configuration " + refused + " was taken back: prometheus rejected configuration " + refused +
			" (status 500): couldn't load configuration: no; changed since the last confirmed one: PrometheusRule/first (deleted), PrometheusRule/second"
		wantState(t, w, StateDegraded, want)
		s := w.c.Status()
		if diff := cmp.Diff(ConfigStatus{Desired: refused, Published: good, Confirmed: good, Swapped: s.Config.Swapped, Rejected: true, Prometheus: target.StateConfirmed, Error: want}, s.Config); diff != "" || s.Ready {
			t.Errorf("-want +got\n%s", diff)
		}
		wantLog(t, w, "INFO published configuration", "ERROR Prometheus refused the configuration: "+want)
		asked := w.server.Asked()
		w.inventory.Scale(6)
		w.wait(rejectedFor - time.Minute)
		if w.output.Targets() != 6 || w.server.Asked() != asked {
			t.Errorf("%d targets, asked %d times more", w.output.Targets(), w.server.Asked()-asked)
		}
		wantLog(t, w)
	})
}

func rejected(t *testing.T, w *world) (digest string) {
	t.Helper()
	w.server.Refuse(w.rejects())
	w.write(map[string]string{"second.yaml": ruleText("second")})
	if s := w.c.Status(); s.State != StateDegraded || w.output.Rules() != "first" {
		t.Fatalf("not rejected: %+v", s)
	}
	return w.c.Status().Config.Desired
}

func TestRejectedIsTriedAgain(t *testing.T) {
	t.Run("every ten minutes", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.stop()
			w.options.SpecsInterval = 10 * time.Second
			w.start(w.server)
			w.wait(0)
			digest := rejected(t, w)
			w.log.Take()
			asked := w.server.Asked()
			w.wait(rejectedFor + 20*time.Second)
			if got := w.server.Asked() - asked; got != 2 || w.output.Rules() != "first" {
				t.Errorf("asked %d times for the refused one and the one before", got)
			}
			w.server.Refuse(nil)
			w.wait(rejectedFor)
			if w.server.Loaded() != digest || w.output.Rules() != "first second" {
				t.Errorf("rules %q", w.output.Rules())
			}
			wantState(t, w, StateOK, "")
		})
	})
	t.Run("when Prometheus restarts", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			digest := rejected(t, w)
			w.server.Refuse(nil)
			w.server.Restart()
			w.wait(checkEvery + time.Second)
			if w.server.Loaded() != digest || w.output.Rules() != "first second" {
				t.Errorf("rules %q", w.output.Rules())
			}
		})
	})
	t.Run("when inputs change", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			digest := rejected(t, w)
			w.write(map[string]string{"second.yaml": ""})
			wantState(t, w, StateOK, "")
			w.server.Refuse(nil)
			w.write(map[string]string{"second.yaml": ruleText("second")})
			if w.server.Loaded() != digest {
				t.Error("what was refused earlier is not tried again")
			}
		})
	})
	t.Run("not for a change of targets", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			rejected(t, w)
			asked := w.server.Asked()
			w.write(map[string]string{"api.yaml": strings.Replace(targetText, "8080", "9090", 1)})
			if got := w.server.Asked() - asked; got != 0 {
				t.Errorf("asked %d times", got)
			}
		})
	})
}

func TestPoolsMissing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		good := w.server.Loaded()
		w.server.Refuse(func(digest string) error {
			if digest == good {
				return nil
			}
			return &target.PoolsMissingError{Pools: []string{"ecs-scrape/target/api"}}
		})
		w.write(map[string]string{"api.yaml": targetText + "  scrapeConfig: {sample_limit: 5}\n"})
		wantState(t, w, StateDegraded, "has no scrape pool ecs-scrape/target/api")
		if s := w.c.Status(); s.Config.Published != good || w.server.Loaded() != good || !strings.Contains(s.Message, "ScrapeTarget/api") {
			t.Errorf("status %+v", s)
		}
	})
}

// TestRejectedAtFirst: without an earlier configuration the refused one stays,
// and is tried again like any other, without noise.
func TestRejectedAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.server.Refuse(w.rejects())
		w.start(w.server)
		w.wait(time.Minute)
		const why = "couldn't load configuration: no; there is no earlier configuration to go back to"
		wantState(t, w, StateDegraded, why)
		if s := w.c.Status(); !s.Healthy || s.Ready || s.Config.Published == "" {
			t.Errorf("status %+v", s)
		}
		if log := w.log.Take(); len(log) != 2 || !strings.HasSuffix(log[1], why) {
			t.Errorf("log %q", log)
		}
		w.wait(2 * rejectedFor)
		if got := w.server.Asked(); got != 3 {
			t.Errorf("asked %d times in twenty minutes", got)
		}
		wantLog(t, w)
		w.server.Restart()
		w.wait(checkEvery)
		if got := w.server.Asked(); got != 4 {
			t.Errorf("a restart makes it asked %d times", got)
		}
		wantLog(t, w)
		w.server.Refuse(nil)
		w.write(map[string]string{"second.yaml": ruleText("second")})
		wantState(t, w, StateOK, "")
		w.stop()
	})
}

// TestRejectedAfterStart goes back to what an earlier run left.
func TestRejectedAfterStart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		good := w.server.Loaded()
		w.stop()
		w.server.Refuse(w.rejects())
		w.source.Set(map[string]string{"second.yaml": ruleText("second")})
		w.start(w.server)
		w.wait(0)
		wantState(t, w, StateDegraded, "was taken back")
		if s := w.c.Status(); s.Config.Published != good || !strings.Contains(s.Message, "none was confirmed before it since the controller started") {
			t.Errorf("status %+v", s)
		}
	})
}

func TestRollBackFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.server.Refuse(w.rejects())
		w.output.Fail("Swap", errBroken)
		w.write(map[string]string{"second.yaml": ruleText("second")})
		wantState(t, w, StateDegraded, "go back to configuration "+w.server.Loaded()+": broken on purpose")
		w.output.Fail("Swap", nil)
		w.wait(lastRetry)
		wantState(t, w, StateDegraded, "was taken back")
		if w.output.Rules() != "first" || w.c.Status().Config.Confirmed != w.server.Loaded() {
			t.Errorf("rules %q", w.output.Rules())
		}
	})
}

// TestNewerInputInterrupts: what nobody wants any more is not waited for.
func TestNewerInputInterrupts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.server.Leave()
		w.write(map[string]string{"second.yaml": ruleText("second")})
		skipped := w.c.Status().Config.Desired
		w.write(map[string]string{"third.yaml": ruleText("third")})
		w.server.Return()
		w.wait(0)
		w.server.mu.Lock()
		defer w.server.mu.Unlock()
		if w.server.loaded != w.c.Status().Config.Desired {
			t.Error("the newest configuration is not loaded")
		}
		for _, digest := range w.server.asked {
			if digest == skipped {
				t.Error("an overtaken configuration was asked for")
			}
		}
	})
}

// TestRestartIsNoticed: a Prometheus that starts anew, or that something else
// reloads, is brought to what is published.
func TestRestartIsNoticed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		want := w.server.Loaded()
		for range 3 {
			w.server.Restart()
			w.wait(checkEvery)
			if w.server.Loaded() != want {
				t.Fatal("a restart went unnoticed")
			}
		}
		w.server.change(func() { w.server.loaded = "another" })
		w.wait(checkEvery)
		if w.server.Loaded() != want {
			t.Fatal("a foreign reload went unnoticed")
		}
		wantState(t, w, StateOK, "")
	})
}

func TestCollectWaitsForConfirmation(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		before := w.output.Collected()
		w.server.Leave()
		w.write(map[string]string{"api.yaml": targetText + "  scrapeConfig: {sample_limit: 5}\n"})
		if diff := cmp.Diff(before, w.output.Collected()); diff != "" {
			t.Errorf("collected before the confirmation\n%s", diff)
		}
		w.server.Return()
		w.wait(checkEvery)
		if got := w.output.Collected(); len(got) != 4 { // class, own pool, and two of selfScrape
			t.Errorf("kept %v", got)
		}
	})
}

// TestCollectAfterReturn: what is published again, after another that was never
// confirmed, has the files of the other removed.
func TestCollectAfterReturn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.server.Leave()
		w.write(map[string]string{"api.yaml": targetText + "  scrapeConfig: {sample_limit: 5}\n"})
		w.write(map[string]string{"api.yaml": targetText})
		before := w.output.Collections()
		w.server.Return()
		w.wait(checkEvery)
		if w.output.Collections() == before {
			t.Error("nothing was removed, though the file of an own pool has been written")
		}
	})
}

func TestChangedObjects(t *testing.T) {
	t.Parallel()
	id := func(name string) spec.ID { return spec.ID{Kind: spec.KindPrometheusRule, Name: name} }
	s := configState{
		confirmedObjects: map[spec.ID]string{id("same"): "1", id("new"): "", id("changed"): "1", id("deleted"): "1"},
		objects:          map[spec.ID]string{id("same"): "1", id("new"): "1", id("changed"): "2", id("never-valid"): ""},
	}
	want := []string{"PrometheusRule/changed", "PrometheusRule/deleted (deleted)", "PrometheusRule/new"}
	if diff := cmp.Diff(want, s.changed()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestPoolGoesMissing: a confirmed configuration is never taken back for a pool
// that is not there any more, or that got its first target later.
func TestPoolGoesMissing(t *testing.T) {
	const pool = "ecs-scrape/class/default"
	inWorld(t, func(t *testing.T, w *world) {
		good := w.server.Loaded()
		w.log.Take()
		w.server.Lose(pool)
		w.wait(checkEvery)
		wantState(t, w, StateDegraded, "has no scrape pool "+pool)
		if s := w.c.Status(); s.Ready || s.Config.Confirmed != good || s.Config.Published != good {
			t.Errorf("status %+v", s)
		}
		w.server.Restart()
		w.wait(time.Minute)
		wantState(t, w, StateDegraded, "has no scrape pool "+pool)

		// What is published next lacks it too, and that is no reason to refuse it.
		w.write(map[string]string{"second.yaml": ruleText("second")})
		if w.output.Rules() != "first second" || w.c.Status().Config.Confirmed != w.c.Status().Config.Desired {
			t.Errorf("rules %q", w.output.Rules())
		}
		wantState(t, w, StateDegraded, "has no scrape pool "+pool)

		// Without targets it is not missed.
		w.inventory.Scale(0)
		w.wait(window + checkEvery)
		wantState(t, w, StateOK, "")
		w.server.Restart()
		w.wait(checkEvery)
		wantState(t, w, StateOK, "")
		w.inventory.Scale(2)
		w.wait(window + checkEvery)
		wantState(t, w, StateDegraded, "has no scrape pool "+pool)
		w.server.Lose()
		w.wait(checkEvery)
		wantState(t, w, StateOK, "")
		if s := w.c.Status(); !s.Ready || w.output.Rules() != "first second" {
			t.Errorf("status %+v", s)
		}
		if got := testCounter(t, w, "ecs_scrape_reloads_total", "rejected"); got != 0 {
			t.Errorf("%v rejections", got)
		}
	})
}

// TestPoolMissingAfterStart: it may have gone missing long after the confirmation
// by an earlier run, so there is nothing to go back to.
func TestPoolMissingAfterStart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		good := w.server.Loaded()
		w.stop()
		w.output.earlier = []string{"0123456789abcdef"}
		w.server.Lose("ecs-scrape/class/default")
		w.start(w.server)
		w.wait(time.Minute)
		wantState(t, w, StateDegraded, "there is no earlier configuration to go back to")
		if s := w.c.Status(); s.Config.Published != good || s.Ready {
			t.Errorf("status %+v", s)
		}
		w.server.Lose()
		w.wait(checkEvery)
		wantState(t, w, StateOK, "")
	})
}

// TestRefusedAfterCrash: a controller that ended between the swap and the refusal
// finds what is refused as current. It goes back to what was used before.
func TestRefusedAfterCrash(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		good := w.server.Loaded()
		w.server.Leave()
		w.write(map[string]string{"second.yaml": ruleText("second")})
		w.stop()
		crashed := w.c.Status().Config.Published
		w.server.Refuse(w.rejects())
		w.server.Return()
		w.output.earlier = []string{good}
		w.start(w.server)
		w.wait(window)
		wantState(t, w, StateDegraded, "configuration "+crashed+" was taken back")
		if s := w.c.Status(); s.Config.Published != good || s.Config.Confirmed != good || w.output.Rules() != "first" {
			t.Errorf("status %+v", s)
		}
		w.server.Refuse(nil)
		w.server.Restart()
		w.wait(checkEvery + window)
		wantState(t, w, StateOK, "")
		if w.server.Loaded() != crashed {
			t.Error("it is not tried again")
		}
	})
}

// TestAllAreRefused ends, at the last that there is.
func TestAllAreRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		good := w.server.Loaded()
		w.stop()
		w.server.Refuse(func(digest string) error { return &target.RejectedError{Digest: digest, Status: 500, Body: "no"} })
		w.source.Set(map[string]string{"second.yaml": ruleText("second")})
		w.output.earlier = []string{good}
		asked := w.server.Asked()
		w.server.change(func() { w.server.loaded = "another" })
		w.start(w.server)
		w.wait(time.Minute)
		if got := w.server.Asked() - asked; got != 2 || w.c.Status().Config.Published != good {
			t.Errorf("asked %d times", got)
		}
		wantState(t, w, StateDegraded, "was taken back")
	})
}

// TestPrometheusDies: two unanswered checks in a row are told; one is not.
func TestPrometheusDies(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		good := w.server.Loaded()
		w.server.Leave()
		w.wait(checkEvery)
		wantState(t, w, StateOK, "")
		w.server.Return()
		w.wait(checkEvery)
		w.server.Leave()
		w.wait(silences * checkEvery)
		wantState(t, w, StateDegraded, "prometheus is unreachable")
		if s := w.c.Status(); s.Ready || !s.Healthy || s.Config.Confirmed != good || s.Config.Prometheus != target.StateUnreachable {
			t.Errorf("status %+v", s)
		}
		before := w.source.Loads()
		w.wait(time.Minute)
		if got := w.source.Loads() - before; got != 0 {
			t.Errorf("an unreachable Prometheus cost %d passes", got)
		}
		w.server.Return()
		w.wait(checkEvery)
		wantState(t, w, StateOK, "")
		if !w.c.Status().Ready {
			t.Error("not ready again")
		}
	})
}

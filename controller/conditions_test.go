package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// conditionsOf are an object's conditions as "Type=Status Reason: message".
func conditionsOf(t *testing.T, w *world, name string) []string {
	t.Helper()
	for _, o := range w.c.Status().Objects {
		if o.Kind+"/"+o.Name != name {
			continue
		}
		var out []string
		for _, c := range o.Conditions {
			if c.Since.IsZero() {
				t.Errorf("%s: %s has no time", name, c.Type)
			}
			text := fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason)
			if c.Message != "" {
				text += ": " + c.Message
			}
			out = append(out, text)
		}
		return out
	}
	return nil
}

func wantConditions(t *testing.T, w *world, name string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, conditionsOf(t, w, name)); diff != "" {
		t.Errorf("%s: -want +got\n%s", name, diff)
	}
}

// TestConditions: of what is well, of an update that is wrong, of an object that
// was never valid, and of a warning.
func TestConditions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, name := range []string{"PrometheusConfig/main", "PrometheusRule/first", "ScrapeTarget/api"} {
			wantConditions(t, w, name, "Accepted=True Valid", "Ready=True Served", "Stale=False Fresh")
		}
		served := w.c.Status().Objects[1].Served
		w.write(map[string]string{
			"rule.yaml": strings.Replace(ruleText("first"), "expr: up", "expr: sum(", 1),
			"new.yaml":  strings.Replace(ruleText("new"), "expr: up", "expr: sum(", 1),
		})
		const why = ".yaml:6:41: spec.groups[0].rules[0].expr: g/a: could not parse expression: 1:5: parse error: unclosed left parenthesis"
		wantConditions(t, w, "PrometheusRule/first",
			"Accepted=False Invalid: rule"+why+" (its last valid version is served)", "Ready=True Served",
			"Stale=True OldVersion: revision "+served+" is served: rule"+why+" (its last valid version is served)")
		const never = "no version of it that was valid is known here, so it is left out"
		wantConditions(t, w, "PrometheusRule/new",
			"Accepted=False NeverValid: new"+why+" ("+never+")", "Ready=False NotServed: "+never, "Stale=False NotServed")

		before := w.c.Status().Objects[1].Conditions[2].Since
		w.inventory.Scale(2)
		w.wait(window)
		if after := w.c.Status().Objects[1].Conditions[2].Since; !after.Equal(before) {
			t.Errorf("the condition began again at %v, not %v", after, before)
		}

		w.write(map[string]string{"rule.yaml": ruleText("first"), "new.yaml": ruleText("new")})
		wantConditions(t, w, "PrometheusRule/new", "Accepted=True Valid", "Ready=True Served", "Stale=False Fresh")
		s := w.c.Status()
		if s.State != StateOK || len(s.Problems) == 0 || len(s.Objects[2].Warnings) == 0 || !s.Objects[2].Accepted {
			t.Errorf("a warning: %s, %v, %+v", s.State, s.Problems, s.Objects[2])
		}
	})
}

func TestConditionsOfTargets(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const name = "ScrapeTarget/api"
		w.inventory.Scale(0)
		w.wait(window)
		wantConditions(t, w, name, "Accepted=True Valid", "Ready=False NoTargets: selects no running container", "Stale=False Fresh")
		w.inventory.Become(inventory.ScopeStatus{Scope: prod, State: inventory.Unsynced})
		w.wait(window)
		wantConditions(t, w, name, "Accepted=True Valid", "Ready=Unknown NotRead: cluster 111111111111/us-east-1/prod has not been read yet", "Stale=True StaleScopes: cluster 111111111111/us-east-1/prod has not been read yet")
		w.inventory.Scale(1)
		w.inventory.Become(inventory.ScopeStatus{Scope: prod, State: inventory.Stale, Since: time.Unix(5, 0), Reason: "throttled"})
		w.wait(window)
		wantConditions(t, w, name, "Accepted=True Valid", "Ready=True Served", "Stale=True StaleScopes: cluster 111111111111/us-east-1/prod cannot be read now")
		if since := w.c.Status().Objects[2].Conditions[2].Since; !since.Equal(time.Unix(5, 0)) {
			t.Errorf("stale since %v", since)
		}
		w.source.Fail(errBroken)
		w.inventory.Scale(1)
		w.wait(window)
		wantConditions(t, w, name, "Accepted=True Valid", "Ready=True Served", "Stale=True SourceFailed: load specs: broken on purpose")
	})
}

// TestReadyCondition holds each reason that depends on Prometheus to its cause.
func TestReadyCondition(t *testing.T) {
	t.Parallel()
	id := spec.ID{Kind: spec.KindScrapeTarget, Name: "a"}
	known := map[spec.ID]string{id: "1"}
	sound := standing{id: id, served: "1", observed: "1", judged: true, selected: true, targets: 1, pool: "p"}
	other := sound
	other.selected = false
	for _, c := range []struct {
		name     string
		config   configState
		waiting  waiting
		standing standing
		want     string
	}{
		{"confirmed", configState{confirmedObjects: known}, waiting{}, sound, "True Served"},
		{"not selected", configState{confirmedObjects: known}, waiting{}, other, "False NotSelected"},
		{"not told yet", configState{}, waiting{}, sound, "Unknown Unconfirmed"},
		{"another version is confirmed", configState{confirmedObjects: map[spec.ID]string{id: "0"}}, waiting{}, sound, "Unknown Unconfirmed"},
		{"away", configState{confirmedObjects: known}, waiting{err: errors.New("away")}, sound, "Unknown Unconfirmed"},
		{"refused", configState{rejected: &rejection{err: errBroken}}, waiting{}, sound, "False Refused"},
		{"others were refused", configState{rejected: &rejection{err: errBroken}, confirmedObjects: known}, waiting{}, sound, "True Served"},
		{"its pool is missing", configState{confirmedObjects: known, lost: []string{"p"}}, waiting{}, sound, "False PoolMissing"},
		{"another's pool is missing", configState{confirmedObjects: known, lost: []string{"q"}}, waiting{}, sound, "True Served"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			controller := &Controller{config: c.config}
			controller.waiting.Store(&c.waiting)
			got := controller.ready(&c.standing)
			if text := got.Status + " " + got.Reason; text != c.want || got.Type != reconcile.ReadyType {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}
}

// TestStatusAgreesWithConditions: what the line of an object says is what its
// conditions say, also of one that is not this Prometheus's.
func TestStatusAgreesWithConditions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(map[string]string{
			"main.yaml": "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {ruleSelector: {matchLabels: {a: b}}}\n",
			"rule.yaml": strings.Replace(ruleText("first"), "expr: up", "expr: sum(", 1),
		})
		w.inventory.Scale(0)
		w.wait(window)
		const other = ": the PrometheusConfig in use does not select it, so it is not judged here"
		wantConditions(t, w, "PrometheusRule/first", "Accepted=Unknown NotSelected"+other, "Ready=False NotSelected"+other, "Stale=False NotServed")
		s := w.c.Status()
		if s.State != StateOK || len(s.Problems) > 0 {
			t.Errorf("%s, %v", s.State, s.Problems)
		}
		for _, o := range s.Objects {
			if got := o.Condition(reconcile.AcceptedType).Status == reconcile.True; got != o.Accepted || o.Condition("Other").Type != "" {
				t.Errorf("%s: accepted %v, %+v", o.Name, o.Accepted, o.Conditions)
			}
		}
		if api := s.Objects[2]; !api.Accepted || api.Condition(reconcile.ReadyType).Reason != reconcile.ReasonNoTargets {
			t.Errorf("%+v", api)
		}
	})
}

// TestNoTargetsSaysWhy: an object that runs and whose rules drop all of it does
// not select nothing.
func TestNoTargetsSaysWhy(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(map[string]string{"api.yaml": targetText + "  relabelConfigs: [{source_labels: [job], regex: '.*', action: drop}]\n"})
		got := conditionsOf(t, w, "ScrapeTarget/api")
		if len(got) != 3 || !strings.HasPrefix(got[1], "Ready=False NoTargets: has no target here: 1 target dropped by its relabelConfigs") {
			t.Errorf("%q", got)
		}
	})
}

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// squeezed is a text with single spaces, as tables are compared.
func squeezed(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}

// TestStatusTells: whatever is wrong has its line, with the reason.
func TestStatusTells(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	conditions := func(ready, stale string, message string) []reconcile.Condition {
		return []reconcile.Condition{
			{Type: reconcile.AcceptedType, Status: reconcile.True},
			{Type: reconcile.ReadyType, Status: ready, Reason: reconcile.ReasonNoTargets},
			{Type: reconcile.StaleType, Status: stale, Reason: reconcile.ReasonStaleScopes, Message: message},
		}
	}
	api := controller.ObjectStatus{Kind: spec.KindScrapeTarget, Name: "api"}
	scope := inventory.Scope{Account: "1", Region: "eu-west-1", Cluster: "prod"}
	for name, c := range map[string]struct {
		change func(s *controller.Status)
		want   string
		not    string
	}{
		"reasons": {func(s *controller.Status) {
			s.Message = "prod: throttled"
			s.Reasons = []controller.Reason{
				{Kind: controller.ReasonCluster, Message: "prod: throttled", Count: 3, Since: ago(90 * time.Second)},
				{Kind: controller.ReasonFacts, Message: "prod: denied", Count: 1},
				{Kind: controller.ReasonEvents, Message: "no queue", Count: 1, Since: ago(time.Hour)},
			}
		}, "State: degraded: prod: throttled (and 2 more like it, for 90s)\nAnd: prod: denied\nno queue (for 60m)\nController", ""},
		"held": {func(s *controller.Status) {
			s.Hold = &controller.Hold{Digest: "abc", Since: ago(18 * time.Second), Reason: "oops"}
		}, "Held: abc for 18s: oops\n", "Not held"},
		"not held": {func(s *controller.Status) {
			s.Hold = &controller.Hold{Digest: "abc", Since: ago(18 * time.Second), Reason: "oops", Error: "abc is damaged"}
		}, "State: degraded\nNot held: abc is damaged\nabc was asked for 18s ago: oops\n", "\nHeld"},
		"not held, nor known": {func(s *controller.Status) {
			s.Hold = &controller.Hold{Error: "hold.json is unreadable"}
		}, "State: degraded\nNot held: hold.json is unreadable\nController", "asked"},
		"no document": {func(s *controller.Status) {
			s.Problems = []spec.Problem{{Position: spec.Position{File: "bad.yaml", Line: 3, Column: 1}, Message: "is no YAML"}}
		}, "PROBLEM TEXT\nerror bad.yaml:3:1: is no YAML\n", ""},
		"a document with an object": {func(s *controller.Status) {
			s.Objects = []controller.ObjectStatus{api}
			s.Problems = []spec.Problem{{Object: spec.ID{Kind: api.Kind, Name: api.Name}, Message: "is wrong"}}
		}, "ScrapeTarget api", "PROBLEM"},
		"many": {func(s *controller.Status) {
			for i := range 30 {
				s.Problems = append(s.Problems, spec.Problem{Position: spec.Position{File: fmt.Sprint(i)}, Message: "is no YAML"})
			}
		}, "\n... and 10 more\n", ""},
		"unread": {func(s *controller.Status) {
			s.Prometheus.Unread, s.Prometheus.Lag = []string{"a", "b", "c", "d", "e", "f", "g"}, 250
		}, "Unread: 7 target files, the oldest for 4m; Prometheus has not read them since they changed\na\nb\nc\nd\ne\n... and 2 more\n", ""},
		"stale": {func(s *controller.Status) {
			api.Conditions = conditions(reconcile.True, reconcile.True, "cluster prod: throttled")
			s.Objects = []controller.ObjectStatus{api}
		}, "KIND NAME ACCEPTED READY STALE TARGETS FINDINGS CHANGED MESSAGE\nScrapeTarget api True True True 0 0 - stale: cluster prod: throttled\n", ""},
		"lacking": {func(s *controller.Status) {
			s.Scopes = []inventory.ScopeStatus{{Scope: scope, State: inventory.Stale, Since: ago(time.Minute), Reason: "throttled", Lacking: map[string]string{"services": "denied", "instances": "refused"}}}
		}, "1 eu-west-1 prod stale - for 60s: throttled; lacks instances: refused; lacks services: denied\n", ""},
		"a region": {func(s *controller.Status) {
			s.Sources = []inventory.SourceStatus{{Account: "1", Region: "eu-west-1", Reason: "denied", Since: ago(3 * time.Hour)}}
		}, "1 eu-west-1 - failing - for 3h: denied\n", "EVENTS"},
		"events": {func(s *controller.Status) {
			s.Sources = []inventory.SourceStatus{
				{Account: "1", Region: "a", Events: &inventory.EventsStatus{Working: true, Since: ago(time.Hour)}, Source: inventory.Source{EventsQueue: "https://a"}},
				{Account: "1", Region: "b", Events: &inventory.EventsStatus{Since: ago(time.Minute), Reason: "denied"}, Source: inventory.Source{EventsQueue: "https://b"}},
				{Account: "1", Region: "c"},
			}
		}, "ACCOUNT REGION EVENTS FOR REASON QUEUE\n1 a working 60m - https://a\n1 b polled 60s denied https://b\n", "1 c"},
	} {
		t.Run(name, func(t *testing.T) {
			s := someStatus(controller.StateDegraded)
			s.Time = now
			c.change(s)
			text := squeezed(statusText(s, now, false))
			if !strings.Contains(text, c.want) || c.not != "" && strings.Contains(text, c.not) {
				t.Errorf("want %q and not %q:\n%s", c.want, c.not, text)
			}
		})
	}
}

// TestStatusOfOne: of a change of several objects only its own lines are told.
func TestStatusOfOne(t *testing.T) {
	t.Parallel()
	s := someStatus(controller.StateOK)
	a, b := spec.ID{Kind: spec.KindScrapeTarget, Name: "a"}, spec.ID{Kind: spec.KindScrapeTarget, Name: "b"}
	s.Objects = []controller.ObjectStatus{{Kind: a.Kind, Name: a.Name}, {Kind: b.Kind, Name: b.Name}}
	s.Changes = []controller.Change{{
		Kind: controller.ChangeTargets, Summary: "both", Objects: []spec.ID{a, b},
		Diff: "@@ ScrapeTarget/a @@\n+ of a\n@@ ScrapeTarget/b @@\n+ of b\n",
	}}
	for _, format := range []string{"table", "json", "yaml"} {
		text, err := (&statusOptions{name: "b", format: format}).show(s, time.Now())
		must(t, err)
		if !strings.Contains(text, "of b") || strings.Contains(text, "of a") {
			t.Errorf("%s: %s", format, text)
		}
	}
}

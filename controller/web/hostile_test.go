package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/controller"
	"ecs-scrape/controller/web"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// hostile is what somebody might write into whatever the pages show.
const hostile = `</code></title></style><script>alert("x")</script>&'" onload=x javascript:x`

// named is an object of a hostile name, whose kind is a known one.
var named = spec.ID{Kind: spec.KindScrapeTarget, Name: hostile}

// full has something in every field that a page shows, hostile wherever it is text.
func full() *controller.Status {
	epoch := time.Unix(0, 0)
	return &controller.Status{
		State: controller.StateDegraded, Message: hostile, Healthy: true, Time: epoch,
		Specs: controller.SpecsStatus{Location: hostile, Revision: hostile, Published: true, LoadedAt: epoch, Error: hostile, Since: epoch},
		Config: controller.ConfigStatus{
			Desired: hostile, Published: hostile, Confirmed: hostile + "x", Error: hostile, Prometheus: hostile, Swapped: epoch,
		},
		Hold:    &controller.Hold{Digest: hostile, Since: epoch, Reason: hostile},
		Version: hostile, LastError: &controller.ErrorStatus{At: epoch, Message: hostile + "earlier"},
		Prometheus: controller.PrometheusStatus{URL: hostile, Version: hostile, Features: []string{hostile}, Started: epoch, Differences: []string{hostile}, Unread: []string{hostile}, Lag: 12},
		Targets:    controller.TargetsStatus{Total: 3, Held: 2, Waiting: 1, Withheld: 4, OtherShards: 5},
		Objects: []controller.ObjectStatus{
			{
				Kind: named.Kind, Name: hostile, Place: hostile, Message: hostile, Observed: hostile, Served: hostile, Targets: 3, Findings: 1,
				Conditions: []reconcile.Condition{
					{Type: reconcile.AcceptedType, Status: reconcile.False, Reason: hostile, Message: hostile, Since: epoch},
					{Type: hostile, Status: hostile, Reason: hostile, Message: hostile},
				},
			},
			{Kind: hostile, Name: hostile + "2", Place: hostile, Accepted: true, Warnings: []string{hostile}},
			{Kind: "PrometheusRule", Name: "theirs", Conditions: []reconcile.Condition{
				{Type: reconcile.AcceptedType, Status: reconcile.Unknown, Reason: reconcile.ReasonNotSelected},
				{Type: reconcile.ReadyType, Status: reconcile.False, Reason: reconcile.ReasonNotSelected, Message: reconcile.NotSelected},
			}},
			{
				Kind: "ScrapeTarget", Name: "api", Place: "api.yaml:1:1", Accepted: true, Targets: 3,
				Conditions: []reconcile.Condition{{Type: reconcile.ReadyType, Status: reconcile.True, Reason: reconcile.ReasonServed, Since: epoch}},
			},
		},
		Problems: []spec.Problem{
			{Position: spec.Position{File: hostile, Line: 1}, Object: named, Path: hostile, Rule: hostile, Code: hostile, Message: hostile},
			{Position: spec.Position{File: "a.yaml", Line: 1}, Severity: spec.Warning, Code: "odd", Message: "is odd " + hostile},
		},
		Findings: []plan.Finding{{Object: named, Code: hostile, Task: hostile, Container: hostile, Message: hostile}},
		Sources: []inventory.SourceStatus{{
			Source: inventory.Source{Region: hostile, Clusters: []string{hostile}, EventsQueue: "https://sqs/1/" + hostile}, Account: hostile, Reason: hostile, Since: epoch,
			Events: &inventory.EventsStatus{Since: epoch, Reason: hostile},
		}},
		Scopes: []inventory.ScopeStatus{{
			Scope: inventory.Scope{Account: hostile, Region: hostile, Cluster: hostile}, State: inventory.Stale, SyncedAt: epoch, Since: epoch,
			Reason: hostile, Lacking: map[string]string{hostile: hostile},
		}},
		Pools:    []controller.PoolStatus{{Name: hostile, Targets: []controller.TargetStatus{{Address: hostile, Object: hostile, Labels: labels.FromStrings("a"+hostile, hostile)}}}},
		Usage:    []controller.Usage{{Account: hostile, Region: hostile, Budgets: []controller.Budget{{Category: hostile, Rate: 1, Full: 2}}}},
		Removals: []controller.Removal{{Account: hostile, Region: hostile, Cluster: hostile, Task: hostile, Since: epoch}},
		Changes: []controller.Change{{
			At: epoch, Kind: hostile, Summary: hostile, Objects: []spec.ID{named}, Diff: "--- " + hostile + "\n+" + hostile + "\n-" + hostile + "\n " + hostile,
		}},
	}
}

// hostileExplanation has something in every field.
func hostileExplanation() *plan.Explanation {
	target := plan.TargetExplanation{Address: hostile, Task: hostile, Labels: labels.FromStrings("a", hostile, "__scheme__", hostile)}
	left := []plan.Left{{Code: hostile, Message: hostile, Count: 1, Example: hostile}}
	return &plan.Explanation{
		Objects: []plan.ObjectExplanation{{Object: named, Unserved: hostile, Funnel: []plan.FunnelStage{{Name: hostile, Seen: 3, Taken: 2, Left: left}}, Held: left}},
		Tasks: []plan.TaskExplanation{{
			Task: hostile, Container: hostile, Address: hostile, Service: hostile, Definition: hostile, Status: hostile,
			Verdicts: []plan.Verdict{{Object: named, Targets: []plan.TargetExplanation{target}}, {Object: named, Code: hostile, Message: hostile}},
		}},
		Unsure: []string{hostile},
	}
}

func page(t *testing.T, s *controller.Status, e *plan.Explanation, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	web.NewHandler(&fixed{s, e}, prometheus.NewRegistry()).ServeHTTP(w, r)
	return w
}

// TestNothingBreaksOut: no name, label, message or query adds markup to a page.
func TestNothingBreaksOut(t *testing.T) {
	t.Parallel()
	q := url.QueryEscape(hostile)
	for _, c := range []struct {
		path  string
		least int // times that the text must be seen
	}{
		{"/", 30},
		{"/?state=" + q + "&page=" + q + "&refresh=" + q, 30},
		{"/object?kind=ScrapeTarget&name=" + q, 30},
		{"/object?kind=" + q + "&name=" + q + "2", 5},
		{"/object?kind=" + q + "&name=" + q, 1},
		{"/clusters", 20},
		{"/changes", 6},
		{"/search?q=" + q + "z", 14},
	} {
		w := page(t, full(), hostileExplanation(), c.path)
		body := w.Body.String()
		if lower := strings.ToLower(body); strings.Contains(lower, "<script") || strings.Contains(lower, "=\"javascript:") || strings.Contains(body, `" onload`) {
			t.Errorf("%s: something broke out", c.path)
		}
		if n := strings.Count(body, "&lt;script&gt;"); n < c.least {
			t.Errorf("%s: only %d of the texts are shown", c.path, n)
		}
		if n := strings.Count(body, "<style"); n > 0 || strings.Contains(body, " style=") {
			t.Errorf("%s: a style that the policy forbids", c.path)
		}
		if !strings.HasSuffix(body, "</html>\n") {
			t.Errorf("%s ends early: %q", c.path, tail(body))
		}
	}
}

func tail(s string) string { return s[max(0, len(s)-200):] }

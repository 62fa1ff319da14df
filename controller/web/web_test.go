package web_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"go.uber.org/goleak"

	"ecs-scrape/controller"
	"ecs-scrape/controller/web"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fixed struct{ status controller.Status }

func (f *fixed) Status() *controller.Status { return &f.status }

func (f *fixed) Explain(query string) (*plan.Explanation, error) {
	if query == "nobody" {
		return nil, errors.New("nobody of that name")
	}
	return &plan.Explanation{Query: query, Unsure: []string{"a cluster"}}, nil
}

// TestExplain: JSON, text, and one line for what is not known.
func TestExplain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, kind, body string
		code             int
	}{
		{"/api/v1/explain?query=x", "application/json", "{\n  \"query\": \"x\",\n  \"unsure\": [\n    \"a cluster\"\n  ]\n}\n", 200},
		{"/api/v1/explain?query=x&format=text", "text/plain; charset=utf-8", "\nnot everything is known:\n  a cluster\n", 200},
		{"/api/v1/explain?query=nobody", "text/plain; charset=utf-8", "nobody of that name\n", 404},
	} {
		got := get(t, controller.Status{}, http.MethodGet, c.path)
		if got.Code != c.code || got.Body.String() != c.body || got.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s answers %d, %s: %q", c.path, got.Code, got.Header().Get("Content-Type"), got.Body)
		}
	}
}

func get(t *testing.T, s controller.Status, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "some_total", Help: "Some."}))
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	web.NewHandler(&fixed{s}, registry).ServeHTTP(w, r)
	return w
}

// TestHealth: what ECS and people ask.
func TestHealth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		status         controller.Status
		healthz, ready int
		says           string // the answer of /readyz
	}{
		{"starting", controller.Status{}, 503, 503, "not confirmed yet\n"},
		{"published", controller.Status{Healthy: true, Message: "waiting"}, 200, 503, "waiting\n"},
		{"confirmed, and something is broken", controller.Status{Healthy: true, Ready: true, State: controller.StateDegraded, Message: "broken"}, 200, 200, "ready\n"},
		{"nothing valid", controller.Status{Message: "no PrometheusConfig"}, 503, 503, "no PrometheusConfig\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := get(t, c.status, http.MethodGet, "/healthz").Code; got != c.healthz {
				t.Errorf("/healthz answers %d", got)
			}
			if got := get(t, c.status, http.MethodGet, "/readyz"); got.Code != c.ready || got.Body.String() != c.says {
				t.Errorf("/readyz answers %d, %q", got.Code, got.Body)
			}
		})
	}
	if got := get(t, controller.Status{}, http.MethodGet, "/healthz").Body.String(); got != "nothing is published yet\n" {
		t.Errorf("/healthz says %q", got)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		code         int
		kind         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/", 200, "text/html; charset=utf-8"},
		{"GET", "/api/v1/status", 200, "application/json"},
		{"GET", "/api/v1/status?targets=false", 200, "application/json"},
		{"GET", "/api/v1/status?targets=nonsense", 400, "text/plain; charset=utf-8"},
		{"GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
		{"GET", "/healthz", 503, "text/plain; charset=utf-8"},
		{"GET", "/nothing", 404, "text/plain; charset=utf-8"},
		{"POST", "/", 405, "text/plain; charset=utf-8"},
		{"POST", "/api/v1/status", 405, "text/plain; charset=utf-8"},
	} {
		w := get(t, controller.Status{}, c.method, c.path)
		if w.Code != c.code || w.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s %s: %d, %q", c.method, c.path, w.Code, w.Header().Get("Content-Type"))
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: policy %q", c.path, policy)
		}
	}
}

// hostile is what somebody might write into whatever the page shows.
const hostile = `<script>alert("x")</script>&'`

func full() controller.Status {
	return controller.Status{
		State: controller.StateDegraded, Message: hostile, Healthy: true,
		Config:  controller.ConfigStatus{Desired: hostile, Published: hostile, Confirmed: hostile, Error: hostile},
		Targets: controller.TargetsStatus{Total: 3, Held: 2, Waiting: 1},
		Objects: []controller.ObjectStatus{
			{Kind: hostile, Name: hostile, Place: hostile, Message: hostile},
			{Kind: "PrometheusRule", Name: "theirs", Message: reconcile.NotSelected, Conditions: []reconcile.Condition{
				{Type: reconcile.AcceptedType, Status: reconcile.Unknown, Reason: reconcile.ReasonNotSelected},
				{Type: reconcile.ReadyType, Status: reconcile.False, Reason: reconcile.ReasonNotSelected, Message: hostile},
			}},
			{
				Kind: "ScrapeTarget", Name: "api", Place: "api.yaml:1:1", Accepted: true, Targets: 3, Findings: 1, Warnings: []string{hostile},
				Conditions: []reconcile.Condition{{Type: reconcile.ReadyType, Status: reconcile.True, Reason: reconcile.ReasonServed, Since: time.Unix(0, 0)}},
			},
		},
		Problems: []spec.Problem{
			{Position: spec.Position{File: hostile, Line: 1}, Message: hostile},
			{Position: spec.Position{File: "a.yaml", Line: 1}, Severity: spec.Warning, Code: "odd", Message: "is odd"},
		},
		Findings: []plan.Finding{{Object: spec.ID{Kind: "ScrapeTarget", Name: hostile}, Code: hostile, Task: hostile, Container: hostile, Message: hostile}},
		Sources:  []inventory.SourceStatus{{Source: inventory.Source{Region: "eu-west-1"}, Reason: hostile}},
		Scopes:   []inventory.ScopeStatus{{Scope: inventory.Scope{Account: "1", Region: "us-east-1", Cluster: hostile}, State: inventory.Synced, SyncedAt: time.Unix(0, 0), Reason: hostile}},
		Pools: []controller.PoolStatus{{Name: hostile, Path: hostile, Targets: []controller.TargetStatus{
			{Address: hostile, Object: hostile, Labels: labels.FromStrings("a", hostile)},
		}}},
	}
}

// TestPage: everything is on it, it runs no script, and no name can add one.
func TestPage(t *testing.T) {
	t.Parallel()
	body := get(t, full(), http.MethodGet, "/").Body.String()
	if strings.Contains(body, "<script") || strings.Contains(strings.ToLower(body), "javascript:") || strings.Contains(body, " onload") {
		t.Error("the page has a script")
	}
	for _, want := range []string{
		"&lt;script&gt;", "3 targets, 2 of them held because their cluster has not been read yet; 1 tasks wait",
		"confirmed by Prometheus", `<td class="n">3</td><td class="n">1</td>`, "00:00:00Z", "eu-west-1", `<span class="state degraded">`,
		`<li><code>a.yaml:1: warning: is odd [odd]</code></li>`, `<li class="bad"><code>`,
		"<td>accepted</td><td>Served</td>", `<span class="soft">` + reconcile.NotSelected, `">NotSelected</span>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	if n := strings.Count(body, "&lt;script&gt;"); n < 18 {
		t.Errorf("only %d of the texts are shown", n)
	}
	if !strings.HasSuffix(body, "</html>\n") {
		t.Error("the page ends early")
	}
}

func TestEmptyPage(t *testing.T) {
	t.Parallel()
	body := get(t, controller.Status{State: controller.StateOK}, http.MethodGet, "/").Body.String()
	for _, want := range []string{"no objects yet", "no cluster is known yet", "Everything the specs ask for is published", "</html>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
}

// TestJSON: the document is the status itself.
func TestJSON(t *testing.T) {
	t.Parallel()
	var got controller.Status
	if err := json.Unmarshal(get(t, full(), http.MethodGet, "/api/v1/status").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if c := got.Objects[2].Conditions; len(c) != 1 || c[0].Type != "Ready" || c[0].Status != "True" || c[0].Reason != "Served" || !c[0].Since.Equal(time.Unix(0, 0)) {
		t.Errorf("conditions %+v", c)
	}
	if p := got.Problems; p[0].Severity != spec.Error || p[1].Severity != spec.Warning || p[1].Code != "odd" {
		t.Errorf("problems %+v", p)
	}
	if got.Message != hostile || got.Pools[0].Targets[0].Labels.Get("a") != hostile || !got.Healthy {
		t.Errorf("%+v", got)
	}
}

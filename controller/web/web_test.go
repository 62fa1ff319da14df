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
	"go.uber.org/goleak"

	"ecs-scrape/controller"
	"ecs-scrape/controller/web"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed is a source that always says the same.
type fixed struct {
	status *controller.Status
	says   *plan.Explanation // to every query, where it is set
}

func (f *fixed) Status() *controller.Status { return f.status }

func (f *fixed) Explain(query string) (*plan.Explanation, error) {
	switch {
	case f.says != nil:
		return f.says, nil
	case query == "nobody":
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
		got := get(t, &controller.Status{}, http.MethodGet, c.path)
		if got.Code != c.code || got.Body.String() != c.body || got.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s answers %d, %s: %q", c.path, got.Code, got.Header().Get("Content-Type"), got.Body)
		}
	}
}

func get(t *testing.T, s *controller.Status, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "some_total", Help: "Some."}))
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	web.NewHandler(&fixed{status: s}, registry).ServeHTTP(w, r)
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
		{
			"waiting, and a cluster is overdue", controller.Status{Healthy: true, Message: "a cluster", Reasons: []controller.Reason{
				{Kind: controller.ReasonOverdue, Message: "a cluster"}, {Kind: controller.ReasonWaiting, Message: "waiting"},
			}}, 200, 503, "waiting\n",
		},
		{"nothing valid", controller.Status{Message: "no PrometheusConfig"}, 503, 503, "no PrometheusConfig\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := get(t, &c.status, http.MethodGet, "/healthz").Code; got != c.healthz {
				t.Errorf("/healthz answers %d", got)
			}
			if got := get(t, &c.status, http.MethodGet, "/readyz"); got.Code != c.ready || got.Body.String() != c.says {
				t.Errorf("/readyz answers %d, %q", got.Code, got.Body)
			}
		})
	}
	if got := get(t, &controller.Status{}, http.MethodGet, "/healthz").Body.String(); got != "nothing is published yet\n" {
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
		{"GET", "/object?kind=ScrapeTarget&name=api", 404, "text/html; charset=utf-8"},
		{"GET", "/object", 404, "text/html; charset=utf-8"},
		{"GET", "/clusters", 200, "text/html; charset=utf-8"},
		{"GET", "/changes", 200, "text/html; charset=utf-8"},
		{"GET", "/search", 200, "text/html; charset=utf-8"},
		{"HEAD", "/search?q=nobody", 200, "text/html; charset=utf-8"},
		{"GET", "/style.css", 200, "text/css; charset=utf-8"},
		{"GET", "/icon.svg", 200, "image/svg+xml"},
		{"GET", "/style.css/x", 404, "text/plain; charset=utf-8"},
		{"POST", "/", 405, "text/plain; charset=utf-8"},
		{"POST", "/api/v1/status", 405, "text/plain; charset=utf-8"},
		{"POST", "/search", 405, "text/plain; charset=utf-8"},
		{"PUT", "/nothing", 405, "text/plain; charset=utf-8"},
		{"DELETE", "/object", 405, "text/plain; charset=utf-8"},
		{"OPTIONS", "/", 405, "text/plain; charset=utf-8"},
		{"TRACE", "/metrics", 405, "text/plain; charset=utf-8"},
	} {
		w := get(t, &controller.Status{}, c.method, c.path)
		if w.Code != c.code || w.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s %s: %d, %q", c.method, c.path, w.Code, w.Header().Get("Content-Type"))
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", c.path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", c.path, name, got)
			}
		}
		if allow := w.Header().Get("Allow"); (w.Code == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s %s: Allow is %q", c.method, c.path, allow)
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
	if c := got.Objects[3].Conditions; len(c) != 1 || c[0].Type != "Ready" || c[0].Status != "True" || c[0].Reason != "Served" || !c[0].Since.Equal(time.Unix(0, 0)) {
		t.Errorf("conditions %+v", c)
	}
	if p := got.Problems; p[0].Severity != spec.Error || p[1].Severity != spec.Warning || p[1].Code != "odd" {
		t.Errorf("problems %+v", p)
	}
	if got.Message != hostile || got.Pools[0].Targets[0].Labels.Get("a"+hostile) != hostile || !got.Healthy {
		t.Errorf("%+v", got)
	}
}

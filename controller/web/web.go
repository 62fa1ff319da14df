// Package web serves what the controller knows: a page for people, one JSON
// document for programs, metrics, and the two health checks. It is read-only.
package web

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/plan"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Source is where everything that is shown comes from.
type Source interface {
	// Status is the newest status.
	Status() *controller.Status
	// Explain tells why something is scraped or is not.
	Explain(query string) (*plan.Explanation, error)
}

// NewHandler serves:
//
//	/               the page
//	/api/v1/status  the status as JSON; ?targets=false leaves the targets out
//	/api/v1/explain ?query=: why something is scraped or is not, as JSON, or as text with &format=text
//	/metrics        metrics
//	/healthz        200 while what is published passed validation; ECS watches it
//	/readyz         200 while Prometheus has confirmed it, answers and lacks no pool; for people and alarms
func NewHandler(s Source, g prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, s.Status().Detailed()) // a client that went away is nobody's problem
	})
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, r *http.Request) { serveStatus(w, r, s) })
	mux.HandleFunc("GET /api/v1/explain", func(w http.ResponseWriter, r *http.Request) { explain(w, r, s) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		st := s.Status()
		answer(w, st.Healthy, "ok", orDefault(st.Message, "nothing is published yet"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		st := s.Status()
		answer(w, st.Ready, "ready", orDefault(st.Message, "not confirmed yet"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	return secured(mux)
}

// explain answers 404 with one line of text where nothing of that name is known.
func explain(w http.ResponseWriter, r *http.Request, s Source) {
	e, err := s.Explain(r.FormValue("query"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusNotFound)
	case r.FormValue("format") == "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, e.Text())
	default:
		w.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		_ = enc.Encode(e)
	}
}

func answer(w http.ResponseWriter, ok bool, yes, no string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		yes = no
	}
	_, _ = io.WriteString(w, yes+"\n")
}

// secured adds the headers that keep the page to itself: it loads nothing and
// runs no script.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

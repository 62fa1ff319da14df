// Package web serves what the controller knows: pages for people, one JSON
// document for programs, metrics, and the two health checks. It is read-only:
// everything but GET and HEAD is refused.
package web

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/plan"
)

// Source is where everything that is shown comes from.
type Source interface {
	// Status is the newest status.
	Status() *controller.Status
	// Explain tells why something is scraped or is not. It plans once more, which
	// takes about a second of a large fleet.
	Explain(query string) (*plan.Explanation, error)
}

// NewHandler serves:
//
//	/               the overview
//	/object         ?kind=&name=: one object, its funnel and its targets
//	/clusters       where tasks are read from, what AWS is asked, removals that wait
//	/changes        what was published last, with differences
//	/search         ?q=: why a task, a container or an address is scraped or is not
//	/api/v1/status  the status as JSON; ?targets=false leaves the targets out
//	/api/v1/explain ?query=: why something is scraped or is not, as JSON, or as text with &format=text
//	/metrics        metrics
//	/healthz        200 while what is published passed validation; ECS watches it
//	/readyz         200 while Prometheus has confirmed it, answers and lacks no pool; for people and alarms
//
// All links between the pages are relative, so that they may be served below a
// prefix by a proxy that takes it off.
func NewHandler(s Source, g prometheus.Gatherer) http.Handler {
	p := &pages{source: s, explain: newGate(s), now: time.Now}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", p.overview)
	mux.HandleFunc("/object", p.object)
	mux.HandleFunc("/clusters", p.clusters)
	mux.HandleFunc("/changes", p.changes)
	mux.HandleFunc("/search", p.search)
	mux.HandleFunc("/style.css", style)
	mux.HandleFunc("/icon.svg", p.icon)
	mux.HandleFunc("/api/v1/status", func(w http.ResponseWriter, r *http.Request) { serveStatus(w, r, s) })
	mux.HandleFunc("/api/v1/explain", func(w http.ResponseWriter, r *http.Request) { explain(w, r, s) })
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { healthz(w, s) })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { readyz(w, s) })
	mux.Handle("/metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	return secured(readOnly(mux))
}

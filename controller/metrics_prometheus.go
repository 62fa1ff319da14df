package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	descInfo    = statusDesc("prometheus_info", "The Prometheus that is told to reload, with its version, \"\" where its build does not know it; absent until it has answered.", "version")
	descDiffers = statusDesc("prometheus_differences", "Differences of Prometheus from what the PrometheusConfig declares that may have it refuse or lack what is published. The status names them, and those that do not matter so much.")
	descNotRead = statusDesc("target_files_unread", "Target files that Prometheus has not read since they changed, though it was given a second; absent while it does not tell.")
	descLag     = statusDesc("target_files_lag_seconds", "For how long the longest of the target files has waited to be read; absent while Prometheus does not tell.")
)

// prometheusCollector tells of the observed Prometheus, where there is one.
type prometheusCollector struct{ c *Controller }

// Describe implements prometheus.Collector.
func (p prometheusCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descInfo, descDiffers, descNotRead, descLag} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (p prometheusCollector) Collect(ch chan<- prometheus.Metric) {
	if p.c.acquaintance == nil {
		return
	}
	g := gauges(ch)
	g.put(descDiffers, float64(p.c.grave.Load()))
	if a := p.c.acquaintance.known.Load(); a != nil {
		g.put(descInfo, 1, a.Version)
	}
	if s := p.c.reads.state(); s.Known {
		g.put(descNotRead, float64(len(s.Unread)))
		g.put(descLag, s.lag(time.Now()).Seconds())
	}
}

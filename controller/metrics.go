package controller

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// Metrics are the controller's own metrics. Counters exist at zero from the
// start, and a time that has not come yet is zero.
type Metrics struct {
	registerer prometheus.Registerer
	passes     *prometheus.CounterVec
	duration   prometheus.Histogram
	passed     prometheus.Gauge
	publishing prometheus.Counter
	failing    prometheus.Gauge
	meddled    prometheus.Counter
	reloads    *prometheus.CounterVec
	reload     prometheus.Gauge
	writes     prometheus.Counter
	reads      prometheus.Histogram
	puts       *prometheus.CounterVec
	bytes      prometheus.Counter
	loads      *prometheus.CounterVec
	load       prometheus.Gauge

	failed bool // the last publication; of the loop's goroutine alone
}

// NewMetrics registers the controller's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		registerer: r,
		passes:     counters("ecs_scrape_reconciles_total", "Passes that found something to do, by result.", "success", "error"),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "ecs_scrape_reconcile_duration_seconds",
			Help:    "Duration of passes that found something to do.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		passed:     gauge("ecs_scrape_reconcile_last_success_timestamp_seconds", "When a pass succeeded last, also one that found nothing to do."),
		publishing: counter("ecs_scrape_publish_failures_total", "Passes that could not write all of what they should: the disk is full or read-only, or the directory is another's."),
		failing:    gauge("ecs_scrape_publish_failing_since_timestamp_seconds", "Since when no pass could write all of what it should; 0 while they can."),
		meddled:    counter("ecs_scrape_interference_total", "Times that somebody else was found to have altered or removed a published file. It was undone."),
		reloads: counters("ecs_scrape_reloads_total", "Configurations that Prometheus confirmed, rejected, or left unconfirmed.",
			"confirmed", "rejected", "unconfirmed"),
		reload: gauge("ecs_scrape_reload_last_success_timestamp_seconds", "When Prometheus was last seen to have loaded a newly published configuration."),
		writes: counter("ecs_scrape_target_file_writes_total", "Target files written."),
		reads: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "ecs_scrape_target_file_read_seconds",
			Help:    "Seconds from a change of a target file until Prometheus was seen to have read it: at most that long, since it is asked a second later at the earliest, and every 5 s at most.",
			Buckets: []float64{1.5, 3, 6, 12, 30, 60, 120, 300, 900},
		}),
		bytes: counter("ecs_scrape_target_file_written_bytes_total", "Bytes of the target files written."),
		loads: counters("ecs_scrape_specs_loads_total", "Looks at the source of the specs, by result. An object that is wrong is no error here.", "success", "error"),
		load:  gauge("ecs_scrape_specs_last_success_timestamp_seconds", "When the source of the specs was last read as a whole."),
		puts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_scrape_status_writes_total",
			Help: "Times that the status was written, by place (file, s3) and result.",
		}, []string{"place", "result"}),
	}
	r.MustRegister(m.passes, m.duration, m.passed, m.publishing, m.failing, m.meddled, m.reloads, m.reload, m.writes, m.bytes, m.loads, m.load, m.puts, m.reads)
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

// counters are by result, each of which is there from the start.
func counters(name, help string, results ...string) *prometheus.CounterVec {
	out := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"result"})
	for _, result := range results {
		out.WithLabelValues(result)
	}
	return out
}

func resultOf(err error) string {
	if err != nil {
		return "error"
	}
	return "success"
}

// observe takes down a pass.
func (m *Metrics) observe(d time.Duration, idle bool, err error) {
	if err == nil {
		m.passed.SetToCurrentTime()
		m.failed = false
		m.failing.Set(0)
	}
	if idle {
		return
	}
	m.duration.Observe(d.Seconds())
	m.passes.WithLabelValues(resultOf(err)).Inc()
}

func (m *Metrics) reloaded(err error) {
	result := "unconfirmed"
	switch {
	case err == nil:
		result = "confirmed"
		m.reload.SetToCurrentTime()
	case refused(err):
		result = "rejected"
	}
	m.reloads.WithLabelValues(result).Inc()
}

// outlet creates the counters of a place at zero.
func (m *Metrics) outlet(place string) {
	m.puts.WithLabelValues(place, "success")
	m.puts.WithLabelValues(place, "error")
}

func (m *Metrics) put(place string, err error) {
	m.puts.WithLabelValues(place, resultOf(err)).Inc()
}

func (m *Metrics) read(after time.Duration) { m.reads.Observe(after.Seconds()) }

// wrote takes down a publication. That it failed stands until a pass succeeds.
func (m *Metrics) wrote(done reconcile.Published, err error) {
	m.writes.Add(float64(done.Changed))
	m.bytes.Add(float64(done.Bytes))
	if err != nil {
		m.publishing.Inc()
		if !m.failed {
			m.failing.SetToCurrentTime()
		}
		m.failed = true
	}
}

// Measured is the source with its loads counted.
func (m *Metrics) Measured(s reconcile.Source) reconcile.Source { return measured{s, m} }

type measured struct {
	reconcile.Source
	metrics *Metrics
}

// Load implements reconcile.Source.
func (s measured) Load(ctx context.Context) (*spec.Set, error) {
	set, err := s.Source.Load(ctx)
	if ctx.Err() != nil {
		return set, err
	}
	s.metrics.loads.WithLabelValues(resultOf(err)).Inc()
	if err == nil {
		s.metrics.load.SetToCurrentTime()
	}
	return set, err
}

// Revision implements Revised.
func (s measured) Revision() (id string, published bool) {
	if revised, ok := s.Source.(Revised); ok {
		return revised.Revision()
	}
	return "", false
}

// watch registers what is read from the status when it is scraped.
func (m *Metrics) watch(c *Controller) {
	m.registerer.MustRegister(statusCollector{c}, prometheusCollector{c})
}

package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// Metrics are the controller's own metrics. Counters exist at zero from the start.
type Metrics struct {
	registerer prometheus.Registerer
	passes     *prometheus.CounterVec
	duration   prometheus.Histogram
	reloads    *prometheus.CounterVec
	writes     prometheus.Counter
	reads      prometheus.Histogram
}

// NewMetrics registers the controller's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		registerer: r,
		passes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_scrape_reconciles_total",
			Help: "Passes that found something to do, by result.",
		}, []string{"result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "ecs_scrape_reconcile_duration_seconds",
			Help:    "Duration of passes that found something to do.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_scrape_reloads_total",
			Help: "Configurations that Prometheus confirmed, rejected, or left unconfirmed.",
		}, []string{"result"}),
		writes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ecs_scrape_target_file_writes_total",
			Help: "Target files written.",
		}),
		reads: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "ecs_scrape_target_file_read_seconds",
			Help:    "Seconds from a change of a target file until Prometheus was seen to have read it: at most that long, since it is asked a second later at the earliest, and every 5 s at most.",
			Buckets: []float64{1.5, 3, 6, 12, 30, 60, 120, 300, 900},
		}),
	}
	for _, result := range []string{"success", "error"} {
		m.passes.WithLabelValues(result)
	}
	for _, result := range []string{"confirmed", "rejected", "unconfirmed"} {
		m.reloads.WithLabelValues(result)
	}
	r.MustRegister(m.passes, m.duration, m.reloads, m.writes, m.reads)
	return m
}

func (m *Metrics) observe(d time.Duration, err error) {
	m.duration.Observe(d.Seconds())
	result := "success"
	if err != nil {
		result = "error"
	}
	m.passes.WithLabelValues(result).Inc()
}

func (m *Metrics) reloaded(err error) {
	result := "unconfirmed"
	switch {
	case err == nil:
		result = "confirmed"
	case refused(err):
		result = "rejected"
	}
	m.reloads.WithLabelValues(result).Inc()
}

func (m *Metrics) read(after time.Duration) { m.reads.Observe(after.Seconds()) }

func (m *Metrics) written(n int) { m.writes.Add(float64(n)) }

// watch registers what is read from the status when it is scraped.
func (m *Metrics) watch(c *Controller) { m.registerer.MustRegister(statusCollector{c}) }

var (
	descTargets  = prometheus.NewDesc("ecs_scrape_object_targets", "Targets of a ScrapeTarget.", []string{"name"}, nil)
	descWithheld = prometheus.NewDesc("ecs_scrape_object_targets_withheld", "Targets of a ScrapeTarget that are not published although Prometheus would take them; findings say why.", []string{"name"}, nil)
	descObject   = prometheus.NewDesc("ecs_scrape_object_accepted", "Whether the version of an object in the source is valid and in use (1) or not (0). What this Prometheus does not select is left out.", []string{"kind", "name"}, nil)
	descHeld     = prometheus.NewDesc("ecs_scrape_targets_held", "Targets published only because their cluster could not be read yet.", nil, nil)
	descWaiting  = prometheus.NewDesc("ecs_scrape_tasks_waiting", "Tasks that a listing omits and that nothing proves stopped.", nil, nil)
	descReady    = prometheus.NewDesc("ecs_scrape_ready", "Whether what the specs ask for is published and confirmed by Prometheus.", nil, nil)
	descConfig   = prometheus.NewDesc("ecs_scrape_config_info", "Digests of the desired, published and confirmed configuration.", []string{"desired", "published", "confirmed"}, nil)
	descUnread   = prometheus.NewDesc("ecs_scrape_cluster_stale_seconds", "Seconds for which a cluster could not be read; 0 while it can. Its targets are served as last known.", []string{"account", "region", "cluster"}, nil)
	descOverdue  = prometheus.NewDesc("ecs_scrape_overdue", "Clusters, and regions whose clusters cannot be listed, that have not been read for longer than --ecs.stale-after.", nil, nil)
	descInfo     = prometheus.NewDesc("ecs_scrape_prometheus_info", "The Prometheus that is told to reload, with its version, \"\" where its build does not know it; absent until it has answered.", []string{"version"}, nil)
	descDiffers  = prometheus.NewDesc("ecs_scrape_prometheus_differences", "Differences of Prometheus from what the PrometheusConfig declares that may have it refuse or lack what is published. The status names them, and those that do not matter so much.", nil, nil)
	descNotRead  = prometheus.NewDesc("ecs_scrape_target_files_unread", "Target files that Prometheus has not read since they changed, though it was given a second; absent while it does not tell.", nil, nil)
	descLag      = prometheus.NewDesc("ecs_scrape_target_files_lag_seconds", "For how long the longest of the target files has waited to be read; absent while Prometheus does not tell.", nil, nil)
	descScope    = prometheus.NewDesc("ecs_scrape_cluster_synced", "Whether the last listing of a cluster was complete.", []string{"account", "region", "cluster"}, nil)
)

// statusCollector turns the newest status into gauges.
type statusCollector struct{ c *Controller }

func (s statusCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descTargets, descWithheld, descObject, descHeld, descWaiting, descReady, descConfig, descScope, descUnread, descOverdue, descInfo, descDiffers, descNotRead, descLag} {
		ch <- d
	}
}

func (s statusCollector) Collect(ch chan<- prometheus.Metric) {
	st := s.c.Status()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descHeld, float64(st.Targets.Held))
	gauge(descWaiting, float64(st.Targets.Waiting))
	gauge(descReady, flag(st.Ready))
	gauge(descConfig, 1, st.Config.Desired, st.Config.Published, st.Config.Confirmed)
	for _, o := range st.Objects {
		if !o.Other {
			gauge(descObject, flag(o.Accepted), o.Kind, o.Name)
		}
		if o.Kind == spec.KindScrapeTarget {
			gauge(descTargets, float64(o.Targets), o.Name)
			gauge(descWithheld, float64(o.Withheld), o.Name)
		}
	}
	gauge(descOverdue, float64(len(st.Overdue)))
	s.c.collectPrometheus(gauge)
	for i := range st.Scopes {
		sc := &st.Scopes[i]
		if sc.State == inventory.Gone {
			continue
		}
		age := 0.0
		if since := unreadSince(sc); !since.IsZero() {
			age = max(0, time.Since(since).Seconds())
		}
		gauge(descScope, flag(sc.State == inventory.Synced), sc.Scope.Account, sc.Scope.Region, sc.Scope.Cluster)
		gauge(descUnread, age, sc.Scope.Account, sc.Scope.Region, sc.Scope.Cluster)
	}
}

// collectPrometheus tells of the observed Prometheus, where there is one.
func (c *Controller) collectPrometheus(gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	if c.acquaintance == nil {
		return
	}
	gauge(descDiffers, float64(c.grave.Load()))
	if a := c.acquaintance.known.Load(); a != nil {
		gauge(descInfo, 1, a.Version)
	}
	if s := c.reads.state(); s.Known {
		gauge(descNotRead, float64(len(s.Unread)))
		gauge(descLag, s.lag(time.Now()).Seconds())
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

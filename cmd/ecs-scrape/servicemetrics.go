package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"ecs-scrape/controller/ecs"
)

var (
	ofCluster = []string{"account", "region", "cluster"}
	ofService = []string{"account", "region", "cluster", "service"}

	descTasksRunning = prometheus.NewDesc("ecs_scrape_service_tasks_running", "Tasks of a service that run; service is empty for those that belong to none. Of a stale cluster as known last.", ofService, nil)
	descTasksPending = prometheus.NewDesc("ecs_scrape_service_tasks_pending", "Tasks of a service that are on their way to run.", ofService, nil)
	descTasksDesired = prometheus.NewDesc("ecs_scrape_service_tasks_desired", "Tasks that a service should have. Known with --ecs.service-metrics, and of services with tasks where specs ask for services.", ofService, nil)
	descTaskStarts   = prometheus.NewDesc("ecs_scrape_service_task_starts_total", "Tasks of a service that have come since its cluster was first listed.", ofService, nil)
	descTaskStops    = prometheus.NewDesc("ecs_scrape_service_task_stops_total", "Tasks of a service that were told to stop, or have stopped.", ofService, nil)
	descTaskCrashes  = prometheus.NewDesc("ecs_scrape_service_task_crashes_total", "Those of the stopped tasks that ended by themselves, as an essential container exited, or that could not start.", ofService, nil)
	descServicesRead = prometheus.NewDesc("ecs_scrape_cluster_services_read", "Whether the services of a cluster could be read last, for their desired tasks; only with --ecs.service-metrics.", ofCluster, nil)
)

// serviceCollector exports what is known of services. It costs what there are
// services, not tasks.
type serviceCollector struct{ watcher *ecs.Watcher }

// Describe implements prometheus.Collector.
func (s serviceCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descTasksRunning, descTasksPending, descTasksDesired, descTaskStarts, descTaskStops, descTaskCrashes, descServicesRead,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s serviceCollector) Collect(ch chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	for _, n := range s.watcher.Census() {
		labels := []string{n.Scope.Account, n.Scope.Region, n.Scope.Cluster, n.Service}
		put(descTasksRunning, prometheus.GaugeValue, float64(n.Running), labels...)
		put(descTasksPending, prometheus.GaugeValue, float64(n.Pending), labels...)
		if n.Desired >= 0 {
			put(descTasksDesired, prometheus.GaugeValue, float64(n.Desired), labels...)
		}
		put(descTaskStarts, prometheus.CounterValue, float64(n.Started), labels...)
		put(descTaskStops, prometheus.CounterValue, float64(n.Stopped), labels...)
		put(descTaskCrashes, prometheus.CounterValue, float64(n.Crashed), labels...)
	}
	for _, one := range s.watcher.Stats().Services {
		put(descServicesRead, prometheus.GaugeValue, oneIf(one.Read), one.Scope.Account, one.Scope.Region, one.Scope.Cluster)
	}
}

package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"ecs-scrape/controller/ecs"
)

var (
	descCalls     = prometheus.NewDesc("ecs_scrape_aws_requests_total", "AWS requests, retries included.", []string{"account", "region", "operation"}, nil)
	descThrottled = prometheus.NewDesc("ecs_scrape_aws_throttled_requests_total", "AWS requests that AWS throttled.", []string{"account", "region", "operation"}, nil)
	descErrors    = prometheus.NewDesc("ecs_scrape_aws_failed_requests_total", "AWS requests that failed for another reason.", []string{"account", "region", "operation"}, nil)
	descRate      = prometheus.NewDesc("ecs_scrape_aws_budget_requests_per_second", "Requests per second that the budget allows now.", []string{"account", "region", "category"}, nil)
)

// awsCollector exports what the AWS budget has been spent on.
type awsCollector struct{ watcher *ecs.Watcher }

func (a awsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descCalls, descThrottled, descErrors, descRate} {
		ch <- d
	}
}

func (a awsCollector) Collect(ch chan<- prometheus.Metric) {
	stats := a.watcher.Stats()
	for _, o := range stats.Operations {
		for d, v := range map[*prometheus.Desc]uint64{descCalls: o.Calls, descThrottled: o.Throttled, descErrors: o.Errors} {
			ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), o.Account, o.Region, o.Operation)
		}
	}
	for _, b := range stats.Budgets {
		ch <- prometheus.MustNewConstMetric(descRate, prometheus.GaugeValue, b.Rate, b.Account, b.Region, string(b.Category))
	}
}

package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-scrape/controller/ecs"
)

var (
	ofOperation = []string{"account", "region", "category", "operation"}
	ofCategory  = []string{"account", "region", "category"}
	ofRegion    = []string{"account", "region"}
	ofQueue     = []string{"account", "region", "queue"}

	descCalls     = prometheus.NewDesc("ecs_scrape_aws_requests_total", "AWS requests, retries and those that could not be sent included.", ofOperation, nil)
	descThrottled = prometheus.NewDesc("ecs_scrape_aws_throttled_requests_total", "AWS requests that AWS throttled.", ofOperation, nil)
	descErrors    = prometheus.NewDesc("ecs_scrape_aws_failed_requests_total", "AWS requests that failed for another reason.", ofOperation, nil)
	descDenied    = prometheus.NewDesc("ecs_scrape_aws_denied_requests_total", "Those of the failed AWS requests that AWS refused for want of a permission, or of valid credentials.", ofOperation, nil)
	descRate      = prometheus.NewDesc("ecs_scrape_aws_budget_requests_per_second", "Requests per second that the budget allows now.", ofCategory, nil)
	descLimit     = prometheus.NewDesc("ecs_scrape_aws_budget_limit_requests_per_second", "Requests per second that the budget allows while AWS throttles nothing: the share of the quota.", ofCategory, nil)
	descQueued    = prometheus.NewDesc("ecs_scrape_aws_budget_waiting", "Requests that wait for the budget now.", ofCategory, nil)

	descListings = prometheus.NewDesc("ecs_scrape_listings_total", "Complete listings of all clusters, by cause: start, change, poll, return (of events), resync, missed (events).", []string{"account", "region", "cause"}, nil)
	descFailed   = prometheus.NewDesc("ecs_scrape_listings_failed_total", "Listings of all clusters in which at least one could not be read.", ofRegion, nil)
	descInterval = prometheus.NewDesc("ecs_scrape_listing_interval_seconds", "Seconds between the starts of the last two listings, as the budget allowed.", ofRegion, nil)
	descListing  = prometheus.NewDesc("ecs_scrape_listing_duration_seconds", "Seconds that the last listing took.", ofRegion, nil)

	descWorking = prometheus.NewDesc("ecs_scrape_events_queue_working", "Whether the events of a queue arrive; while they do not, clusters are polled.", ofQueue, nil)
	descEvents  = prometheus.NewDesc("ecs_scrape_events_total", "Messages of a queue, which its URL names, by result: applied, known (told nothing new), unlisted (of a cluster that is looked up for it), odd (of another form than documented: its task is described), instance (of a container instance), object (of an object of S3 that may hold specs), outdated (older than a listing), ignored (of something else), poison (no event at all).", append(ofQueue, "result"), nil)
	descLag     = prometheus.NewDesc("ecs_scrape_events_lag_seconds", "Seconds from a change, by AWS's clock, to its application.", ofQueue, nil)
	descAge     = prometheus.NewDesc("ecs_scrape_events_queue_age_seconds", "Seconds that the oldest message of the last answer had been in the queue; 0 of an answer that had none.", ofQueue, nil)
	descQueue   = prometheus.NewDesc("ecs_scrape_events_queue_failures_total", "Calls to a queue that failed, by operation.", append(ofQueue, "operation"), nil)
	descMissed  = prometheus.NewDesc("ecs_scrape_events_missed_total", "Changes that a listing found and that no event told of in time.", []string{"account", "region", "cluster"}, nil)
)

// awsCollector exports what the AWS budget has been spent on, and how the
// changes on ECS are learnt.
type awsCollector struct{ watcher *ecs.Watcher }

func (a awsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descCalls, descThrottled, descErrors, descDenied, descRate, descLimit, descQueued, descListings, descFailed, descInterval, descListing,
		descWorking, descEvents, descLag, descAge, descQueue, descMissed,
	} {
		ch <- d
	}
}

func (a awsCollector) Collect(ch chan<- prometheus.Metric) {
	stats := a.watcher.Stats()
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, o := range stats.Operations {
		labels := []string{o.Account, o.Region, string(o.Category), o.Operation}
		counter(descCalls, o.Calls, labels...)
		counter(descThrottled, o.Throttled, labels...)
		counter(descErrors, o.Errors, labels...)
		counter(descDenied, o.Denied, labels...)
	}
	for _, b := range stats.Budgets {
		gauge(descRate, b.Rate, b.Account, b.Region, string(b.Category))
		gauge(descLimit, b.Full, b.Account, b.Region, string(b.Category))
		gauge(descQueued, float64(b.Waiting), b.Account, b.Region, string(b.Category))
	}
	for _, l := range listings(stats.Polls) {
		for cause, n := range l.causes {
			counter(descListings, n, l.account, l.region, string(cause))
		}
		counter(descFailed, l.failed, l.account, l.region)
		gauge(descInterval, l.interval.Seconds(), l.account, l.region)
		gauge(descListing, l.duration.Seconds(), l.account, l.region)
	}
	for i := range stats.Queues {
		q := &stats.Queues[i]
		labels := []string{q.Account, q.Region, q.URL}
		gauge(descWorking, oneIf(q.Working), labels...)
		gauge(descAge, q.Backlog.Seconds(), labels...)
		ch <- prometheus.MustNewConstSummary(descLag, q.Applied, q.LagTotal.Seconds(), nil, labels...)
		for result, n := range results(q) {
			counter(descEvents, n, append(labels, result)...)
		}
		counter(descQueue, q.ReceiveFailures, append(labels, "ReceiveMessage")...)
		counter(descQueue, q.DeleteFailures, append(labels, "DeleteMessageBatch")...)
	}
	for _, m := range stats.Missed {
		counter(descMissed, m.Missed, m.Scope.Account, m.Scope.Region, m.Scope.Cluster)
	}
}

// results are the messages of a queue by what became of them; each is counted
// once.
func results(q *ecs.QueueStats) map[string]uint64 {
	return map[string]uint64{
		"applied": q.Applied - q.Odd, "known": q.Known, "unlisted": q.Strange, "odd": q.Odd, "instance": q.Instances, "object": q.Objects,
		"outdated": q.Outdated, "ignored": q.Ignored, "poison": q.Poison,
	}
}

// listing is how the clusters of an account and region are listed, by all the
// entries that name them: the longest of their times, and the sum of their counts.
type listing struct {
	account, region    string
	interval, duration time.Duration
	causes             map[ecs.Cause]uint64
	failed             uint64
}

func listings(polls []ecs.PollStats) []*listing {
	var out []*listing
	by := map[[2]string]*listing{}
	for i := range polls {
		p := &polls[i]
		at := [2]string{p.Account, p.Region}
		if by[at] == nil {
			by[at] = &listing{account: p.Account, region: p.Region, causes: map[ecs.Cause]uint64{}}
			out = append(out, by[at])
		}
		l := by[at]
		l.interval, l.duration = max(l.interval, p.Interval), max(l.duration, p.Duration)
		l.failed += p.Failed
		for cause, n := range p.Listings {
			l.causes[cause] += n
		}
	}
	return out
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

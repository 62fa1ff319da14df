package ecs

import (
	"fmt"
	"testing"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// BenchmarkFirst measures the time to the first complete set, at AWS's documented
// quotas, the default share of them and 50 ms a call, against what the token
// buckets allow. Run it with -benchtime 1x. Reported:
//
//	first-s    seconds from the first call to the last listing
//	allowed-s  the same if no token ever lay idle: see [allowed]
//	ratio      of the two
//	throttled  calls
func BenchmarkFirst(b *testing.B) {
	for _, tasks := range []int{1000, 5000, 10000, 20000} {
		b.Run(fmt.Sprintf("tasks=%d", tasks), func(b *testing.B) {
			for b.Loop() {
				a := newAccount(b, tasks)
				poll := a.watcher()
				began := time.Now()
				if found := poll(); found != tasks {
					b.Fatalf("%d tasks found", found)
				}
				first := time.Since(began)
				_, throttled := a.count()
				b.ReportMetric(first.Seconds(), "first-s")
				b.ReportMetric(allowed(tasks).Seconds(), "allowed-s")
				b.ReportMetric(first.Seconds()/allowed(tasks).Seconds(), "ratio")
				b.ReportMetric(float64(throttled), "throttled")
				a.Close()
			}
			b.ReportMetric(0, "ns/op") // most of it is waiting for tokens
		})
	}
}

// allowed is the least time in which half the documented quotas let through what
// must be asked: a page and a describe for every hundred tasks, and each
// definition. Before the first definition four calls must have been answered,
// each by the one before.
func allowed(tasks int) time.Duration {
	const chain = 5 * 50 * time.Millisecond
	quotas := DocumentedQuotas()
	wait := func(c Category, calls int) time.Duration {
		q := quotas[c]
		return time.Duration(max(0, float64(calls)-q.Burst/2) / (q.Refill / 2) * float64(time.Second))
	}
	pages := benchClusters * ((tasks/benchClusters + inventory.DescribeBatch - 1) / inventory.DescribeBatch)
	return chain + max(wait(ClusterResourceRead, 2*pages), wait(TaskDefinitionRead, benchClusters*benchServices))
}

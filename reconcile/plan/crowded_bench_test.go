package plan

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// BenchmarkCrowded is a Planner at 50,000 tasks whose objects get into each
// other's way: one task is replaced before each plan, and each plan is published.
func BenchmarkCrowded(b *testing.B) {
	all := func(name, body string) string { return scrapeTarget(name, "  selector: {}\n"+body) }
	const metrics = "  endpoints: [{port: metrics}]\n"
	limited := configWith("  enforced: {targets_per_object: 40000}\n")
	var specific []string
	for i := range 200 {
		specific = append(specific, scrapeTarget(fmt.Sprintf("target-%04d", i), "  selector: {services: ["+services(i*5, 5)+"]}\n"+metrics))
	}
	for _, fleet := range []struct {
		name, config string
		docs         []string
	}{
		{"disjoint", bareConfig, []string{all("a", metrics), all("b", "  endpoints: [{port: admin}]\n")}},
		{"catch-all", bareConfig, append(slices.Clone(specific), all("all", metrics+"  labels: {tier: all}\n"))},
		{"overlap", bareConfig, []string{all("a", metrics), all("b", metrics+"  labels: {tier: b}\n")}},
		{"duplicates", bareConfig, []string{all("a", metrics), all("b", metrics)}},
		{"same-labels", bareConfig, []string{all("a", metrics), all("b", "  endpoints: [{port: metrics, path: /b}]\n")}},
		{"limited", limited, []string{all("a", metrics), all("b", "  endpoints: [{port: admin}]\n")}},
	} {
		b.Run(fleet.name, func(b *testing.B) { replaceOne(b, append([]string{fleet.config}, fleet.docs...)) })
	}
}

// replaceOne reports the CPU time of a plan and of the first one, the collector's
// included.
func replaceOne(b *testing.B, docs []string) {
	b.Helper()
	in := fleetOf(b, 50000, docs)
	var p Planner
	start := spent(b)
	in.Live = p.Build(in).Bundle.Pools
	b.ReportAllocs()
	first := spent(b) - start
	in.Live = p.Build(in).Bundle.Pools
	var plans time.Duration
	rounds := 0
	for b.Loop() {
		in.Snapshot = moved(in.Snapshot, rounds*7919%50000, fleetAddress(rounds+50000))
		start := spent(b)
		in.Live = p.Build(in).Bundle.Pools
		plans += spent(b) - start
		rounds++
	}
	b.ReportMetric(float64(first.Milliseconds()), "first-ms")
	b.ReportMetric(float64(plans.Microseconds())/1000/float64(rounds), "plan-ms")
}

// spent is the CPU time of this process.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// moved is a snapshot in which a task is at another address.
func moved(s *inventory.Snapshot, task int, address string) *inventory.Snapshot {
	next, t := *s, *s.Tasks[task]
	next.Tasks, t.Containers = slices.Clone(s.Tasks), slices.Clone(t.Containers)
	at(address)(&t)
	next.Tasks[task] = &t
	return &next
}

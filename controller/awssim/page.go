package awssim

import (
	"fmt"
	"strings"
	"time"
)

// page is the endpoint's Prometheus page at its given scrape. Requests rise
// with the scrapes and with time, so that a counter moves at every scrape and a
// rate is plausible.
func (e *endpoint) page(scrape int, now time.Time) string {
	var b strings.Builder
	up := max(0, now.Sub(e.started).Seconds())
	requests := float64(10*scrape) + up*float64(3+len(e.Container)%5)
	name := e.Service
	if name == "" {
		name = e.task.def.Family
	}
	metric(&b, "shop_requests_total", "counter", "Requests served.",
		sample(fmt.Sprintf(`{code="200",handler="/%s"}`, name), requests),
		sample(fmt.Sprintf(`{code="500",handler="/%s"}`, name), float64(scrape/10)))
	metric(&b, "shop_request_duration_seconds", "histogram", "Time to serve a request.",
		fmt.Sprintf("_bucket{le=\"0.1\"} %.0f", requests*0.9),
		fmt.Sprintf("_bucket{le=\"1\"} %.0f", requests*0.99),
		fmt.Sprintf("_bucket{le=\"+Inf\"} %.0f", requests),
		fmt.Sprintf("_sum %.3f", requests*0.08),
		fmt.Sprintf("_count %.0f", requests))
	metric(&b, "shop_build_info", "gauge", "What runs here.",
		sample(fmt.Sprintf(`{image=%q,revision="%d"}`, e.image, e.task.def.number), 1))
	metric(&b, "process_start_time_seconds", "gauge", "Start time of the process since the Unix epoch, in seconds.",
		fmt.Sprintf(" %.3f", float64(e.started.UnixMilli())/1000))
	metric(&b, "sim_scrapes_total", "counter", "Scrapes of this page, this one included.",
		sample("", float64(scrape)))
	return b.String()
}

func sample(labels string, value float64) string { return fmt.Sprintf("%s %.0f", labels, value) }

func metric(b *strings.Builder, name, kind, help string, samples ...string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	for _, s := range samples {
		b.WriteString(name + s + "\n")
	}
}

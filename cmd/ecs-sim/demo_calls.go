package main

import (
	"slices"
	"time"

	"ecs-scrape/controller/awssim"
)

// demoWindow is the time over which AWS calls are counted.
const demoWindow = time.Minute

// demoCalls are the AWS calls of the last minute, as the simulated account
// counted them.
type demoCalls struct {
	window    time.Duration // shorter than a minute at first
	calls     int
	throttled int
	// busiest is the request quota that is used most, and share the part that was
	// spent of what it allows over the window: its burst and its refill.
	busiest awssim.Category
	share   float64
}

// demoMeter remembers a minute of counts.
type demoMeter struct{ samples []callSample }

// newDemoMeter counts from a time at which nothing had been called.
func newDemoMeter(began time.Time) demoMeter {
	return demoMeter{samples: []callSample{{at: began}}}
}

type callSample struct {
	at        time.Time
	calls     map[string]int // by operation
	throttled int
}

// measure adds a sample and compares it with that of a minute ago.
func (m *demoMeter) measure(now time.Time, counts []awssim.CallCount) demoCalls {
	newest := callSample{at: now, calls: map[string]int{}}
	for _, c := range counts {
		newest.calls[c.Operation] += c.Calls
		newest.throttled += c.Throttled
	}
	m.samples = append(m.samples, newest)
	m.samples = slices.DeleteFunc(m.samples, func(s callSample) bool { return now.Sub(s.at) > demoWindow })
	oldest := m.samples[0]
	out := demoCalls{window: now.Sub(oldest.at), throttled: newest.throttled - oldest.throttled}
	spent := map[awssim.Category]int{}
	for operation, calls := range newest.calls {
		n := calls - oldest.calls[operation]
		out.calls += n
		spent[awssim.CategoryOf(operation, true)] += n
	}
	for category, quota := range awssim.DocumentedQuotas() {
		share := float64(spent[category]) / (quota.Burst + quota.Refill*out.window.Seconds())
		if share > out.share || share == out.share && category < out.busiest {
			out.busiest, out.share = category, share
		}
	}
	return out
}

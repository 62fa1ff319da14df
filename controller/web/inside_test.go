package web

import (
	"context"
	"errors"
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

func TestAges(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 0: "just now", 999 * time.Millisecond: "just now", 12 * time.Second: "12 s ago", 90 * time.Second: "1 min ago",
		59 * time.Minute: "59 min ago", 3 * time.Hour: "3 h ago", 47 * time.Hour: "47 h ago", 72 * time.Hour: "3 days ago",
	} {
		if got := (when{now.Add(-d), now}).Ago(); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if w := (when{now, now}); w.Exact() != "2026-01-02 03:04:05 UTC" || w.Machine() != "2026-01-02T03:04:05Z" || w.Zero() {
		t.Errorf("%s, %s", w.Exact(), w.Machine())
	}
}

func TestCounted(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 tasks", 1: "1 task", 2: "2 tasks", 999: "999 tasks", 1000: "1,000 tasks", 1234567: "1,234,567 tasks", -1000: "-1,000 tasks"} {
		if got := counted(n, "task"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestHeadlines: one plain sentence for whatever is wrong.
func TestHeadlines(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]controller.Status{
		"The controller is starting; nothing is published yet.":                           {State: controller.StateStarting},
		"The controller is starting; what was published before stays live.":               {State: controller.StateStarting, Healthy: true},
		"Nothing is published, so Prometheus has nothing to load.":                        {State: controller.StateDegraded},
		"The specs cannot be loaded; the last good ones stay in use, and targets follow.": {State: controller.StateDegraded, Healthy: true, Specs: controller.SpecsStatus{Error: "denied"}},
		"Prometheus does not run what the specs ask for.":                                 {State: controller.StateDegraded, Healthy: true, Config: controller.ConfigStatus{Desired: "a", Error: "refused"}},
		"Prometheus has the configuration, and still something is missing there.":         {State: controller.StateDegraded, Healthy: true, Config: controller.ConfigStatus{Desired: "a", Confirmed: "a", Error: "lacks pools"}},
		"The configuration is published, and Prometheus has not confirmed it yet.":        {State: controller.StatePending, Healthy: true},
		"A cluster cannot be read; its targets stay as last known.":                       {State: controller.StateDegraded, Healthy: true, Scopes: []inventory.ScopeStatus{{State: inventory.Stale}}},
		"2 clusters cannot be read; their targets stay as last known.":                    {State: controller.StateDegraded, Healthy: true, Scopes: []inventory.ScopeStatus{{State: inventory.Stale}, {State: inventory.Unsynced, Reason: "x"}}},
		"The clusters of a region cannot be listed; targets stay as last known.":          {State: controller.StateDegraded, Healthy: true, Sources: []inventory.SourceStatus{{Reason: "x"}}},
		"Something is not as the specs ask for; what was valid stays in use.":             {State: controller.StateDegraded, Healthy: true, Message: "disk full"},
		"ScrapeTarget a is broken; everything else is served.":                            {State: controller.StateDegraded, Healthy: true, Objects: []controller.ObjectStatus{{Kind: "ScrapeTarget", Name: "a", Message: "x"}}},
		"2 objects are broken; everything else is served.":                                {State: controller.StateDegraded, Healthy: true, Objects: []controller.ObjectStatus{{Message: "x"}, {Message: "y"}}},
		"The last pass failed; what is published stays.": {
			State: controller.StateDegraded, Healthy: true, Message: "disk full",
			Problems: []spec.Problem{{Message: "x"}}, Objects: []controller.ObjectStatus{{Message: "x"}},
		},
		"A document of the specs is refused; everything else is served.":           {State: controller.StateDegraded, Healthy: true, Message: "a.yaml: x", Problems: []spec.Problem{{Position: spec.Position{File: "a.yaml"}, Message: "x"}}},
		"A configuration that was gone back to is held; targets follow.":           {State: controller.StateDegraded, Healthy: true, Message: "is held", Hold: &controller.Hold{Digest: "a"}},
		"What was gone back to is not held: what the specs ask for is published.":  {State: controller.StateDegraded, Healthy: true, Hold: &controller.Hold{Error: "gone"}},
		"The events of a region do not arrive; its clusters are polled instead.":   {State: controller.StateDegraded, Healthy: true, Sources: []inventory.SourceStatus{{Events: &inventory.EventsStatus{Reason: "x"}}}},
		"Everything the specs ask for is published, and Prometheus has loaded it.": {State: controller.StateOK, Healthy: true},
	} {
		if got := headlineOf(&s, rows(s.Objects)); got.Says != want || got.Advice == "" {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}

// slow answers when it is told to.
type slow struct{ asked, answer chan struct{} }

func (s *slow) Status() *controller.Status { return &controller.Status{} }

func (s *slow) Explain(string) (*plan.Explanation, error) {
	s.asked <- struct{}{}
	<-s.answer
	return &plan.Explanation{}, nil
}

// TestGate: one at a time; who goes away is not answered, and of too many some are
// told so at once.
func TestGate(t *testing.T) {
	t.Parallel()
	s := &slow{make(chan struct{}), make(chan struct{})}
	g := newGate(s)
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error, mostWaiting)
	go func() { _, err := g.ask(t.Context(), "first"); results <- err }()
	<-s.asked
	for range mostWaiting - 1 {
		go func() { _, err := g.ask(ctx, "more"); results <- err }()
	}
	for len(g.waiting) < mostWaiting {
		time.Sleep(time.Millisecond)
	}
	if _, err := g.ask(t.Context(), "too many"); !errors.Is(err, errBusy) {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	for range mostWaiting - 1 {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("who went away: %v", err)
		}
	}
	close(s.answer)
	if err := <-results; err != nil {
		t.Errorf("the first: %v", err)
	}
}

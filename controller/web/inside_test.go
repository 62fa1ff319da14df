package web

import (
	"context"
	"errors"
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/plan"
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

package main

import (
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller"
)

// TestStatusOfSeveral: the table tells of every reason, and until when the last
// error was one.
func TestStatusOfSeveral(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	s := &controller.Status{
		State: controller.StateDegraded, Message: "stage: not a directory", Time: now,
		Reasons: []controller.Reason{
			{Kind: controller.ReasonPass, Message: "stage: not a directory", Count: 1},
			{Kind: controller.ReasonObjects, Message: "a.yaml:1: is\nwrong", Count: 3},
			{Kind: controller.ReasonCluster, Message: "denied", Count: 1},
		},
		LastError: &controller.ErrorStatus{At: now.Add(-time.Hour), Until: now.Add(-time.Minute), Message: "away", Reason: controller.ReasonPrometheus},
	}
	show := func() string { return statusText(s, now, false) }
	for _, want := range []string{
		"State:          degraded: stage: not a directory\nAnd:            a.yaml:1: is wrong (and 2 more like it)\n                denied\n",
		"Last error:     60m ago, over for 60s: away\n",
	} {
		if got := show(); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	s.LastError.Until = time.Time{}
	if got := show(); !strings.Contains(got, "Last error:     60m ago, and now: away\n") {
		t.Error(got)
	}
	s.LastError.Reason = ""
	if got := show(); !strings.Contains(got, "Last error:     60m ago: away\n") {
		t.Error(got)
	}
}

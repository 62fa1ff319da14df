package web

import (
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// TestHeadlines: one plain sentence for whatever is wrong, with its own reason.
func TestHeadlines(t *testing.T) {
	t.Parallel()
	broken := func(names ...string) (out []controller.ObjectStatus, problems []spec.Problem) {
		for _, name := range names {
			out = append(out, controller.ObjectStatus{Kind: "ScrapeTarget", Name: name, Message: name + " is wrong"})
			problems = append(problems, spec.Problem{Object: spec.ID{Kind: "ScrapeTarget", Name: name}, Message: name + " is wrong"})
		}
		return out, problems
	}
	one, wrong := broken("a")
	two, both := broken("a", "b")
	known := controller.TargetsStatus{Total: 3}
	stale := []inventory.ScopeStatus{{State: inventory.Stale}}
	for _, c := range []struct {
		kind   string
		count  int
		status controller.Status
		want   string
	}{
		{controller.ReasonPass, 1, controller.Status{Scopes: stale}, "The last pass failed; what is published stays."},
		{controller.ReasonRefused, 1, controller.Status{}, "Prometheus does not run what the specs ask for."},
		{controller.ReasonPrometheus, 1, controller.Status{}, "Prometheus does not answer as it should; what is published stays."},
		{controller.ReasonPools, 1, controller.Status{}, "Prometheus has the configuration, and still something is missing there."},
		{controller.ReasonOverdue, 1, controller.Status{Targets: known}, "A place on ECS has not been read for too long; targets stay as last known."},
		{controller.ReasonOverdue, 2, controller.Status{Overdue: make([]controller.Overdue, 2)}, "2 places on ECS have not been read for too long; there are no targets yet."},
		{controller.ReasonSpecs, 1, controller.Status{}, "The specs cannot be loaded; the last good ones stay in use, and targets follow."},
		{controller.ReasonHold, 1, controller.Status{Hold: &controller.Hold{Digest: "a"}}, "A configuration that was gone back to is held; targets follow."},
		{controller.ReasonHold, 1, controller.Status{Hold: &controller.Hold{Error: "gone"}}, "What was gone back to is not held: what the specs ask for is published."},
		{controller.ReasonObjects, 1, controller.Status{Objects: one, Problems: wrong}, "ScrapeTarget a is broken; everything else is served."},
		{controller.ReasonObjects, 2, controller.Status{Objects: two, Problems: both}, "2 objects are broken; everything else is served."},
		{controller.ReasonObjects, 1, controller.Status{}, "A document of the specs is refused; everything else is served."},
		{controller.ReasonObjects, 2, controller.Status{}, "2 documents of the specs are refused; everything else is served."},
		{controller.ReasonWaiting, 1, controller.Status{State: controller.StatePending}, "The configuration is published, and Prometheus has not confirmed it yet."},
		{controller.ReasonFiles, 1, controller.Status{}, "Prometheus does not read target files, so it scrapes what was there before."},
		{controller.ReasonRegion, 1, controller.Status{Targets: known}, "The clusters of a region cannot be listed; targets stay as last known."},
		{controller.ReasonRegion, 1, controller.Status{}, "The clusters of a region cannot be listed; there are no targets yet."},
		{controller.ReasonRegion, 2, controller.Status{}, "The clusters of 2 regions cannot be listed; there are no targets yet."},
		{controller.ReasonCluster, 1, controller.Status{Scopes: stale}, "A cluster cannot be read; its targets stay as last known."},
		{controller.ReasonCluster, 2, controller.Status{Scopes: append(stale, inventory.ScopeStatus{State: inventory.Unsynced, Reason: "x"})}, "2 clusters cannot be read; their targets stay as last known."},
		{controller.ReasonCluster, 1, controller.Status{Scopes: []inventory.ScopeStatus{{State: inventory.Unsynced, Reason: "x"}}}, "A cluster cannot be read; its tasks are not known, so there are no targets of them yet."},
		{controller.ReasonFacts, 1, controller.Status{}, "Facts that the specs need cannot be had of AWS; objects that need them keep their targets."},
		{controller.ReasonEvents, 1, controller.Status{}, "The events of a region do not arrive; its clusters are polled instead."},
		{"of another version", 1, controller.Status{}, "Something is not as the specs ask for."},
	} {
		s := c.status
		s.Healthy, s.Reasons = true, []controller.Reason{{Kind: c.kind, Message: "its own reason", Count: c.count, Since: time.Unix(1, 0)}}
		if s.State == "" {
			s.State = controller.StateDegraded
		}
		s.Message = "its own reason"
		got := headlineOf(frame{Status: &s}, rows(s.Objects))
		detail := "its own reason"
		if len(s.Objects) > 0 {
			detail = "a is wrong"
		}
		if got.Says != c.want || got.Advice == "" || got.Detail != detail || len(got.Others) > 0 || got.Since.Zero() {
			t.Errorf("%s: %+v, want %q", c.kind, got, c.want)
		}
	}
}

// TestHeadlinesWithoutReasons: before anything is judged, and when all is well.
func TestHeadlinesWithoutReasons(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]controller.Status{
		"The controller is starting; nothing is published yet.":                    {State: controller.StateStarting},
		"The controller is starting; what was published before stays live.":        {State: controller.StateStarting, Healthy: true},
		"Nothing is published, so Prometheus has nothing to load.":                 {State: controller.StateDegraded},
		"Something is not as the specs ask for; what was valid stays in use.":      {State: controller.StateDegraded, Healthy: true, Message: "disk full"},
		"Everything the specs ask for is published, and Prometheus has loaded it.": {State: controller.StateOK, Healthy: true},
	} {
		if got := headlineOf(frame{Status: &s}, nil); got.Says != want || got.Advice == "" {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}

// TestHeadlinesOfSeveral: the worst, with its own reason, then the others, each with
// its own; and nothing is said to be served that may not be.
func TestHeadlinesOfSeveral(t *testing.T) {
	t.Parallel()
	s := controller.Status{
		State: controller.StateDegraded, Healthy: true, Message: "stage: not a directory",
		Reasons: []controller.Reason{
			{Kind: controller.ReasonPass, Message: "stage: not a directory", Count: 1},
			{Kind: controller.ReasonObjects, Message: "is wrong", Count: 1},
			{Kind: controller.ReasonCluster, Message: "denied", Count: 1},
		},
		Objects:  []controller.ObjectStatus{{Kind: "ScrapeTarget", Name: "a", Message: "is wrong"}},
		Problems: []spec.Problem{{Object: spec.ID{Kind: "ScrapeTarget", Name: "a"}}},
		Scopes:   []inventory.ScopeStatus{{State: inventory.Stale, Reason: "denied"}},
	}
	h := headlineOf(frame{Status: &s}, rows(s.Objects))
	if h.Says != "The last pass failed; what is published stays." || h.Detail != "stage: not a directory" || len(h.Others) != 2 {
		t.Fatalf("%+v", h)
	}
	if o := h.Others[0]; o.Says != "ScrapeTarget a is broken." || o.Detail != "is wrong" {
		t.Errorf("%+v", o)
	}
	if o := h.Others[1]; o.Says != "A cluster cannot be read; its targets stay as last known." || o.Detail != "denied" {
		t.Errorf("%+v", o)
	}
	s.Reasons = s.Reasons[1:]
	if h := headlineOf(frame{Status: &s}, rows(s.Objects)); h.Says != "ScrapeTarget a is broken." || len(h.Others) != 1 {
		t.Errorf("%+v", h)
	}
	s.Healthy, s.Message = false, "is wrong"
	if h := headlineOf(frame{Status: &s}, rows(s.Objects)); h.Detail != "is wrong" || len(h.Others) != 1 {
		t.Errorf("%+v", h)
	}
}

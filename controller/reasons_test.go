package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// kindsOf are the kinds of reasons, with the count of those that are several.
func kindsOf(reasons []Reason) string {
	var out []string
	for _, r := range reasons {
		out = append(out, r.Kind+strings.Repeat("+", r.Count-1))
	}
	return strings.Join(out, " ")
}

// TestSeveralFaults: none of them hides another, and the worst comes first.
func TestSeveralFaults(t *testing.T) {
	t.Parallel()
	confirmed := ConfigStatus{Desired: "a", Published: "a", Confirmed: "a"}
	typo := []spec.Problem{
		{Object: spec.ID{Kind: "ScrapeTarget", Name: "a"}, Message: "is wrong"},
		{Object: spec.ID{Kind: "ScrapeTarget", Name: "a"}, Message: "is wrong twice"},
		{Object: spec.ID{Kind: "ScrapeTarget", Name: "b"}, Message: "is odd", Severity: spec.Warning},
	}
	outage := []inventory.ScopeStatus{
		{Scope: prod, State: inventory.Stale, Since: time.Unix(9, 0), Reason: "denied"},
		{Scope: inventory.Scope{Cluster: "other"}, State: inventory.Unsynced, Since: time.Unix(5, 0), Reason: "denied"},
		{Scope: inventory.Scope{Cluster: "not asked"}, State: inventory.Unsynced},
	}
	overdue := []Overdue{{Account: prod.Account, Region: prod.Region, Cluster: prod.Cluster, Reason: "denied", Since: time.Unix(9, 0)}}
	pass := reasons{ReasonPass: {Kind: ReasonPass, Message: "stage: not a directory", Count: 1}}
	away := reasons{ReasonPrometheus: {Kind: ReasonPrometheus, Message: "away", Count: 1}}
	for _, c := range []struct {
		name           string
		status         Status
		faults         reasons
		kinds, message string
		state          string
	}{
		{"a pass and clusters", Status{Config: confirmed, Scopes: outage}, pass, "pass cluster+", "stage: not a directory", StateDegraded},
		{"a typo and an outage", Status{Config: confirmed, Problems: typo, Scopes: outage}, nil, "objects cluster+", ": is wrong", StateDegraded},
		{
			"an outage that lasts",
			Status{Config: confirmed, Problems: typo, Scopes: outage, Overdue: overdue},
			nil, "overdue objects cluster",
			"cluster 111111111111/us-east-1/prod has not been read since 1970-01-01T00:00:09Z, its targets are as last known: denied", StateDegraded,
		},
		{
			"a hold and a typo",
			Status{Config: ConfigStatus{Desired: "b", Published: "a", Confirmed: "a"}, Problems: typo, Hold: &Hold{Error: "gone"}},
			nil,
			"hold objects", "a configuration was to be held and is not: gone", StateDegraded,
		},
		{
			"Prometheus, the specs and late files",
			Status{Config: ConfigStatus{Desired: "a", Published: "a", Error: "away"}, Specs: SpecsStatus{Error: "gone"}, Prometheus: PrometheusStatus{Unread: []string{"x"}, Lag: 200}},
			away,
			"prometheus specs files", "away", StateDegraded,
		},
		{"waiting, and a cluster", Status{Config: ConfigStatus{Desired: "a", Published: "a"}, Scopes: outage}, nil, "waiting cluster+", "waiting for Prometheus to load the configuration", StatePending},
		{
			"a region that is overdue stands for its clusters",
			Status{
				Config: confirmed, Scopes: outage[:1], Overdue: []Overdue{{Account: prod.Account, Region: prod.Region}},
				Sources: []inventory.SourceStatus{{Account: prod.Account, Region: prod.Region, Reason: "denied", Events: &inventory.EventsStatus{Reason: "no queue"}}},
			},
			nil, "overdue events", "", StateDegraded,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.status
			r := reasons{}
			for kind, reason := range c.faults {
				r[kind] = reason
			}
			s.judge(r)
			if kinds := kindsOf(s.Reasons); kinds != c.kinds || s.State != c.state || c.message != "" && s.Message != c.message {
				t.Errorf("%s, %q, %q", s.State, kinds, s.Message)
			}
		})
	}
}

// TestReasonsSince: of several things the first counts.
func TestReasonsSince(t *testing.T) {
	t.Parallel()
	r := reasons{}
	r.add(ReasonCluster, "a", time.Unix(9, 0))
	r.add(ReasonCluster, "b", time.Unix(5, 0))
	r.add(ReasonCluster, "c", time.Time{})
	want := []Reason{{Kind: ReasonCluster, Message: "a", Count: 3, Since: time.Unix(5, 0).UTC()}}
	if diff := cmp.Diff(want, r.sorted()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestLastError: whatever came to be wrong last, from when to when, also while
// something else still is, and across a restart.
func TestLastError(t *testing.T) {
	t.Parallel()
	at := func(second int64) time.Time { return time.Unix(second, 0).UTC() }
	typo, cluster := Reason{Kind: ReasonObjects, Message: "a typo"}, Reason{Kind: ReasonCluster, Message: "request 1"}
	later := Reason{Kind: ReasonCluster, Message: "request 2"}
	m := recollection{}
	for i, step := range []struct {
		reasons []Reason
		want    *ErrorStatus
	}{
		{nil, nil},
		{[]Reason{{Kind: ReasonWaiting}, {Kind: ReasonInterference}}, nil},
		{[]Reason{typo}, &ErrorStatus{At: at(2), Message: "a typo", Reason: ReasonObjects}},
		{[]Reason{typo, cluster}, &ErrorStatus{At: at(3), Message: "request 1", Reason: ReasonCluster}},
		{[]Reason{typo, later}, &ErrorStatus{At: at(3), Message: "request 2", Reason: ReasonCluster}},
		{[]Reason{typo}, &ErrorStatus{At: at(3), Until: at(5), Message: "request 2", Reason: ReasonCluster}},
		{nil, &ErrorStatus{At: at(3), Until: at(5), Message: "request 2", Reason: ReasonCluster}},
		{[]Reason{typo}, &ErrorStatus{At: at(7), Message: "a typo", Reason: ReasonObjects}},
	} {
		m.fail(step.reasons, at(int64(i)))
		if diff := cmp.Diff(step.want, m.last); diff != "" {
			t.Errorf("step %d: -want +got\n%s", i, diff)
		}
	}
	again := recollection{last: m.last}
	again.fail([]Reason{typo}, at(60))
	if diff := cmp.Diff(m.last, again.last); diff != "" {
		t.Errorf("after a restart: -want +got\n%s", diff)
	}
	gone := recollection{last: m.last}
	gone.fail(nil, at(60))
	if !gone.last.Until.Equal(at(60)) {
		t.Errorf("over after a restart: %+v", gone.last)
	}
}

// TestFaultsOfPrometheus: what it lacks is told once, and so is that it is away.
func TestFaultsOfPrometheus(t *testing.T) {
	t.Parallel()
	lacks, away := &target.PoolsMissingError{Pools: []string{"a"}}, &target.UnreachableError{Cause: errBroken}
	for _, c := range []struct {
		said, problem error
		confirmed     string
		want          string
	}{
		{lacks, lacks, "a", ReasonPools},
		{lacks, lacks, "", ReasonRefused},
		{nil, lacks, "a", ReasonPools},
		{away, lacks, "a", ReasonPrometheus + " " + ReasonPools},
		{away, away, "a", ReasonPrometheus},
		{nil, nil, "a", ""},
	} {
		w := &Controller{config: configState{problem: c.problem, confirmed: c.confirmed}}
		w.waiting.Store(&waiting{err: c.said})
		if got := kindsOf(w.faults().sorted()); got != c.want {
			t.Errorf("Prometheus says %v, the problem is %v: %q, want %q", c.said, c.problem, got, c.want)
		}
	}
}

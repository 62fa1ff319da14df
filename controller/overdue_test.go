package controller

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"ecs-scrape/reconcile/inventory"
)

// TestOverdue: a place that is not read for too long raises the alarm once, in
// the status, the log and a metric, without a pass that would find anything,
// and loses nothing.
func TestOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.StaleAfter, w.options.SpecsInterval = 15*time.Minute, time.Minute
		w.start(w.server)
		defer w.stop()
		w.wait(window)
		w.inventory.Scale(2)
		w.wait(window)
		stale := inventory.ScopeStatus{Scope: prod, State: inventory.Stale, Since: time.Now(), Reason: "throttled"}
		w.inventory.Become(stale)
		w.wait(14 * time.Minute)
		w.log.Take()
		if s := w.c.Status(); len(s.Overdue) > 0 || s.State != StateDegraded || s.Message != "cluster 111111111111/us-east-1/prod: throttled" {
			t.Errorf("before its time: %+v, %s, %s", s.Overdue, s.State, s.Message)
		}
		w.wait(30 * time.Minute)
		s := w.c.Status()
		const place = "cluster 111111111111/us-east-1/prod"
		if len(s.Overdue) != 1 || s.Overdue[0].Reason != "throttled" || !strings.HasPrefix(s.Message, place+" has not been read since ") {
			t.Errorf("overdue: %+v, %s", s.Overdue, s.Message)
		}
		if log := w.log.Take(); len(log) != 1 || !strings.Contains(log[0], "not read for too long") {
			t.Errorf("logged: %q", log)
		}
		if n := w.output.Targets(); n != 2 {
			t.Errorf("%d targets, want both", n)
		}
		if err := testutil.GatherAndCompare(w.registry, strings.NewReader(`# HELP ecs_scrape_scopes_overdue Clusters, and regions whose clusters cannot be listed, that have not been read for longer than --ecs.stale-after.
# TYPE ecs_scrape_scopes_overdue gauge
ecs_scrape_scopes_overdue 1
# HELP ecs_scrape_cluster_stale_seconds Seconds for which a cluster could not be read; 0 while it can. Its targets are served as last known.
# TYPE ecs_scrape_cluster_stale_seconds gauge
ecs_scrape_cluster_stale_seconds{account="111111111111",cluster="prod",region="us-east-1"} 2640
`), "ecs_scrape_scopes_overdue", "ecs_scrape_cluster_stale_seconds"); err != nil {
			t.Error(err)
		}
		w.inventory.Become(inventory.ScopeStatus{Scope: prod, State: inventory.Synced})
		w.wait(time.Minute)
		if s := w.c.Status(); len(s.Overdue) > 0 || s.State != StateOK {
			t.Errorf("read again: %+v, %s %s", s.Overdue, s.State, s.Message)
		}
		if log := w.log.Take(); !slices.ContainsFunc(log, func(l string) bool { return strings.Contains(l, "no longer overdue") }) {
			t.Errorf("logged: %q", log)
		}
	})
}

// TestFailingIsLogged: that a place cannot be read is told once, after a minute, and
// so is that it can be again; of what was not tried yet, nothing.
func TestFailingIsLogged(t *testing.T) {
	t.Parallel()
	log := &journal{}
	c := &Controller{options: Options{Log: slog.New(log)}}
	begun := time.Unix(1000, 0)
	denied := Status{
		Sources: []inventory.SourceStatus{{Source: inventory.Source{Region: "r"}, Since: begun, Reason: "denied"}},
		Scopes: []inventory.ScopeStatus{
			{Scope: prod, State: inventory.Stale, Since: begun, Reason: "request 1"},
			{Scope: inventory.Scope{Cluster: "new"}, State: inventory.Unsynced, Since: begun},
		},
	}
	again := denied
	again.Scopes = []inventory.ScopeStatus{{Scope: prod, State: inventory.Stale, Since: begun, Reason: "request 2"}}
	const warning, info = "WARN cannot be read; its targets stay as last known", "INFO can be read again"
	for i, step := range []struct {
		status *Status
		after  time.Duration
		want   []string
	}{
		{&denied, 59 * time.Second, nil},
		{&denied, time.Minute, []string{warning, warning}},
		{&again, time.Hour, nil},
		{&Status{Sources: denied.Sources}, time.Hour, []string{info}},
		{&Status{}, time.Hour, []string{info}},
		{&Status{}, time.Hour, nil},
	} {
		c.logFailing(step.status, begun.Add(step.after))
		if got := log.Take(); !slices.Equal(got, step.want) {
			t.Errorf("step %d: logged %q, want %q", i, got, step.want)
		}
	}
}

// TestOverduePlaces: regions whose clusters cannot be listed count, places that
// are gone or synced do not, and 0 is never.
func TestOverduePlaces(t *testing.T) {
	t.Parallel()
	now := time.Unix(10_000, 0)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	sources := []inventory.SourceStatus{
		{Source: inventory.Source{Region: "eu-west-1"}, Since: ago(time.Hour), Reason: "denied"},
		{Account: "1", Region: "us-east-1", Listed: true},
		{Account: "2", Region: "us-east-1", Listed: true, Since: ago(time.Hour), Reason: "denied"},
	}
	scope := func(cluster string, state inventory.State, since time.Duration) inventory.ScopeStatus {
		return inventory.ScopeStatus{Scope: inventory.Scope{Account: "1", Region: "us-east-1", Cluster: cluster}, State: state, Since: ago(since)}
	}
	scopes := []inventory.ScopeStatus{
		scope("fresh", inventory.Stale, time.Minute), scope("gone", inventory.Gone, time.Hour),
		scope("never", inventory.Unsynced, 2*time.Hour), scope("old", inventory.Stale, 15*time.Minute), scope("synced", inventory.Synced, 0),
		{Scope: inventory.Scope{Account: "2", Region: "us-east-1", Cluster: "old"}, State: inventory.Stale, Since: ago(time.Hour)},
	}
	var got []string
	for _, o := range overdue(sources, scopes, now, 15*time.Minute) {
		got = append(got, o.place())
	}
	want := []string{"cluster 1/us-east-1/never", "region ?/eu-west-1", "region 2/us-east-1", "cluster 1/us-east-1/old"}
	if !slices.Equal(got, want) {
		t.Errorf("overdue %q, want %q", got, want)
	}
	if got := overdue(sources, scopes, now, 0); len(got) > 0 {
		t.Errorf("never means never: %v", got)
	}
}

// TestEventsAreLogged: that events do not arrive, and that they do again, is
// logged once each, and nothing before it is known.
func TestEventsAreLogged(t *testing.T) {
	t.Parallel()
	log := &journal{}
	c := &Controller{options: Options{Log: slog.New(log)}}
	for _, step := range []struct {
		events *inventory.EventsStatus
		want   []string
	}{
		{&inventory.EventsStatus{}, nil},
		{&inventory.EventsStatus{Working: true}, nil},
		{&inventory.EventsStatus{Reason: "denied"}, []string{"WARN events do not arrive; clusters are polled"}},
		{&inventory.EventsStatus{Reason: "denied"}, nil},
		{&inventory.EventsStatus{Working: true}, []string{"INFO events arrive again"}},
		{nil, nil},
	} {
		c.logEvents([]inventory.SourceStatus{{Account: "1", Region: "r", Source: inventory.Source{EventsQueue: "q"}, Events: step.events}})
		if got := log.Take(); !slices.Equal(got, step.want) {
			t.Errorf("%+v: logged %q, want %q", step.events, got, step.want)
		}
	}
}

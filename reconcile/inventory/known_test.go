package inventory

import (
	"testing"
	"time"
)

func TestPredates(t *testing.T) {
	s := synced(t, running("a", 3))
	other := Scope{Account: "123456789012", Region: "us-east-1", Cluster: "other"}
	elsewhere := running("x", 1)
	elsewhere.Scope = other
	for name, c := range map[string]struct {
		event Event
		floor time.Time
		want  bool
	}{
		"of a known task":                      {Event{Task: running("a", 4), At: start.Add(-time.Hour)}, start, false},
		"long before the listing":              {Event{Task: running("b", 1), At: start.Add(-3 * time.Minute)}, start.Add(-time.Hour), true},
		"just before it":                       {Event{Task: running("b", 1), At: start.Add(-time.Minute)}, start.Add(-time.Hour), false},
		"after it":                             {Event{Task: running("b", 1), At: start.Add(time.Minute)}, start.Add(-time.Hour), false},
		"long before any listing of a scope":   {Event{Task: elsewhere, At: start.Add(-time.Hour)}, start, true},
		"of a scope that is not listed so far": {Event{Task: elsewhere, At: start}, start, false},
	} {
		if got := s.Predates(c.event, c.floor); got != c.want {
			t.Errorf("an event %s: %v, want %v", name, got, c.want)
		}
	}
}

func TestRemark(t *testing.T) {
	s := synced(t, running("a", 3))
	before := s.Revision()
	s.Remark(testScope, "waits")
	if st := s.Snapshot().Status(testScope); st.State != Synced || st.Reason != "waits" || s.Revision() == before {
		t.Errorf("status %+v", st)
	}
	if len(s.Snapshot().Tasks) != 1 {
		t.Error("the remark took the tasks")
	}
	s.Fail(testScope, "denied", start)
	s.Remark(testScope, "")
	if st := s.Snapshot().Status(testScope); st.State != Stale || st.Reason != "denied" {
		t.Errorf("a remark hides a failure: %+v", st)
	}
}

func TestRefreshWithin(t *testing.T) {
	s := synced(t, running("a", 3))
	if got := s.RefreshWithin(testScope); got != Refresh {
		t.Errorf("%v, want %v", got, Refresh)
	}
	external := running("b", 1)
	external.LaunchType = LaunchExternal
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{external}})
	if got := s.RefreshWithin(testScope); got != RefreshExternal {
		t.Errorf("%v with a task of ECS Anywhere, want %v", got, RefreshExternal)
	}
}

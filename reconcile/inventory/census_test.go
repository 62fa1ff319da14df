package inventory

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// web is a task of the service of that name.
func web(t *Task) *Task {
	t.Group = "service:web"
	return t
}

func pendingTask(arn string, version int64) *Task {
	t := running(arn, version)
	t.LastStatus = StatusPending
	return t
}

func crash(s *Store, now time.Time, t *Task) {
	s.Observe([]Event{{At: now, Facts: s.generation, Task: t, Crashed: true}}, now)
}

func wantCensus(t *testing.T, s *Store, now time.Time, want ...ServiceTasks) {
	t.Helper()
	for i := range want {
		want[i].Scope = testScope
	}
	if diff := cmp.Diff(want, s.Census(now)); diff != "" {
		t.Errorf("census: -want +got\n%s", diff)
	}
}

// TestCensus goes through the life of a service.
func TestCensus(t *testing.T) {
	s := synced(t, web(running("a", 2)), running("b", 2))
	now := start.Add(time.Hour)
	wantCensus(t, s, now, ServiceTasks{Running: 1, Desired: -1}, ServiceTasks{Service: "web", Running: 1, Desired: -1})

	observe(s, now, now, web(pendingTask("c", 1)))
	wantCensus(t, s, now, ServiceTasks{Running: 1, Desired: -1}, ServiceTasks{Service: "web", Running: 1, Pending: 1, Desired: -1, Started: 1})
	observe(s, now, now, web(running("c", 2)), stopping("b", 3))
	wantCensus(t, s, now, ServiceTasks{Desired: -1, Stopped: 1}, ServiceTasks{Service: "web", Running: 2, Desired: -1, Started: 1})

	// That it crashed may be told with the stop, or later, and is counted once.
	crash(s, now, web(stopping("a", 3)))
	observe(s, now, now, web(stopping("c", 3)))
	crash(s, now, web(stopping("c", 4)))
	crash(s, now, web(stopping("c", 5)))
	gone := ServiceTasks{Service: "web", Desired: -1, Started: 1, Stopped: 2, Crashed: 2}
	wantCensus(t, s, now, ServiceTasks{Desired: -1, Stopped: 1}, gone)

	// A task that nobody saw run has started and stopped all the same.
	crash(s, now, web(stopping("d", 2)))
	gone.Stopped, gone.Crashed = 3, 3
	wantCensus(t, s, now, ServiceTasks{Desired: -1, Stopped: 1}, gone)
	wantCensus(t, s, now.Add(censusAge), ServiceTasks{Desired: -1, Stopped: 1}, gone)
	wantCensus(t, s, now.Add(censusAge+time.Second))
}

// TestCensusOfAStaleScope: what was known last is told, however long ago.
func TestCensusOfAStaleScope(t *testing.T) {
	s := synced(t, web(running("a", 2)))
	s.PutDesired(testScope, []DesiredTasks{{"web", 1}, {"idle", 2}}, true, start)
	s.Fail(testScope, "denied", start)
	later := start.Add(24 * time.Hour)
	wantCensus(t, s, later, ServiceTasks{Service: "idle", Desired: 2}, ServiceTasks{Service: "web", Running: 1, Desired: 1})
	s.Gone(testScope, "MISSING", later)
	wantCensus(t, s, later)
}

// TestDesired: a service without tasks is counted while it is known to be there.
func TestDesired(t *testing.T) {
	s := synced(t, web(running("a", 2)))
	s.PutDesired(testScope, []DesiredTasks{{"web", 1}, {"idle", 2}}, true, start)
	some, idle := ServiceTasks{Service: "web", Running: 1, Desired: 1}, ServiceTasks{Service: "idle", Desired: 2}
	wantCensus(t, s, start.Add(desiredAge), idle, some)

	if diff := cmp.Diff([]string{"idle"}, s.Short(testScope, start.Add(time.Minute), time.Minute)); diff != "" {
		t.Errorf("short: -want +got\n%s", diff)
	}
	if short := s.Short(testScope, start.Add(time.Second), time.Minute); len(short) > 0 {
		t.Errorf("asked for again too soon: %v", short)
	}

	// A complete reading that does not name it, or none for long, ends that.
	read := start.Add(10 * time.Minute)
	s.PutDesired(testScope, []DesiredTasks{{"web", 3}}, true, read)
	some.Desired, idle.Desired = 3, -1
	wantCensus(t, s, read, idle, some)
	some.Desired = -1
	wantCensus(t, s, read.Add(desiredAge+time.Second), idle, some)
	wantCensus(t, s, read.Add(2*censusAge), some)
}

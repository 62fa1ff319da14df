package inventory

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOmitted: a snapshot names the tasks that listings omit, since the first that
// did, until they are listed again or end.
func TestOmitted(t *testing.T) {
	s := synced(t, running("a", 1), running("b", 1), running("c", 1))
	list := func(after time.Duration, tasks ...string) *Snapshot {
		t.Helper()
		at := start.Add(after)
		s.Describe(Description{Scope: testScope, Asked: at, Answered: at, Tasks: []*Task{running("a", 1), running("b", 1), running("c", 1)}})
		if err := s.Complete(Listing{Scope: testScope, Began: at, Tasks: tasks}, at); err != nil {
			t.Fatal(err)
		}
		return s.Snapshot()
	}
	want := func(snap *Snapshot, want ...Omission) {
		t.Helper()
		if diff := cmp.Diff(want, snap.Omitted); diff != "" || snap.Waiting != len(want) {
			t.Errorf("%d wait; -want +got\n%s", snap.Waiting, diff)
		}
	}
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute).UTC() }
	want(list(time.Minute, "a", "b", "c"))
	want(list(2*time.Minute, "a", "c"), Omission{testScope, "b", minute(2)})
	want(list(3*time.Minute, "c"), Omission{testScope, "b", minute(2)}, Omission{testScope, "a", minute(3)})
	want(list(4*time.Minute, "b", "c"), Omission{testScope, "a", minute(3)})
	at := start.Add(5 * time.Minute)
	s.Describe(Description{Scope: testScope, Asked: at, Answered: at, Tasks: []*Task{stopping("a", 2)}})
	s.Describe(Description{Scope: testScope, Asked: at, Answered: at, Missing: []string{"a"}})
	if snap := s.Snapshot(); snap.Waiting != len(snap.Omitted) {
		t.Errorf("%d wait, %+v", snap.Waiting, snap.Omitted)
	}
}

// TestOmittedIsBounded: all are counted, a hundred are named.
func TestOmittedIsBounded(t *testing.T) {
	var all []*Task
	for i := range 150 {
		all = append(all, running(fmt.Sprintf("%03d", i), 1))
	}
	s := synced(t, all...)
	at := start.Add(time.Minute)
	if err := s.Complete(Listing{Scope: testScope, Began: at}, at); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	if snap.Waiting != 150 || len(snap.Omitted) != maxOmissions || snap.Omitted[99].Task != "099" {
		t.Errorf("%d wait, %d are named", snap.Waiting, len(snap.Omitted))
	}
}

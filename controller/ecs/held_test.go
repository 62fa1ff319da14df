package ecs

import (
	"slices"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// wantHeld asks for everything, as a controller does that finds targets of
// these tasks published at a time.
func (w *world) wantHeld(since time.Time, arns ...string) {
	scope := inventory.Scope{Account: w.Place.Scope().Account, Region: "us-east-1", Cluster: "prod"}
	held := inventory.Held{Scope: scope, Since: since}
	for _, arn := range arns {
		held.Tasks = append(held.Tasks, nameOf(arn))
	}
	slices.Sort(held.Tasks)
	w.Want(inventory.Want{Sources: []inventory.Source{{}}, Held: []inventory.Held{held}})
}

// tasks are the ARNs of the account's tasks, as another watcher sees them.
func (w *world) tasks() []string {
	w.t.Helper()
	other, err := New(Options{})
	w.must(err)
	other.Want(inventory.Want{Sources: []inventory.Source{{}}})
	w.must(other.Once(w.t.Context()))
	var arns []string
	for _, t := range other.Snapshot().Tasks {
		arns = append(arns, t.ARN)
	}
	return arns
}

func TestHeldTaskThatTheFirstListingOmits(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 3)
	arns := w.tasks()
	w.must(w.OmitFromNextListing(arns[1]))
	w.wantHeld(w.now(), arns...)
	snap := w.good()
	wantState(t, snap, "prod", inventory.Synced)
	wantTasks(t, snap, 3)
	wantTasks(t, w.good(), 3)
}

func TestHeldTaskThatHasStopped(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 3)
	arns := w.tasks()
	w.must(w.Scale("prod", "web", 2))
	w.wantHeld(w.now(), arns...)
	wantTasks(t, w.good(), 2)
}

func TestHeldTaskThatIsMissing(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 2)
	unknown := "0123456789abcdef0123456789abcdef"
	w.wantHeld(w.now(), unknown)
	wantState(t, w.bad("not answered for, such as "+unknown), "prod", inventory.Unsynced)
	w.pass(2 * time.Minute) // known for so long, it is believed
	snap := w.good()
	wantState(t, snap, "prod", inventory.Synced)
	wantTasks(t, snap, 2)
}

func TestHeldTaskWhoseDescribeFails(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 1)
	arns := w.tasks()
	w.must(w.OmitFromNextListing(arns[0]))
	release := w.Deny(awssim.Match{Operation: "DescribeTasks"})
	w.wantHeld(w.now().Add(-time.Hour), arns...)
	wantState(t, w.bad("describe tasks in prod"), "prod", inventory.Unsynced)
	release()
	w.must(w.OmitFromNextListing(arns[0]))
	wantTasks(t, w.good(), 1)
}

// TestHeldTasksWakeNobody: the tasks of a scope that is held already are for
// the next poll, and a scope is a reason for one only when it is new.
func TestHeldTasksWakeNobody(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	woken := func() bool {
		select {
		case <-w.wanted:
			return true
		default:
			return false
		}
	}
	for i, step := range []struct {
		tasks []string
		want  bool
	}{{[]string{"a"}, true}, {[]string{"a"}, false}, {[]string{"a", "b"}, false}, {nil, false}} {
		w.wantHeld(time.Time{}, step.tasks...)
		if got := woken(); got != step.want {
			t.Errorf("step %d: a poll at once: %v, want %v", i, got, step.want)
		}
	}
	w.Want(inventory.Want{Sources: []inventory.Source{{}}, Held: []inventory.Held{{Scope: inventory.Scope{Account: "1", Region: "r", Cluster: "c"}}}})
	if !woken() {
		t.Error("no poll for a scope that was not held before")
	}
}

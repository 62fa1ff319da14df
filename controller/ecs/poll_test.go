package ecs

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

func TestManyPages(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 250)
	fargate(t, w.Place, "test", 3)
	w.want("pr*")
	snap := w.good()
	wantTasks(t, snap, 250)
	wantState(t, snap, "prod", inventory.Synced)
	if len(snap.Scopes) != 1 || len(snap.Sources) != 1 || !snap.Sources[0].Listed || snap.Sources[0].Account == "" {
		t.Fatal(describeSnapshot(snap))
	}
	addresses := map[netip.Addr]bool{}
	for _, task := range snap.Tasks {
		if !task.Running() || task.Service() != "web" || snap.Definitions[task.Definition] == nil {
			t.Fatalf("odd task %+v", task)
		}
		addresses[task.Containers[0].Addresses[0]] = true
		if task.Interface == nil || task.Interface.IPv4 != task.Containers[0].Addresses[0] {
			t.Fatalf("interface %+v, containers %+v", task.Interface, task.Containers)
		}
	}
	if len(addresses) != 250 {
		t.Fatalf("%d addresses", len(addresses))
	}
	w.wantCalls("DescribeTaskDefinition", 1)
	w.ResetCalls()
	again := w.good()
	if !snap.SameTasks(again) {
		t.Error("an idle poll changed the tasks")
	}
	if calls, _ := w.CallsTo("DescribeTasks"); calls != 0 {
		t.Errorf("an idle poll described tasks %d times", calls)
	}
}

func TestHalfFailedPaginationKeepsAll(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 250)
	fargate(t, w.Place, "test", 3)
	w.want()
	wantTasks(t, w.good(), 253)
	release := w.FailPage(awssim.Match{Operation: "ListTasks", Cluster: "prod"}, 2)
	w.must(w.Scale("prod", "web", 150))
	w.must(w.Scale("test", "web", 5))
	snap := w.bad("list tasks in prod")
	wantState(t, snap, "prod", inventory.Stale)
	wantState(t, snap, "test", inventory.Synced)
	wantTasks(t, snap, 255)
	if st := status(t, snap, "prod"); st.Since.IsZero() || !strings.Contains(st.Reason, "list tasks in prod") || strings.Contains(st.Reason, "RequestID") {
		t.Fatalf("status %+v", st)
	}
	release()
	snap = w.good()
	wantState(t, snap, "prod", inventory.Synced)
	wantTasks(t, snap, 155)
}

func TestFirstListingFails(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 150)
	w.want()
	release := w.Deny(awssim.Match{Operation: "DescribeTaskDefinition"})
	snap := w.bad("AccessDenied")
	wantState(t, snap, "prod", inventory.Unsynced)
	wantTasks(t, snap, 0)
	release()
	wantTasks(t, w.good(), 150)
}

func TestOmittedTaskStaysUntilItStops(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 3)
	w.want()
	arn := w.good().Tasks[0].ARN
	w.must(w.OmitFromNextListing(arn))
	snap := w.good()
	wantTasks(t, snap, 3)
	if snap.Waiting != 1 {
		t.Fatalf("%d tasks wait", snap.Waiting)
	}
	if snap = w.good(); snap.Waiting != 0 {
		t.Fatal("the task is listed again and still waits")
	}
	w.must(w.StopTask(arn, "test"))
	w.must(w.ListStopped(arn))
	wantTasks(t, w.good(), 4) // no evidence yet, and its successor
	for _, task := range w.good().Tasks {
		if task.ARN == arn {
			t.Fatal("the stopped task is still there")
		}
	}
}

func TestMissingIsNotBelievedOfAYoungTask(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 3)
	w.want()
	arn := w.good().Tasks[0].ARN
	for range 2 {
		w.must(w.MissingOnce(arn))
		w.must(w.OmitFromNextListing(arn))
		wantTasks(t, w.good(), 3)
	}
	w.pass(2 * time.Minute)
	w.must(w.MissingOnce(arn))
	w.must(w.OmitFromNextListing(arn))
	wantTasks(t, w.good(), 2)
	wantTasks(t, w.good(), 3) // listed and described again: MISSING was wrong
}

func TestOlderAnswerIsDropped(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 2)
	w.want()
	arn := w.good().Tasks[0].ARN
	w.must(w.DescribeOlder(arn))
	w.pass(9 * time.Minute)
	snap := w.good()
	wantTasks(t, snap, 2)
	if !snap.Tasks[0].Running() {
		t.Fatalf("an older answer won: %+v", snap.Tasks[0])
	}
}

func TestDeniedRegionLeavesTheOther(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	west := w.Region("", "us-west-2")
	fargate(t, w.Place, "prod", 2)
	fargate(t, west, "prod", 4)
	w.Want(inventory.Want{Sources: []inventory.Source{{Region: "us-east-1"}, {Region: "us-west-2"}}})
	wantTasks(t, w.good(), 6)
	defer w.Deny(awssim.Match{Region: "us-west-2", Service: "ecs"})()
	w.must(w.Scale("prod", "web", 1))
	snap := w.bad("us-west-2")
	wantTasks(t, snap, 5)
	for _, st := range snap.Scopes {
		want := map[string]inventory.State{"us-east-1": inventory.Synced, "us-west-2": inventory.Stale}[st.Scope.Region]
		if st.State != want {
			t.Errorf("%v is %s (%s), want %s", st.Scope, st.State, st.Reason, want)
		}
	}
	if snap.Sources[0].Reason != "" || !strings.Contains(snap.Sources[1].Reason, "AccessDenied") {
		t.Errorf("sources %+v", snap.Sources)
	}
}

func TestUnreachable(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{CallTimeout: time.Second})
	fargate(t, w.Place, "prod", 2)
	w.want()
	w.good()
	w.Close()
	snap := w.bad("list clusters")
	wantState(t, snap, "prod", inventory.Stale)
	wantTasks(t, snap, 2)
	first := status(t, snap, "prod")
	if diff := cmp.Diff(first, status(t, w.bad("list clusters"), "prod")); diff != "" {
		t.Errorf("an equal failure changed the status: %s", diff)
	}
}

func TestClusterDeleted(t *testing.T) {
	for name, remove := range map[string]func(*world){
		"inactive": func(w *world) { w.must(w.DeleteCluster("prod")) },
		"missing":  func(w *world) { w.must(w.DeleteCluster("prod")); w.ForgetCluster("prod") },
		"renamed away": func(w *world) {
			w.want("te*")
			wantState(w.t, w.Snapshot(), "prod", inventory.Gone) // at once
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, awssim.Options{}, Options{})
			fargate(t, w.Place, "prod", 2)
			fargate(t, w.Place, "test", 1)
			w.want()
			wantTasks(t, w.good(), 3)
			remove(w)
			snap := w.good()
			wantState(t, snap, "prod", inventory.Gone)
			wantState(t, snap, "test", inventory.Synced)
			wantTasks(t, snap, 1)
		})
	}
}

func TestHeldScopes(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 1)
	account := w.Place.Scope().Account
	held := []inventory.Scope{
		{Account: account, Region: "us-east-1", Cluster: "deleted-long-ago"},
		{Account: account, Region: "us-east-1", Cluster: "prod"},
		{Account: account, Region: "eu-north-1", Cluster: "prod"},
	}
	release := w.Deny(awssim.Match{Operation: "DescribeClusters"})
	var want inventory.Want
	for _, scope := range held {
		want.Held = append(want.Held, inventory.Held{Scope: scope})
	}
	want.Sources = []inventory.Source{{}}
	w.Want(want)
	snap := w.bad("describe clusters")
	if st := snap.Status(held[0]); st.State != inventory.Unsynced {
		t.Fatalf("denied: %+v", st)
	}
	release()
	snap = w.good()
	for i, want := range []inventory.State{inventory.Gone, inventory.Synced, inventory.Gone} {
		if st := snap.Status(held[i]); st.State != want {
			t.Errorf("%+v, want %s", st, want)
		}
	}
}

func TestEnvironmentOnlyAsMentioned(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 2)
	_, err := w.RunTask("prod", awssim.RunTask{
		TaskDefinition: "web-prod", Launch: awssim.LaunchFargate, Tags: map[string]string{"env": "x"},
		Environment: map[string]map[string]string{"app": {"MODE": "override", "TOKEN": "hunter3"}},
	})
	w.must(err)
	w.want()
	snap := w.good()
	refuse(t, snap, "hunter2", "hunter3", "plain", "override", `"env"`)
	w.Want(inventory.Want{Sources: []inventory.Source{{}}, Facts: inventory.Facts{Environment: []string{"MODE"}, TaskTags: true}})
	if st := status(t, w.Snapshot(), "prod"); len(st.Facts.Environment) != 0 {
		t.Fatalf("facts before they were read: %+v", st.Facts)
	}
	wantTasks(t, w.Snapshot(), 3)
	snap = w.good()
	refuse(t, snap, "hunter2", "hunter3")
	text := encode(t, snap)
	for _, want := range []string{`"MODE":"plain"`, `"MODE":"override"`, `"env":"x"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the snapshot", want)
		}
	}
	if diff := cmp.Diff(inventory.Facts{Environment: []string{"MODE"}, TaskTags: true}, status(t, snap, "prod").Facts); diff != "" {
		t.Error(diff)
	}
	w.want()
	refuse(t, w.Snapshot(), "plain", "override", `"env"`)
}

func encode(t *testing.T, snap *inventory.Snapshot) string {
	t.Helper()
	text, err := json.Marshal(snap)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func refuse(t *testing.T, snap *inventory.Snapshot, secrets ...string) {
	t.Helper()
	text := encode(t, snap)
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("the snapshot holds %s", s)
		}
	}
}

func TestRefreshInTurn(t *testing.T) {
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{}))
	fargate(t, w.Place, "prod", 450)
	w.want()
	w.good()
	w.ResetCalls()
	for range 40 { // ten minutes of polls
		w.pass(15 * time.Second)
		w.good()
	}
	calls, _ := w.CallsTo("DescribeTasks")
	if calls < 5 || calls > 12 {
		t.Errorf("%d calls of DescribeTasks in ten minutes", calls)
	}
	w.must(w.SetHealth(w.Snapshot().Tasks[7].ARN, "UNHEALTHY"))
	for range 40 {
		w.pass(15 * time.Second)
		w.good()
	}
	if got := w.Snapshot().Tasks[7].HealthStatus; got != "UNHEALTHY" {
		t.Errorf("health %s after ten minutes", got)
	}
}

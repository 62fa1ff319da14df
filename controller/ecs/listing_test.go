package ecs

import (
	"fmt"
	"testing"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// What the pages there are name is asked for before the others have come, and not
// again when the listing has failed.
func TestPagesAreReadAhead(t *testing.T) {
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{}))
	fargate(t, w.Place, "prod", 350)
	w.want()
	release := w.FailPage(awssim.Match{Operation: "ListTasks"}, 3)
	snap := w.bad("list tasks in prod")
	wantTasks(t, snap, 0)
	wantState(t, snap, "prod", inventory.Unsynced)
	w.wantCalls("DescribeTasks", 2)
	w.wantCalls("DescribeTaskDefinition", 1)
	release()
	w.ResetCalls()
	wantTasks(t, w.good(), 350)
	w.wantCalls("ListTasks", 4)
	w.wantCalls("DescribeTasks", 2)
	w.wantCalls("DescribeTaskDefinition", 0)
}

// A few new tasks on every page are described in one call.
func TestChangesShareACall(t *testing.T) {
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{}))
	fargate(t, w.Place, "prod", 950)
	w.want()
	first := w.good()
	for i := 0; i < len(first.Tasks); i += 19 {
		w.must(w.StopTask(first.Tasks[i].ARN, "replaced"))
	}
	w.ResetCalls()
	snap := w.good()
	wantTasks(t, snap, 950)
	w.wantCalls("DescribeTasks", 1) // 50 are new, 50 are no longer listed
}

// Clusters that use one definition ask for it once between them.
func TestClustersShareDefinitions(t *testing.T) {
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{}))
	fargate(t, w.Place, "first", 1)
	running, err := w.RunningTasks("first", "web")
	w.must(err)
	task, err := w.Task(running[0])
	w.must(err)
	for i := range 30 {
		cluster := fmt.Sprint("cluster-", i)
		w.CreateCluster(cluster, nil)
		w.must(w.CreateService(cluster, awssim.Service{
			Name: "web", TaskDefinition: task.TaskDefinition, Desired: 1, Launch: awssim.LaunchFargate,
		}))
	}
	w.want()
	wantTasks(t, w.good(), 31)
	w.wantCalls("DescribeTaskDefinition", 1)
}

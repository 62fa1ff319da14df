package ecs

import (
	"slices"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// awaitCensus waits until what is counted of a service satisfies ok.
func (w *world) awaitCensus(what, service string, ok func(inventory.ServiceTasks) bool) {
	w.t.Helper()
	w.awaitState(what, func() bool {
		return slices.ContainsFunc(w.Census(), func(n inventory.ServiceTasks) bool { return n.Service == service && ok(n) })
	})
}

// awaitState waits for what does not show in a snapshot.
func (w *world) awaitState(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			w.t.Fatalf("never %s: %+v, services %+v", what, w.Census(), w.Stats().Services)
		}
	}
}

// servicesRead says whether all clusters' services are read.
func (w *world) allServicesRead() bool {
	read := w.Stats().Services
	return len(read) > 0 && !slices.ContainsFunc(read, func(s ServicesStats) bool { return !s.Read })
}

func counted(t *testing.T, on bool) *world {
	t.Helper()
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{
		PollInterval: 20 * time.Millisecond, ResyncInterval: 50 * time.Millisecond, ServiceMetrics: on,
	}))
	fargate(t, w.Place, "prod", 2)
	w.must(w.CreateService("prod", awssim.Service{Name: "idle", TaskDefinition: "web-prod", Launch: awssim.LaunchFargate}))
	return w
}

// TestServiceMetrics: every service is counted, with what it should have, also one
// that has no task; and where they cannot be read, what is known stays.
func TestServiceMetrics(t *testing.T) {
	w := counted(t, true)
	w.run()
	w.want()
	w.awaitCensus("two of two", "web", func(n inventory.ServiceTasks) bool { return n.Running == 2 && n.Desired == 2 })
	w.awaitCensus("an idle service", "idle", func(n inventory.ServiceTasks) bool { return n.Running == 0 && n.Desired == 0 })
	w.awaitState("read", w.allServicesRead)

	release := w.Deny(awssim.Match{Operation: "ListServices"})
	w.awaitState("unread", func() bool { return !w.allServicesRead() })
	w.awaitCensus("two of two still", "web", func(n inventory.ServiceTasks) bool { return n.Running == 2 && n.Desired == 2 })
	if denied := slices.IndexFunc(w.Stats().Operations, func(o OperationStats) bool { return o.Operation == "ListServices" && o.Denied > 0 }); denied < 0 {
		t.Errorf("no denial is counted: %+v", w.Stats().Operations)
	}
	release()
	w.pass(countAgain) // the clock of the watcher
	w.awaitState("read again", w.allServicesRead)

	w.must(w.Scale("prod", "web", 0))
	w.awaitCensus("none of none", "web", func(n inventory.ServiceTasks) bool { return n.Running == 0 && n.Desired == 0 && n.Stopped == 2 })
}

// TestCrashes: a task that ends by itself is told from one that is stopped.
func TestCrashes(t *testing.T) {
	w := counted(t, false)
	w.run()
	w.want()
	w.eventually("two tasks", func(s *inventory.Snapshot) bool { return len(s.Tasks) == 2 && s.Scopes[0].State == inventory.Synced })
	arns, err := w.RunningTasks("prod", "web")
	w.must(err)
	w.must(w.CrashTask(arns[0], 1))
	w.must(w.StopTask(arns[1], "by a person"))
	w.awaitCensus("a crash and a stop", "web", func(n inventory.ServiceTasks) bool {
		return n.Running == 2 && n.Started == 2 && n.Stopped == 2 && n.Crashed == 1 && n.Desired == -1
	})
	if calls, _ := w.CallsTo("ListServices"); calls > 0 {
		t.Errorf("nobody asked for services, and %d calls were made", calls)
	}
}

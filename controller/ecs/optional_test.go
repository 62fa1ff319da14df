package ecs

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// everything is every fact but the variables.
func everything() inventory.Facts {
	return inventory.Facts{TaskTags: true, Services: true, ClusterTags: true, Instances: true, Interfaces: true}
}

// wantFacts asks for all clusters of the environment's region with these facts.
func (w *world) wantFacts(f inventory.Facts) {
	w.Want(inventory.Want{Sources: []inventory.Source{{}}, Facts: f})
}

// optionalCalls counts the calls that only facts need here: those that were
// answered, since the transport may send one twice.
func (w *world) optionalCalls() map[string]int {
	out := map[string]int{}
	for _, op := range w.Watcher.Stats().Operations {
		switch op.Operation {
		case "GetCallerIdentity", "ListClusters", "ListTasks", "DescribeTasks", "DescribeTaskDefinition":
		default:
			out[op.Operation] = int(op.Calls - op.Errors)
		}
	}
	return out
}

// town has a hundred tasks on 20 EC2 instances and 300 on Fargate, all in awsvpc
// mode, in 41 services.
func town(t *testing.T) *world {
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{}))
	w.CreateCluster("prod", map[string]string{"env": "prod"})
	for range 20 {
		_, err := w.AddInstance("prod", awssim.Instance{Public: true, Tags: map[string]string{"rack": "one"}})
		w.must(err)
	}
	_, err := w.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: "app", NetworkMode: awssim.ModeAWSVPC, Containers: []awssim.Container{{Name: "app", Image: "app:1"}},
	})
	w.must(err)
	for i := range 41 {
		s := awssim.Service{Name: fmt.Sprintf("web-%02d", i), TaskDefinition: "app", Desired: 100, Tags: map[string]string{"team": "a"}}
		if i > 0 {
			s.Launch, s.Desired, s.PublicIP = awssim.LaunchFargate, 7+i%2, i == 1
		}
		w.must(w.CreateService("prod", s))
	}
	return w
}

// TestCallsOfFacts counts what each fact costs: at first, and in the ten minutes
// of polls after that, in which everything is asked for again once or twice.
func TestCallsOfFacts(t *testing.T) {
	for name, c := range map[string]struct {
		facts inventory.Facts
		first map[string]int
		later map[string][2]int
	}{
		"none":         {inventory.Facts{}, map[string]int{}, nil},
		"tags":         {inventory.Facts{TaskTags: true}, map[string]int{}, nil},
		"services":     {inventory.Facts{Services: true}, map[string]int{"DescribeServices": 5}, map[string][2]int{"DescribeServices": {5, 10}}},
		"cluster tags": {inventory.Facts{ClusterTags: true}, map[string]int{"DescribeClusters": 1}, map[string][2]int{"DescribeClusters": {1, 2}}},
		"interfaces":   {inventory.Facts{Interfaces: true}, map[string]int{"DescribeNetworkInterfaces": 2}, map[string][2]int{"DescribeNetworkInterfaces": {2, 4}}},
		"instances": {
			inventory.Facts{Instances: true},
			map[string]int{"DescribeContainerInstances": 1, "DescribeInstances": 1},
			map[string][2]int{"DescribeInstances": {1, 2}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := town(t)
			w.wantFacts(c.facts)
			wantTasks(t, w.good(), 400)
			first := w.optionalCalls()
			if diff := cmp.Diff(c.first, first); diff != "" {
				t.Errorf("calls of the first poll: -want +got\n%s", diff)
			}
			for range 40 {
				w.pass(15 * time.Second)
				w.good()
			}
			for op, n := range w.optionalCalls() {
				want, n := c.later[op], n-first[op]
				t.Logf("%s: %d calls in ten minutes", op, n)
				if n < want[0] || n > want[1] {
					t.Errorf("%s called %d times in ten minutes, want %v", op, n, want)
				}
			}
		})
	}
}

// told is one line for everything that optional facts tell of a task.
func told(snap *inventory.Snapshot, task *inventory.Task) string {
	parts := []string{fmt.Sprint(task.Tags)}
	if s := snap.Service(task); s != nil {
		parts = append(parts, s.Name, s.Status, fmt.Sprint(s.Tags))
	}
	if c := snap.Cluster(task.Scope); c != nil {
		parts = append(parts, fmt.Sprint(c.Tags))
	}
	if i := snap.Instances[task.Instance]; i != nil {
		parts = append(parts, i.VPC, i.PublicIPv4.String(), fmt.Sprint(i.Tags))
	}
	if i := task.Interface; i != nil {
		parts = append(parts, i.VPC, i.PublicIPv4.String())
	}
	return strings.Join(parts, " ")
}

// hamlet has a task on EC2, in awsvpc mode, one on ECS Anywhere, and one on
// Fargate with a public address.
type hamlet struct {
	*world
	machine                  string
	onEC2, external, fargate string // ARNs of the tasks
}

func newHamlet(t *testing.T) *hamlet {
	w := &hamlet{world: newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{}))}
	w.CreateCluster("prod", map[string]string{"env": "prod"})
	var err error
	w.machine, err = w.AddInstance("prod", awssim.Instance{Public: true, Tags: map[string]string{"rack": "one"}})
	w.must(err)
	_, err = w.AddInstance("prod", awssim.Instance{Launch: awssim.LaunchExternal, Tags: map[string]string{"rack": "two"}})
	w.must(err)
	w.onEC2 = run(t, w.Place, awssim.LaunchEC2, awssim.ModeAWSVPC)
	w.external = run(t, w.Place, awssim.LaunchExternal, awssim.ModeBridge)
	_, err = w.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: "web", NetworkMode: awssim.ModeAWSVPC, Containers: []awssim.Container{{Name: "app", Image: "app:1"}},
	})
	w.must(err)
	w.serve("web")
	arns, err := w.RunningTasks("prod", "web")
	w.must(err)
	w.fargate = arns[0]
	return w
}

// serve starts a service of one task.
func (w *hamlet) serve(name string) {
	w.t.Helper()
	w.must(w.CreateService("prod", awssim.Service{
		Name: name, TaskDefinition: "web", Desired: 1, Launch: awssim.LaunchFargate, PublicIP: true, Tags: map[string]string{"team": "a"},
	}))
}

// wantTold compares what optional facts tell of each task.
func (w *hamlet) wantTold(snap *inventory.Snapshot, want map[string]string) {
	w.t.Helper()
	got := map[string]string{}
	for _, task := range snap.Tasks {
		got[task.ARN] = strings.ReplaceAll(told(snap, task), w.VPC(), "vpc")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("-want +got\n%s", diff)
	}
}

func TestWhatFactsTell(t *testing.T) {
	w := newHamlet(t)
	plain := map[string]string{w.onEC2: "map[]  invalid IP", w.external: "map[]  invalid IP map[]", w.fargate: "map[]  invalid IP"}
	w.want()
	w.wantTold(w.good(), plain)
	w.wantFacts(everything())
	w.wantTold(w.Snapshot(), plain)
	w.wantTold(w.good(), map[string]string{
		w.onEC2:    "map[] map[env:prod] vpc 198.18.0.1 map[rack:one] vpc invalid IP",
		w.external: "map[] map[env:prod]  invalid IP map[]",
		w.fargate:  "map[] web ACTIVE map[team:a] map[env:prod] vpc 198.18.0.2",
	})
	if diff := cmp.Diff(everything(), status(t, w.Snapshot(), "prod").Facts); diff != "" {
		t.Error(diff)
	}
	w.must(w.Tag(w.machine, map[string]string{"rack": "three"}))
	w.must(w.SetPublicAddress(w.machine, netip.MustParseAddr("198.18.1.1")))
	w.must(w.SetPublicAddress(w.fargate, netip.MustParseAddr("198.18.1.2")))
	for _, arn := range []string{w.fargate, w.Snapshot().Service(w.task(w.fargate)).ARN, w.Snapshot().Cluster(w.task(w.fargate).Scope).ARN} {
		w.must(w.Tag(arn, map[string]string{"new": "tag"}))
	}
	for range 40 { // ten minutes
		w.pass(15 * time.Second)
		w.good()
	}
	w.wantTold(w.Snapshot(), map[string]string{
		w.onEC2:    "map[] map[env:prod new:tag] vpc 198.18.1.1 map[rack:three] vpc invalid IP",
		w.external: "map[] map[env:prod new:tag]  invalid IP map[]",
		w.fargate:  "map[new:tag] web ACTIVE map[new:tag team:a] map[env:prod new:tag] vpc 198.18.1.2",
	})
	w.want()
	w.wantTold(w.Snapshot(), plain)
}

// TestContainerIDs: they are the last part of each container's ARN.
func TestContainerIDs(t *testing.T) {
	w := newHamlet(t)
	w.want()
	for _, task := range w.good().Tasks {
		if id := task.Containers[0].ID; len(id) != 36 || strings.Contains(id, "/") {
			t.Errorf("container %q", id)
		}
	}
}

// task is the task of that ARN in the snapshot.
func (w *world) task(arn string) *inventory.Task {
	w.t.Helper()
	for _, task := range w.Snapshot().Tasks {
		if task.ARN == arn {
			return task
		}
	}
	w.t.Fatalf("no task %s", arn)
	return nil
}

// wantLacking checks which facts the cluster holds and why others lack.
func wantLacking(t *testing.T, snap *inventory.Snapshot, facts inventory.Facts, reasons map[string]string) {
	t.Helper()
	st := status(t, snap, "prod")
	if diff := cmp.Diff(facts, st.Facts); st.State != inventory.Synced || diff != "" {
		t.Fatalf("%s, facts: -want +got\n%s%v", st.State, diff, st.Lacking)
	}
	for fact, reason := range reasons {
		if got := st.Lacking[fact]; !strings.Contains(got, reason) || strings.Contains(got, "RequestID") {
			t.Errorf("%s is lacking because of %q, want %q", fact, got, reason)
		}
	}
	if len(st.Lacking) != len(reasons) {
		t.Errorf("lacking %v, want %v", st.Lacking, reasons)
	}
}

// TestDeniedFactsLeaveTheRest: whatever optional call is denied, the scope is
// synced without it, and has it once it is allowed.
func TestDeniedFactsLeaveTheRest(t *testing.T) {
	for op, c := range map[string]struct {
		fact string
		drop func(*inventory.Facts)
	}{
		"DescribeServices":           {"services", func(f *inventory.Facts) { f.Services = false }},
		"DescribeClusters":           {"clusterTags", func(f *inventory.Facts) { f.ClusterTags = false }},
		"DescribeNetworkInterfaces":  {"interfaces", func(f *inventory.Facts) { f.Interfaces = false }},
		"DescribeInstances":          {"instances", func(f *inventory.Facts) { f.Instances = false }},
		"DescribeContainerInstances": {"instances", func(f *inventory.Facts) { f.Instances = false }},
	} {
		t.Run(op, func(t *testing.T) {
			w := town(t)
			release := w.Deny(awssim.Match{Operation: op})
			w.wantFacts(everything())
			snap := w.good()
			wantTasks(t, snap, 400)
			without := everything()
			c.drop(&without)
			wantLacking(t, snap, without, map[string]string{c.fact: "not authorized"})
			revision := w.store.Revision()
			if w.good(); w.store.Revision() != revision {
				t.Error("an equal failure changed the snapshot")
			}
			release()
			wantLacking(t, w.good(), everything(), nil)
		})
	}
}

// TestFactsOnceHeld: a refresh that fails leaves the fact held; a new service
// that nobody can describe takes it away, and takes no task away.
func TestFactsOnceHeld(t *testing.T) {
	w := newHamlet(t)
	w.wantFacts(everything())
	wantLacking(t, w.good(), everything(), nil)
	release := w.Deny(awssim.Match{Operation: "DescribeServices"})
	w.pass(inventory.Refresh)
	snap := w.good()
	wantLacking(t, snap, everything(), map[string]string{"services": "describe services: "})
	if s := snap.Service(w.task(w.fargate)); s == nil || s.Tags["team"] != "a" {
		t.Fatalf("the last known service is lost: %+v", s)
	}
	w.serve("new")
	snap = w.good()
	wantTasks(t, snap, 4)
	without := everything()
	without.Services = false
	wantLacking(t, snap, without, map[string]string{"services": "AccessDenied"})
	if s := snap.Service(w.task(w.fargate)); s == nil || s.Tags["team"] != "a" {
		t.Fatalf("the last known service is lost: %+v", s)
	}
	release()
	wantLacking(t, w.good(), everything(), nil)
}

// TestFactsBackOff: what is denied is asked for again ever less often, and a
// task that comes meanwhile shows all the same.
func TestFactsBackOff(t *testing.T) {
	w := newHamlet(t)
	w.wantFacts(inventory.Facts{Services: true})
	w.good()
	defer w.Deny(awssim.Match{Operation: "DescribeServices"})()
	w.ResetCalls()
	w.serve("new")
	for range 40 { // ten minutes of polls
		w.must(w.Once(t.Context()))
		wantTasks(t, w.Snapshot(), 4)
		w.pass(15 * time.Second)
	}
	if calls, _ := w.CallsTo("DescribeServices"); calls < 8 || calls > 20 {
		t.Errorf("%d calls of DescribeServices in ten minutes", calls)
	}
}

// TestServiceGone: MISSING keeps a service out, and is an answer.
// TestFactsAreTriedAgainBesideEvents: the next listing is minutes away, the next
// attempt a minute at most.
func TestFactsAreTriedAgainBesideEvents(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 2)
	source := []inventory.Source{{EventsQueue: w.queueURL}}
	w.Want(inventory.Want{Sources: source, Facts: everything()})
	w.run()
	w.relies()
	w.shows(2)
	w.later(11 * time.Minute)
	w.until("resynced", func() bool { return w.listings(CauseResync) == 1 })
	w.drained()
	release := w.Deny(awssim.Match{Operation: "DescribeServices"})
	w.second("newer")
	lacks := func(s *inventory.Snapshot) bool { return len(status(t, s, "prod").Lacking) > 0 }
	w.eventually("lacking", lacks)
	w.ResetCalls()
	w.later(time.Minute + 20*time.Second)
	w.until("asked again", func() bool { return w.asked()["DescribeServices"] > 0 })
	release()
	w.later(time.Minute + 20*time.Second)
	w.eventually("told", func(s *inventory.Snapshot) bool {
		return !lacks(s) && status(t, s, "prod").Facts.Services && len(s.Tasks) == 3
	})
	if calls := w.asked(); calls["ListTasks"] > 0 || calls["DescribeServices"] > 4 {
		t.Errorf("calls %v, want a few of DescribeServices, and no listing", calls)
	}
	// Of a fact that nobody wants any more no attempt is due.
	defer w.Deny(awssim.Match{Operation: "DescribeClusters"})()
	s := w.only()
	s.settlePart(t.Context(), part{"prod", inventory.FactClusterTags}, errors.New("denied"))
	w.Want(inventory.Want{Sources: source})
	w.later(time.Minute + 20*time.Second)
	w.until("forgotten", func() bool {
		return s.mayAsk(part{"prod", inventory.FactClusterTags}) && !s.retryDue(part{"prod", inventory.FactClusterTags})
	})
}

func TestServiceGone(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 1)
	arns, err := w.RunTask("prod", awssim.RunTask{TaskDefinition: "web-prod", Launch: awssim.LaunchFargate, Group: "service:ghost"})
	w.must(err)
	w.wantFacts(inventory.Facts{Services: true})
	snap := w.good()
	wantLacking(t, snap, inventory.Facts{Services: true}, nil)
	if s := snap.Service(w.task(arns[0])); s != nil || len(snap.Services) != 1 {
		t.Errorf("services %v, and of the odd task %+v", snap.Services, s)
	}
	w.wantCalls("DescribeServices", 1)
}

// TestNewTaskWaitsForItsFacts: where a fact is held, a task does not show before
// its part of it has been asked for.
func TestNewTaskWaitsForItsFacts(t *testing.T) {
	w := newHamlet(t)
	w.wantFacts(inventory.Facts{Services: true})
	wantTasks(t, w.good(), 3)
	w.serve("new")
	w.ResetCalls()
	release := w.Hang(awssim.Match{Operation: "DescribeServices"})
	w.run()
	w.until("asked for the new service", func() bool {
		calls, _ := w.CallsTo("DescribeServices")
		return calls > 0
	})
	wantTasks(t, w.Snapshot(), 3)
	release()
	w.eventually("told of the new service", func(s *inventory.Snapshot) bool { return len(s.Tasks) == 4 && len(s.Services) == 2 })
}

// TestHangingFactDelaysNothing: a scope is synced, and its other facts are held,
// before a call that hangs has ended.
func TestHangingFactDelaysNothing(t *testing.T) {
	w := newHamlet(t)
	release := w.Hang(awssim.Match{Service: "ec2"})
	defer release()
	w.wantFacts(inventory.Facts{Services: true, Interfaces: true})
	w.run()
	w.eventually("synced with its services", func(s *inventory.Snapshot) bool {
		return len(s.Tasks) == 3 && status(t, s, "prod").Facts.Services
	})
	if f := status(t, w.Snapshot(), "prod").Facts; f.Interfaces {
		t.Errorf("holds %+v", f)
	}
	release()
	w.eventually("complete", func(s *inventory.Snapshot) bool { return status(t, s, "prod").Facts.Interfaces })
}

// until waits for a condition that nothing signals.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			w.t.Fatal("never " + what)
		}
	}
}

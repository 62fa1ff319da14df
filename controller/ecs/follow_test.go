package ecs

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// second deploys a service of another family beside "web".
func (w *fedWorld) second(family string) {
	w.t.Helper()
	arn, err := w.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: family, NetworkMode: awssim.ModeAWSVPC,
		Containers: []awssim.Container{{Name: "app", Image: "app:1", Ports: []awssim.Port{{Container: 9090}}}},
	})
	w.must(err)
	w.must(w.CreateService("prod", awssim.Service{Name: family, TaskDefinition: arn, Desired: 1, Launch: awssim.LaunchFargate}))
}

func TestDeniedDefinitionHoldsNothingElseUp(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 2)
	w.start()
	release := w.Deny(awssim.Match{Operation: "DescribeTaskDefinition"})
	w.second("new")
	w.eventually("told that a task waits", func(s *inventory.Snapshot) bool {
		st := status(t, s, "prod")
		if st.State != inventory.Synced {
			t.Fatalf("%s: %s", st.State, st.Reason)
		}
		return strings.Contains(st.Reason, "new:1") && strings.Contains(st.Reason, "AccessDenied")
	})
	w.must(w.Scale("prod", "web", 3))
	w.shows(3)
	release()
	w.later(time.Minute)
	w.shows(4)
	w.eventually("no word of it", func(s *inventory.Snapshot) bool { return status(t, s, "prod").Reason == "" })
}

func TestNothingGetsThroughIsStale(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 2)
	w.start()
	defer w.Hang(awssim.Match{Service: "ecs"})()
	w.second("new")
	w.until("asked", func() bool { return w.asked()["DescribeTaskDefinition"] > 0 })
	s := w.only()
	scope := s.known()[0]
	for range 2 { // what a round of follow-ups without any answer does
		s.judgeFollowing(t.Context(), scope, &tally{err: errors.New("timeout")})
		w.pass(stuckAfter)
	}
	wantState(t, w.Snapshot(), "prod", inventory.Stale)
	wantTasks(t, w.Snapshot(), 2)
}

// TestRoundThatAsksNothing says nothing about whether anything gets through.
func TestRoundThatAsksNothing(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.start()
	s := w.only()
	scope := s.known()[0]
	for range 2 {
		s.judgeFollowing(t.Context(), scope, &tally{})
		w.pass(stuckAfter)
	}
	wantState(t, w.Snapshot(), "prod", inventory.Synced)
}

// TestStrangersWaitForTheFirstAnswer: until the source's clusters have been asked
// for nobody is looked up, and so nothing is due.
func TestStrangersWaitForTheFirstAnswer(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	release := w.Hang(awssim.Match{Operation: "ListClusters"})
	w.Want(inventory.Want{Sources: []inventory.Source{{EventsQueue: w.queueURL}}})
	w.run()
	s := w.only()
	w.until("connected", s.connected)
	w.must(w.Scale("prod", "web", 2))
	w.until("told of a stranger", func() bool {
		s.follow.mu.Lock()
		defer s.follow.mu.Unlock()
		return len(s.follow.strange) > 0
	})
	if pause := s.followPause(); pause != lookEvery {
		t.Errorf("looked for strangers in %v, want %v", pause, lookEvery)
	}
	release()
	w.shows(2)
}

// oddEvent is of a task, in a form that no event has. AWS's clock is a little
// ahead.
func (w *fedWorld) oddEvent(cluster, task string) string {
	return strings.NewReplacer(someID, nameOf(task), `"containers":[{"name":"a"}]`, `"containers":7`,
		"2026-01-02T03:04:05Z", w.now().Add(2*time.Second).UTC().Format(time.RFC3339)).Replace(taskEvent(w.Place.Scope().Account, "us-east-1", cluster))
}

func TestOddEventIsDescribed(t *testing.T) {
	for _, version := range []string{`"version":3,`, ""} {
		w := newFedWorld(t)
		fargate(t, w.Place, "prod", 1)
		w.start()
		w.DropNext(2)
		w.must(w.Scale("prod", "web", 2))
		arns, err := w.RunningTasks("prod", "web")
		w.must(err)
		w.SendRaw(strings.Replace(w.oddEvent("prod", arns[1]), `"version":3,`, version, 1))
		w.shows(2)
		w.wantAsked(map[string]int{"DescribeTasks": 1})
		if st := w.stats(); st.Odd != 1 {
			t.Errorf("statistics %+v", st)
		}
	}
}

// TestOddEventIsNotMissed: events told of the change, in their way.
func TestOddEventIsNotMissed(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.start()
	w.later(11 * time.Minute)
	w.until("resynced", func() bool { return w.listings(CauseResync) >= 1 })
	w.DropNext(2)
	w.must(w.Scale("prod", "web", 2))
	arns, err := w.RunningTasks("prod", "web")
	w.must(err)
	w.SendRaw(w.oddEvent("prod", arns[1]))
	w.shows(2)
	w.later(31 * time.Second)
	if n := w.Stats().Missed[0].Missed; n != 0 {
		t.Errorf("%d changes missed", n)
	}
}

// TestOddEventOfAStranger: what it says of the task is not believed either.
func TestOddEventOfAStranger(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.start()
	w.DropNext(100)
	fargate(t, w.Place, "late", 1)
	arns, err := w.RunningTasks("late", "web")
	w.must(err)
	w.SendRaw(strings.Replace(w.oddEvent("late", arns[0]), `"containers":7`,
		`"containers":[{"name":"app","lastStatus":"RUNNING"}],"attachments":7`, 1))
	for _, task := range w.shows(2).Tasks {
		if task.Interface == nil {
			t.Errorf("%s shows without its address", task.ARN)
		}
	}
}

// TestFollowUpsOfAClusterThatIsGone end with it.
func TestFollowUpsOfAClusterThatIsGone(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	fargate(t, w.Place, "short", 1)
	w.start()
	s := w.only()
	defer w.Deny(awssim.Match{Operation: "DescribeTasks"})()
	for i := range 250 {
		w.SendRaw(strings.Replace(w.oddEvent("short", fmt.Sprintf("%032x", i)), `"version":3,`, "", 1))
	}
	w.drained()
	w.until("asked", func() bool { return w.asked()["DescribeTasks"] > 0 })
	w.deleteShort()
	w.until("forgotten", func() bool {
		w.later(lookEvery)
		s.follow.mu.Lock()
		defer s.follow.mu.Unlock()
		return s.follow.clusters["short"] == nil && s.follow.clusters["prod"] != nil
	})
}

func TestFollowUpsAreBounded(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.want()
	w.good()
	s := w.only()
	scope := s.known()[0]
	for i := range maxExtra + 10 {
		s.hearOdd(inventory.Event{Task: &inventory.Task{ARN: fmt.Sprintf("%032x", i), Scope: scope}})
	}
	asked := s.open(scope).Tasks
	if len(asked) != maxExtra {
		t.Errorf("%d tasks to ask for, want %d", len(asked), maxExtra)
	}
	denied, gone := errors.New("denied"), &types.ClusterNotFoundException{}
	for i, err := range []error{denied, gone, &types.InvalidParameterException{}, nil} {
		s.settleAsked(t.Context(), scope, asked[i:i+1], err)
	}
	w.pass(2 * time.Minute)
	if n := len(s.open(scope).Tasks); n != maxExtra-3 {
		t.Errorf("%d tasks to ask for, want one that was denied and not the others", n)
	}
	w.pass(extraAge)
	if open := s.open(scope); !open.Empty() {
		t.Errorf("after so long %d tasks are still asked for", len(open.Tasks))
	}
}

func TestInstanceEventsAskOnlyWhereTheAddressMayDiffer(t *testing.T) {
	w := newFedWorld(t)
	w.CreateCluster("prod", nil)
	_, err := w.AddInstance("prod", awssim.Instance{})
	w.must(err)
	arn := run(t, w.Place, awssim.LaunchEC2, awssim.ModeBridge)
	w.start()
	w.drained()
	task, err := w.Task(arn)
	w.must(err)
	send := func(instance, machine string, connected bool) {
		w.SendRaw(fmt.Sprintf(`{"source":"aws.ecs","detail-type":"ECS Container Instance State Change","time":"2026-01-02T03:04:05Z","detail":{`+
			`"containerInstanceArn":%q,"clusterArn":"arn:aws:ecs:us-east-1:%s:cluster/prod","ec2InstanceId":%q,"agentConnected":%v}}`,
			instance, w.Place.Scope().Account, machine, connected))
		w.drained()
	}
	before := w.stats().Instances
	send(task.ContainerInstance, task.Instance, true)
	send(task.ContainerInstance, task.Instance, false)
	send(strings.Replace(task.ContainerInstance, nameOf(task.ContainerInstance), someID, 1), "i-0", true)
	w.wantAsked(nil)
	send(task.ContainerInstance, task.Instance, true)
	w.until("asked again", func() bool { return w.asked()["DescribeInstances"] == 1 })
	w.wantAsked(map[string]int{"DescribeContainerInstances": 1, "DescribeInstances": 1})
	if n := w.stats().Instances - before; n != 4 {
		t.Errorf("%d events of instances, want 4", n)
	}
}

func TestOptionalFactsOfANewTask(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 2)
	w.Want(inventory.Want{
		Sources: []inventory.Source{{EventsQueue: w.queueURL}},
		Facts:   inventory.Facts{Services: true, TaskTags: true, Interfaces: true},
	})
	w.run()
	w.relies()
	w.shows(2)
	w.ResetCalls()
	w.second("new")
	snap := w.shows(3)
	i := slices.IndexFunc(snap.Tasks, func(t *inventory.Task) bool { return t.Service() == "new" })
	if i < 0 || snap.Service(snap.Tasks[i]) == nil || snap.Tasks[i].Interface.VPC == "" {
		t.Errorf("the task shows without what is asked for: %+v", snap.Tasks)
	}
	w.wantAsked(map[string]int{"DescribeTasks": 1, "DescribeTaskDefinition": 1, "DescribeServices": 1, "DescribeNetworkInterfaces": 1})
}

// TestUrgentDefinitionPassesTheLine although a listing stands at its end for the
// same one.
func TestUrgentDefinitionPassesTheLine(t *testing.T) {
	o := unlimited(Options{})
	o.Quotas[TaskDefinitionRead] = Quota{Burst: 1, Refill: 0.5}
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, o)
	fargate(t, w.Place, "prod", 1) // its definition takes the first token
	w.want()
	w.good()
	var s *source
	for _, s = range w.sources {
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	name := func(i int) string { return fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:task-definition/x:%d", i) }
	const last = 5
	for i := range last + 1 {
		group.Go(func() { _ = s.definition(ctx, name(i)) })
		for waiting := 0; waiting <= i && w.store.WantsDefinition(name(0), w.now()); { // so that they stand in this order
			for _, b := range w.Watcher.Stats().Budgets {
				if b.Category == TaskDefinitionRead {
					waiting = b.Waiting
				}
			}
			runtime.Gosched()
		}
	}
	w.must(s.definition(withUrgency(ctx), name(last)))
	if w.store.WantsDefinition(name(last), w.now()) || !w.store.WantsDefinition(name(last-1), w.now()) {
		t.Error("the urgent definition was not told before those that a listing asks for")
	}
}

func TestExternalTasksAreDescribedBetweenListings(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 3)
	fargate(t, w.Place, "other", 3)
	_, err := w.AddInstance("prod", awssim.Instance{Launch: awssim.LaunchExternal})
	w.must(err)
	run(t, w.Place, awssim.LaunchExternal, awssim.ModeBridge)
	w.start()
	w.later(11 * time.Minute)
	w.until("resynced", func() bool { return w.listings(CauseResync) == 1 })
	w.ResetCalls()
	w.later(4 * time.Minute)
	w.until("refreshed", func() bool { return w.asked()["DescribeTasks"] == 1 })
	w.later(time.Second)
	w.wantAsked(map[string]int{"DescribeTasks": 1})
}

// TestEventThatHasYetToCome: a time in the future is not believed, or a cluster
// that does not exist would be looked up until then.
func TestEventThatHasYetToCome(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.start()
	w.SendRaw(strings.ReplaceAll(taskEvent(w.Place.Scope().Account, "us-east-1", "ghost"), "2026-01-02T03:04:05Z", "2126-01-02T03:04:05Z"))
	w.drained()
	w.until("looked up", func() bool { return w.asked()["DescribeClusters"] == 1 })
	s := w.only()
	w.until("nothing is held back of it", func() bool {
		s.follow.mu.Lock()
		defer s.follow.mu.Unlock()
		return s.follow.held == 0
	})
	if st := w.stats(); st.Strange != 1 || st.Applied != 0 {
		t.Errorf("statistics %+v", st)
	}
}

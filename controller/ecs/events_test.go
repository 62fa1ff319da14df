package ecs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// fedWorld is a world whose changes arrive as events in the queue "events".
type fedWorld struct {
	*world
	queueURL string
}

func newFedWorld(t *testing.T) *fedWorld {
	t.Helper()
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{PollInterval: time.Hour, CallTimeout: 2 * time.Second}))
	w.longPoll = time.Second
	return &fedWorld{world: w, queueURL: w.SubscribeQueue("events")}
}

// start runs the watcher and waits until it relies on events.
func (w *fedWorld) start() {
	w.t.Helper()
	w.Want(inventory.Want{Sources: []inventory.Source{{EventsQueue: w.queueURL}}})
	w.run()
	w.relies()
	relied := time.Now() // what happens in this millisecond may be dated before it
	w.until("a millisecond later", func() bool { return time.Since(relied) > 2*time.Millisecond })
	w.ResetCalls()
}

// relies waits until every cluster was listed since events arrive.
func (w *fedWorld) relies() {
	w.t.Helper()
	w.until("relied on events", func() bool {
		w.Watcher.mu.Lock()
		defer w.Watcher.mu.Unlock()
		for _, one := range w.sources {
			one.mu.Lock()
			relied := one.feeding.relied
			one.mu.Unlock()
			if !relied {
				return false
			}
		}
		return len(w.sources) > 0
	})
}

// until waits for what no snapshot tells.
func (w *fedWorld) until(what string, ok func() bool) {
	w.t.Helper()
	for limit := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			w.t.Fatalf("never %s: %s", what, describeSnapshot(w.Snapshot()))
		}
	}
}

// later moves the clock, and lets what has become due begin.
func (w *fedWorld) later(d time.Duration) {
	w.pass(d)
	w.Watcher.mu.Lock()
	defer w.Watcher.mu.Unlock()
	for _, s := range w.sources {
		signal(s.wake)
		signal(s.follow.told)
	}
}

// asked are the calls that were made, those to SQS and STS apart.
func (w *fedWorld) asked() map[string]int {
	out := map[string]int{}
	for _, c := range w.Calls() {
		if c.Service != "sqs" && c.Service != "sts" && c.Calls > 0 {
			out[c.Operation] += c.Calls
		}
	}
	return out
}

// wantAsked is exact.
func (w *fedWorld) wantAsked(want map[string]int) {
	w.t.Helper()
	got := w.asked()
	for op := range got {
		if want[op] != got[op] {
			w.t.Errorf("%s called %d times, want %d", op, got[op], want[op])
		}
	}
	for op := range want {
		if got[op] == 0 {
			w.t.Errorf("%s not called, want %d", op, want[op])
		}
	}
}

// shows waits for a number of running tasks and no others.
func (w *fedWorld) shows(n int) *inventory.Snapshot {
	w.t.Helper()
	w.eventually("as many tasks as it should", func(s *inventory.Snapshot) bool {
		running := 0
		for _, t := range s.Tasks {
			if t.Running() {
				running++
			}
		}
		return running == n && len(s.Tasks) == n
	})
	return w.Snapshot()
}

// drained waits until no message is left in the queue.
func (w *fedWorld) drained() {
	w.t.Helper()
	w.until("drained", func() bool {
		visible, hidden := w.QueueLength("events")
		queues := w.Stats().Queues
		return visible+hidden == 0 && len(queues) == 1 && queues[0].Deleted == queues[0].Received
	})
}

func (w *fedWorld) stats() QueueStats {
	w.t.Helper()
	queues := w.Stats().Queues
	if len(queues) != 1 {
		w.t.Fatalf("%d queues are read, want one", len(queues))
	}
	return queues[0]
}

func TestEventOfANewTaskCostsNoCall(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 2)
	w.start()
	w.must(w.Scale("prod", "web", 3))
	w.shows(3)
	w.must(w.Scale("prod", "web", 1))
	w.shows(1)
	w.drained()
	w.wantAsked(nil)
	if st := w.stats(); st.Applied == 0 || st.Deleted != st.Received || !st.Working {
		t.Errorf("statistics %+v", st)
	}
}

func TestNewRevisionIsDescribedBeforeItsTaskShows(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 3)
	w.start()
	w.must(w.Deploy("prod", "web", awssim.TaskDefinition{
		Family: "web-prod", NetworkMode: awssim.ModeAWSVPC,
		Containers: []awssim.Container{{Name: "app", Image: "app:2", Ports: []awssim.Port{{Name: "metrics", Container: 9090}}}},
	}))
	w.eventually("deployed", func(s *inventory.Snapshot) bool {
		for _, task := range s.Tasks {
			if s.Definitions[task.Definition] == nil {
				t.Errorf("%s shows without its definition", task.ARN)
			}
		}
		return len(s.Tasks) == 3 && !slices.ContainsFunc(s.Tasks, func(t *inventory.Task) bool { return t.Revision() != "2" })
	})
	w.wantAsked(map[string]int{"DescribeTaskDefinition": 1})
}

func TestBridgeTaskOnANewInstance(t *testing.T) {
	w := newFedWorld(t)
	w.CreateCluster("prod", nil)
	w.start()
	_, err := w.AddInstance("prod", awssim.Instance{})
	w.must(err)
	run(t, w.Place, awssim.LaunchEC2, awssim.ModeBridge)
	snap := w.shows(1)
	if i := snap.Instances[snap.Tasks[0].Instance]; i == nil || !i.IPv4.IsValid() {
		t.Errorf("instance %+v", i)
	}
	w.wantAsked(map[string]int{"DescribeTaskDefinition": 1, "DescribeContainerInstances": 1, "DescribeInstances": 1})
	run(t, w.Place, awssim.LaunchEC2, awssim.ModeBridge)
	w.shows(2)
	w.drained()
	calls := w.asked()
	if calls["DescribeContainerInstances"] != 1 || calls["DescribeInstances"] != 1 {
		t.Errorf("the placement of a task cost calls: %v", calls)
	}
}

func TestEventsTwiceLateAndReordered(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 2)
	w.start()
	w.DuplicateNext(4)
	w.must(w.Scale("prod", "web", 4))
	w.shows(4)
	w.ReorderNext(8) // stopping and stopped of two, and the same in reverse of nothing else
	w.must(w.Scale("prod", "web", 2))
	w.ReleaseHeld()
	w.shows(2)
	w.HoldNext(2) // pending and running of a task that stops before they arrive
	w.must(w.Scale("prod", "web", 3))
	w.must(w.Scale("prod", "web", 2))
	w.drained()
	w.ReleaseHeld()
	w.drained()
	w.shows(2)
	w.wantAsked(nil)
}

func TestClusterThatEventsTellOfFirst(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.start()
	fargate(t, w.Place, "late", 2)
	w.shows(3)
	wantState(t, w.Snapshot(), "late", inventory.Synced)
	if calls := w.asked(); calls["ListClusters"] != 0 || calls["DescribeClusters"] != 1 || calls["ListTasks"] != 1 {
		t.Errorf("calls %v", calls)
	}
}

// deleteShort deletes the cluster "short", beside which there is one task, and
// waits until a listing has told that it is gone.
func (w *fedWorld) deleteShort() {
	w.t.Helper()
	w.must(w.Scale("short", "web", 0))
	w.must(w.DeleteService("short", "web"))
	w.shows(1)
	w.must(w.DeleteCluster("short"))
	w.later(11 * time.Minute)
	w.eventually("gone", func(s *inventory.Snapshot) bool { return status(w.t, s, "short").State == inventory.Gone })
}

func TestClusterDeletedAndMadeAgain(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	fargate(t, w.Place, "short", 2)
	w.start()
	w.deleteShort()
	w.relies()
	w.CreateCluster("short", nil)
	w.must(w.CreateService("short", awssim.Service{Name: "again", TaskDefinition: "web-short", Desired: 3, Launch: awssim.LaunchFargate}))
	w.shows(4)
	wantState(t, w.Snapshot(), "short", inventory.Synced)
}

func TestLateEventsOfADeletedClusterCostOneCall(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.start()
	w.HoldNext(100)
	fargate(t, w.Place, "short", 5)
	w.must(w.Scale("short", "web", 0))
	w.must(w.DeleteService("short", "web"))
	w.must(w.DeleteCluster("short"))
	w.ReleaseHeld()
	w.drained()
	w.later(time.Second)
	w.must(w.Scale("prod", "web", 2))
	w.shows(2)
	w.wantAsked(map[string]int{"DescribeClusters": 1})
}

func TestEventsOfAnotherClock(t *testing.T) {
	for _, skew := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			w := newFedWorld(t)
			w.Skew(skew)
			fargate(t, w.Place, "prod", 1)
			w.start()
			w.must(w.Scale("prod", "web", 3))
			w.shows(3)
			w.must(w.Scale("prod", "web", 1))
			w.shows(1)
			w.wantAsked(nil)
			w.drained()
			if st := w.stats(); st.Outdated != 0 || st.Lag > time.Minute {
				t.Errorf("statistics %+v", st)
			}
		})
	}
}

func TestQueueOfTwoRegionsAndAccounts(t *testing.T) {
	w := newFedWorld(t)
	const role = "arn:aws:iam::210987654321:role/reader"
	w.AllowRole(role, "")
	west, theirs := w.Region("", "us-west-2"), w.Region("210987654321", "us-east-1")
	for _, p := range []*awssim.Place{w.Place, west, theirs} {
		p.ForwardEvents(w.Place, "events")
		fargate(t, p, "prod", 1)
	}
	w.Want(inventory.Want{Sources: []inventory.Source{
		{EventsQueue: w.queueURL}, {Region: "us-west-2", EventsQueue: w.queueURL}, {RoleARN: role, EventsQueue: w.queueURL},
	}})
	w.run()
	w.relies()
	w.shows(3)
	w.drained()
	w.ResetCalls()
	for _, p := range []*awssim.Place{w.Place, west, theirs} {
		w.must(p.Scale("prod", "web", 2))
	}
	w.shows(6)
	w.wantAsked(nil)
	w.stats() // one queue
	for _, c := range w.Calls() {
		if c.Service == "sqs" && c.Scope != w.Place.Scope() {
			t.Errorf("%s called in %v, want the queue's own account and region", c.Operation, c.Scope)
		}
	}
}

func TestRubbishInTheQueue(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.start()
	w.drained()
	before := w.stats()
	poison := []string{
		"not JSON", "[]", `"text"`, `{"source":"aws.ecs","detail-type":"ECS Task State Change"}`,
		`{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":{"clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/prod"}}`,
		`{"Type":"Notification","Message":"hello"}`,
	}
	foreign := []string{
		`{}`, `{"source":"aws.ec2","detail-type":"EC2 Instance State-change Notification","detail":{}}`,
		`{"source":"aws.ecs","detail-type":"ECS Deployment State Change","detail":{"eventName":"x"}}`,
		taskEvent("999999999999", "us-east-1", "prod"), taskEvent("123456789012", "eu-west-1", "prod"),
	}
	for _, body := range slices.Concat(poison, foreign) {
		w.SendRaw(body)
	}
	w.drained()
	w.must(w.Scale("prod", "web", 2))
	w.shows(2)
	after := w.stats()
	if n := after.Poison - before.Poison; n != uint64(len(poison)) {
		t.Errorf("%d poison messages, want %d", n, len(poison))
	}
	if n := after.Ignored - before.Ignored; n != uint64(len(foreign)) {
		t.Errorf("%d messages ignored, want %d", n, len(foreign))
	}
	w.wantAsked(nil)
}

// TestTaskOfAnotherCluster: a message that names a cluster and a task of another
// one must not make every later listing of the cluster fail.
func TestTaskOfAnotherCluster(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 3)
	w.start()
	account := w.Place.Scope().Account
	event := strings.NewReplacer(":task/prod/", ":task/other/", "2026-01-02T03:04:05Z", w.now().UTC().Format(time.RFC3339)).Replace(
		taskEvent(account, "us-east-1", "prod"))
	w.SendRaw(event)
	w.SendRaw(strings.Replace(event, `"containers":[{"name":"a"}]`, `"containers":7`, 1))
	w.drained()
	if st := w.stats(); st.Poison != 2 {
		t.Errorf("statistics %+v", st)
	}
	w.later(11 * time.Minute)
	w.until("listed again", func() bool { return w.listings(CauseResync) > 0 })
	wantState(t, w.Snapshot(), "prod", inventory.Synced)
	wantTasks(t, w.Snapshot(), 3)
}

func taskEvent(account, region, cluster string) string {
	arn := "arn:aws:ecs:" + region + ":" + account
	return `{"source":"aws.ecs","detail-type":"ECS Task State Change","time":"2026-01-02T03:04:05Z","detail":{` +
		`"taskArn":"` + arn + `:task/` + cluster + `/` + someID + `","clusterArn":"` + arn + `:cluster/` + cluster + `","version":3,` +
		`"lastStatus":"RUNNING","desiredStatus":"RUNNING","taskDefinitionArn":"` + arn + `:task-definition/x:1","containers":[{"name":"a"}]}}`
}

// TestBacklogEndsWithTheQueue: an answer without a message says that none waits.
func TestBacklogEndsWithTheQueue(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.start()
	w.drained()
	w.Watcher.mu.Lock()
	q := w.queues[0]
	w.Watcher.mu.Unlock()
	q.count(func(st *QueueStats) { st.Backlog = time.Hour })
	w.until("without a backlog", func() bool { return w.stats().Backlog == 0 })
}

package inventory

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	testScope = Scope{Account: "123456789012", Region: "us-east-1", Cluster: "prod"}
	start     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func running(arn string, version int64) *Task {
	return &Task{
		ARN: arn, Scope: testScope, Version: version, LastStatus: StatusRunning, DesiredStatus: StatusRunning,
		Definition: "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
	}
}

func stopping(arn string, version int64) *Task {
	t := running(arn, version)
	t.DesiredStatus = StatusStopped
	return t
}

// synced is a store with these tasks, listed at start.
func synced(t *testing.T, tasks ...*Task) *Store {
	t.Helper()
	s := NewStore()
	s.Found(testScope, start)
	s.PutDefinition(&Definition{ARN: running("", 0).Definition, NetworkMode: NetworkAWSVPC}, 0, start)
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: tasks})
	l := Listing{Scope: testScope, Began: start}
	for _, task := range tasks {
		l.Tasks = append(l.Tasks, task.ARN)
	}
	if err := s.Complete(l, start); err != nil {
		t.Fatal(err)
	}
	return s
}

func versions(s *Snapshot) map[string]int64 {
	out := map[string]int64{}
	for _, t := range s.Tasks {
		out[t.ARN] = t.Version
	}
	return out
}

func TestDescribe(t *testing.T) {
	type told struct {
		after   time.Duration
		tasks   []*Task
		missing []string
	}
	for name, c := range map[string]struct {
		told []told
		want map[string]int64
	}{
		"higher replaces": {[]told{{time.Second, []*Task{running("a", 3)}, nil}}, map[string]int64{"a": 3}},
		"lower dropped":   {[]told{{time.Second, []*Task{running("a", 1)}, nil}}, map[string]int64{"a": 2}},
		"stop":            {[]told{{time.Second, []*Task{stopping("a", 3)}, nil}}, map[string]int64{}},
		"older stop":      {[]told{{time.Second, []*Task{stopping("a", 1)}, nil}}, map[string]int64{"a": 2}},
		"stop is final": {[]told{
			{time.Second, []*Task{stopping("a", 3)}, nil},
			{2 * time.Second, []*Task{running("a", 2)}, nil},
			{3 * time.Second, []*Task{running("a", 4)}, nil},
		}, map[string]int64{}},
		"young missing": {[]told{{time.Minute, nil, []string{"a"}}}, map[string]int64{"a": 2}},
		"missing":       {[]told{{time.Minute + 1, nil, []string{"a"}}}, map[string]int64{}},
		"missing, disproved": {[]told{
			{2 * time.Minute, nil, []string{"a"}},
			{3 * time.Minute, []*Task{running("a", 2)}, nil},
		}, map[string]int64{"a": 2}},
		"missing, then an older answer": {[]told{
			{2 * time.Minute, nil, []string{"a"}},
			{3 * time.Minute, []*Task{running("a", 1)}, nil},
		}, map[string]int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := synced(t, running("a", 2))
			for _, d := range c.told {
				at := start.Add(d.after)
				s.Describe(Description{Scope: testScope, Asked: at, Answered: at, Tasks: d.tasks, Missing: d.missing})
			}
			if diff := cmp.Diff(c.want, versions(s.Snapshot())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEqualVersionRefreshes(t *testing.T) {
	s := synced(t, running("a", 2))
	healthy := running("a", 2)
	healthy.HealthStatus = "HEALTHY"
	s.Describe(Description{Scope: testScope, Asked: start.Add(1), Answered: start.Add(1), Tasks: []*Task{healthy}})
	s.Describe(Description{Scope: testScope, Asked: start.Add(-1), Answered: start.Add(2), Tasks: []*Task{running("a", 2)}})
	if got := s.Snapshot().Tasks[0].HealthStatus; got != "HEALTHY" {
		t.Errorf("health %q", got)
	}
}

func TestNeeded(t *testing.T) {
	pending := running("pending", 1)
	pending.LastStatus = StatusPending
	waiting := running("waiting", 1)
	waiting.Containers = []Container{{Name: "app", LastStatus: StatusPending}}
	s := synced(t, pending, waiting, running("settled", 1), running("omitted", 1), running("stopped", 1))
	at := start.Add(time.Minute)
	s.Describe(Description{Scope: testScope, Asked: at, Answered: at, Tasks: []*Task{stopping("stopped", 2), running("learnt", 1)}})
	got := s.Needed(Listing{Scope: testScope, Began: start.Add(30 * time.Second), Tasks: []string{"pending", "waiting", "settled", "stopped", "new", "new"}})
	if diff := cmp.Diff([]string{"new", "omitted", "pending", "waiting"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCompleteNeedsAnswers(t *testing.T) {
	s := synced(t, running("a", 1))
	later := start.Add(time.Minute)
	if err := s.Complete(Listing{Scope: testScope, Began: later, Tasks: []string{"a", "b"}}, later); err == nil {
		t.Error("a listing with a task that was not described is complete")
	}
	odd := running("b", 1)
	odd.Definition = "other"
	s.Describe(Description{Scope: testScope, Asked: later, Answered: later, Tasks: []*Task{odd}})
	if err := s.Complete(Listing{Scope: testScope, Began: later, Tasks: []string{"a", "b"}}, later); err == nil {
		t.Error("a listing with an unknown definition is complete")
	}
	if diff := cmp.Diff(map[string]int64{"a": 1}, versions(s.Snapshot())); diff != "" {
		t.Errorf("shown before its definition: %s", diff)
	}
	s.PutAbsentDefinition("other", later)
	if err := s.Complete(Listing{Scope: testScope, Began: later, Tasks: []string{"a", "b"}}, later); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]int64{"a": 1, "b": 1}, versions(s.Snapshot())); diff != "" {
		t.Error(diff)
	}
}

func TestStatuses(t *testing.T) {
	s := NewStore()
	s.Fail(testScope, "denied", start)
	want := func(state State, since time.Time, reason string) {
		t.Helper()
		got := s.Snapshot().Status(testScope)
		if got.State != state || !got.Since.Equal(since) || got.Reason != reason {
			t.Errorf("%+v, want %s since %v: %s", got, state, since, reason)
		}
	}
	want(Unsynced, start, "denied")
	s.Fail(testScope, "throttled", start.Add(time.Minute))
	want(Unsynced, start, "throttled")
	if err := s.Complete(Listing{Scope: testScope, Began: start}, start.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	want(Synced, time.Time{}, "")
	s.Fail(testScope, "denied", start.Add(3*time.Minute))
	s.Fail(testScope, "throttled", start.Add(4*time.Minute))
	want(Stale, start.Add(3*time.Minute), "throttled")
	s.Gone(testScope, "MISSING", start.Add(5*time.Minute))
	s.Fail(testScope, "denied", start.Add(6*time.Minute))
	want(Gone, start.Add(5*time.Minute), "MISSING")
	s.Found(testScope, start.Add(7*time.Minute))
	want(Unsynced, start.Add(7*time.Minute), "not listed yet")
	s.Forget(testScope)
	want(Unsynced, time.Time{}, "")
}

func TestSnapshotIsCached(t *testing.T) {
	s := synced(t, running("a", 1), running("b", 1))
	first, revision := s.Snapshot(), s.Revision()
	if s.Snapshot() != first {
		t.Error("another pointer though nothing happened")
	}
	later := start.Add(time.Minute)
	if err := s.Complete(Listing{Scope: testScope, Began: later, Tasks: []string{"a", "b"}}, later); err != nil {
		t.Fatal(err)
	}
	second := s.Snapshot()
	if second == first || !second.SameTasks(first) || s.Revision() != revision || !second.Scopes[0].SyncedAt.Equal(later) {
		t.Errorf("an idle listing: same %v, revision %d, was %d", second.SameTasks(first), s.Revision(), revision)
	}
	s.Describe(Description{Scope: testScope, Asked: later, Answered: later, Tasks: []*Task{running("b", 2)}})
	if s.Snapshot().SameTasks(second) || s.Revision() == revision || first.Tasks[1].Version != 1 {
		t.Error("a change is not seen, or changed an earlier snapshot")
	}
}

func TestUnusedIsDropped(t *testing.T) {
	host := running("a", 1)
	host.Definition, host.Instance = "host", "i"
	s := synced(t, running("b", 1))
	s.PutDefinition(&Definition{ARN: "host", NetworkMode: NetworkHost}, 0, start)
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{host}})
	if diff := cmp.Diff([]string{"i"}, s.WantedInstances(testScope, start)); diff != "" {
		t.Error(diff)
	}
	s.PutInstance(&Instance{ARN: "i", MachineID: "i-1", IPv4: netip.MustParseAddr("10.0.0.1")}, start)
	if snap := s.Snapshot(); len(snap.Definitions) != 2 || len(snap.Instances) != 1 {
		t.Fatalf("%+v", snap)
	}
	s.PutInstance(&Instance{ARN: "i"}, start) // nobody could tell its address
	if !s.Snapshot().Instances["i"].IPv4.IsValid() {
		t.Error("the last known address is lost")
	}
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{stopping("a", 2)}})
	if snap := s.Snapshot(); len(snap.Definitions) != 1 || len(snap.Instances) != 0 {
		t.Errorf("%+v", snap)
	}
	for _, after := range []time.Duration{time.Minute, 10 * time.Minute, 30 * time.Minute} {
		at := start.Add(after)
		if err := s.Complete(Listing{Scope: testScope, Began: at, Tasks: []string{"b"}}, at); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.definitions) != 1 || len(s.instances) != 0 {
		t.Errorf("kept: %v %v", s.definitions, s.instances)
	}
}

func TestFacts(t *testing.T) {
	s := synced(t, running("a", 1))
	s.SetFacts(Facts{Environment: []string{"B", "A", "B"}, TaskTags: true})
	facts, generation := s.Facts()
	if diff := cmp.Diff([]string{"A", "B"}, facts.Environment); diff != "" {
		t.Error(diff)
	}
	later := start.Add(time.Minute)
	l := Listing{Scope: testScope, Began: later, Tasks: []string{"a"}}
	if diff := cmp.Diff([]string{"a"}, s.Needed(l)); diff != "" {
		t.Error(diff)
	}
	told := running("a", 1)
	told.Tags = map[string]string{"env": "prod"}
	told.Environment = map[string]map[string]string{"app": {"A": "1", "SECRET": "x"}, "other": {"SECRET": "x"}}
	s.Describe(Description{Scope: testScope, Asked: later, Answered: later, Facts: generation, Tasks: []*Task{told}})
	s.Describe(Description{Scope: testScope, Asked: later, Answered: later, Facts: 0, Tasks: []*Task{running("a", 1)}})
	d := &Definition{ARN: told.Definition, Containers: []ContainerDefinition{{Name: "app", Environment: map[string]string{"B": "2", "SECRET": "x"}}}}
	if got := s.WantedDefinitions(testScope, later); len(got) != 1 {
		t.Errorf("wanted %v", got)
	}
	s.PutDefinition(d, generation, later)
	if err := s.Complete(l, later); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	if diff := cmp.Diff(map[string]map[string]string{"app": {"A": "1"}}, snap.Tasks[0].Environment); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"B": "2"}, snap.Definitions[d.ARN].Containers[0].Environment); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(facts, snap.Scopes[0].Facts); diff != "" {
		t.Error(diff)
	}
	s.SetFacts(Facts{Environment: []string{"A"}})
	snap = s.Snapshot()
	if snap.Tasks[0].Tags != nil || snap.Definitions[d.ARN].Containers[0].Environment != nil || len(s.Needed(l)) != 0 {
		t.Errorf("facts fewer than before: %+v", snap.Tasks[0])
	}
}

func TestSnapshotRoundTrip(t *testing.T) {
	task := running("a", 1)
	task.StartedAt = start
	task.Group, task.Instance = "service:web", "i"
	task.Containers = []Container{{Name: "app", ID: "c1", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}, Bindings: []PortBinding{{
		Container: PortRange{80, 80}, Host: PortRange{32768, 32768}, Protocol: "tcp",
	}}}}
	task.Interface = &Interface{ID: "eni-1", IPv4: netip.MustParseAddr("10.0.0.1")}
	s := synced(t, task, running("b", 1))
	s.SetFacts(Facts{Services: true, ClusterTags: true, Instances: true, Interfaces: true})
	s.PutInstance(&Instance{ARN: "i", PublicIPv4: netip.MustParseAddr("198.18.0.1"), Tags: map[string]string{"a": "b"}}, start)
	s.PutServices(testScope, []*Service{{ARN: "s", Name: "web", Status: "ACTIVE", Tags: map[string]string{"": "x"}}}, nil, start)
	s.PutCluster(testScope, &Cluster{ARN: "c", Tags: map[string]string{"c": "d"}}, start)
	s.PutInterfaces(testScope, []string{"eni-1"}, map[string]Interface{"eni-1": {VPC: "vpc-1", PublicIPv4: netip.MustParseAddr("198.18.0.2")}}, start)
	s.SetLacking(testScope, FactServices, "describe services: denied")
	if snap := s.Snapshot(); len(snap.Services) != 1 || len(snap.Clusters) != 1 || snap.Tasks[0].Interface.VPC != "vpc-1" || len(snap.Scopes[0].Lacking) != 1 {
		t.Fatalf("not all there is: %+v", snap)
	}
	s.SetSources([]SourceStatus{{Source: Source{Region: "us-east-1", Clusters: []string{"*"}}, Listed: true, Since: time.Now()}})
	s.Fail(testScope, "denied", time.Now())
	for _, snap := range []*Snapshot{s.Snapshot(), NewStore().Snapshot()} {
		text, err := json.Marshal(snap)
		if err != nil {
			t.Fatal(err)
		}
		var back Snapshot
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(snap, &back, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
	}
}

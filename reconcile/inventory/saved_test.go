package inventory

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const arnPrefix = "arn:aws:ecs:us-east-1:123456789012:task/prod/"

// kept is what the store leaves to the next process, through its bytes.
func kept(t *testing.T, s *Store, at time.Time) Saved {
	t.Helper()
	snap, when, err := DecodeSnapshot(EncodeSnapshot(s.Snapshot(), at))
	if err != nil {
		t.Fatal(err)
	}
	definitions, err := DecodeDefinitions(EncodeDefinitions(s.Definitions(at)))
	if err != nil {
		t.Fatal(err)
	}
	return Saved{Snapshot: snap, At: when, Definitions: definitions}
}

// restored is a store that starts from what another left, of whose tasks those
// with these ids are published.
func restored(saved Saved, facts Facts, now time.Time, ids ...string) *Store {
	s := NewStore()
	s.SetFacts(facts)
	s.Restore(saved, []Held{{Scope: testScope, Tasks: ids, Since: now}}, now)
	return s
}

func TestRestoreShowsOnlyWhatIsPublished(t *testing.T) {
	pending, starting, alien := running(arnPrefix+"pending", 1), running(arnPrefix+"starting", 1), running(arnPrefix+"alien", 1)
	pending.LastStatus = StatusPending
	starting.Containers = []Container{{Name: "app", LastStatus: StatusRunning}, {Name: "late", LastStatus: StatusPending}}
	alien.Definition = "not kept"
	before := synced(t, running(arnPrefix+"a", 3), running(arnPrefix+"ended", 3), pending, starting)
	before.PutDefinition(&Definition{ARN: alien.Definition}, 0, start)
	before.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{alien}})
	saved := kept(t, before, start.Add(time.Minute))
	saved.Definitions = saved.Definitions[:1]

	now := start.Add(time.Hour)
	s := restored(saved, Facts{}, now, "a", "alien", "new", "pending", "starting")
	snap := s.Snapshot()
	if diff := cmp.Diff(map[string]int64{arnPrefix + "a": 3}, versions(snap)); diff != "" {
		t.Error(diff)
	}
	want := ScopeStatus{Scope: testScope, State: Stale, SyncedAt: start, Since: start.Add(time.Hour), Restored: start.Add(time.Minute), Reason: "restored from disk, not listed yet"}
	if diff := cmp.Diff(want, snap.Status(testScope)); diff != "" || snap.Status(testScope).Listed() {
		t.Error(diff)
	}
	if snap := restored(saved, Facts{}, now).Snapshot(); len(snap.Tasks) != 0 || len(snap.Scopes) != 1 {
		t.Errorf("with nothing published: %+v", snap)
	}
}

// TestRestartIsNoReading: since when a scope has not been read outlives restarts.
func TestRestartIsNoReading(t *testing.T) {
	since := func(s *Store) time.Time { return s.Snapshot().Status(testScope).Since }
	before := synced(t, running(arnPrefix+"a", 3))
	if err := before.Complete(Listing{Scope: testScope, Began: start, Tasks: []string{arnPrefix + "a"}}, start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	saved := kept(t, before, start.Add(2*time.Minute))
	if got := since(restored(saved, Facts{}, start.Add(time.Hour))); !got.Equal(start.Add(time.Hour)) {
		t.Errorf("a synced one since %v, want the restart, before which nothing had failed", got)
	}

	failed := start.Add(5 * time.Minute)
	before.Fail(testScope, "denied", failed)
	for range 3 {
		before = restored(kept(t, before, start.Add(6*time.Minute)), Facts{}, start.Add(time.Hour), "a")
		before.Found(testScope, start.Add(time.Hour))
		before.Fail(testScope, "denied", start.Add(time.Hour))
		if got := since(before); !got.Equal(failed) {
			t.Errorf("a stale one since %v, want %v", got, failed)
		}
	}
}

// TestRestoredTasksAreAskedFor: the first listing of a restored scope is one of
// an unsynced scope, and no definition is wanted.
func TestRestoredTasksAreAskedFor(t *testing.T) {
	saved := kept(t, synced(t, running(arnPrefix+"a", 3), running(arnPrefix+"b", 3)), start)
	now := start.Add(time.Hour)
	s := restored(saved, Facts{}, now, "a", "b", "unknown")
	s.Found(testScope, now)
	l := Listing{Scope: testScope, Began: now, Tasks: []string{arnPrefix + "a", arnPrefix + "c"}, Held: []string{"a", "b", "unknown"}, HeldSince: now}
	if diff := cmp.Diff([]string{arnPrefix + "a", arnPrefix + "b", arnPrefix + "c", "unknown"}, s.Needed(l)); diff != "" {
		t.Error(diff)
	}
	tell := func(tasks ...*Task) {
		s.Describe(Description{Scope: testScope, Asked: now, Answered: now, Tasks: tasks, Failed: []string{arnPrefix + "b"}})
	}
	tell(running(arnPrefix+"c", 1), stopping(arnPrefix+"unknown", 2))
	for _, silent := range []string{"a", "b"} {
		if err := s.Complete(l, now); err == nil || !strings.Contains(err.Error(), "such as "+silent) {
			t.Errorf("complete without an answer about %s: %v", silent, err)
		}
		s.Fail(testScope, "not answered", now)
		if st := s.Snapshot().Status(testScope); st.Restored.IsZero() || st.State != Stale {
			t.Errorf("after a failure it is %+v", st)
		}
		tell(running(arnPrefix+silent, 3))
	}
	if got := s.WantedDefinitions(testScope, now); len(got) > 0 {
		t.Errorf("definitions are asked for: %v", got)
	}
	if err := s.Complete(l, now); err != nil {
		t.Error(err)
	}
	if st := s.Snapshot().Status(testScope); !st.Listed() || st.State != Synced {
		t.Errorf("it is %+v", st)
	}
	if diff := cmp.Diff(map[string]int64{arnPrefix + "a": 3, arnPrefix + "b": 3, arnPrefix + "c": 1}, versions(s.Snapshot())); diff != "" {
		t.Error(diff)
	}
}

// TestPublishedTaskOfANewService is not hidden for want of its service after a
// restart, though what was saved claims to hold services: it is new to what was
// saved, not to what is published.
func TestPublishedTaskOfANewService(t *testing.T) {
	before := synced(t, ofService(arnPrefix+"a", "web"))
	before.SetFacts(Facts{Services: true})
	before.PutServices(testScope, []*Service{{Name: "web"}}, nil, start)
	before.SetLacking(testScope, FactServices, "")
	saved := kept(t, before, start)
	now := start.Add(time.Minute)
	s := restored(saved, Facts{Services: true}, now, "a", "b")
	if !s.Snapshot().Status(testScope).Facts.Services {
		t.Error("what was saved does not claim to hold services")
	}
	s.Found(testScope, now)
	describe(s, now, ofService(arnPrefix+"a", "web"), ofService(arnPrefix+"b", "new"))
	if err := list(s, now, arnPrefix+"a", arnPrefix+"b"); err != nil {
		t.Fatal(err)
	}
	if snap := s.Snapshot(); len(snap.Tasks) != 2 || snap.Status(testScope).Facts.Services {
		t.Errorf("%d tasks, %+v", len(snap.Tasks), snap.Status(testScope))
	}
	s.PutServices(testScope, []*Service{{Name: "new"}}, nil, now)
	s.SetLacking(testScope, FactServices, "")
	if !s.Snapshot().Status(testScope).Facts.Services {
		t.Error("services are not claimed when all are told")
	}
}

func TestRestoredTaskGoesByEvidence(t *testing.T) {
	for name, tt := range map[string]struct {
		age    time.Duration // of what was saved
		answer Description
		syncs  bool
		want   int
	}{
		"stopping":        {time.Hour, Description{Tasks: []*Task{stopping(arnPrefix+"a", 4)}}, true, 0},
		"missing":         {time.Hour, Description{Missing: []string{arnPrefix + "a"}}, true, 0},
		"young missing":   {time.Second, Description{Missing: []string{arnPrefix + "a"}}, false, 1},
		"another failure": {time.Hour, Description{Failed: []string{arnPrefix + "a"}}, false, 1},
		"an old answer":   {time.Hour, Description{Tasks: []*Task{running(arnPrefix+"a", 2)}}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			now := start.Add(tt.age)
			s := restored(kept(t, synced(t, running(arnPrefix+"a", 3)), start), Facts{}, now, "a")
			l := Listing{Scope: testScope, Began: now, Held: []string{"a"}, HeldSince: now.Add(-tt.age)}
			tt.answer.Scope, tt.answer.Asked, tt.answer.Answered = testScope, now, now
			s.Describe(tt.answer)
			if err := s.Complete(l, now); (err == nil) != tt.syncs {
				t.Errorf("complete: %v", err)
			}
			if got := len(s.Snapshot().Tasks); got != tt.want {
				t.Errorf("%d tasks, want %d", got, tt.want)
			}
		})
	}
}

// TestRestoredDefinitionsHoldNames: what was decoded with the names asked for now,
// or more, is not asked for again.
func TestRestoredDefinitionsHoldNames(t *testing.T) {
	before := NewStore()
	before.SetFacts(Facts{Environment: []string{"MODE", "ZONE"}})
	_, generation := before.Facts()
	before.Found(testScope, start)
	task := running(arnPrefix+"a", 1)
	before.PutDefinition(&Definition{ARN: task.Definition, Containers: []ContainerDefinition{{Name: "app", Environment: map[string]string{"MODE": "m", "ZONE": "z"}}}}, generation, start)
	before.Describe(Description{Scope: testScope, Asked: start, Answered: start, Facts: generation, Tasks: []*Task{task}})
	if err := before.Complete(Listing{Scope: testScope, Began: start, Tasks: []string{task.ARN}}, start); err != nil {
		t.Fatal(err)
	}
	saved := kept(t, before, start)
	for _, tt := range []struct {
		names  []string
		wanted int
		values map[string]string
	}{
		{[]string{"MODE", "ZONE"}, 0, map[string]string{"MODE": "m", "ZONE": "z"}},
		{[]string{"ZONE"}, 0, map[string]string{"ZONE": "z"}},
		{nil, 0, nil},
		{[]string{"MODE", "NEW"}, 1, map[string]string{"MODE": "m"}},
	} {
		s := restored(saved, Facts{Environment: tt.names}, start, "a")
		if got := s.WantedDefinitions(testScope, start); len(got) != tt.wanted {
			t.Errorf("%v: wants %v", tt.names, got)
		}
		if diff := cmp.Diff(tt.values, s.Snapshot().Definitions[task.Definition].Containers[0].Environment); diff != "" {
			t.Errorf("%v: %s", tt.names, diff)
		}
		if claim := s.Snapshot().Status(testScope).Facts; len(claim.Environment) != len(tt.values) {
			t.Errorf("%v: it claims %+v", tt.names, claim)
		}
		again := restored(kept(t, s, start), Facts{Environment: tt.names}, start, "a") // before anything was asked
		if got := again.WantedDefinitions(testScope, start); len(got) != tt.wanted {
			t.Errorf("%v, a second time: wants %v", tt.names, got)
		}
	}
	s := restored(saved, Facts{Environment: []string{"ZONE"}}, start, "a")
	s.SetFacts(Facts{Environment: []string{"MODE", "ZONE"}}) // whose values have been dropped
	if got := s.WantedDefinitions(testScope, start); len(got) != 1 {
		t.Errorf("a name that is asked for again: wants %v", got)
	}
}

// TestRestoredDefinitionsAreForgotten: those that nobody uses outlive the time that
// a cluster may take to answer, and no more, over any number of processes.
func TestRestoredDefinitionsAreForgotten(t *testing.T) {
	saved := kept(t, synced(t, running(arnPrefix+"a", 1)), start)
	now := start.Add(100 * 24 * time.Hour) // while nothing runs they do not age
	for range 5 {
		s := restored(saved, Facts{}, now)
		if err := list(s, now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(5 * time.Hour)
		saved = kept(t, s, now)
		if len(saved.Definitions) != 1 {
			t.Fatalf("after %v it is gone", now.Sub(start))
		}
	}
	if s := restored(saved, Facts{}, now); list(s, now) != nil || len(s.Definitions(now)) != 0 {
		t.Errorf("it is kept for good: %v", s.Definitions(now))
	}
}

func TestRestoredFacts(t *testing.T) {
	facts := Facts{TaskTags: true, Services: true, ClusterTags: true, Instances: true, Interfaces: true}
	before := NewStore()
	before.SetFacts(facts)
	_, generation := before.Facts()
	before.Found(testScope, start)
	before.PutDefinition(&Definition{ARN: running("", 0).Definition, NetworkMode: NetworkAWSVPC}, generation, start)
	var tasks []*Task
	l := Listing{Scope: testScope, Began: start}
	for i, id := range []string{"a", "b"} {
		task := running(arnPrefix+id, 1)
		task.Group, task.Instance, task.Tags = "service:s"+id, "i", map[string]string{"k": id}
		task.Interface = &Interface{ID: "eni-" + id, IPv4: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}
		tasks, l.Tasks = append(tasks, task), append(l.Tasks, task.ARN)
	}
	before.Describe(Description{Scope: testScope, Asked: start, Answered: start, Facts: generation, Tasks: tasks})
	before.PutServices(testScope, []*Service{{Name: "sa", Tags: map[string]string{"t": "1"}}}, []string{"sb"}, start)
	before.PutCluster(testScope, &Cluster{Tags: map[string]string{"c": "1"}}, start)
	before.PutInterfaces(testScope, []string{"eni-a", "eni-b"}, map[string]Interface{"eni-a": {VPC: "vpc"}}, start)
	before.PutInstance(&Instance{ARN: "i", MachineID: "i-1", IPv4: netip.MustParseAddr("10.0.0.9"), Tags: map[string]string{"i": "1"}}, start)
	if err := before.Complete(l, start); err != nil {
		t.Fatal(err)
	}
	saved := kept(t, before, start)
	want := before.Snapshot()
	if !want.Status(testScope).Facts.Covers(facts) {
		t.Fatalf("the fixture holds %+v", want.Scopes)
	}

	s := restored(saved, facts, start, "a", "b")
	got := s.Snapshot()
	for name, pair := range map[string][2]any{
		"tasks": {want.Tasks, got.Tasks}, "services": {want.Services, got.Services}, "clusters": {want.Clusters, got.Clusters},
		"instances": {want.Instances, got.Instances}, "facts": {want.Status(testScope).Facts, got.Status(testScope).Facts},
	} {
		if diff := cmp.Diff(pair[0], pair[1], sameValues); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	s.Fail(testScope, "AWS is away", start)
	if claim := s.Snapshot().Status(testScope).Facts; !claim.Covers(facts) {
		t.Errorf("after a failure it claims %+v", claim)
	}
	unknown, _ := s.WholeInstances(testScope, start, Refresh)
	if asked := fmt.Sprint(s.WantedServices(testScope, start, Refresh), s.WantedInterfaces(testScope, start, Refresh), unknown, s.WantedCluster(testScope, start, Refresh)); asked != "[] [] [] false" {
		t.Errorf("asks for %s", asked)
	}

	less := restored(saved, Facts{}, start, "a", "b").Snapshot()
	if diff := cmp.Diff(Facts{}, less.Status(testScope).Facts); diff != "" || less.Services != nil || less.Clusters != nil {
		t.Errorf("with no facts asked for: %s%+v", diff, less)
	}
	if got := less.Tasks[0]; got.Tags != nil || got.Interface.VPC != "" {
		t.Errorf("with no facts asked for: %+v, %+v", got, got.Interface)
	}
}

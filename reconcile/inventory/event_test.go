package inventory

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// observe tells s of events, each of a change at that time.
func observe(s *Store, now, at time.Time, tasks ...*Task) {
	for _, t := range tasks {
		s.Observe([]Event{{At: at, Facts: s.generation, Task: t}}, now)
	}
}

// describe answers a describe, asked and answered at once.
func describe(s *Store, at time.Time, tasks ...*Task) {
	s.Describe(Description{Scope: testScope, Asked: at, Answered: at, Facts: s.generation, Tasks: tasks})
}

func missing(s *Store, at time.Time, arns ...string) {
	s.Describe(Description{Scope: testScope, Asked: at, Answered: at, Facts: s.generation, Missing: arns})
}

func TestObserve(t *testing.T) {
	const old, recent = -TombstoneAge - time.Second, -time.Second
	elsewhere := running("b", 1)
	elsewhere.Scope.Cluster = "foreign"
	type told struct {
		age  time.Duration
		task *Task
	}
	for name, c := range map[string]struct {
		told  []told
		want  map[string]int64
		asked []string
	}{
		"higher replaces":        {[]told{{recent, running("a", 3)}}, map[string]int64{"a": 3}, nil},
		"equal":                  {[]told{{recent, running("a", 2)}}, map[string]int64{"a": 2}, nil},
		"lower dropped":          {[]told{{recent, running("a", 1)}}, map[string]int64{"a": 2}, nil},
		"old, of a known task":   {[]told{{old, running("a", 3)}}, map[string]int64{"a": 3}, nil},
		"new task":               {[]told{{recent, running("b", 1)}}, map[string]int64{"a": 2, "b": 1}, nil},
		"old, of a new task":     {[]told{{old, running("b", 1)}}, map[string]int64{"a": 2}, []string{"b"}},
		"without a version":      {[]told{{recent, running("b", 0)}}, map[string]int64{"a": 2}, []string{"b"}},
		"stop":                   {[]told{{recent, stopping("a", 3)}}, map[string]int64{}, nil},
		"old stop":               {[]told{{old, stopping("a", 3)}}, map[string]int64{}, nil},
		"older version's stop":   {[]told{{recent, stopping("a", 1)}}, map[string]int64{"a": 2}, nil},
		"stop is final":          {[]told{{recent, stopping("a", 3)}, {recent, running("a", 2)}, {recent, running("a", 4)}}, map[string]int64{}, nil},
		"stop of an unknown one": {[]told{{recent, stopping("b", 3)}, {recent, running("b", 2)}, {old, running("b", 2)}}, map[string]int64{"a": 2}, nil},
		"stop after a doubt":     {[]told{{old, running("b", 2)}, {old, stopping("b", 3)}}, map[string]int64{"a": 2}, nil},
		"another cluster's":      {[]told{{recent, elsewhere}}, map[string]int64{"a": 2}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := synced(t, running("a", 2))
			now := start.Add(time.Hour)
			for _, one := range c.told {
				observe(s, now, now.Add(one.age), one.task)
			}
			if diff := cmp.Diff(c.want, versions(s.Snapshot())); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.asked, s.Wanting(testScope, now).Tasks); diff != "" {
				t.Errorf("to describe: %s", diff)
			}
		})
	}
}

// TestEventKeepsWhatItDoesNotCarry: tags, and overrides that older facts did not
// ask for; and its own health counts for less than a describe's.
func TestEventKeepsWhatItDoesNotCarry(t *testing.T) {
	s := synced(t, running("a", 1))
	s.SetFacts(Facts{TaskTags: true, Environment: []string{"A"}})
	whole := func(version int64) *Task {
		task := running("a", version)
		task.Tags, task.Environment = map[string]string{"k": "v"}, map[string]map[string]string{"app": {"A": "1"}}
		return task
	}
	describe(s, start, whole(2))
	s.PutDefinition(&Definition{ARN: running("", 0).Definition}, s.generation, start)
	s.Observe([]Event{{At: start, Facts: s.generation, Task: running("a", 2)}}, start)
	if s.Snapshot().Tasks[0].Environment == nil {
		t.Error("an event of the known version changed the task")
	}
	told := whole(3)
	told.Tags = nil
	observe(s, start, start, told)
	if diff := cmp.Diff(whole(3), s.Snapshot().Tasks[0]); diff != "" || !s.Wanting(testScope, start).Empty() {
		t.Error(diff)
	}
	s.Observe([]Event{{At: start, Facts: s.generation - 1, Task: running("a", 4)}}, start)
	if diff := cmp.Diff(whole(4), s.Snapshot().Tasks[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a"}, s.Wanting(testScope, start).Tasks); diff != "" {
		t.Errorf("to describe, because of older facts: %s", diff)
	}
}

// TestTaskOfEventIsDescribedForItsTags: where the scope claims the tags of tasks,
// it shows no task without them.
func TestTaskOfEventIsDescribedForItsTags(t *testing.T) {
	s := synced(t, running("a", 1))
	s.SetFacts(Facts{TaskTags: true})
	describe(s, start, running("a", 1))
	s.PutDefinition(&Definition{ARN: running("", 0).Definition}, s.generation, start)
	if err := list(s, start, "a"); err != nil {
		t.Fatal(err)
	}
	now := start.Add(time.Minute)
	observe(s, now, now, running("b", 1))
	if diff := cmp.Diff([]string{"b"}, s.Wanting(testScope, now).Tasks); diff != "" || len(s.Snapshot().Tasks) != 1 {
		t.Errorf("shows %d tasks, to describe %s", len(s.Snapshot().Tasks), diff)
	}
	if err := list(s, now, "a", "b"); err != nil || !s.Snapshot().Scopes[0].Facts.TaskTags {
		t.Errorf("a task on its way takes the claim away: %v", err)
	}
	describe(s, now, running("b", 1))
	if len(s.Snapshot().Tasks) != 2 || !s.Wanting(testScope, now).Empty() {
		t.Errorf("shows %d tasks, wanting %+v", len(s.Snapshot().Tasks), s.Wanting(testScope, now))
	}
}

// TestWanting: what a task of an event refers to comes before the task.
func TestWanting(t *testing.T) {
	s := synced(t, running("a", 1))
	s.SetFacts(Facts{Services: true, Interfaces: true})
	now := start.Add(time.Hour)
	task := ofService("b", "web")
	task.Definition, task.Instance = "new:1", "i"
	observe(s, now, now, task)
	want := func(w Wanting, tasks int) {
		t.Helper()
		if diff := cmp.Diff(w, s.Wanting(testScope, now)); diff != "" || len(s.Snapshot().Tasks) != tasks {
			t.Errorf("shows %d tasks, want %d; wanting %s", len(s.Snapshot().Tasks), tasks, diff)
		}
	}
	want(Wanting{Definitions: []string{"new:1"}, Services: []string{"web"}, Interfaces: []string{"eni-b"}}, 1)
	s.PutDefinition(&Definition{ARN: "new:1", NetworkMode: NetworkHost}, s.generation, now)
	want(Wanting{Instances: []string{"i"}, Services: []string{"web"}, Interfaces: []string{"eni-b"}}, 1)
	s.PutInstance(&Instance{ARN: "i", MachineID: "i-1", IPv4: reusedAddress}, now)
	s.SetLacking(testScope, FactInterfaces, "denied")
	want(Wanting{Services: []string{"web"}}, 2)
	s.PutServices(testScope, []*Service{{Name: "web"}}, nil, now)
	want(Wanting{}, 2)
	if len(s.scopes[testScope].pending) != 0 {
		t.Error("what is complete is still pending")
	}
}

// TestDoubtIsSettled: a task that only an old event told of is asked for until
// there is an answer, and no longer.
func TestDoubtIsSettled(t *testing.T) {
	now := start.Add(time.Hour)
	for name, c := range map[string]struct {
		answer      Description
		asked, then []string
		shown       int
	}{
		"running":  {Description{Tasks: []*Task{running("b", 2)}}, nil, nil, 2},
		"an older": {Description{Tasks: []*Task{running("b", 1)}}, nil, []string{"b"}, 2},
		"stopped":  {Description{Tasks: []*Task{stopping("b", 3)}}, nil, nil, 1},
		"missing":  {Description{Missing: []string{"b"}}, nil, nil, 1},
		"failed":   {Description{Failed: []string{"b"}}, []string{"b"}, []string{"b"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := synced(t, running("a", 1))
			observe(s, now, now.Add(-TombstoneAge-time.Second), running("b", 2))
			c.answer.Scope, c.answer.Asked, c.answer.Answered = testScope, now, now
			s.Describe(c.answer)
			if diff := cmp.Diff(c.asked, s.Wanting(testScope, now).Tasks); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.then, s.Wanting(testScope, now.Add(describeAgain)).Tasks); diff != "" {
				t.Errorf("after a while: %s", diff)
			}
			if n := len(s.Snapshot().Tasks); n != c.shown {
				t.Errorf("%d tasks shown", n)
			}
		})
	}
}

// TestMissingOutlivesEvents: a late event cannot bring back what was MISSING, nor
// can the answer to an earlier question; a new answer can.
func TestMissingOutlivesEvents(t *testing.T) {
	s := synced(t, running("a", 2))
	now := start.Add(time.Hour)
	missing(s, now, "a")
	observe(s, now, now, running("a", 3))
	s.Describe(Description{Scope: testScope, Asked: now.Add(-time.Second), Answered: now, Tasks: []*Task{running("a", 3)}})
	if n := len(s.Snapshot().Tasks); n != 0 {
		t.Errorf("%d tasks", n)
	}
	describe(s, now.Add(time.Second), running("a", 3))
	if n := len(s.Snapshot().Tasks); n != 1 {
		t.Errorf("%d tasks, after a new answer", n)
	}
}

// TestEventsBeforeTheListing: one subscribes first, then lists.
func TestEventsBeforeTheListing(t *testing.T) {
	s := NewStore()
	s.PutDefinition(&Definition{ARN: running("", 0).Definition}, 0, start)
	observe(s, start, start, running("early", 1)) // nobody knows the cluster
	s.Found(testScope, start)
	at := start.Add(time.Second)
	observe(s, at, at, running("a", 2), stopping("b", 3))
	if len(s.Snapshot().Tasks) != 0 || !s.Wanting(testScope, at).Empty() {
		t.Error("something is shown, or wanted, before the first listing")
	}
	l := Listing{Scope: testScope, Began: start.Add(2 * time.Second), Tasks: []string{"a", "b"}}
	observe(s, l.Began.Add(1), at, running("c", 1))
	describe(s, l.Began.Add(1), running("a", 1), running("b", 2))
	if err := s.Complete(l, at.Add(3*time.Second)); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	if diff := cmp.Diff(map[string]int64{"a": 2, "c": 1}, versions(snap)); diff != "" || snap.Waiting != 0 {
		t.Errorf("%d wait; %s", snap.Waiting, diff)
	}
}

// TestClusterFoundAnew: what is still told of the former cluster of that name
// brings none of its tasks back, whatever AWS's clock says.
func TestClusterFoundAnew(t *testing.T) {
	s := synced(t, running("a", 1))
	asked := start.Add(time.Minute)
	s.Gone(testScope, "MISSING", asked.Add(time.Second))
	observe(s, asked.Add(time.Second), asked, running("a", 2))
	found := asked.Add(time.Minute)
	s.Found(testScope, found)
	s.Describe(Description{Scope: testScope, Asked: asked, Answered: found, Tasks: []*Task{running("a", 2)}})
	if err := s.Complete(Listing{Scope: testScope, Began: asked}, found); err == nil {
		t.Error("a listing of the former cluster is complete")
	}
	if err := s.Complete(Listing{Scope: testScope, Began: found}, found); err != nil {
		t.Fatal(err)
	}
	observe(s, found, found.Add(ClockSkew-time.Second), running("a", 2))
	if n := len(s.Snapshot().Tasks); n != 0 {
		t.Errorf("%d tasks", n)
	}
	if diff := cmp.Diff([]string{"a"}, s.Wanting(testScope, found).Tasks); diff != "" {
		t.Error(diff)
	}
	missing(s, found, "a")
	missing(s, found.Add(MissingAge+ClockSkew), "a")
	if w := s.Wanting(testScope, found.Add(time.Hour)); !w.Empty() {
		t.Errorf("still wanting %+v", w)
	}
}

// TestStopsOutliveTheConfiguration: of a cluster that was not named for a while,
// answers that lag bring nothing back either.
func TestStopsOutliveTheConfiguration(t *testing.T) {
	s := synced(t, running("a", 1))
	observe(s, start, start, stopping("a", 2))
	s.Gone(testScope, "not named", start)
	s.Found(testScope, start.Add(time.Second))
	describe(s, start.Add(time.Minute), running("a", 1))
	if err := list(s, start.Add(time.Minute), "a"); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Snapshot().Tasks); n != 0 {
		t.Errorf("%d tasks", n)
	}
}

// TestStaleAddress: an address that another cluster's task has meanwhile takes
// nothing from the stale one; the planner retires it.
func TestStaleAddress(t *testing.T) {
	other := testScope
	other.Cluster = "other"
	stale := running("a", 1)
	stale.Containers = []Container{{Name: "app", Addresses: []netip.Addr{reusedAddress}}}
	s := synced(t, stale)
	s.Fail(testScope, "denied", start)
	s.Found(other, start)
	if err := s.Complete(Listing{Scope: other, Began: start}, start); err != nil {
		t.Fatal(err)
	}
	reusing := running("b", 1)
	reusing.Scope, reusing.Containers = other, stale.Containers
	observe(s, start, start, reusing)
	if diff := cmp.Diff(map[string]int64{"a": 1, "b": 1}, versions(s.Snapshot())); diff != "" {
		t.Error(diff)
	}
}

// TestEventsOfTwoFacts: a task that an event told of which was decoded before
// more variables were asked for lacks nothing after the next event.
func TestEventsOfTwoFacts(t *testing.T) {
	s := synced(t)
	tell := func(facts Facts) {
		s.SetFacts(facts)
		s.PutDefinition(&Definition{ARN: running("", 0).Definition}, s.generation, start)
	}
	list := func(tasks ...string) {
		t.Helper()
		l := Listing{Scope: testScope, Began: start, Tasks: tasks}
		if need := s.Needed(l); len(need) > 0 {
			t.Errorf("needed: %v", need)
		}
		if err := s.Complete(l, start); err != nil {
			t.Error(err)
		}
	}
	tell(Facts{Environment: []string{"A"}})
	list()
	before := s.generation
	tell(Facts{Environment: []string{"A", "B"}})
	pending := running("b", 1)
	pending.LastStatus = StatusPending
	s.Observe([]Event{{At: start, Facts: before, Task: pending}}, start)
	if n := len(s.Snapshot().Tasks); n != 0 {
		t.Errorf("%d tasks are shown without what the scope claims to hold", n)
	}
	observe(s, start, start, running("b", 2))
	if w := s.Wanting(testScope, start); !w.Empty() {
		t.Errorf("wanting %+v", w)
	}
	list("b")
	if diff := cmp.Diff(map[string]int64{"b": 2}, versions(s.Snapshot())); diff != "" {
		t.Error(diff)
	}
}

// TestNothingGrowsWithoutListings: a day of events while no listing gets through.
func TestNothingGrowsWithoutListings(t *testing.T) {
	s := synced(t)
	now := start
	for i := range 1440 {
		now = now.Add(time.Minute)
		task, stop := running(fmt.Sprint(i), 1), stopping(fmt.Sprint(i), 2)
		task.Definition = fmt.Sprintf("task-definition/web:%d", i)
		observe(s, now, now, task)
		s.PutDefinition(&Definition{ARN: task.Definition}, s.generation, now)
		observe(s, now, now, stop)
		s.Fail(testScope, "denied", now)
	}
	const kept = int((TombstoneAge+ClockSkew+sweepEvery)/time.Minute) + 2
	if n := len(s.scopes[testScope].tombs); n > kept {
		t.Errorf("%d tombstones are kept", n)
	}
	if n := len(s.Definitions(now)); n > kept {
		t.Errorf("%d definitions are kept", n)
	}
	now = now.Add(TombstoneAge + ClockSkew + time.Minute)
	s.Missed(testScope, now)
	if n := len(s.scopes[testScope].tombs); n > 0 {
		t.Errorf("%d tombstones are kept where nothing happens any more", n)
	}
}

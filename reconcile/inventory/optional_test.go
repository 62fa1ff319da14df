package inventory

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ofService is a running task of a service, with a network interface, on an
// instance.
func ofService(arn, service string) *Task {
	t := running(arn, 1)
	t.Group, t.Instance, t.Interface = "service:"+service, "i-"+arn, &Interface{ID: "eni-" + arn}
	return t
}

func list(s *Store, at time.Time, arns ...string) error {
	return s.Complete(Listing{Scope: testScope, Began: at, Tasks: arns}, at)
}

// everything is every fact that calls of their own tell.
func everything() Facts {
	return Facts{Services: true, ClusterTags: true, Instances: true, Interfaces: true}
}

// tell answers all that s wants of its optional facts, and says how much it was.
func tell(s *Store, at time.Time) (asked int) {
	services, interfaces := s.WantedServices(testScope, at, time.Minute), s.WantedInterfaces(testScope, at, time.Minute)
	unknown, known := s.WholeInstances(testScope, at, time.Minute)
	if s.WantedCluster(testScope, at, time.Minute) {
		s.PutCluster(testScope, &Cluster{ARN: "c", Tags: map[string]string{"a": "b"}}, at)
		asked++
	}
	for _, name := range services {
		s.PutServices(testScope, []*Service{{Name: name, Tags: map[string]string{"a": "b"}}}, nil, at)
	}
	found := map[string]Interface{}
	for _, id := range interfaces {
		found[id] = Interface{VPC: "vpc", PublicIPv4: netip.MustParseAddr("198.18.0.1")}
	}
	s.PutInterfaces(testScope, interfaces, found, at)
	for _, i := range known {
		unknown = append(unknown, i.ARN)
	}
	for _, arn := range unknown {
		s.PutInstance(&Instance{
			ARN: arn, MachineID: arn, IPv4: netip.MustParseAddr("10.0.0.1"), PublicIPv4: netip.MustParseAddr("198.18.0.2"), Tags: map[string]string{"a": "b"},
		}, at)
	}
	return asked + len(services) + len(interfaces) + len(unknown)
}

func TestOptionalFacts(t *testing.T) {
	s := synced(t, ofService("a", "web"), ofService("b", "web"), running("c", 1))
	if n := tell(s, start); n != 0 || len(s.Snapshot().Instances) != 0 {
		t.Fatalf("%d things wanted that nobody asks for", n)
	}
	generation := s.generation
	s.SetFacts(everything())
	if s.generation != generation {
		t.Error("facts with calls of their own have all tasks described again")
	}
	if got := s.Snapshot().Scopes[0].Facts; !got.Covers(Facts{}) || got.Services {
		t.Errorf("claimed before anything was asked: %+v", got)
	}
	if n := tell(s, start); n != 1+1+2+2 {
		t.Errorf("asked for %d things", n)
	}
	if err := list(s, start, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, s.Snapshot())
	if n := tell(s, start.Add(time.Minute)); n != 0 {
		t.Errorf("asked for %d things again after a minute", n)
	}
	if n := tell(s, start.Add(Refresh)); n != 6 {
		t.Errorf("asked for %d of 6 things again after %v", n, Refresh)
	}
}

func wantWhole(t *testing.T, snap *Snapshot) {
	t.Helper()
	if diff := cmp.Diff(everything(), snap.Scopes[0].Facts); diff != "" {
		t.Error(diff)
	}
	for _, task := range snap.Tasks[:2] {
		if task.Interface.VPC != "vpc" || snap.Instances[task.Instance].Tags["a"] != "b" || snap.Service(task).Tags["a"] != "b" || snap.Cluster(task.Scope) == nil {
			t.Errorf("%s lacks something: %+v", task.ARN, task.Interface)
		}
	}
	if snap.Service(snap.Tasks[2]) != nil {
		t.Error("a task of no service has one")
	}
}

// TestFactsShrink: what is no longer asked for is dropped.
func TestFactsShrink(t *testing.T) {
	s := synced(t, ofService("a", "web"))
	s.SetFacts(everything())
	tell(s, start)
	if err := list(s, start, "a"); err != nil {
		t.Fatal(err)
	}
	s.SetFacts(Facts{})
	snap := s.Snapshot()
	if len(snap.Services) != 0 || len(snap.Clusters) != 0 || len(snap.Instances) != 0 || snap.Tasks[0].Interface.VPC != "" ||
		snap.Scopes[0].Facts.Instances || len(s.instances) != 0 || len(s.scopes[testScope].services) != 0 {
		t.Errorf("kept though nobody asks for it: %+v", snap)
	}
}

// TestUnaskedAnswer: what was asked for before facts shrank is not kept.
func TestUnaskedAnswer(t *testing.T) {
	s := synced(t, ofService("a", "web"))
	s.PutServices(testScope, []*Service{{Name: "web"}}, nil, start)
	s.PutCluster(testScope, &Cluster{}, start)
	s.PutInterfaces(testScope, []string{"eni-a"}, map[string]Interface{"eni-a": {VPC: "vpc"}}, start)
	s.PutInstance(&Instance{ARN: "i-a", Tags: map[string]string{"a": "b"}}, start)
	s.SetLacking(testScope, FactServices, "denied")
	c := s.scopes[testScope]
	if len(c.services)+len(c.clusters)+len(c.interfaces)+len(c.lacking) != 0 || s.instances["i-a"].instance.Tags != nil {
		t.Errorf("kept: %+v", c.optional)
	}
}

// TestLackingFact: see [Store.SetLacking].
func TestLackingFact(t *testing.T) {
	s := synced(t, ofService("a", "web"))
	s.SetFacts(Facts{Services: true})
	want := func(held bool, reason string, tasks int) {
		t.Helper()
		snap := s.Snapshot()
		st := snap.Scopes[0]
		if st.State != Synced || st.Facts.Services != held || st.Lacking["services"] != reason || len(snap.Tasks) != tasks {
			t.Fatalf("%d tasks, %+v", len(snap.Tasks), st)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.SetLacking(testScope, FactServices, "denied")
	must(list(s, start, "a"))
	want(false, "denied", 1)
	tell(s, start)
	s.SetLacking(testScope, FactServices, "")
	must(list(s, start, "a"))
	want(true, "", 1)
	s.SetLacking(testScope, FactServices, "throttled") // a refresh
	must(list(s, start, "a"))
	want(true, "throttled", 1)
	s.SetLacking(testScope, FactServices, "")
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{ofService("b", "new")}})
	want(true, "", 1) // the new task waits
	s.SetLacking(testScope, FactServices, "denied again")
	want(false, "denied again", 2)
	if s.Snapshot().Service(s.Snapshot().Tasks[0]) == nil {
		t.Error("the last known service is lost")
	}
	tell(s, start)
	s.SetLacking(testScope, FactServices, "")
	must(list(s, start, "a", "b"))
	want(true, "", 2)
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{ofService("c", "newer")}})
	s.Fail(testScope, "another call failed", start)
	if snap := s.Snapshot(); len(snap.Tasks) != 3 || snap.Scopes[0].Facts.Services {
		t.Errorf("after a listing that failed: %d tasks, %+v", len(snap.Tasks), snap.Scopes[0])
	}
}

// TestAbsent: a service that is MISSING is gone, at once, and asked for again
// soon; an interface that EC2 does not mention keeps what is known of it.
func TestAbsent(t *testing.T) {
	s := synced(t, ofService("a", "web"))
	s.SetFacts(everything())
	tell(s, start)
	s.PutServices(testScope, nil, []string{"web"}, start)
	s.PutInterfaces(testScope, []string{"eni-a"}, nil, start)
	if err := list(s, start, "a"); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	if len(snap.Services) != 0 || !snap.Scopes[0].Facts.Services || snap.Tasks[0].Interface.VPC != "vpc" {
		t.Errorf("%+v, interface %+v", snap, snap.Tasks[0].Interface)
	}
	if diff := cmp.Diff([]string{"web"}, s.WantedServices(testScope, start.Add(AddresslessAge), Refresh)); diff != "" {
		t.Error(diff)
	}
}

// TestLedgerSpread: in the order of polls everything is asked for again within
// Refresh, and never much at once.
func TestLedgerSpread(t *testing.T) {
	const size = 3000
	l, used := ledger[Service]{}, map[string]struct{}{}
	for i := range size {
		used[fmt.Sprint(i)] = struct{}{}
	}
	if n := len(l.wanted(used, ServiceBatch, 0, start)); n != size {
		t.Fatalf("%d of %d unknown ones wanted", n, size)
	}
	for name := range used {
		l.put(name, &Service{}, start)
	}
	calls := 0
	for now := start.Add(15 * time.Second); now.Before(start.Add(time.Hour)); now = now.Add(15 * time.Second) {
		wanted := l.wanted(used, ServiceBatch, 15*time.Second, now)
		if len(wanted) > size/10 || len(wanted)%ServiceBatch != 0 && len(wanted) != size%ServiceBatch {
			t.Fatalf("%d of %d wanted at once", len(wanted), size)
		}
		calls += len(wanted) / ServiceBatch
		for _, name := range wanted {
			l.put(name, &Service{}, now)
		}
		for name, got := range l {
			if now.Sub(got.asked) > Refresh {
				t.Fatalf("%s was asked for %v ago", name, now.Sub(got.asked))
			}
		}
	}
	if once := size / ServiceBatch; calls > 12*once {
		t.Errorf("%d calls in an hour, for %d at a time", calls, once)
	}
}

func TestUnusedServicesAreForgotten(t *testing.T) {
	s := synced(t, ofService("a", "web"), ofService("b", "old"))
	s.SetFacts(everything())
	tell(s, start)
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{stopping("b", 2)}})
	for _, after := range []time.Duration{time.Minute, 10 * time.Minute, 30 * time.Minute} {
		if err := list(s, start.Add(after), "a"); err != nil {
			t.Fatal(err)
		}
		if n := len(s.Snapshot().Services); n != 1 {
			t.Errorf("%d services shown", n)
		}
	}
	if c := s.scopes[testScope]; len(c.services) != 1 || len(c.interfaces) != 1 {
		t.Errorf("kept: %v %v", c.services, c.interfaces)
	}
}

func TestLacks(t *testing.T) {
	have := Facts{Environment: []string{"A"}, Services: true}
	if got := have.Lacks(have); got != nil || !have.Covers(have) {
		t.Errorf("lacks %v of itself", got)
	}
	wanted := everything()
	wanted.Environment, wanted.TaskTags = []string{"A", "B"}, true
	want := []string{
		"the environment variable B", "the tags of tasks", "the tags of clusters", "the container instances of tasks", "the network interfaces of tasks",
	}
	if diff := cmp.Diff(want, have.Lacks(wanted)); diff != "" || have.Covers(wanted) {
		t.Error(diff)
	}
}

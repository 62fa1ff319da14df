package inventory

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// absences is a store with a task that uses a machine, a service and a network
// interface, all of them asked for and absent at start.
func absences(t *testing.T, byEvent bool) *Store {
	t.Helper()
	var s *Store
	task := running("b", 1)
	task.Group, task.Instance, task.Interface = "service:web", "i", &Interface{ID: "eni"}
	if byEvent {
		s = synced(t)
	} else {
		s = synced(t, task)
	}
	s.SetFacts(Facts{Services: true, Interfaces: true})
	s.PutDefinition(&Definition{ARN: task.Definition, NetworkMode: NetworkBridge}, s.generation, start)
	if byEvent {
		observe(s, start, start, task)
		want := Wanting{Instances: []string{"i"}, Services: []string{"web"}, Interfaces: []string{"eni"}}
		if diff := cmp.Diff(want, s.Wanting(testScope, start)); diff != "" {
			t.Fatal(diff)
		}
	}
	s.PutInstance(&Instance{ARN: "i", MachineID: "i-1"}, start)
	s.PutServices(testScope, nil, []string{"web"}, start)
	s.PutInterfaces(testScope, []string{"eni"}, nil, start)
	return s
}

// TestAbsentIsAskedForAgain, whether an event or a listing told of the task, after
// a minute and not before, until it is there.
func TestAbsentIsAskedForAgain(t *testing.T) {
	for name, byEvent := range map[string]bool{"told by an event": true, "listed": false} {
		t.Run(name, func(t *testing.T) {
			s := absences(t, byEvent)
			for _, early := range []time.Duration{0, time.Second, AddresslessAge - time.Second} {
				if w := s.Wanting(testScope, start.Add(early)); !w.Empty() {
					t.Errorf("asked for again after %v: %+v", early, w)
				}
			}
			now := start.Add(AddresslessAge)
			want := Wanting{Instances: []string{"i"}, Services: []string{"web"}, Interfaces: []string{"eni"}}
			for range 2 { // until it is answered
				if diff := cmp.Diff(want, s.Wanting(testScope, now)); diff != "" {
					t.Error(diff)
				}
			}
			s.PutInstance(&Instance{ARN: "i", MachineID: "i-1", IPv4: netip.MustParseAddr("10.0.0.1")}, now)
			s.PutServices(testScope, nil, []string{"web"}, now)
			s.PutInterfaces(testScope, []string{"eni"}, map[string]Interface{"eni": {VPC: "vpc"}}, now)
			if w := s.Wanting(testScope, now); !w.Empty() {
				t.Errorf("wanting %+v", w)
			}
			now = now.Add(AddresslessAge)
			if diff := cmp.Diff(Wanting{Services: []string{"web"}}, s.Wanting(testScope, now)); diff != "" {
				t.Error(diff)
			}
			s.PutServices(testScope, []*Service{{Name: "web"}}, nil, now)
			if w := s.Wanting(testScope, now.Add(time.Hour)); !w.Empty() || len(s.scopes[testScope].pending) > 0 {
				t.Errorf("wanting %+v when all is there", w)
			}
		})
	}
}

// TestAbsentOfNobody: what no task uses any more is not asked for again, nor is
// what cannot be asked for at present, until it can.
func TestAbsentOfNobody(t *testing.T) {
	s := absences(t, true)
	now := start.Add(AddresslessAge)
	s.SetLacking(testScope, FactServices, "denied")
	s.SetLacking(testScope, FactInterfaces, "denied")
	if diff := cmp.Diff(Wanting{Instances: []string{"i"}}, s.Wanting(testScope, now)); diff != "" {
		t.Error(diff)
	}
	s.PutInstance(&Instance{ARN: "i", MachineID: "i-1", IPv4: netip.MustParseAddr("10.0.0.1")}, now)
	if w := s.Wanting(testScope, now); !w.Empty() {
		t.Errorf("wanting %+v", w)
	}
	s.SetLacking(testScope, FactServices, "")
	if diff := cmp.Diff(Wanting{Services: []string{"web"}}, s.Wanting(testScope, now)); diff != "" {
		t.Error(diff)
	}
	observe(s, now, now, stopping("b", 2))
	if w := s.Wanting(testScope, now); !w.Empty() {
		t.Errorf("wanting %+v when nothing runs", w)
	}
}

// TestInterfaceOfATaskThatComesToRun: its public address was not there before, and
// an answer to a question of before that tells nothing.
func TestInterfaceOfATaskThatComesToRun(t *testing.T) {
	for name, tell := range map[string]func(*Store, time.Time, *Task){
		"event":    func(s *Store, now time.Time, task *Task) { observe(s, now, now, task) },
		"describe": func(s *Store, now time.Time, task *Task) { describe(s, now, task) },
	} {
		t.Run(name, func(t *testing.T) {
			s := synced(t)
			s.SetFacts(Facts{Interfaces: true})
			version := func(n int64, status string) *Task {
				task := running("b", n)
				task.LastStatus, task.Interface = status, &Interface{ID: "eni"}
				return task
			}
			answer := func(asked time.Time) {
				s.PutInterfaces(testScope, []string{"eni"}, map[string]Interface{"eni": {VPC: "vpc"}}, asked)
			}
			wanted := func(now time.Time, want ...string) {
				t.Helper()
				if diff := cmp.Diff(want, s.WantedInterfaces(testScope, now, Refresh)); diff != "" {
					t.Error(diff)
				}
			}
			tell(s, start, version(1, StatusPending))
			wanted(start, "eni")
			answer(start)
			wanted(start)
			now := start.Add(10 * time.Second)
			tell(s, now, version(2, StatusRunning))
			wanted(now, "eni")
			if name == "event" {
				if diff := cmp.Diff([]string{"eni"}, s.Wanting(testScope, now).Interfaces); diff != "" {
					t.Error(diff)
				}
			}
			answer(now.Add(-time.Second))
			wanted(now.Add(time.Second), "eni")
			answer(now.Add(time.Second))
			tell(s, now.Add(2*time.Second), version(3, StatusRunning))
			wanted(now.Add(2 * time.Second))
		})
	}
}

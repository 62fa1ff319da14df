package ecs

import (
	"fmt"
	"testing"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// unknown is an event of a task in a cluster.
func unknown(cluster string, at time.Time) heldBack {
	return heldBack{Event: inventory.Event{At: at, Task: &inventory.Task{Scope: inventory.Scope{Cluster: cluster}}}}
}

func TestStrangersAreBounded(t *testing.T) {
	w := newFedWorld(t)
	w.want()
	s, now := w.only(), w.now()
	f := s.follow
	name := func(i int) string { return fmt.Sprintf("c%05d", i) }
	for i := range maxStrangers + 10 {
		s.hearUnknown(unknown(name(i), now))
	}
	if len(f.strange) != maxStrangers || f.held != maxStrangers {
		t.Fatalf("%d clusters with %d events are kept, want %d of each", len(f.strange), f.held, maxStrangers)
	}
	for i := range maxStrangers { // none of them exists, which is known of the last ones for longest
		s.settleStranger(name(i), now.Add(time.Second-time.Duration(i)), false, true)
	}
	if f.held != 0 {
		t.Errorf("%d events are kept of clusters that do not exist", f.held)
	}
	for range maxHeldBack + 10 {
		s.hearUnknown(unknown("late", now.Add(time.Minute)))
	}
	if f.strange["late"] == nil || f.strange[name(maxStrangers-1)] != nil || f.strange[name(0)] == nil || len(f.strange) != maxStrangers {
		t.Error("a new cluster has not taken the place of the one longest known to be absent")
	}
	if f.held != maxHeldBack {
		t.Errorf("%d events are kept, want %d", f.held, maxHeldBack)
	}
	if events := s.settleStranger("late", now, true, false); len(events) != maxHeldBack || f.held != 0 {
		t.Errorf("%d events of a cluster that exists are told, and %d kept", len(events), f.held)
	}
}

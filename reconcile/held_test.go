package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

var (
	heldProd = inventory.Scope{Account: "1", Region: "r", Cluster: "prod"}
	heldTest = inventory.Scope{Account: "1", Region: "r", Cluster: "test"}
)

func heldTarget(scope inventory.Scope, task string) artifact.Target {
	return artifact.Target{
		Labels: labels.FromStrings("__address__", task+":1"),
		Origin: artifact.Origin{Object: "o", Account: scope.Account, Region: scope.Region, Cluster: scope.Cluster, Task: task},
	}
}

func heldSnapshot(prod, test inventory.State) *inventory.Snapshot {
	return &inventory.Snapshot{Scopes: []inventory.ScopeStatus{{Scope: heldProd, State: prod}, {Scope: heldTest, State: test}}}
}

func heldBundle(targets ...artifact.Target) *artifact.Bundle {
	return &artifact.Bundle{Since: time.Unix(1, 0), Pools: []artifact.Pool{{Path: "p", Targets: targets}}}
}

func TestHolding(t *testing.T) {
	live := heldBundle(heldTarget(heldTest, "c"), heldTarget(heldProd, "b"), heldTarget(heldProd, "a"), heldTarget(heldProd, "b"),
		heldTarget(heldProd, ""), artifact.Target{})
	told := func(prod, test []string) []inventory.Held {
		out := []inventory.Held{{Scope: heldProd, Tasks: prod}, {Scope: heldTest, Tasks: test}}
		for i := range out {
			if len(out[i].Tasks) > 0 {
				out[i].Since = live.Since
			}
		}
		return out
	}
	const synced, stale, unsynced, gone = inventory.Synced, inventory.Stale, inventory.Unsynced, inventory.Gone
	var h holding
	for name, c := range map[string]struct {
		snapshot *inventory.Snapshot
		want     []inventory.Held
	}{
		"nothing known": {&inventory.Snapshot{}, told([]string{"a", "b"}, []string{"c"})},
		"one is synced": {heldSnapshot(synced, unsynced), told(nil, []string{"c"})},
		"one is stale":  {heldSnapshot(gone, stale), told([]string{"a", "b"}, nil)},
		"both known":    {heldSnapshot(stale, synced), told(nil, nil)},
	} {
		for range 2 {
			if diff := cmp.Diff(c.want, h.of(live, c.snapshot)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

// TestHoldingIsKept: an idle pass makes nothing anew, and a change of what is
// live is seen.
func TestHoldingIsKept(t *testing.T) {
	live := heldBundle(heldTarget(heldProd, "a"))
	var h holding
	snapshot := heldSnapshot(inventory.Unsynced, inventory.Synced)
	first := h.of(live, snapshot)
	same := &artifact.Bundle{Since: live.Since, Pools: []artifact.Pool{live.Pools[0]}}
	if allocs := testing.AllocsPerRun(10, func() { h.of(same, snapshot) }); allocs > 2 {
		t.Errorf("%v allocations of an idle pass", allocs)
	}
	if next := h.of(same, snapshot); &next[0] != &first[0] {
		t.Error("made anew though nothing changed")
	}
	want := []inventory.Held{{Scope: heldProd, Tasks: []string{"b"}, Since: live.Since}}
	if diff := cmp.Diff(want, h.of(heldBundle(heldTarget(heldProd, "b")), snapshot)); diff != "" {
		t.Error(diff)
	}
}

package plan

import (
	"slices"
	"testing"

	"ecs-scrape/reconcile/inventory"
)

// TestHeldOnce: what is left of an object in a pool that it has moved from adds
// nothing to the published targets that it has where it is now.
func TestHeldOnce(t *testing.T) {
	w := replicas(2)
	config := configWith("  scrapeClasses: [{name: old}, {name: new}]\n")
	target := func(class, v string) string {
		return scrapeTarget("a", anyPort+"  scrapeClass: "+class+"\n  labels: {v: "+v+"}\n")
	}
	before := build(t, &w.Snapshot, nil, config, target("old", "one")).Bundle.Pools
	after := build(t, &w.Snapshot, nil, config, target("new", "two")).Bundle.Pools
	both := slices.Clone(after)
	for i := range both {
		if len(before[i].Targets) > 0 {
			both[i].Targets = before[i].Targets
		}
	}
	w.Tasks, w.Scopes[0].State = nil, inventory.Unsynced
	p := build(t, &w.Snapshot, both, config, target("new", "two"))
	for _, pool := range p.Bundle.Pools {
		for _, got := range pool.Targets {
			if got.Labels.Get("v") != "two" {
				t.Errorf("%s has %s", pool.Path, got.Labels)
			}
		}
	}
	if p.Held != 2 || p.Targets["a"] != 2 {
		t.Errorf("%d held, %d targets, want 2 and 2", p.Held, p.Targets["a"])
	}
	if p := build(t, &w.Snapshot, before, config, target("new", "two")); p.Held != 2 {
		t.Errorf("%d held of an object that is moving, want 2", p.Held)
	}
	if got := build(t, &w.Snapshot, nil, config, target("new", "two")).WhyNone("a"); got != "selects no running container that is known; not every cluster has been read yet" {
		t.Errorf("no target, because: %s", got)
	}
}

// TestTimeoutAboveAChangedInterval: the interval that an endpoint inherits became
// shorter than its timeout; that takes no target away.
func TestTimeoutAboveAChangedInterval(t *testing.T) {
	w := replicas(1)
	p := build(t, &w.Snapshot, nil, configWith("  config: {global: {scrape_interval: 30s}}\n"),
		scrapeTarget("a", "  selector: {}\n  endpoints: [{port: 9090, timeout: 45s}]\n"))
	if p.Targets["a"] != 1 || len(p.Findings) != 1 || p.Findings[0].Code != CodeTimeoutCapped {
		t.Fatalf("%v, %v", p.Targets, p.Findings)
	}
	for _, pool := range p.Bundle.Pools {
		for _, got := range pool.Targets {
			if got.Labels.Get("__scrape_timeout__") != "30s" {
				t.Errorf("%s", got.Labels)
			}
		}
	}
}

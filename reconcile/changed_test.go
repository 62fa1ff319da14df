package reconcile_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
)

// TestSpecsChangeInARestoredCluster: what an earlier process knew serves changed
// objects until the cluster is listed, and unchanged ones keep what is published.
func TestSpecsChangeInARestoredCluster(t *testing.T) {
	target := func(name, label string) string {
		return "apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: " + name + "}\nspec:\n  selector: {services: [" + name +
			"]}\n  endpoints: [{port: 9090}]\n  labels: {made: " + label + "}\n"
	}
	const config = "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n"
	files := map[string]string{"main.yaml": config, "api.yaml": target("api", "first"), "web.yaml": target("web", "first")}
	w := newWorld(t, files)
	for _, task := range w.inventory.snapshot.Tasks {
		task.Group = "service:" + task.Service()
	}
	w.pass()
	made := func() []string {
		var out []string
		for _, p := range w.output.pools {
			for _, t := range p.Targets {
				out = append(out, t.Origin.Object+" "+t.Labels.Get("made"))
			}
		}
		slices.Sort(out)
		return out
	}
	expect := func(step string, want ...string) {
		t.Helper()
		w.pass()
		if diff := cmp.Diff(want, made()); diff != "" {
			t.Errorf("%s: %s", step, diff)
		}
	}
	older := *w.inventory.snapshot
	older.Scopes = []inventory.ScopeStatus{{Scope: prod, State: inventory.Stale, Restored: time.Unix(1, 0)}}
	w.inventory.snapshot = &older
	w.start(reconcile.Accepted{})
	w.source.Set(map[string]string{"api.yaml": target("api", "unknown")})
	expect("restart without the accepted objects", "api first", "web first")
	w.source.Set(map[string]string{"api.yaml": target("api", "known")})
	expect("a change thereafter", "api known", "web first")
	w.source.Set(map[string]string{"api.yaml": target("api", "first")})
	expect("a change back", "api first", "web first")
	w.restart()
	expect("restart", "api first", "web first")
	if held := w.inventory.want.Held; len(held) != 1 || len(held[0].Tasks) != 2 {
		t.Errorf("the inventory is told of %+v", held)
	}
	files["api.yaml"] = target("api", "second")
	w.source.Set(files)
	expect("a change", "api second", "web first")
	files["api.yaml"] = target("api", "first")
	w.source.Set(files)
	expect("a change back", "api first", "web first")
	files["web.yaml"] = ""
	w.source.Set(files)
	expect("a deletion", "api first")
	files["web.yaml"] = target("web", "first")
	w.source.Set(files)
	expect("its return", "api first", "web first")
	files["main.yaml"] = config[:len(config)-3] + "\n  config: {global: {scrape_interval: 5s}}\n  defaultLabels: []\n"
	w.source.Set(files)
	expect("another configuration", "api first", "web first")
	for _, p := range w.output.pools {
		for _, target := range p.Targets {
			if target.Labels.Has("ecs_cluster") {
				t.Errorf("%v is not planned with the new configuration", target.Labels)
			}
		}
	}
}

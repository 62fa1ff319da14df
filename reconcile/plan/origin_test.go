package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/artifact"
)

func TestOrigin(t *testing.T) {
	w := newWorld()
	w.run("t1", "web", w.define("web", "awsvpc", container("app")), at("10.0.0.1"))
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 9090}]\n"))
	task := w.Tasks[0]
	want := artifact.Origin{
		Object: "web", Account: task.Scope.Account, Region: task.Scope.Region, Cluster: task.Scope.Cluster, Task: task.ID(),
	}
	var got []artifact.Origin
	for _, pool := range p.Bundle.Pools {
		for _, target := range pool.Targets {
			got = append(got, target.Origin)
		}
	}
	if diff := cmp.Diff([]artifact.Origin{want}, got); diff != "" || want.Task == "" {
		t.Error(diff)
	}
}

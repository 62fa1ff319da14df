package reconcile

import (
	"testing"

	"ecs-scrape/reconcile/artifact"
)

// TestLoaded: the file of a pool that the published configuration has no job for
// is left over, and nothing is kept of it.
func TestLoaded(t *testing.T) {
	t.Parallel()
	pools := []artifact.Pool{
		{Name: "ecs-scrape/class/a", Path: "targets/class/a/targets.json"},
		{Name: "ecs-scrape/class/ab", Path: "targets/class/ab/targets.json"},
		{Name: "ecs-scrape/alertmanager/main", Path: "targets/alertmanager/main/targets.json"},
	}
	live := &artifact.Bundle{Pools: pools}
	if got := new(jobs).loaded(live); len(got) != 3 {
		t.Errorf("without a configuration %d pools are kept, want all", len(got))
	}
	live.Config = artifact.Files{artifact.ConfigFile: []byte("scrape_configs:\n  - job_name: ecs-scrape/class/ab\n")}
	if got := new(jobs).loaded(live); len(got) != 2 || got[0].Name != "ecs-scrape/class/ab" || got[1].Name != "ecs-scrape/alertmanager/main" {
		t.Errorf("kept %v", got)
	}
}

package main

import (
	"fmt"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// TestManyScrapeTargets: 300 objects, 200 of them with a pool of their own, are
// far more pools than the kernel grants inotify instances.
func TestManyScrapeTargets(t *testing.T) {
	t.Parallel()
	const objects, own = 300, 200
	w := newWorld(t, awssim.Options{})
	w.sim.CreateCluster("prod", nil)
	arn, err := w.sim.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: "app", NetworkMode: awssim.ModeAWSVPC,
		Containers: []awssim.Container{{Name: "app", Metrics: []awssim.Metrics{{Port: 9090}}}},
	})
	must(t, err)
	var specs strings.Builder
	specs.WriteString(strings.ReplaceAll(w.prometheusConfig(""), "scrape_interval: 1s, scrape_timeout: 1s", "scrape_interval: 5s, scrape_timeout: 5s"))
	for i := range objects {
		name := fmt.Sprintf("service-%03d", i)
		must(t, w.sim.CreateService("prod", awssim.Service{Name: name, TaskDefinition: arn, Desired: 1, Launch: awssim.LaunchFargate}))
		fmt.Fprintf(&specs, "---\napiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: %s}\nspec:\n  selector: {services: [%s]}\n  endpoints: [{port: 9090}]\n", name, name)
		if i < own {
			fmt.Fprintf(&specs, "  scrapeConfig: {sample_limit: %d}\n", 1000+i)
		}
	}
	w.write("all.yaml", specs.String())
	w.startAll(current(t))
	all := func(awssim.Listener) bool { return true }
	w.scraped(all)
	w.ready()
	must(t, w.sim.Scale("prod", "service-000", 3))
	must(t, w.sim.Scale("prod", "service-299", 0))
	w.scraped(all)
	if n := w.reloads(); n != 0 {
		t.Errorf("targets cost %d reloads", n)
	}
}

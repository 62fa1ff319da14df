package plan

import (
	"fmt"
	"testing"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// fleet is a snapshot of tasks of two containers, in services of 50, with a
// ScrapeTarget for each of the first objects services.
func fleet(b *testing.B, tasks, objects int) Input {
	b.Helper()
	w := newWorld()
	docs := []string{bareConfig}
	for i := range tasks {
		service := fmt.Sprintf("service-%04d", i/50)
		if i%50 == 0 {
			w.define(service, "awsvpc", container("app", port("metrics", 9090)), container("proxy", port("admin", 9901)))
		}
		arn := "arn:aws:ecs:us-east-1:111122223333:task-definition/" + service + ":1"
		w.run(fmt.Sprintf("%032x", i), service, arn, at(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)))
	}
	per := max(tasks/50/objects, 1)
	for i := range objects {
		docs = append(docs, scrapeTarget(fmt.Sprintf("target-%04d", i), fmt.Sprintf(
			"  selector: {services: [%s]}\n  endpoints: [{port: metrics}, {port: admin, path: /stats}]\n", services(i*per, per))))
	}
	choice, err := Choose(decode(b, docs...), "")
	if err != nil {
		b.Fatal(err)
	}
	files, err := choice.Render()
	if err != nil {
		b.Fatal(err)
	}
	cfg, err := config.Load(string(files[artifact.ConfigFile]), promslog.NewNopLogger())
	if err != nil {
		b.Fatal(err)
	}
	return Input{Choice: choice, Files: files, Config: cfg, Snapshot: &w.Snapshot, Sources: []inventory.Source{{Region: prod.Region}}}
}

func services(first, n int) string {
	out := ""
	for i := range n {
		out += fmt.Sprintf("service-%04d, ", first+i)
	}
	return out
}

func BenchmarkBuild(b *testing.B) {
	for _, size := range []struct{ tasks, objects int }{{1000, 20}, {10000, 100}, {50000, 200}} {
		b.Run(fmt.Sprintf("tasks=%d/objects=%d", size.tasks, size.objects), func(b *testing.B) {
			in := fleet(b, size.tasks, size.objects)
			b.ReportAllocs()
			for b.Loop() {
				if p := Build(in); len(p.Bundle.Pools[0].Targets) != 2*size.tasks {
					b.Fatalf("%d targets", len(p.Bundle.Pools[0].Targets))
				}
			}
		})
	}
}

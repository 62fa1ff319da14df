package plan

import (
	"fmt"
	"testing"
)

// fleet is of tasks, in services of 50, with a ScrapeTarget for each of the first
// objects services; more is added to its spec.
func fleet(b *testing.B, tasks, objects int, more string) Input {
	b.Helper()
	docs := []string{bareConfig}
	per := max(tasks/50/objects, 1)
	for i := range objects {
		docs = append(docs, scrapeTarget(fmt.Sprintf("target-%04d", i), fmt.Sprintf(
			"  selector: {services: [%s]}\n  endpoints: [{port: metrics}, {port: admin, path: /stats}]\n%s", services(i*per, per), more)))
	}
	return fleetOf(b, tasks, docs)
}

// fleetOf is a snapshot of tasks of two containers, in services of 50.
func fleetOf(b *testing.B, tasks int, docs []string) Input {
	b.Helper()
	w := newWorld()
	for i := range tasks {
		service := fmt.Sprintf("service-%04d", i/50)
		if i%50 == 0 {
			w.define(service, "awsvpc", container("app", port("metrics", 9090)), container("proxy", port("admin", 9901)))
		}
		arn := "arn:aws:ecs:us-east-1:111122223333:task-definition/" + service + ":1"
		t := w.run(fmt.Sprintf("%032x", i), service, arn, at(fleetAddress(i)))
		t.Tags = map[string]string{"env": "prod", "team": service, "aws:cloudformation:stack-name": "shop"}
	}
	w.Scopes[0].Facts.TaskTags = true
	return input(b, &w.Snapshot, nil, docs...)
}

func fleetAddress(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255) }

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
			buildAll(b, fleet(b, size.tasks, size.objects, ""), 2*size.tasks)
		})
	}
}

// BenchmarkRelabel is the largest Build with labels that are looked up and rules.
func BenchmarkRelabel(b *testing.B) {
	buildAll(b, fleet(b, 50000, 200, `  labelsFrom:
    env: {taskTag: env}
    zone: {meta: __meta_ecs_availability_zone}
  relabelConfigs:
  - {source_labels: [__meta_ecs_launch_type], regex: EXTERNAL, action: drop}
  - {source_labels: [__meta_ecs_tag_task_team, __meta_ecs_task_id], regex: "(.+);(.{8}).*", target_label: short, replacement: $1-$2}
  - {regex: "__meta_ecs_tag_task_(env|team)", action: labelmap}
  - {regex: ecs_task_id, action: labeldrop}
`), 100000)
}

func buildAll(b *testing.B, in Input, targets int) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if p := Build(in); len(p.Bundle.Pools[0].Targets) != targets {
			b.Fatalf("%d targets, %v", len(p.Bundle.Pools[0].Targets), p.Findings)
		}
	}
}

// BenchmarkExplain is one answer over the largest fleet, about an object and
// about a task.
func BenchmarkExplain(b *testing.B) {
	in := fleet(b, 50000, 200, "")
	for name, query := range map[string]string{"object": "target-0007", "task": fmt.Sprintf("%032x", 777)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if e := Explain(in, query); len(e.Objects)+len(e.Tasks) != 1 {
					b.Fatalf("%d objects and %d tasks", len(e.Objects), len(e.Tasks))
				}
			}
		})
	}
}

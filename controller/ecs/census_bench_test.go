package ecs

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-scrape/reconcile/inventory"
)

// BenchmarkCensus measures what a scrape of the controller asks of the inventory
// for its metrics, at 50,000 tasks.
func BenchmarkCensus(b *testing.B) {
	for _, services := range []int{100, 5000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			w := censusWorld(b, services)
			b.ReportAllocs()
			for b.Loop() {
				if n := len(w.Census()); n != services {
					b.Fatalf("%d services", n)
				}
				w.Stats()
			}
		})
	}
}

// censusWorld has 50,000 tasks of a cluster that was listed.
func censusWorld(b *testing.B, services int) *Watcher {
	b.Helper()
	const tasks = 50_000
	scope := inventory.Scope{Account: "111122223333", Region: "us-east-1", Cluster: "production"}
	w, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	w.store.Found(scope, now)
	listed := inventory.Listing{Scope: scope, Began: now}
	for first := 0; first < tasks; first += inventory.DescribeBatch {
		answer := inventory.Description{Scope: scope, Asked: now, Answered: now}
		out := wireAnswer(first)
		var asked []string
		for i := range out.Tasks {
			out.Tasks[i].ContainerInstanceArn, out.Tasks[i].LaunchType = nil, types.LaunchTypeFargate
			out.Tasks[i].Group = aws.String(fmt.Sprintf("service:web-%d", (first+i)%services))
			asked = append(asked, *out.Tasks[i].TaskArn)
		}
		w.sortOut(&answer, asked, out, inventory.Facts{})
		w.store.Describe(answer)
		listed.Tasks = append(listed.Tasks, asked...)
	}
	for _, arn := range w.store.WantedDefinitions(scope, now) {
		w.store.PutDefinition(&inventory.Definition{ARN: arn}, 0, now)
	}
	if err := w.store.Complete(listed, now); err != nil {
		b.Fatal(err)
	}
	return w
}

package ecs

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-scrape/reconcile/inventory"
)

// BenchmarkMemory measures the heap that 50,000 tasks of two containers take in
// the store, from answers in which, as on the wire, no two strings share their
// bytes. Run it with -benchtime 1x.
func BenchmarkMemory(b *testing.B) {
	const tasks = 50_000
	scope := inventory.Scope{Account: "111122223333", Region: "us-east-1", Cluster: "production"}
	for b.Loop() {
		w, err := New(Options{})
		if err != nil {
			b.Fatal(err)
		}
		before := heap()
		now := time.Now()
		w.store.Found(scope, now)
		for first := 0; first < tasks; first += inventory.DescribeBatch {
			answer := inventory.Description{Scope: scope, Asked: now, Answered: now}
			out := wireAnswer(first)
			var asked []string
			for i := range out.Tasks {
				asked = append(asked, *out.Tasks[i].TaskArn)
			}
			w.sortOut(&answer, asked, out, inventory.Facts{})
			w.store.Describe(answer)
		}
		used := heap() - before
		if n := len(w.store.WantedDefinitions(scope, now)); n != 100 {
			b.Fatalf("%d definitions", n)
		}
		b.ReportMetric(float64(used)/tasks, "bytes/task")
		b.ReportMetric(float64(used)/(1<<20), "MiB")
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first has finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// wireAnswer is a full batch of awsvpc tasks on EC2, from the n-th on.
func wireAnswer(n int) *ecs.DescribeTasksOutput {
	out := &ecs.DescribeTasksOutput{}
	for i := n; i < n+inventory.DescribeBatch; i++ {
		out.Tasks = append(out.Tasks, wireTask(i))
	}
	return out
}

func wireTask(i int) types.Task {
	text := func(format string, a ...any) *string { return aws.String(fmt.Sprintf(format, a...)) }
	const arn = "arn:aws:ecs:us-east-1:111122223333:"
	service, address := i%100, text("10.%d.%d.%d", i>>16, i>>8&255, i&255)
	task := types.Task{
		TaskArn:              text(arn+"task/production/%032x", i),
		TaskDefinitionArn:    text(arn+"task-definition/checkout-service-%d:17", service),
		ContainerInstanceArn: text(arn+"container-instance/production/%032x", i%2500),
		ClusterArn:           text(arn + "cluster/production"),
		Group:                text("service:checkout-service-%d", service),
		StartedBy:            text("ecs-svc/%019d", service),
		AvailabilityZone:     text("us-east-1%c", 'a'+i%3),
		LastStatus:           text("RUNNING"), DesiredStatus: text("RUNNING"),
		HealthStatus: types.HealthStatus(*text("HEALTHY")), LaunchType: types.LaunchType(*text("EC2")),
		StartedAt: aws.Time(time.Unix(int64(i), 0)),
		Version:   int64(i),
		Attachments: []types.Attachment{{
			Type: text("ElasticNetworkInterface"), Status: text("ATTACHED"),
			Details: []types.KeyValuePair{
				{Name: text("subnetId"), Value: text("subnet-%017x", i%6)},
				{Name: text("networkInterfaceId"), Value: text("eni-%017x", i)},
				{Name: text("privateIPv4Address"), Value: address},
			},
		}},
	}
	for c := range 2 {
		task.Containers = append(task.Containers, types.Container{
			ContainerArn:      text(arn+"container/production/%032x/%08x-0000-4000-8000-%012x", i, c, i),
			Name:              text("container-%d", c),
			Image:             text("111122223333.dkr.ecr.us-east-1.amazonaws.com/checkout-service-%d:1.%d.0", service, c),
			RuntimeId:         text("%032x-%010d", i, c),
			LastStatus:        text("RUNNING"),
			HealthStatus:      types.HealthStatus(*text("HEALTHY")),
			NetworkInterfaces: []types.NetworkInterface{{PrivateIpv4Address: address}},
		})
	}
	return task
}

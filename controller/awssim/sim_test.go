package awssim_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"ecs-scrape/controller/awssim"
)

func TestCloseLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	sim, err := awssim.Start(awssim.Options{StartDelay: time.Hour, EventDelay: time.Hour})
	must(t, err)
	queue := sim.SubscribeQueue("events")
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 3)
	polling := make(chan struct{})
	go func() {
		defer close(polling)
		_, _ = sqsClient(sim.Place).ReceiveMessage(context.WithoutCancel(t.Context()), &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: 20})
	}()
	eventually(t, "the poll arrives", func() bool { calls, _ := sim.CallsTo("ReceiveMessage"); return calls == 1 })
	sim.Close()
	sim.Close()
	<-polling
	goleak.VerifyNone(t, before)
}

func TestListenAddressInUse(t *testing.T) {
	sim := start(t, awssim.Options{})
	if _, err := awssim.Start(awssim.Options{ListenAddress: sim.URL()[len("http://"):]}); err == nil {
		t.Error("two simulators on one address")
	}
	if _, err := awssim.Start(awssim.Options{ProxyListenAddress: sim.ProxyURL()[len("http://"):]}); err == nil {
		t.Error("two proxies on one address")
	}
}

func TestEnvironmentIsEnough(t *testing.T) {
	sim := start(t, awssim.Options{Account: "111122223333", Region: "eu-central-1"})
	sim.CreateCluster("prod", nil)
	for _, variable := range sim.Env() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	cfg, err := config.LoadDefaultConfig(t.Context())
	must(t, err)
	out, err := ecs.NewFromConfig(cfg).ListClusters(t.Context(), &ecs.ListClustersInput{})
	must(t, err)
	want := []string{"arn:aws:ecs:eu-central-1:111122223333:cluster/prod"}
	if !slices.Equal(out.ClusterArns, want) {
		t.Errorf("clusters %v, want %v", out.ClusterArns, want)
	}
}

// TestConcurrentUse drives everything at once, for the race detector, and then
// checks that the simulator's views agree.
func TestConcurrentUse(t *testing.T) {
	sim := start(t, awssim.Options{
		StartDelay: time.Millisecond, StopDelay: time.Millisecond, EventDelay: time.Millisecond, Quotas: awssim.NoQuotas(),
	})
	queue := sim.SubscribeQueue("events")
	shop, err := awssim.Shop(sim)
	must(t, err)
	proxied := throughProxy(t, sim)
	eventually(t, "something listens", func() bool { return len(sim.Listeners()) > 0 })
	workers := []func(n int) error{
		func(int) error { _, err := shop.Step(); return err },
		func(int) error { return describeAll(t.Context(), sim.Place, awssim.ShopProduction) },
		func(int) error { return describeAll(t.Context(), sim.Place, awssim.ShopStaging) },
		func(int) error {
			_, err := sqsClient(sim.Place).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10})
			return err
		},
		func(n int) error {
			listeners := sim.Listeners()
			get(t, proxied, listeners[n%len(listeners)].URL())
			return nil
		},
		func(n int) error {
			sim.Delay(awssim.Match{Operation: "ListTasks"}, time.Microsecond)()
			sim.DuplicateNext(n % 2)
			sim.Calls()
			sim.BadGateways()
			return nil
		},
	}
	var wait sync.WaitGroup
	for i, work := range workers {
		wait.Go(func() {
			for n := range 40 {
				if err := work(n); err != nil {
					t.Errorf("worker %d: %v", i, err)
					return
				}
			}
		})
	}
	wait.Wait()
	eventually(t, "the account settles", func() bool { return settled(t, sim, shop) })
}

// settled says whether every service runs what it wants.
func settled(t *testing.T, sim *awssim.Sim, shop *awssim.ShopState) bool {
	t.Helper()
	for _, cluster := range []string{awssim.ShopProduction, awssim.ShopStaging} {
		var names []string
		for _, key := range shop.Services() {
			if name, ok := strings.CutPrefix(key, cluster+"/"); ok {
				names = append(names, name)
			}
		}
		for batch := range slices.Chunk(names, 10) {
			out, err := ecsClient(sim.Place).DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: batch})
			must(t, err)
			for _, s := range out.Services {
				if s.RunningCount != s.DesiredCount || s.PendingCount != 0 {
					return false
				}
			}
		}
	}
	return true
}

// describeAll lists and describes every task of a cluster.
func describeAll(ctx context.Context, p *awssim.Place, cluster string) error {
	client := ecsClient(p)
	pages := ecs.NewListTasksPaginator(client, &ecs.ListTasksInput{Cluster: &cluster})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		if _, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: page.TaskArns}); err != nil {
			return fmt.Errorf("describe: %w", err)
		}
	}
	return nil
}

func BenchmarkListAndDescribe50000(b *testing.B) {
	sim := start(b, awssim.Options{Quotas: awssim.NoQuotas()})
	service(b, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 50_000)
	for b.Loop() {
		must(b, describeAll(b.Context(), sim.Place, "prod"))
	}
}

func BenchmarkStart10000OnInstances(b *testing.B) {
	for b.Loop() {
		sim, err := awssim.Start(awssim.Options{})
		must(b, err)
		sim.CreateCluster("prod", nil)
		for range 500 {
			_, err := sim.AddInstance("prod", awssim.Instance{})
			must(b, err)
		}
		service(b, sim.Place, web("web", awssim.ModeBridge), awssim.LaunchEC2, 10_000)
		sim.Close()
	}
}

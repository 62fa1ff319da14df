package awssim_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

func TestShop(t *testing.T) {
	sim := start(t, awssim.Options{})
	shop, err := awssim.Shop(sim)
	must(t, err)
	if got := len(shop.Services()); got < 20 || got > 30 {
		t.Errorf("%d services, want some twenty", got)
	}
	modes, launches, addresses := map[string]bool{}, map[string]bool{}, map[string]bool{}
	client := ecsClient(sim.Place)
	for _, key := range shop.Services() {
		cluster, name, _ := strings.Cut(key, "/")
		out, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{name}})
		must(t, err)
		s := out.Services[0]
		if s.RunningCount != s.DesiredCount || s.RunningCount == 0 {
			t.Errorf("%s runs %d of %d tasks", key, s.RunningCount, s.DesiredCount)
		}
		d, err := client.DescribeTaskDefinition(t.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: s.TaskDefinition})
		must(t, err)
		launches[string(s.LaunchType)] = true
		modes[string(d.TaskDefinition.NetworkMode)] = true
	}
	for _, l := range sim.Listeners() {
		addresses[l.Address] = true
	}
	if diff := cmp.Diff([]string{"EC2", "EXTERNAL", "FARGATE", "MANAGED_INSTANCES"}, slices.Sorted(maps.Keys(launches))); diff != "" {
		t.Errorf("launch types (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"awsvpc", "bridge", "host"}, slices.Sorted(maps.Keys(modes))); diff != "" {
		t.Errorf("network modes (-want +got):\n%s", diff)
	}
	if len(addresses) != len(sim.Listeners()) {
		t.Errorf("%d listeners share %d addresses", len(sim.Listeners()), len(addresses))
	}
}

func TestShopStepsAreReproducible(t *testing.T) {
	history := func() []string {
		sim := start(t, awssim.Options{Seed: 7})
		shop, err := awssim.Shop(sim)
		must(t, err)
		var out []string
		for range 150 {
			change, err := shop.Step()
			must(t, err)
			out = append(out, change)
		}
		for _, l := range sim.Listeners() {
			out = append(out, l.URL()+" "+l.TaskARN)
		}
		return out
	}
	if diff := cmp.Diff(history(), history()); diff != "" {
		t.Errorf("two runs differ (-first +second):\n%s", diff)
	}
}

func TestShopLives(t *testing.T) {
	sim := start(t, awssim.Options{StartDelay: time.Millisecond, StopDelay: time.Millisecond})
	shop, err := awssim.Shop(sim)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	changes := 0
	must(t, shop.Live(ctx, 2*time.Millisecond, func(string) {
		if changes++; changes == 20 {
			cancel()
		}
	}))
	if changes != 20 {
		t.Errorf("%d changes, want 20", changes)
	}
}

package awssim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

func TestQuotasOfACategoryAreShared(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	client := ecsClient(sim.Place)
	input := &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{only(t, sim.Place, "web")}}
	for range 50 {
		must(t, listTasks(t.Context(), sim.Place))
		_, err := client.DescribeTasks(t.Context(), input)
		must(t, err)
	}
	wantCode(t, listTasks(t.Context(), sim.Place), "ThrottlingException")
	_, err := client.ListClusters(t.Context(), &ecs.ListClustersInput{})
	must(t, err) // another category
	other := sim.Region("", "eu-west-1")
	other.CreateCluster("prod", nil)
	must(t, listTasks(t.Context(), other)) // another region

	now.advance(100 * time.Millisecond) // two tokens
	must(t, listTasks(t.Context(), sim.Place))
	must(t, listTasks(t.Context(), sim.Place))
	wantCode(t, listTasks(t.Context(), sim.Place), "ThrottlingException")

	east := awssim.Scope{Account: "123456789012", Region: "us-east-1"}
	west := awssim.Scope{Account: "123456789012", Region: "eu-west-1"}
	want := []awssim.CallCount{
		{Scope: west, Service: "ecs", Operation: "ListTasks", Calls: 1},
		{Scope: east, Service: "ecs", Operation: "DescribeTasks", Calls: 50},
		{Scope: east, Service: "ecs", Operation: "ListClusters", Calls: 1},
		{Scope: east, Service: "ecs", Operation: "ListTasks", Calls: 54, Throttled: 2},
	}
	if diff := cmp.Diff(want, sim.Calls()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if calls, throttled := sim.CallsTo("ListTasks"); calls != 55 || throttled != 2 {
		t.Errorf("ListTasks called %d, throttled %d", calls, throttled)
	}
	sim.ResetCalls()
	if got := sim.Calls(); len(got) != 0 {
		t.Errorf("counts %v after a reset", got)
	}
}

func TestQuotasAreTheDocumentedOnes(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now})
	sim.CreateCluster("prod", nil)
	e, c, ctx := ecsClient(sim.Place), ec2Client(sim.Place), t.Context()
	tests := []struct {
		name  string
		burst int
		code  string
		call  func() error
	}{
		{"ListClusters", 50, "ThrottlingException", func() error { _, err := e.ListClusters(ctx, &ecs.ListClustersInput{}); return err }},
		{"ListServices", 100, "ThrottlingException", func() error {
			_, err := e.ListServices(ctx, &ecs.ListServicesInput{Cluster: aws.String("prod")})
			return err
		}},
		{"ListTaskDefinitions", 50, "ThrottlingException", func() error {
			_, err := e.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{})
			return err
		}},
		{"DescribeInstances", 50, "RequestLimitExceeded", func() error {
			_, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
			return err
		}},
		{"DescribeInstances filtered", 100, "RequestLimitExceeded", func() error {
			_, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for range test.burst {
				must(t, test.call())
			}
			wantCode(t, test.call(), test.code)
		})
	}
}

func TestNoQuotas(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now, Quotas: awssim.NoQuotas()})
	sim.CreateCluster("prod", nil)
	for range 150 {
		must(t, listTasks(t.Context(), sim.Place))
	}
	sim.SetQuotas(awssim.Quotas{awssim.ClusterResourceRead: {Burst: 1}})
	must(t, listTasks(t.Context(), sim.Place))
	wantCode(t, listTasks(t.Context(), sim.Place), "ThrottlingException")
}

package awssim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

func TestListTasksPages(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 250)
	pages := ecs.NewListTasksPaginator(ecsClient(sim.Place), &ecs.ListTasksInput{Cluster: aws.String("prod")})
	var sizes []int
	seen := map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		sizes = append(sizes, len(page.TaskArns))
		for _, arn := range page.TaskArns {
			seen[arn] = true
		}
	}
	if diff := cmp.Diff([]int{100, 100, 50}, sizes); diff != "" {
		t.Errorf("page sizes (-want +got):\n%s", diff)
	}
	if len(seen) != 250 {
		t.Errorf("listed %d different tasks, want 250", len(seen))
	}
}

func TestListTasksPagesSurviveChurn(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 10)
	client := ecsClient(sim.Place)
	first, err := client.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("prod"), MaxResults: aws.Int32(5)})
	must(t, err)
	must(t, sim.StopTask(first.TaskArns[4], "gone between two pages"))
	second, err := client.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("prod"), NextToken: first.NextToken})
	must(t, err)
	if len(second.TaskArns) != 6 { // the five others and the replacement
		t.Errorf("second page has %d tasks, want 6", len(second.TaskArns))
	}
}

func TestListTasksFilters(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("fargate", awssim.ModeAWSVPC), awssim.LaunchFargate, 2)
	id, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	service(t, sim.Place, web("bridge", awssim.ModeBridge), awssim.LaunchEC2, 3)
	must(t, sim.StopTask(list(t, sim.Place)[0], "test"))
	client := ecsClient(sim.Place)
	instances, err := client.ListContainerInstances(t.Context(), &ecs.ListContainerInstancesInput{Cluster: aws.String("prod")})
	must(t, err)
	tests := []struct {
		name  string
		input ecs.ListTasksInput
		want  int
	}{
		{"all", ecs.ListTasksInput{}, 5},
		{"family", ecs.ListTasksInput{Family: aws.String("bridge")}, 3},
		{"service", ecs.ListTasksInput{ServiceName: aws.String("fargate")}, 2},
		{"launch type", ecs.ListTasksInput{LaunchType: ecstypes.LaunchTypeEc2}, 3},
		{"container instance", ecs.ListTasksInput{ContainerInstance: aws.String(instances.ContainerInstanceArns[0])}, 3},
		{"stopped", ecs.ListTasksInput{DesiredStatus: ecstypes.DesiredStatusStopped}, 1},
		{"pending", ecs.ListTasksInput{DesiredStatus: ecstypes.DesiredStatusPending}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.input.Cluster = aws.String("prod")
			out, err := client.ListTasks(t.Context(), &test.input)
			must(t, err)
			if len(out.TaskArns) != test.want {
				t.Errorf("listed %d tasks on %s, want %d", len(out.TaskArns), id, test.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	sim.CreateCluster("other", nil)
	client := ecsClient(sim.Place)
	ctx := t.Context()
	prod := aws.String("prod")
	many := slices.Repeat([]string{only(t, sim.Place, "web")}, 101)
	tests := []struct {
		name string
		call func() error
		code string
	}{
		{"unknown cluster", func() error {
			_, err := client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("nope")})
			return err
		}, "ClusterNotFoundException"},
		{"no default cluster", func() error {
			_, err := client.ListTasks(ctx, &ecs.ListTasksInput{})
			return err
		}, "ClusterNotFoundException"},
		{"no tasks", func() error {
			_, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: prod, Tasks: []string{}})
			return err
		}, "InvalidParameterException"},
		{"101 tasks", func() error {
			_, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: prod, Tasks: many})
			return err
		}, "InvalidParameterException"},
		{"task of another cluster", func() error {
			_, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("other"), Tasks: many[:1]})
			return err
		}, "InvalidParameterException"},
		{"id of odd length", func() error {
			_, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: prod, Tasks: []string{many[0], "0123"}})
			return err
		}, "InvalidParameterException"},
		{"11 services", func() error {
			_, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: prod, Services: many[:11]})
			return err
		}, "InvalidParameterException"},
		{"101 container instances", func() error {
			_, err := client.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{Cluster: prod, ContainerInstances: many})
			return err
		}, "InvalidParameterException"},
		{"page too large", func() error {
			_, err := client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: prod, MaxResults: aws.Int32(101)})
			return err
		}, "InvalidParameterException"},
		{"bad token", func() error {
			_, err := client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: prod, NextToken: aws.String("x")})
			return err
		}, "InvalidParameterException"},
		{"unknown service", func() error {
			_, err := client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: prod, ServiceName: aws.String("nope")})
			return err
		}, "ServiceNotFoundException"},
		{"unknown task definition", func() error {
			_, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("web:2")})
			return err
		}, "ClientException"},
		{"unknown operation", func() error {
			_, err := client.ListAttributes(ctx, &ecs.ListAttributesInput{TargetType: ecstypes.TargetTypeContainerInstance})
			return err
		}, "UnknownOperationException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { wantCode(t, test.call(), test.code) })
	}
}

// wantCode expects an AWS error of the given code.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var failure smithy.APIError
	if !errors.As(err, &failure) {
		t.Fatalf("error %v, want %s", err, code)
	}
	if failure.ErrorCode() != code {
		t.Errorf("code %s (%s), want %s", failure.ErrorCode(), failure.ErrorMessage(), code)
	}
}

func TestDescribeTasksReportsMissing(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	out, err := ecsClient(sim.Place).DescribeTasks(t.Context(), &ecs.DescribeTasksInput{
		Cluster: aws.String("prod"), Tasks: []string{only(t, sim.Place, "web"), "0123456789abcdef0123456789abcdef"},
	})
	must(t, err)
	want := []ecstypes.Failure{{
		Arn:    aws.String("arn:aws:ecs:us-east-1:123456789012:task/prod/0123456789abcdef0123456789abcdef"),
		Reason: aws.String("MISSING"),
	}}
	if diff := cmp.Diff(want, out.Failures, cmp.AllowUnexported(ecstypes.Failure{}), ignoreDocument()); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if len(out.Tasks) != 1 {
		t.Errorf("%d tasks, want 1", len(out.Tasks))
	}
}

// ignoreDocument leaves the SDK's empty marker fields out of comparisons.
func ignoreDocument() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".noSmithyDocumentSerde" }, cmp.Ignore())
}

func TestDescribeTask(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now})
	sim.CreateCluster("prod", nil)
	d := web("web", awssim.ModeAWSVPC)
	d.Containers[0].HealthCheck = true
	_, err := sim.RegisterTaskDefinition(d)
	must(t, err)
	must(t, sim.CreateService("prod", awssim.Service{
		Name: "shop", TaskDefinition: "web:1", Desired: 1, Launch: awssim.LaunchFargate, TaskTags: map[string]string{"env": "prod"},
	}))
	task := describe(t, sim.Place, only(t, sim.Place, "shop"))
	got := map[string]string{
		"cluster": *task.ClusterArn, "definition": *task.TaskDefinitionArn, "group": *task.Group,
		"last": *task.LastStatus, "desired": *task.DesiredStatus, "launch": string(task.LaunchType),
		"health": string(task.HealthStatus), "zone": *task.AvailabilityZone, "started": task.StartedAt.UTC().Format(time.RFC3339),
		"tag": *task.Tags[0].Key + "=" + *task.Tags[0].Value, "version": fmt.Sprint(task.Version),
		"container": *task.Containers[0].LastStatus, "platform": *task.PlatformVersion,
	}
	want := map[string]string{
		"cluster":    "arn:aws:ecs:us-east-1:123456789012:cluster/prod",
		"definition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1", "group": "service:shop",
		"last": "RUNNING", "desired": "RUNNING", "launch": "FARGATE", "health": "HEALTHY", "zone": "us-east-1a",
		"started": "2026-03-01T12:00:00Z", "tag": "env=prod", "version": "2", "container": "RUNNING", "platform": "1.4.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("task (-want +got):\n%s", diff)
	}
}

func TestTagsOnlyWhenAsked(t *testing.T) {
	sim := start(t, awssim.Options{})
	arn := sim.CreateCluster("prod", map[string]string{"env": "prod"})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	client := ecsClient(sim.Place)
	must(t, sim.Tag(only(t, sim.Place, "web"), map[string]string{"a": "b"}))
	plain, err := client.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: list(t, sim.Place)})
	must(t, err)
	if plain.Tasks[0].Tags != nil {
		t.Errorf("task tags %v without being asked for", plain.Tasks[0].Tags)
	}
	if task := describe(t, sim.Place, list(t, sim.Place)[0]); len(task.Tags) != 1 || task.Version != 2 {
		t.Errorf("tags %v at version %d, want one at version 2: tags raise no version", task.Tags, task.Version)
	}
	clusters, err := client.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{
		Clusters: []string{arn, "gone"}, Include: []ecstypes.ClusterField{ecstypes.ClusterFieldTags},
	})
	must(t, err)
	if len(clusters.Clusters) != 1 || len(clusters.Clusters[0].Tags) != 1 || len(clusters.Failures) != 1 {
		t.Errorf("clusters %v, failures %v", clusters.Clusters, clusters.Failures)
	}
	must(t, sim.Tag(*describe(t, sim.Place, list(t, sim.Place)[0]).ClusterArn, map[string]string{"owner": "a"}))
	for _, include := range [][]ecstypes.ServiceField{nil, {ecstypes.ServiceFieldTags}} {
		must(t, sim.Tag("arn:aws:ecs:us-east-1:123456789012:service/prod/web", map[string]string{"team": "shop"}))
		out, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"web"}, Include: include})
		must(t, err)
		if got := out.Services[0].Tags; len(got) != len(include) {
			t.Errorf("service tags %v when asked for %v", got, include)
		}
	}
	must(t, sim.Untag(only(t, sim.Place, "web"), "a"))
	if task := describe(t, sim.Place, list(t, sim.Place)[0]); len(task.Tags) != 0 {
		t.Errorf("tags %v after Untag", task.Tags)
	}
}

func TestServices(t *testing.T) {
	sim := start(t, awssim.Options{})
	for n := range 23 {
		service(t, sim.Place, web(fmt.Sprintf("web-%02d", n), awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	}
	client := ecsClient(sim.Place)
	var arns []string
	calls := 0
	pages := ecs.NewListServicesPaginator(client, &ecs.ListServicesInput{Cluster: aws.String("prod")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		arns = append(arns, page.ServiceArns...)
		calls++
	}
	if len(arns) != 23 || calls != 3 {
		t.Errorf("%d services on %d pages, want 23 on 3", len(arns), calls)
	}
	out, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{
		Cluster: aws.String("prod"), Services: append(arns[:2], "nope"),
	})
	must(t, err)
	if len(out.Services) != 2 || len(out.Failures) != 1 || out.Services[0].RunningCount != 1 {
		t.Errorf("services %d, failures %v", len(out.Services), out.Failures)
	}
	all, err := client.ListServices(t.Context(), &ecs.ListServicesInput{Cluster: aws.String("prod"), MaxResults: aws.Int32(100)})
	must(t, err)
	if len(all.ServiceArns) != 23 {
		t.Errorf("%d services on a page of 100, want 23", len(all.ServiceArns))
	}
}

func TestClusters(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 2)
	sim.CreateCluster("staging", nil)
	client := ecsClient(sim.Place)
	must(t, sim.DeleteCluster("prod"))
	listed, err := client.ListClusters(t.Context(), &ecs.ListClustersInput{})
	must(t, err)
	if diff := cmp.Diff([]string{"arn:aws:ecs:us-east-1:123456789012:cluster/staging"}, listed.ClusterArns); diff != "" {
		t.Errorf("clusters (-want +got):\n%s", diff)
	}
	described, err := client.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{"prod"}})
	must(t, err)
	if got := *described.Clusters[0].Status; got != "INACTIVE" {
		t.Errorf("status %s, want INACTIVE", got)
	}
	if got := len(sim.Listeners()); got != 0 {
		t.Errorf("%d listeners in a deleted cluster", got)
	}
	sim.ForgetCluster("prod")
	described, err = client.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{"prod"}})
	must(t, err)
	if len(described.Failures) != 1 || *described.Failures[0].Reason != "MISSING" {
		t.Errorf("failures %v, want one MISSING", described.Failures)
	}
}

func TestStoppedTasksAreDescribedForAnHour(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	arn := only(t, sim.Place, "web")
	must(t, sim.Scale("prod", "web", 0))
	now.advance(59 * time.Minute)
	if task := describe(t, sim.Place, arn); *task.LastStatus != "STOPPED" || task.Version != 4 {
		t.Errorf("status %s version %d, want STOPPED 4", *task.LastStatus, task.Version)
	}
	now.advance(2 * time.Minute)
	out, err := ecsClient(sim.Place).DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{arn}})
	must(t, err)
	if len(out.Tasks) != 0 || len(out.Failures) != 1 {
		t.Errorf("tasks %v, failures %v after an hour", out.Tasks, out.Failures)
	}
}

func TestWritesOfTheCLI(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	client := ecsClient(sim.Place)
	run, err := client.RunTask(t.Context(), &ecs.RunTaskInput{
		Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: ecstypes.LaunchTypeFargate, Count: aws.Int32(2),
		Overrides: &ecstypes.TaskOverride{ContainerOverrides: []ecstypes.ContainerOverride{{
			Name: aws.String("app"), Environment: []ecstypes.KeyValuePair{{Name: aws.String("A"), Value: aws.String("1")}},
		}}},
	})
	must(t, err)
	task := describe(t, sim.Place, *run.Tasks[1].TaskArn)
	if got := *task.Overrides.ContainerOverrides[0].Environment[0].Value; got != "1" {
		t.Errorf("override %q, want 1", got)
	}
	if got := *task.Group; got != "family:web" {
		t.Errorf("group %s, want family:web", got)
	}
	_, err = client.StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String("prod"), Task: run.Tasks[0].TaskArn})
	must(t, err)
	_, err = client.UpdateService(t.Context(), &ecs.UpdateServiceInput{
		Cluster: aws.String("prod"), Service: aws.String("web"), DesiredCount: aws.Int32(4),
	})
	must(t, err)
	if got := len(list(t, sim.Place)); got != 5 {
		t.Errorf("%d tasks, want 5", got)
	}
}

func TestDescribeTaskDefinition(t *testing.T) {
	sim := start(t, awssim.Options{})
	_, err := sim.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: "web", NetworkMode: awssim.ModeBridge, Tags: map[string]string{"team": "web"},
		Containers: []awssim.Container{{
			Name: "app", Environment: map[string]string{"A": "1"}, Secrets: []string{"PASSWORD"},
			EnvironmentFiles: []string{"arn:aws:s3:::bucket/file.env"}, DockerLabels: map[string]string{"x.y": "z"},
			Ports: []awssim.Port{{Name: "metrics", Container: 8080}, {Range: "9000-9003", Protocol: "udp"}},
		}, {Name: "side", Sidecar: true}},
	})
	must(t, err)
	out, err := ecsClient(sim.Place).DescribeTaskDefinition(t.Context(), &ecs.DescribeTaskDefinitionInput{
		TaskDefinition: aws.String("web"), Include: []ecstypes.TaskDefinitionField{ecstypes.TaskDefinitionFieldTags},
	})
	must(t, err)
	c := out.TaskDefinition.ContainerDefinitions[0]
	got := map[string]string{
		"arn": *out.TaskDefinition.TaskDefinitionArn, "mode": string(out.TaskDefinition.NetworkMode),
		"env": *c.Environment[0].Name + "=" + *c.Environment[0].Value, "secret": *c.Secrets[0].Name,
		"file": *c.EnvironmentFiles[0].Value, "label": c.DockerLabels["x.y"], "tag": *out.Tags[0].Value,
		"port":  fmt.Sprint(*c.PortMappings[0].Name, *c.PortMappings[0].ContainerPort, *c.PortMappings[0].HostPort, c.PortMappings[0].Protocol),
		"range": fmt.Sprint(*c.PortMappings[1].ContainerPortRange, c.PortMappings[1].Protocol), "essential": fmt.Sprint(
			*c.Essential, *out.TaskDefinition.ContainerDefinitions[1].Essential),
	}
	want := map[string]string{
		"arn": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1", "mode": "bridge", "env": "A=1", "secret": "PASSWORD",
		"file": "arn:aws:s3:::bucket/file.env", "label": "z", "tag": "web", "port": "metrics8080 0tcp", "range": "9000-9003udp",
		"essential": "true false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("definition (-want +got):\n%s", diff)
	}
}

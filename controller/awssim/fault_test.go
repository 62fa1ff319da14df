package awssim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

// listTasks lists "prod" and answers the error alone.
func listTasks(ctx context.Context, p *awssim.Place) error {
	return listTasksWith(ctx, p, oneAttempt())
}

func listTasksWith(ctx context.Context, p *awssim.Place, r aws.Retryer) error {
	client := ecs.NewFromConfig(p.AWSConfig(), func(o *ecs.Options) { o.Retryer = r })
	_, err := client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("prod")})
	return err
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name string
		arm  func(sim *awssim.Sim, m awssim.Match) (release func())
		code string
	}{
		{"throttle", func(sim *awssim.Sim, m awssim.Match) func() { sim.Throttle(m, 1); return func() {} }, "ThrottlingException"},
		{"storm", func(sim *awssim.Sim, m awssim.Match) func() { return sim.Storm(m, 1) }, "ThrottlingException"},
		{"server error", func(sim *awssim.Sim, m awssim.Match) func() { sim.ServerError(m, 1); return func() {} }, "ServerException"},
		{"deny", (*awssim.Sim).Deny, "AccessDeniedException"},
		{"expire", (*awssim.Sim).Expire, "ExpiredTokenException"},
		{"first page", func(sim *awssim.Sim, m awssim.Match) func() { return sim.FailPage(m, 1) }, "ServerException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sim := start(t, awssim.Options{})
			sim.CreateCluster("prod", nil)
			sim.CreateCluster("default", nil)
			release := test.arm(sim, awssim.Match{Operation: "ListTasks", Region: "us-east-1", Cluster: "prod"})
			_, err := ecsClient(sim.Place).ListTasks(t.Context(), &ecs.ListTasksInput{})
			must(t, err) // another cluster
			wantCode(t, listTasks(t.Context(), sim.Region("", "eu-west-1")), "ClusterNotFoundException")
			wantCode(t, listTasks(t.Context(), sim.Place), test.code)
			release()
			must(t, listTasks(t.Context(), sim.Place))
		})
	}
}

func TestExpiredKey(t *testing.T) {
	sim := start(t, awssim.Options{})
	client := ecs.NewFromConfig(sim.AWSConfigAs("EXPIRED123456789012"))
	_, err := client.ListClusters(t.Context(), &ecs.ListClustersInput{})
	wantCode(t, err, "ExpiredTokenException")
}

func TestFailPage(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 150)
	release := sim.FailPage(awssim.Match{Operation: "ListTasks"}, 2)
	pages := ecs.NewListTasksPaginator(ecsClient(sim.Place), &ecs.ListTasksInput{Cluster: aws.String("prod")})
	_, err := pages.NextPage(t.Context())
	must(t, err)
	_, err = pages.NextPage(t.Context())
	wantCode(t, err, "ServerException")
	release()
	page, err := pages.NextPage(t.Context())
	must(t, err)
	if len(page.TaskArns) != 50 {
		t.Errorf("second page has %d tasks, want 50", len(page.TaskArns))
	}
}

func TestDelayAndHang(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	release := sim.Delay(awssim.Match{Operation: "ListTasks"}, 30*time.Millisecond)
	began := time.Now()
	must(t, listTasks(t.Context(), sim.Place))
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("answered after %s, want at least 30ms", took)
	}
	release()
	release = sim.Hang(awssim.Match{})
	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := listTasks(short, sim.Place); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
	answered := make(chan error, 1)
	go func() { answered <- listTasks(context.WithoutCancel(t.Context()), sim.Place) }()
	eventually(t, "the call arrives", func() bool { calls, _ := sim.CallsTo("ListTasks"); return calls == 3 })
	release()
	must(t, <-answered)
}

func TestCloseCutsHangingCalls(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.Hang(awssim.Match{})
	answered := make(chan error, 1)
	go func() { answered <- listTasks(context.WithoutCancel(t.Context()), sim.Place) }()
	eventually(t, "the call arrives", func() bool { calls, _ := sim.CallsTo("ListTasks"); return calls == 1 })
	sim.Close()
	if err := <-answered; err == nil {
		t.Error("a call that hung was answered")
	}
}

func TestClearFaults(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	sim.Deny(awssim.Match{})
	sim.Throttle(awssim.Match{}, 100)
	sim.Hang(awssim.Match{})
	sim.ClearFaults()
	must(t, listTasks(t.Context(), sim.Place))
}

func TestHeal(t *testing.T) {
	sim := start(t, awssim.Options{})
	queue := sim.SubscribeQueue("events")
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 2)
	tasks := list(t, sim.Place)
	drain(t, sim.Place, queue)
	sim.Deny(awssim.Match{})
	sim.Skew(time.Hour)
	must(t, sim.OmitFromNextListing(tasks[0]))
	must(t, sim.FailOnce(tasks[1], "ODD"))
	sim.HoldNext(5)
	must(t, sim.StopTask(tasks[0], "whose event is held back"))
	sim.DropNext(100)
	sim.Heal()
	if got := list(t, sim.Place); len(got) != 2 {
		t.Errorf("lists %v", got)
	}
	describe(t, sim.Place, tasks[1])
	if got := drain(t, sim.Place, queue); len(got) == 0 {
		t.Error("the events that were held back have not come")
	}
	must(t, sim.StopTask(tasks[1], "whose event is not dropped"))
	if got := drain(t, sim.Place, queue); len(got) == 0 {
		t.Error("events are dropped still")
	}
}

func TestListingFaults(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 2)
	tasks := list(t, sim.Place)

	must(t, sim.OmitFromNextListing(tasks[0]))
	if diff := cmp.Diff(tasks[1:], list(t, sim.Place)); diff != "" {
		t.Errorf("listing with one omitted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tasks, list(t, sim.Place)); diff != "" {
		t.Errorf("the listing after it (-want +got):\n%s", diff)
	}

	must(t, sim.Scale("prod", "web", 1))
	must(t, sim.ListStopped(tasks[1]))
	if diff := cmp.Diff(tasks, list(t, sim.Place)); diff != "" {
		t.Errorf("listing with a stopped one (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tasks[:1], list(t, sim.Place)); diff != "" {
		t.Errorf("the listing after it (-want +got):\n%s", diff)
	}

	must(t, sim.DescribeOlder(tasks[0]))
	if task := describe(t, sim.Place, tasks[0]); task.Version != 1 || *task.LastStatus != "PENDING" {
		t.Errorf("older answer is %s at %d, want PENDING at 1", *task.LastStatus, task.Version)
	}
	if task := describe(t, sim.Place, tasks[0]); task.Version != 2 {
		t.Errorf("version %d after it, want 2", task.Version)
	}

	must(t, sim.MissingOnce(tasks[0]))
	input := &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: tasks[:1]}
	out, err := ecsClient(sim.Place).DescribeTasks(t.Context(), input)
	must(t, err)
	if len(out.Failures) != 1 {
		t.Errorf("failures %v, want one", out.Failures)
	}
	describe(t, sim.Place, tasks[0])
}

func TestFailuresOfOneTask(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 2)
	tasks := list(t, sim.Place)
	ask := func() *ecs.DescribeTasksOutput {
		out, err := ecsClient(sim.Place).DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: tasks})
		must(t, err)
		return out
	}
	must(t, sim.FailOnce(tasks[0], "ACCESS_DENIED"))
	if out := ask(); len(out.Tasks) != 1 || len(out.Failures) != 1 || *out.Failures[0].Reason != "ACCESS_DENIED" || *out.Failures[0].Arn != tasks[0] {
		t.Errorf("%d tasks, failures %v", len(out.Tasks), out.Failures)
	}
	must(t, sim.OmitFromNextDescribe(tasks[1]))
	if out := ask(); len(out.Tasks) != 1 || *out.Tasks[0].TaskArn != tasks[0] || len(out.Failures) != 0 {
		t.Errorf("%d tasks, failures %v", len(out.Tasks), out.Failures)
	}
	if out := ask(); len(out.Tasks) != 2 {
		t.Errorf("%d tasks after both faults, want 2", len(out.Tasks))
	}
}

// TestStormIsPartial: of many calls some pass, in every storm but the worst.
func TestStormIsPartial(t *testing.T) {
	sim := start(t, awssim.Options{Quotas: awssim.NoQuotas()})
	sim.CreateCluster("prod", nil)
	release := sim.Storm(awssim.Match{Operation: "ListTasks"}, 0.5)
	for range 40 {
		_ = listTasks(t.Context(), sim.Place)
	}
	if calls, throttled := sim.CallsTo("ListTasks"); throttled == 0 || throttled == calls {
		t.Errorf("%d of %d calls throttled, want some", throttled, calls)
	}
	release()
	must(t, listTasks(t.Context(), sim.Place))
	sim.Storm(awssim.Match{}, 0)
	must(t, listTasks(t.Context(), sim.Place))
}

func TestSpoiltAnswers(t *testing.T) {
	tests := []struct {
		name string
		arm  func(*awssim.Sim, awssim.Match, int)
	}{
		{"disconnect", (*awssim.Sim).Disconnect},
		{"truncate", (*awssim.Sim).Truncate},
		{"garble", (*awssim.Sim).Garble},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sim := start(t, awssim.Options{})
			sim.CreateCluster("prod", nil)
			_, err := sim.AddInstance("prod", awssim.Instance{})
			must(t, err)
			must(t, sim.CreateBucket("specs"))
			must(t, sim.PutObject("specs", "a.yaml", []byte("a: b")))
			test.arm(sim, awssim.Match{Operation: "ListTasks"}, 1)
			test.arm(sim, awssim.Match{Operation: "DescribeInstances"}, 1)
			test.arm(sim, awssim.Match{Operation: "GetObject"}, 1)
			calls := map[string]func(aws.Retryer) error{
				"JSON":  func(r aws.Retryer) error { return listTasksWith(t.Context(), sim.Place, r) },
				"query": func(r aws.Retryer) error { return describeInstances(t, sim.Place, r) },
				"S3":    func(r aws.Retryer) error { return getObject(t, sim, "specs", "a.yaml", "a: b", r) },
			}
			for protocol, call := range calls {
				// An answer that is broken off can look like a connection that Go closed.
				if err := call(aws.NopRetryer{}); err == nil {
					t.Errorf("%s: the spoilt answer was taken", protocol)
				}
				if err := call(oneAttempt()); err != nil {
					t.Errorf("%s: the answer after it: %v", protocol, err)
				}
			}
		})
	}
}

// describeInstances is an error unless there is one. The SDK takes any XML for
// an answer, in which it then finds nothing.
func describeInstances(t *testing.T, p *awssim.Place, r aws.Retryer) error {
	t.Helper()
	client := ec2.NewFromConfig(p.AWSConfig(), func(o *ec2.Options) { o.Retryer = r })
	out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	if err == nil && len(out.Reservations) != 1 {
		err = fmt.Errorf("%d reservations", len(out.Reservations))
	}
	return err
}

// getObject is an error unless the object holds the text.
func getObject(t *testing.T, sim *awssim.Sim, bucket, key, text string, r aws.Retryer) error {
	t.Helper()
	client := s3.NewFromConfig(sim.AWSConfig(), func(o *s3.Options) { o.Retryer = r })
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	got, err := io.ReadAll(out.Body)
	if err == nil && string(got) != text {
		err = fmt.Errorf("got %q", got)
	}
	return errors.Join(err, out.Body.Close())
}

// TestFaultCounts: a fault counts as met when it has changed something.
func TestFaultCounts(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	sim.SubscribeQueue("events")
	arns, err := sim.RunningTasks("prod", "web")
	must(t, err)
	sim.Throttle(awssim.Match{Operation: "ListTasks"}, 2)
	sim.Deny(awssim.Match{Operation: "DescribeTasks"})
	sim.DropNext(1)
	must(t, sim.OmitFromNextListing(arns[0]))
	must(t, sim.MissingOnce(arns[0]))
	wantCode(t, listTasks(t.Context(), sim.Place), "ThrottlingException")
	want := map[string]awssim.FaultCount{
		"Throttle": {Armed: 1, Met: 1}, "Deny": {Armed: 1}, "DropNext": {Armed: 1},
		"OmitFromNextListing": {Armed: 1}, "MissingOnce": {Armed: 1},
	}
	if diff := cmp.Diff(want, sim.FaultCounts()); diff != "" {
		t.Error(diff)
	}
	wantCode(t, listTasks(t.Context(), sim.Place), "ThrottlingException")
	must(t, listTasks(t.Context(), sim.Place))
	must(t, sim.StopTask(arns[0], "a test"))
	want["Throttle"] = awssim.FaultCount{Armed: 1, Met: 2}
	want["OmitFromNextListing"] = awssim.FaultCount{Armed: 1, Met: 1}
	want["DropNext"] = awssim.FaultCount{Armed: 1, Met: 1}
	got := sim.FaultCounts()
	delete(got, "SetEventDelay") // the new task's events
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

package awssim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"ecs-scrape/controller/awssim"
)

// TestSkewDatesWhatHappens: tasks and events carry AWS's time, and a message that
// was there before stays visible.
func TestSkewDatesWhatHappens(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now})
	queue := sim.SubscribeQueue("events")
	for _, skew := range []time.Duration{3 * time.Minute, -3 * time.Minute} {
		sim.SendRaw("{}")
		sim.Skew(skew)
		if messages := drain(t, sim.Place, queue); len(messages) != 1 {
			t.Errorf("%d messages at a skew of %s, want the one", len(messages), skew)
		}
		service(t, sim.Place, web("web"+skew.String()[:2], awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
		arn := only(t, sim.Place, "web"+skew.String()[:2])
		if got := *describe(t, sim.Place, arn).CreatedAt; !got.Equal(now.Now().Add(skew)) {
			t.Errorf("created at %s, want %s", got, now.Now().Add(skew))
		}
		for _, e := range drain(t, sim.Place, queue) {
			if !e.Time.Equal(now.Now().Add(skew)) || !e.Detail.CreatedAt.Equal(e.Time) {
				t.Errorf("event of %s about %s, want %s", e.Time, e.Detail.CreatedAt, now.Now().Add(skew))
			}
		}
	}
}

// TestSkewIsCorrectedByTheSDK: a client is refused for its clock, sets it by the
// answer, and is served.
func TestSkewIsCorrectedByTheSDK(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		sim := start(t, awssim.Options{})
		sim.Skew(skew)
		strict := ecsClient(sim.Place)
		_, err := strict.ListClusters(t.Context(), &ecs.ListClustersInput{})
		wantCode(t, err, "InvalidSignatureException")
		_, err = ec2Client(sim.Place).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		wantCode(t, err, "AuthFailure")
		_, err = sqsClient(sim.Place).GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: new(string)})
		wantCode(t, err, "InvalidSignatureException")

		_, err = ecs.NewFromConfig(sim.AWSConfig()).ListClusters(t.Context(), &ecs.ListClustersInput{})
		must(t, err)
	}
}

// TestSkewForgetsNothing: a stopped task is described for an hour, by no clock
// that is wrong.
func TestSkewForgetsNothing(t *testing.T) {
	t.Parallel()
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	_, err := sim.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: "api", NetworkMode: awssim.ModeAWSVPC, Containers: []awssim.Container{{Name: "app"}},
	})
	must(t, err)
	arns, err := sim.RunTask("prod", awssim.RunTask{TaskDefinition: "api", Launch: awssim.LaunchFargate})
	must(t, err)
	must(t, sim.StopTask(arns[0], "test"))
	sim.Skew(2 * time.Hour)
	info, err := sim.Task(arns[0])
	must(t, err)
	if info.LastStatus != "STOPPED" {
		t.Errorf("it is %s", info.LastStatus)
	}
}

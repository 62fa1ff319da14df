package awssim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

// event is what these tests read of an event.
type event struct {
	DetailType string    `json:"detail-type"`
	Source     string    `json:"source"`
	Account    string    `json:"account"`
	Region     string    `json:"region"`
	Time       time.Time `json:"time"`
	Resources  []string  `json:"resources"`
	Detail     struct {
		TaskARN       string `json:"taskArn"`
		LastStatus    string `json:"lastStatus"`
		DesiredStatus string `json:"desiredStatus"`
		Status        string `json:"status"`
		Version       int
		CreatedAt     time.Time `json:"createdAt"`
		UpdatedAt     time.Time `json:"updatedAt"`
		Tags          any       `json:"tags"`
		Attachments   []struct{ Type string }
	} `json:"detail"`
}

// step is an event as "LAST/DESIRED version".
func (e event) step() string {
	return fmt.Sprintf("%s/%s %d", e.Detail.LastStatus, e.Detail.DesiredStatus, e.Detail.Version)
}

// drain receives and deletes messages until the queue is empty.
func drain(t testing.TB, p *awssim.Place, queueURL string) []event {
	t.Helper()
	var out []event
	for {
		got, err := sqsClient(p).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: 10})
		must(t, err)
		if len(got.Messages) == 0 {
			return out
		}
		for _, m := range got.Messages {
			var e event
			must(t, json.Unmarshal([]byte(*m.Body), &e))
			out = append(out, e)
			_, err := sqsClient(p).DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle})
			must(t, err)
		}
	}
}

func steps(events []event) []string {
	var out []string
	for _, e := range events {
		if e.DetailType == awssim.TaskStateChange {
			out = append(out, e.step())
		}
	}
	return out
}

func TestEventsOfATask(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now})
	queue := sim.SubscribeQueue("events")
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	arn := only(t, sim.Place, "web")
	must(t, sim.Tag(arn, map[string]string{"a": "b"}))
	must(t, sim.SetHealth(arn, "HEALTHY"))
	must(t, sim.Scale("prod", "web", 0))
	events := drain(t, sim.Place, queue)
	want := []string{"PENDING/RUNNING 1", "RUNNING/RUNNING 2", "RUNNING/STOPPED 3", "STOPPED/STOPPED 4"}
	if diff := cmp.Diff(want, steps(events)); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	e := events[1]
	got := []any{e.Source, e.Account, e.Region, e.Time, e.Resources, e.Detail.TaskARN, e.Detail.CreatedAt, e.Detail.Tags, e.Detail.Attachments[0].Type}
	wanted := []any{"aws.ecs", "123456789012", "us-east-1", now.Now(), []string{arn}, arn, now.Now(), nil, "eni"}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if task := describe(t, sim.Place, arn); int(task.Version) != events[3].Detail.Version {
		t.Errorf("described version %d, the last event's %d", task.Version, events[3].Detail.Version)
	}
}

func TestEventsOfAnInstance(t *testing.T) {
	sim := start(t, awssim.Options{})
	queue := sim.SubscribeQueue("events")
	sim.CreateCluster("prod", nil)
	id, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	service(t, sim.Place, web("web", awssim.ModeBridge), awssim.LaunchEC2, 1)
	must(t, sim.Drain(id))
	var got []string
	for _, e := range drain(t, sim.Place, queue) {
		if e.DetailType == awssim.InstanceStateChange {
			got = append(got, fmt.Sprint(e.Detail.Status, " ", e.Detail.Version))
		}
	}
	if diff := cmp.Diff([]string{"ACTIVE 1", "ACTIVE 2", "DRAINING 3"}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestEventFaults(t *testing.T) {
	const started, runs, stops, stopped = "PENDING/RUNNING 1", "RUNNING/RUNNING 2", "RUNNING/STOPPED 3", "STOPPED/STOPPED 4"
	tests := []struct {
		name string
		arm  func(p *awssim.Place)
		want []string
	}{
		{"none", func(*awssim.Place) {}, []string{started, runs, stops, stopped}},
		{"drop", func(p *awssim.Place) { p.DropNext(2) }, []string{stops, stopped}},
		{"duplicate", func(p *awssim.Place) { p.DuplicateNext(1) }, []string{started, started, runs, stops, stopped}},
		{"reorder", func(p *awssim.Place) { p.ReorderNext(3) }, []string{stops, runs, started, stopped}},
		{"incomplete reorder", func(p *awssim.Place) { p.ReorderNext(9) }, []string{stopped, stops, runs, started}},
		{"hold", func(p *awssim.Place) { p.HoldNext(2) }, []string{stops, stopped, started, runs}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sim := start(t, awssim.Options{})
			queue := sim.SubscribeQueue("events")
			test.arm(sim.Place)
			service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
			must(t, sim.Scale("prod", "web", 0))
			sim.ReleaseHeld()
			if diff := cmp.Diff(test.want, steps(drain(t, sim.Place, queue))); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLateEvent(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now})
	queue := sim.SubscribeQueue("events")
	sim.LateNext(24 * time.Hour)
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	events := drain(t, sim.Place, queue)
	for i, want := range []time.Time{now.Now().Add(-24 * time.Hour), now.Now()} {
		if e := events[i]; !e.Time.Equal(want) || !e.Detail.UpdatedAt.Equal(want) || !e.Detail.CreatedAt.Equal(want) {
			t.Errorf("event %d of %s, updated %s, created %s, want %s", i, e.Time, e.Detail.UpdatedAt, e.Detail.CreatedAt, want)
		}
	}
}

func TestEventDelayAndLongPolling(t *testing.T) {
	sim := start(t, awssim.Options{EventDelay: 50 * time.Millisecond})
	queue := sim.SubscribeQueue("events")
	began := time.Now()
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	if visible, _ := sim.QueueLength("events"); visible != 0 {
		t.Errorf("%d events before the delay has passed", visible)
	}
	out, err := sqsClient(sim.Place).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: 20})
	must(t, err)
	if took := time.Since(began); len(out.Messages) != 1 || took < 50*time.Millisecond || took > 10*time.Second {
		t.Errorf("%d messages after %s, want one after 50ms", len(out.Messages), took)
	}
}

func TestEventsReachEveryQueueOfThePlace(t *testing.T) {
	sim := start(t, awssim.Options{})
	west := sim.Region("", "eu-west-1")
	first, second, other := sim.SubscribeQueue("first"), sim.SubscribeQueue("second"), west.SubscribeQueue("first")
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	for queue, want := range map[string]int{first: 2, second: 2} {
		if got := len(drain(t, sim.Place, queue)); got != want {
			t.Errorf("%d events in %s, want %d", got, queue, want)
		}
	}
	if got := len(drain(t, west, other)); got != 0 {
		t.Errorf("%d events in the queue of another region", got)
	}
	sim.SendRaw(`{"detail-type":"unheard of"}`)
	if got := drain(t, sim.Place, first); len(got) != 1 || got[0].DetailType != "unheard of" {
		t.Errorf("events %v, want the raw one", got)
	}
}

func TestVisibilityTimeout(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now})
	queue := sim.CreateQueue("q", map[string]string{"VisibilityTimeout": "10"})
	client, ctx := sqsClient(sim.Place), t.Context()
	_, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: aws.String("hello")})
	must(t, err)
	receive := func(visibility int32) []string {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &queue, VisibilityTimeout: visibility, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
		})
		must(t, err)
		var got []string
		for _, m := range out.Messages {
			got = append(got, *m.Body+" "+m.Attributes["ApproximateReceiveCount"])
		}
		return got
	}
	check := func(step string, want, got []string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
	check("first", []string{"hello 1"}, receive(0))
	check("while hidden", nil, receive(0))
	now.advance(11 * time.Second)
	check("after the queue's timeout", []string{"hello 2"}, receive(60))
	now.advance(11 * time.Second)
	check("within its own timeout", nil, receive(0))
	now.advance(50 * time.Second)
	check("after its own timeout", []string{"hello 3"}, receive(0))
}

func TestQueueCalls(t *testing.T) {
	sim := start(t, awssim.Options{})
	client, ctx := sqsClient(sim.Place), t.Context()
	created, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	must(t, err)
	found, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	must(t, err)
	if *created.QueueUrl != *found.QueueUrl || *found.QueueUrl != sim.URL()+"/123456789012/q" {
		t.Errorf("queue %s, found %s", *created.QueueUrl, *found.QueueUrl)
	}
	for n := range 12 {
		_, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: found.QueueUrl, MessageBody: aws.String(fmt.Sprint(n))})
		must(t, err)
	}
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: found.QueueUrl, MaxNumberOfMessages: 10})
	must(t, err)
	if len(got.Messages) != 10 || got.Messages[0].Attributes != nil {
		t.Fatalf("%d messages, want 10 without attributes", len(got.Messages))
	}
	var entries []sqstypes.DeleteMessageBatchRequestEntry
	for n, m := range got.Messages[:9] {
		entries = append(entries, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(n)), ReceiptHandle: m.ReceiptHandle})
	}
	entries = append(entries, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String("bad"), ReceiptHandle: aws.String("bad")})
	deleted, err := client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: found.QueueUrl, Entries: entries})
	must(t, err)
	if len(deleted.Successful) != 9 || len(deleted.Failed) != 1 || *deleted.Failed[0].Id != "bad" {
		t.Errorf("deleted %d, failed %v", len(deleted.Successful), deleted.Failed)
	}
	_, err = client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: found.QueueUrl, ReceiptHandle: got.Messages[9].ReceiptHandle, VisibilityTimeout: 0,
	})
	must(t, err)
	attributes, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: found.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"All"},
	})
	must(t, err)
	if got := attributes.Attributes["ApproximateNumberOfMessages"]; got != "3" {
		t.Errorf("%s messages, want 3", got)
	}
	_, err = client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(sim.URL() + "/123456789012/nope")})
	if missing := new(sqstypes.QueueDoesNotExist); !errors.As(err, &missing) {
		t.Errorf("error %v, want QueueDoesNotExist", err)
	}
	_, err = client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: found.QueueUrl, MaxNumberOfMessages: 11})
	wantCode(t, err, "InvalidParameterValue")
	_, err = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: found.QueueUrl})
	must(t, err)
	_, err = client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: found.QueueUrl})
	if missing := new(sqstypes.QueueDoesNotExist); !errors.As(err, &missing) {
		t.Errorf("error %v, want QueueDoesNotExist", err)
	}
}

func TestLongPollingEndsWithoutMessages(t *testing.T) {
	sim := start(t, awssim.Options{})
	queue := sim.CreateQueue("q", nil)
	began := time.Now()
	out, err := sqsClient(sim.Place).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: 1})
	must(t, err)
	if took := time.Since(began); len(out.Messages) != 0 || took < time.Second {
		t.Errorf("%d messages after %s", len(out.Messages), took)
	}
}

func TestEventFaultsSpareInstances(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	queue := sim.SubscribeQueue("events")
	sim.DropNext(2)
	_, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	service(t, sim.Place, web("web", awssim.ModeBridge), awssim.LaunchEC2, 1)
	events := drain(t, sim.Place, queue)
	if got := steps(events); len(got) != 0 || len(events) != 2 {
		t.Errorf("task events %v of %d events, want none of 2", got, len(events))
	}
}

func TestDeleteQueue(t *testing.T) {
	var delivered []string
	sim := start(t, awssim.Options{Delivered: func(queue, body string) { delivered = append(delivered, queue+" "+body) }})
	queue := sim.SubscribeQueue("events")
	sim.SendRaw("before")
	waiting := make(chan error, 1)
	other := sim.CreateQueue("other", nil)
	go func() {
		_, err := sqsClient(sim.Place).ReceiveMessage(context.WithoutCancel(t.Context()), &sqs.ReceiveMessageInput{QueueUrl: &other, WaitTimeSeconds: 20})
		waiting <- err
	}()
	eventually(t, "the call arrives", func() bool { calls, _ := sim.CallsTo("ReceiveMessage"); return calls == 1 })
	sim.DeleteQueue("other")
	sim.DeleteQueue("events")
	sim.DeleteQueue("never was")
	sim.SendRaw("while it is gone")
	_, err := sqsClient(sim.Place).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue})
	for _, err := range []error{err, <-waiting} {
		if missing := new(sqstypes.QueueDoesNotExist); !errors.As(err, &missing) {
			t.Errorf("error %v, want QueueDoesNotExist", err)
		}
	}
	if again := sim.SubscribeQueue("events"); again != queue {
		t.Errorf("queue %s, before %s", again, queue)
	}
	sim.SendRaw("after")
	if diff := cmp.Diff([]string{"events before", "events after"}, delivered); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
	if visible, hidden := sim.QueueLength("events"); visible != 1 || hidden != 0 {
		t.Errorf("%d messages and %d in flight, want only the last", visible, hidden)
	}
}

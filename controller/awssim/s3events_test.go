package awssim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

// objectEvent is what these tests read of an event of S3, in any form.
type objectEvent struct {
	Event      string // of a test message
	Type       string // of SNS
	Message    string
	DetailType string `json:"detail-type"`
	Detail     struct {
		Bucket struct{ Name string }
		Object struct{ Key string }
	}
	Records []struct {
		EventName string
		S3        struct {
			Bucket struct{ Name string }
			Object struct{ Key string }
		}
	}
}

func (e objectEvent) String() string {
	switch {
	case e.Type == "Notification":
		return "sns " + readObjectEvent(e.Message).String()
	case e.Event != "":
		return e.Event
	case len(e.Records) == 1:
		r := e.Records[0]
		return fmt.Sprint(r.EventName, " ", r.S3.Bucket.Name, " ", r.S3.Object.Key)
	}
	return fmt.Sprint(e.DetailType, " ", e.Detail.Bucket.Name, " ", e.Detail.Object.Key)
}

func readObjectEvent(text string) objectEvent {
	var e objectEvent
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return objectEvent{DetailType: err.Error()}
	}
	return e
}

func TestObjectEvents(t *testing.T) {
	for _, c := range []struct {
		form awssim.ObjectEvents
		want []string
	}{
		{awssim.ObjectsDirect, []string{"s3:TestEvent", "ObjectCreated:Put b p%2Fa+1.yaml", "ObjectCreated:Put b p%2Fb", "ObjectRemoved:Delete b p%2Fb"}},
		{awssim.ObjectsEventBridge, []string{"Object Created b p/a 1.yaml", "Object Created b p/b", "Object Deleted b p/b"}},
		{awssim.ObjectsSNS, []string{"sns s3:TestEvent", "sns ObjectCreated:Put b p%2Fa+1.yaml", "sns ObjectCreated:Put b p%2Fb", "sns ObjectRemoved:Delete b p%2Fb"}},
	} {
		t.Run(fmt.Sprint(c.form), func(t *testing.T) {
			sim := start(t, awssim.Options{})
			must(t, sim.CreateBucket("b"))
			url := sim.NotifyObjects("b", "p/", "events", c.form)
			must(t, sim.PutObject("b", "p/a 1.yaml", nil))
			must(t, sim.PutObject("b", "other", nil))
			client := s3.NewFromConfig(sim.AWSConfig())
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("p/b"), Body: strings.NewReader("x")})
			must(t, err)
			_, err = client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("b"), Key: aws.String("p/b")})
			must(t, err)
			out, err := sqsClient(sim.Place).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
			must(t, err)
			var got []string
			for _, m := range out.Messages {
				got = append(got, readObjectEvent(*m.Body).String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMovedAndDeletedBucket(t *testing.T) {
	sim := start(t, awssim.Options{})
	must(t, sim.CreateBucket("b"))
	must(t, sim.PutObject("b", "k", []byte("x")))
	list := func(region string) error {
		client := s3.NewFromConfig(sim.AWSConfig(), func(o *s3.Options) { o.Region = region })
		_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("b")})
		return err
	}
	sim.MoveBucket("b", "eu-west-1")
	wantCode(t, list("us-east-1"), "PermanentRedirect")
	must(t, list("eu-west-1"))
	sim.MoveBucket("b", "")
	must(t, list("us-east-1"))
	must(t, sim.DeleteBucket("b"))
	must(t, sim.DeleteBucket("b"))
	wantCode(t, list("us-east-1"), "NoSuchBucket")
}

func TestEncodedListingAndConditionalPuts(t *testing.T) {
	sim := start(t, awssim.Options{})
	must(t, sim.CreateBucket("b"))
	must(t, sim.PutObject("b", "a\x01 b", []byte("x")))
	client, bucket := s3.NewFromConfig(sim.AWSConfig()), aws.String("b")
	out, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket, EncodingType: s3types.EncodingTypeUrl})
	must(t, err)
	if len(out.Contents) != 1 || *out.Contents[0].Key != "a%01+b" || out.EncodingType != s3types.EncodingTypeUrl {
		t.Errorf("listing %+v, encoding %q", out.Contents, out.EncodingType)
	}
	put := func(match, none *string) error {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("x"), IfMatch: match, IfNoneMatch: none})
		return err
	}
	must(t, put(nil, aws.String("*")))
	wantCode(t, put(nil, aws.String("*")), "PreconditionFailed")
	wantCode(t, put(aws.String(`"no"`), nil), "PreconditionFailed")
	release := sim.Deny(awssim.Match{Service: "s3", Operation: "PutObject", Key: "k"})
	wantCode(t, put(nil, nil), "AccessDenied")
	release()
	must(t, put(nil, nil))
}

package s3object_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"go.uber.org/goleak"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/controller/s3object"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func options(sim *awssim.Sim) func(*config.LoadOptions) error {
	cfg := sim.AWSConfig()
	return func(o *config.LoadOptions) error {
		o.Credentials, o.Region, o.BaseEndpoint, o.HTTPClient = cfg.Credentials, cfg.Region, *cfg.BaseEndpoint, cfg.HTTPClient
		return nil
	}
}

// TestObject: what is put is what is got, and each error names the object.
func TestObject(t *testing.T) {
	sim, err := awssim.Start(awssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	if err := sim.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	o, err := s3object.Open(t.Context(), "s3://bucket/a/status.json", options(sim))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Get(t.Context()); err == nil || !strings.Contains(err.Error(), "get s3://bucket/a/status.json: ") {
		t.Errorf("an absent object: %v", err)
	}
	for _, text := range []string{"{}", `{"a": 1}`} {
		if err := o.PutJSON(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := o.Get(t.Context()); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	sim.Deny(awssim.Match{Service: "s3", Operation: "PutObject"})
	if err := o.PutJSON(t.Context(), []byte("{}")); err == nil || err.Error() != "put s3://bucket/a/status.json: S3 denies it (AccessDenied); allow s3:PutObject on arn:aws:s3:::bucket/a/status.json, in the role's policy and the bucket's, and its KMS key" {
		t.Errorf("denied: %v", err)
	}
}

func TestLocation(t *testing.T) {
	for _, location := range []string{"", "bucket/key", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "s3://bucket/dir/"} {
		if o, err := s3object.Open(t.Context(), location); err == nil || !strings.Contains(err.Error(), "write s3://BUCKET/KEY") {
			t.Errorf("%q: %v, %v", location, o, err)
		}
	}
}

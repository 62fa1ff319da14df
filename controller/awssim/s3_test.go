package awssim_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ecs-scrape/controller/awssim"
)

func TestObjects(t *testing.T) {
	sim := start(t, awssim.Options{})
	must(t, sim.CreateBucket("specs"))
	must(t, sim.CreateBucket("specs"))
	must(t, sim.PutObject("specs", "a/one.yaml", []byte("one")))
	client, ctx := s3.NewFromConfig(sim.AWSConfig()), t.Context()
	bucket, key := aws.String("specs"), aws.String("a/one.yaml")
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("a/two.yaml"), Body: bytes.NewReader([]byte("two"))})
	must(t, err)
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("a/")})
	must(t, err)
	if len(listed.Contents) != 2 || *listed.Contents[0].Key != "a/one.yaml" {
		t.Fatalf("contents %+v", listed.Contents)
	}
	etag := listed.Contents[0].ETag
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, IfMatch: etag})
	must(t, err)
	body, err := io.ReadAll(got.Body)
	must(t, err)
	if string(body) != "one" || *got.ETag != *etag {
		t.Errorf("body %q, tag %s, want one, %s", body, *got.ETag, *etag)
	}
	must(t, sim.PutObject("specs", "a/one.yaml", []byte("changed")))
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, IfMatch: etag})
	wantCode(t, err, "PreconditionFailed")
	must(t, sim.DeleteObject("specs", "a/one.yaml"))
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, IfMatch: etag})
	wantCode(t, err, "NoSuchKey")
	sim.Deny(awssim.Match{Service: "s3", Operation: "ListObjectsV2"})
	_, err = client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})
	wantCode(t, err, "AccessDenied")
}

func TestObjectPages(t *testing.T) {
	sim := start(t, awssim.Options{})
	must(t, sim.CreateBucket("specs"))
	for n := range 25 {
		must(t, sim.PutObject("specs", fmt.Sprintf("%02d", n), []byte("x")))
	}
	must(t, sim.DeleteObject("specs", "10"))
	pages := s3.NewListObjectsV2Paginator(s3.NewFromConfig(sim.AWSConfig()), &s3.ListObjectsV2Input{
		Bucket: aws.String("specs"), MaxKeys: aws.Int32(10),
	})
	seen := map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, o := range page.Contents {
			seen[*o.Key] = true
		}
	}
	if len(seen) != 24 || seen["10"] {
		t.Errorf("listed %d keys, want 24", len(seen))
	}
}

// Package s3object reads and writes one object in S3, such as the status of a
// controller that is to be seen from afar. It knows nothing of what is in it.
package s3object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ecs-scrape/controller/s3client"
)

// maxSize bounds what is read: the status of a large installation has a few MiB.
const maxSize = 64 << 20 // bytes

// Object is one object. It is safe for concurrent use.
type Object struct {
	client      *s3.Client
	bucket, key string
}

// Open names an object by s3://BUCKET/KEY. It reads nothing yet. The client is
// configured by AWS's own environment variables and files, AWS_ENDPOINT_URL among
// them, and by the options.
func Open(ctx context.Context, location string, options ...func(*config.LoadOptions) error) (*Object, error) {
	rest, ok := strings.CutPrefix(location, "s3://")
	bucket, key, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" || key == "" || strings.HasSuffix(key, "/") {
		return nil, fmt.Errorf("%q names no object in S3: write s3://BUCKET/KEY", location)
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration for %s: %w", location, err)
	}
	return &Object{client: s3client.New(&cfg), bucket: bucket, key: key}, nil
}

// String is s3://BUCKET/KEY.
func (o *Object) String() string { return "s3://" + o.bucket + "/" + o.key }

// PutJSON writes the object, as a whole or not at all. It needs s3:PutObject.
func (o *Object) PutJSON(ctx context.Context, data []byte) error {
	kind := "application/json"
	_, err := o.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &o.bucket, Key: &o.key, Body: bytes.NewReader(data), ContentType: &kind,
	})
	if err != nil {
		return fmt.Errorf("put %s: %w", o, o.explain(err, "s3:PutObject"))
	}
	return nil
}

// Get reads the object. It needs s3:GetObject.
func (o *Object) Get(ctx context.Context) ([]byte, error) {
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key})
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", o, o.explain(err, "s3:GetObject"))
	}
	defer func() { _ = out.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(out.Body, maxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", o, err)
	case len(data) > maxSize:
		return nil, fmt.Errorf("read %s: %w", o, errTooLarge)
	}
	return data, nil
}

// explain says what is wrong and what would mend it.
func (o *Object) explain(err error, action string) error {
	return s3client.Explain(err, o.bucket, action, "arn:aws:s3:::"+o.bucket+"/"+o.key)
}

var errTooLarge = errors.New("it is larger than 64 MiB, so it is no status")

// Package s3object reads and writes one object in S3, such as the status of a
// controller that is to be seen from afar. It knows nothing of what is in it.
package s3object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// maxSize bounds what is read: the status of a large installation has a few MiB.
const maxSize = 64 << 20 // bytes

// answerWithin has an attempt fail that is not answered.
const answerWithin = 5 * time.Second

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
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		// An endpoint of the user's own rarely has a DNS name for each bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
		o.DisableLogOutputChecksumValidationSkipped = true
		if client, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
			o.HTTPClient = client.WithTransportOptions(impatient)
		}
	})
	return &Object{client: client, bucket: bucket, key: key}, nil
}

func impatient(t *http.Transport) { t.ResponseHeaderTimeout = answerWithin }

// String is s3://BUCKET/KEY.
func (o *Object) String() string { return "s3://" + o.bucket + "/" + o.key }

// PutJSON writes the object, as a whole or not at all. It needs s3:PutObject.
func (o *Object) PutJSON(ctx context.Context, data []byte) error {
	kind := "application/json"
	_, err := o.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &o.bucket, Key: &o.key, Body: bytes.NewReader(data), ContentType: &kind,
	})
	if err != nil {
		return fmt.Errorf("put %s: %w", o, err)
	}
	return nil
}

// Get reads the object. It needs s3:GetObject.
func (o *Object) Get(ctx context.Context) ([]byte, error) {
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key})
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", o, err)
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

var errTooLarge = errors.New("it is larger than 64 MiB, so it is no status")

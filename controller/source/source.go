package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ecs-scrape/spec"
)

// Bounds on what a source may hold. They keep a wrong directory or prefix from
// being read whole; a Prometheus served by one controller needs far less.
const (
	maxFiles    = 5000
	maxFileSize = 1 << 20 // bytes
)

// ErrChanged is wrapped by the error of a load during which the source changed.
// The next load takes the change.
var ErrChanged = errors.New("changed while reading")

// Source is a directory or an S3 prefix.
type Source struct {
	load func(context.Context) (*spec.Set, error)
}

// Load reads all specs, as Directory.Load and S3.Load do.
func (s *Source) Load(ctx context.Context) (*spec.Set, error) { return s.load(ctx) }

// Open chooses by the location: s3://BUCKET/PREFIX, or else a directory. It
// reads nothing yet. The S3 client is configured by AWS's own environment
// variables and files, AWS_ENDPOINT_URL among them, and by the options.
func Open(ctx context.Context, location string, options ...func(*config.LoadOptions) error) (*Source, error) {
	rest, remote := strings.CutPrefix(location, "s3://")
	switch {
	case location == "":
		return nil, errors.New("no location of specs; name a directory or s3://BUCKET/PREFIX")
	case !remote:
		return &Source{load: NewDirectory(location).Load}, nil
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if bucket == "" {
		return nil, fmt.Errorf("specs in %s: no bucket; write s3://BUCKET/PREFIX", location)
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
	return &Source{load: NewS3(client, bucket, prefix).Load}, nil
}

// impatient has an attempt fail that is not answered, so that the next attempt
// falls into the time of the same load.
func impatient(t *http.Transport) { t.ResponseHeaderTimeout = loadWithin / 4 }

// isSpec says whether a file of this name is read. The name is slash-separated
// and relative; hidden files, and those in hidden directories, are not.
func isSpec(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// sizeError is a file that is too large to be read.
type sizeError struct{ size int64 }

func (e *sizeError) Error() string {
	return fmt.Sprintf("has %d bytes, more than %d; split it", e.size, maxFileSize)
}

func checkSize(size int64) error {
	if size > maxFileSize {
		return &sizeError{size}
	}
	return nil
}

func checkCount(count int) error {
	if count > maxFiles {
		return fmt.Errorf("more than %d files of specs; name a directory or prefix that holds specs only, or join files", maxFiles)
	}
	return nil
}

package source

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"

	"ecs-scrape/controller/s3client"
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
	load     func(context.Context) (*spec.Set, error)
	revision func() (string, bool)
	concerns func(bucket, key string) bool
	earlier  func(context.Context) ([]*spec.Set, error)
}

// Load reads all specs, as Directory.Load and S3.Load do.
func (s *Source) Load(ctx context.Context) (*spec.Set, error) { return s.load(ctx) }

// Revision identifies what was loaded last, as Directory.Revision and S3.Revision
// do.
func (s *Source) Revision() (id string, published bool) { return s.revision() }

// Concerns says that a change of that object of S3 may change what a load gives.
func (s *Source) Concerns(bucket, key string) bool { return s.concerns(bucket, key) }

// Earlier are versions before the one that was loaded last, where they were
// published, as S3.Earlier tells. Of a directory there are none.
func (s *Source) Earlier(ctx context.Context) ([]*spec.Set, error) {
	if s.earlier == nil {
		return nil, nil
	}
	return s.earlier(ctx)
}

// Open chooses by the location: s3://BUCKET/PREFIX, or else a directory. It
// reads nothing yet. The S3 client is configured by AWS's own environment
// variables and files, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3 among them, and by
// the options. A bucket in another region is found there.
func Open(ctx context.Context, location string, options ...func(*config.LoadOptions) error) (*Source, error) {
	switch {
	case location == "":
		return nil, errNoLocation
	case !strings.HasPrefix(location, remote):
		dir := NewDirectory(location)
		return &Source{load: dir.Load, revision: dir.Revision, concerns: func(string, string) bool { return false }}, nil
	}
	at, err := parseLocation(location)
	if err != nil {
		return nil, err
	}
	client, err := newClient(ctx, location, options...)
	if err != nil {
		return nil, err
	}
	s := NewS3(client, at.bucket, at.prefix)
	return &Source{load: s.Load, revision: s.Revision, concerns: at.concerns, earlier: s.Earlier}, nil
}

func newClient(ctx context.Context, location string, options ...func(*config.LoadOptions) error) (*roaming, error) {
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration for %s: %w", location, err)
	}
	return &roaming{inner: s3client.New(&cfg), home: cfg.Region}, nil
}

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

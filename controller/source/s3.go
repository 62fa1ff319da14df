package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/spec"
)

// maxGets is how many objects are fetched at once: enough to read a thousand in
// a few seconds, too few to be noticed by S3.
const maxGets = 16

// S3Client is what is used of the S3 client. *s3.Client has it.
type S3Client interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// S3 reads specs below a prefix of a bucket, under the rules of Directory.
type S3 struct {
	client         S3Client
	bucket, prefix string

	mu      sync.Mutex
	set     *spec.Set
	objects map[string]remoteObject // by name, as fetched last
	decoded map[string]string       // ETags by name: what set was decoded from
}

// remoteObject is an object as it was fetched.
type remoteObject struct {
	etag string
	data []byte
}

// NewS3 is a source of the specs below prefix, which is taken as a directory:
// "specs" and "specs/" are the same. Nothing is read yet.
func NewS3(client S3Client, bucket, prefix string) *S3 {
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &S3{client: client, bucket: bucket, prefix: prefix}
}

// Load lists the prefix and fetches what the ETags say is new. It gives the same
// set as before if no content changed. If an object vanishes or changes between
// the listing and its fetch, the error wraps ErrChanged, and the next load takes
// the change. Load may be called concurrently.
func (s *S3) Load(ctx context.Context) (*spec.Set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listing, err := s.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("list specs in %s: %w", s.url(""), err)
	}
	if s.set != nil && maps.Equal(listing, s.decoded) {
		return s.set, nil
	}
	if err := s.fetch(ctx, listing); err != nil {
		return nil, err
	}
	if set := s.decode(); s.set == nil || s.set.Revision != set.Revision {
		s.set = set
	}
	s.decoded = listing
	return s.set, nil
}

// list gives the ETags of all objects of specs, by name.
func (s *S3) list(ctx context.Context) (map[string]string, error) {
	etags := make(map[string]string)
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &s.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			name := strings.TrimPrefix(aws.ToString(object.Key), s.prefix)
			if !isSpec(name) {
				continue
			}
			if err := checkSize(aws.ToInt64(object.Size)); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			etags[name] = aws.ToString(object.ETag)
		}
		if err := checkCount(len(etags)); err != nil {
			return nil, err
		}
	}
	return etags, nil
}

// fetch brings objects to what the listing names. What could be fetched is kept
// even if something else could not, so that the next load has less to do.
func (s *S3) fetch(ctx context.Context, listing map[string]string) error {
	maps.DeleteFunc(s.objects, func(name string, o remoteObject) bool { return listing[name] != o.etag })
	var wanted []string
	for _, name := range slices.Sorted(maps.Keys(listing)) {
		if _, ok := s.objects[name]; !ok {
			wanted = append(wanted, name)
		}
	}
	fetched := make([][]byte, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxGets)
	for i, name := range wanted {
		group.Go(func() error {
			data, err := s.get(ctx, name, listing[name])
			if err != nil {
				return fmt.Errorf("get %s: %w", s.url(name), err)
			}
			fetched[i] = data
			return nil
		})
	}
	err := group.Wait()
	if s.objects == nil {
		s.objects = make(map[string]remoteObject)
	}
	for i, name := range wanted {
		if fetched[i] != nil {
			s.objects[name] = remoteObject{etag: listing[name], data: fetched[i]}
		}
	}
	return err
}

// get fetches one object if it still has the ETag. The answer's own ETag is
// looked at as well, for servers that ignore If-Match.
func (s *S3) get(ctx context.Context, name, etag string) ([]byte, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.bucket, Key: aws.String(s.prefix + name), IfMatch: &etag,
	})
	if err != nil {
		return nil, changed(err)
	}
	defer func() { _ = out.Body.Close() }()
	if got := aws.ToString(out.ETag); got != "" && got != etag {
		return nil, ErrChanged
	}
	data, err := io.ReadAll(io.LimitReader(out.Body, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return data, checkSize(int64(len(data)))
}

// changed marks the error for an object that is gone or is another by now.
func changed(err error) error {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		switch response.HTTPStatusCode() {
		case http.StatusNotFound, http.StatusPreconditionFailed, http.StatusConflict:
			return fmt.Errorf("%w: %w", ErrChanged, err)
		}
	}
	return err
}

func (s *S3) decode() *spec.Set {
	files := make([]spec.File, 0, len(s.objects))
	for name, o := range s.objects {
		files = append(files, spec.File{Name: name, Data: o.data})
	}
	return spec.Decode(files)
}

func (s *S3) url(name string) string {
	return "s3://" + s.bucket + "/" + s.prefix + name
}

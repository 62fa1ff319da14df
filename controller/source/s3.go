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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/spec"
)

// maxGets is how many objects are fetched at once: enough to read a thousand in
// a few seconds, too few to be noticed by S3.
const maxGets = 16

// loadWithin bounds one load, so that a server that never answers is noticed.
// What was fetched until then is kept: many objects take several loads.
const loadWithin = 20 * time.Second

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
	decoded listing                 // what set was decoded from
}

// listing is what there is below the prefix.
type listing struct {
	etags  map[string]string // of what can be fetched, by name
	broken broken
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
// set as before if no content changed. An object that is too large, or that S3
// refuses to hand out, is a problem of the set. If an object vanishes or changes
// between the listing and its fetch, the error wraps ErrChanged, and the next
// load takes the change. Load takes at most 20 s. It may be called concurrently.
func (s *S3) Load(ctx context.Context) (*spec.Set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bounded, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	set, err := s.load(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("no complete answer within %v: %w", loadWithin, err)
	}
	return set, err
}

func (s *S3) load(ctx context.Context) (*spec.Set, error) {
	now, err := s.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("list specs in %s: %w", s.url(""), err)
	}
	if s.set != nil && now.same(s.decoded) {
		return s.set, nil
	}
	if err := s.fetch(ctx, now); err != nil {
		return nil, err
	}
	if set := s.decode(now.broken); s.set == nil || s.set.Revision != set.Revision || !slices.Equal(s.set.Problems, set.Problems) {
		s.set = set
	}
	s.decoded = now
	return s.set, nil
}

func (l listing) same(o listing) bool {
	return maps.Equal(l.etags, o.etags) && maps.Equal(l.broken, o.broken)
}

// list names all objects of specs.
func (s *S3) list(ctx context.Context) (listing, error) {
	out := listing{etags: make(map[string]string), broken: make(broken)}
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &s.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return out, err
		}
		for _, object := range page.Contents {
			name := strings.TrimPrefix(aws.ToString(object.Key), s.prefix)
			if !isSpec(name) {
				continue
			}
			if err := checkSize(aws.ToInt64(object.Size)); err != nil {
				out.broken[name] = err.Error()
				continue
			}
			out.etags[name] = aws.ToString(object.ETag)
		}
		if err := checkCount(len(out.etags) + len(out.broken)); err != nil {
			return out, err
		}
	}
	return out, nil
}

// fetch brings objects to what the listing names, and adds to its broken ones
// those that are refused. What could be fetched is kept even if something else
// could not, so that the next load has less to do.
func (s *S3) fetch(ctx context.Context, l listing) error {
	maps.DeleteFunc(s.objects, func(name string, o remoteObject) bool { return l.etags[name] != o.etag })
	var wanted []string
	for _, name := range slices.Sorted(maps.Keys(l.etags)) {
		if _, ok := s.objects[name]; !ok {
			wanted = append(wanted, name)
		}
	}
	fetched, err := s.getAll(ctx, wanted, l.etags)
	if s.objects == nil {
		s.objects = make(map[string]remoteObject)
	}
	var refused error
	for i, name := range wanted {
		switch f := fetched[i]; {
		case f.refused != nil:
			refused = f.refused
			l.broken[name] = refusal(f.refused)
		case f.data != nil:
			s.objects[name] = remoteObject{etag: l.etags[name], data: f.data}
		}
	}
	if err == nil && len(s.objects) == 0 {
		return refused // all of them: it is not about single objects
	}
	return err
}

// fetched is what became of one object: neither is set where the fetch failed.
type fetched struct {
	data    []byte
	refused error
}

func (s *S3) getAll(ctx context.Context, names []string, etags map[string]string) ([]fetched, error) {
	out := make([]fetched, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxGets)
	for i, name := range names {
		group.Go(func() error {
			data, err := s.get(ctx, name, etags[name])
			if err != nil {
				err = fmt.Errorf("get %s: %w", s.url(name), err)
			}
			if status(err) == http.StatusForbidden {
				out[i].refused = err
				return nil
			}
			out[i].data = data
			return err
		})
	}
	return out, group.Wait()
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
	if err := checkSize(int64(len(data))); err != nil {
		return nil, err
	}
	return data, nil
}

// changed marks the error for an object that is gone or is another by now.
func changed(err error) error {
	switch status(err) {
	case http.StatusNotFound, http.StatusPreconditionFailed, http.StatusConflict:
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return err
}

// status is the HTTP status of the answer that the error is; 0 where it is none.
func status(err error) int {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) {
		return 0
	}
	return response.HTTPStatusCode()
}

// refusal says why S3 does not hand out an object, in words that are the same
// each time.
func refusal(err error) string {
	code := "Forbidden"
	var api smithy.APIError
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	return "S3 refuses to hand it out (" + code + "); allow s3:GetObject and its KMS key, or restore it from its archive"
}

func (s *S3) decode(b broken) *spec.Set {
	files := make([]spec.File, 0, len(s.objects))
	for name, o := range s.objects {
		files = append(files, spec.File{Name: name, Data: o.data})
	}
	return decode(files, b)
}

func (s *S3) url(name string) string {
	return "s3://" + s.bucket + "/" + s.prefix + name
}

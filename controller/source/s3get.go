package source

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

// reader reads objects below a prefix.
type reader struct {
	location
	client S3Client
}

// remoteObject is a loose object as it was fetched.
type remoteObject struct {
	etag string
	data []byte
}

// fetch brings objects to what the listing names, and gives those that S3
// refuses. What could be fetched is kept even if something else could not, so
// that the next load has less to do.
func (s *S3) fetch(ctx context.Context, l listing) (broken, error) {
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
	var first error
	refused := make(broken)
	for i, name := range wanted {
		switch f := fetched[i]; {
		case f.refused != nil:
			if first == nil {
				first = f.refused
			}
			refused[name] = refusal(f.refused)
		case f.data != nil:
			s.objects[name] = remoteObject{etag: l.etags[name], data: f.data}
		}
	}
	if err == nil && len(s.objects) == 0 {
		err = first // all of them: it is not about single objects
	}
	return refused, err
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
			data, err := s.getIf(ctx, name, etags[name])
			if err != nil {
				err = fmt.Errorf("get %s: %w", s.url(name), s.explain(changed(err), "s3:GetObject", s.arn()))
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

// getIf fetches one object if it still has the ETag. The answer's own ETag is
// looked at as well, for servers that ignore If-Match.
func (s *S3) getIf(ctx context.Context, name, etag string) ([]byte, error) {
	in := &s3.GetObjectInput{}
	if strong(etag) {
		in.IfMatch = aws.String(`"` + etag + `"`)
	}
	got, err := s.get(ctx, name, in, maxFileSize)
	if err != nil {
		return nil, err
	}
	if !madeUp(etag) && got.etag != "" && got.etag != plainETag(etag) {
		return nil, ErrChanged
	}
	return got.data, nil
}

// answer is the whole of an object.
type answer struct {
	data []byte
	etag string // without quotes
}

// get fetches one object of at most so many bytes. The input's bucket and key are
// set here.
func (r *reader) get(ctx context.Context, name string, in *s3.GetObjectInput, most int64) (answer, error) {
	in.Bucket, in.Key = &r.bucket, r.key(name)
	out, err := r.client.GetObject(ctx, in)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = out.Body.Close() }()
	etag := plainETag(aws.ToString(out.ETag))
	data, err := io.ReadAll(io.LimitReader(out.Body, most+1))
	if err != nil {
		return answer{}, fmt.Errorf("read body: %w", err)
	}
	if int64(len(data)) > most {
		return answer{etag: etag}, &sizeError{int64(len(data))}
	}
	return answer{data: data, etag: etag}, nil
}

// ETags are kept without quotes, in which servers differ. A weak one keeps its
// mark: no server takes it in If-Match (RFC 9110, section 13.1.1). One that was
// made up, for a server that tells none, begins with madeUpMark.
const (
	weakMark   = "W/"
	madeUpMark = "?"
)

func plainETag(etag string) string {
	return strings.Trim(strings.TrimPrefix(etag, weakMark), `"`)
}

func strong(etag string) bool { return !strings.HasPrefix(etag, weakMark) && !madeUp(etag) }

func madeUp(etag string) bool { return strings.HasPrefix(etag, madeUpMark) }

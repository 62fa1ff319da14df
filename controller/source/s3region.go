package source

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ecs-scrape/controller/s3client"
)

// writer is a client that can publish. *s3.Client is one.
type writer interface {
	S3Client
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// roaming follows a bucket to its region: the region that the environment names
// is the one of ECS. It is safe for concurrent use.
type roaming struct {
	inner  writer
	home   string
	region atomic.Pointer[string] // where the bucket is, if that is not at home
}

func (r *roaming) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out, err := r.inner.ListObjectsV2(ctx, in, r.there(o)...)
	if r.moved(err) {
		return r.inner.ListObjectsV2(ctx, in, r.there(o)...)
	}
	return out, err
}

func (r *roaming) GetObject(ctx context.Context, in *s3.GetObjectInput, o ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	out, err := r.inner.GetObject(ctx, in, r.there(o)...)
	if r.moved(err) {
		return r.inner.GetObject(ctx, in, r.there(o)...)
	}
	return out, err
}

// PutObject is not tried again: its body may have been read. What publishes reads
// first, and so has found the region.
func (r *roaming) PutObject(ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	return r.inner.PutObject(ctx, in, r.there(o)...)
}

func (r *roaming) there(o []func(*s3.Options)) []func(*s3.Options) {
	region := r.region.Load()
	if region == nil {
		return o
	}
	return append(o[:len(o):len(o)], func(options *s3.Options) { options.Region = *region })
}

// moved says that the bucket is in another region than was asked, and notes it.
func (r *roaming) moved(err error) bool {
	if err == nil || status(err) < 300 || status(err) == 403 || status(err) == 404 || status(err) >= 500 {
		return false
	}
	region := s3client.Region(err)
	asked := r.home
	if known := r.region.Load(); known != nil {
		asked = *known
	}
	if region == "" || region == asked {
		return false
	}
	r.region.Store(&region)
	return true
}

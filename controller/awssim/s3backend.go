package awssim

import (
	"bytes"
	"io"
	"net/http"
	"net/url"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// toldBackend tells of each object that is written or removed.
type toldBackend struct {
	*s3mem.Backend
	tell func(bucket, key string, size int64, created bool)
}

func (b *toldBackend) PutObject(
	bucket, key string, meta map[string]string, input io.Reader, size int64, conditions *gofakes3.PutConditions,
) (gofakes3.PutObjectResult, error) {
	out, err := b.Backend.PutObject(bucket, key, meta, input, size, conditions)
	if err == nil {
		b.tell(bucket, key, size, true)
	}
	return out, err
}

func (b *toldBackend) CopyObject(fromBucket, fromKey, bucket, key string, meta map[string]string) (gofakes3.CopyObjectResult, error) {
	out, err := b.Backend.CopyObject(fromBucket, fromKey, bucket, key, meta)
	if err == nil {
		b.tell(bucket, key, 0, true)
	}
	return out, err
}

func (b *toldBackend) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	out, err := b.Backend.DeleteObject(bucket, key)
	if err == nil {
		b.tell(bucket, key, 0, false)
	}
	return out, err
}

func (b *toldBackend) DeleteMulti(bucket string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	out, err := b.Backend.DeleteMulti(bucket, keys...)
	for _, removed := range out.Deleted {
		b.tell(bucket, removed.Key, 0, false)
	}
	return out, err
}

// encodedBackend lists keys in the encoding of URLs: XML cannot carry all of
// them.
type encodedBackend struct{ *toldBackend }

func (b encodedBackend) ListBucket(name string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	list, err := b.toldBackend.ListBucket(name, prefix, page)
	if err != nil {
		return list, err
	}
	for i, c := range list.Contents {
		encoded := *c
		encoded.Key = url.QueryEscape(c.Key)
		list.Contents[i] = &encoded
	}
	return list, nil
}

// listEncoded answers a listing that asks for encoding-type=url (Amazon S3 API
// Reference, ListObjectsV2).
func (o *objectStore) listEncoded(w http.ResponseWriter, r *http.Request) {
	answer := &heldAnswer{ResponseWriter: w}
	o.encoded.ServeHTTP(answer, r)
	end := []byte("</ListBucketResult>")
	_, _ = w.Write(bytes.Replace(answer.body.Bytes(), end, append([]byte("<EncodingType>url</EncodingType>"), end...), 1))
}

// heldAnswer keeps the body of an answer, which comes in pieces.
type heldAnswer struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (a *heldAnswer) Write(text []byte) (int, error) { return a.body.Write(text) }

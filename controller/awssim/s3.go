package awssim

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// objectStore is S3: gofakes3, with what it lacks in front. Buckets are shared
// by all accounts and, but for those that have a region of their own, by all
// regions.
type objectStore struct {
	backend *toldBackend
	handler http.Handler
	encoded http.Handler // whose listings have their keys encoded, as encoding-type=url asks for

	mu      sync.Mutex
	regions map[string]string // of buckets that are in one region only
}

func newObjectStore(tell func(bucket, key string, size int64, created bool)) *objectStore {
	backend := &toldBackend{Backend: s3mem.New(), tell: tell}
	// Clients are judged by the simulator's clock, which a test may set.
	serve := func(b gofakes3.Backend) http.Handler {
		return gofakes3.New(b, gofakes3.WithTimeSkewLimit(0), gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	}
	return &objectStore{
		backend: backend, handler: serve(backend), encoded: serve(encodedBackend{backend}), regions: map[string]string{},
	}
}

// CreateBucket creates an S3 bucket, if there is none of that name.
func (s *Sim) CreateBucket(bucket string) error {
	exists, err := s.store.backend.BucketExists(bucket)
	if err != nil || exists {
		return err
	}
	if err := s.store.backend.CreateBucket(bucket); err != nil {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	return nil
}

// PutObject writes an S3 object.
func (s *Sim) PutObject(bucket, key string, data []byte) error {
	_, err := s.store.backend.PutObject(bucket, key, map[string]string{}, bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		return fmt.Errorf("put s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

// DeleteBucket removes an S3 bucket with all its objects; one that does not exist
// is no error.
func (s *Sim) DeleteBucket(bucket string) error {
	exists, err := s.store.backend.BucketExists(bucket)
	if err != nil || !exists {
		return err
	}
	if err := s.store.backend.ForceDeleteBucket(bucket); err != nil {
		return fmt.Errorf("delete bucket %s: %w", bucket, err)
	}
	return nil
}

// MoveBucket has a bucket be in one region alone: requests to another one are
// redirected there, with the region in a header and without a location, as S3
// does. An empty region ends that.
func (s *Sim) MoveBucket(bucket, region string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.regions[bucket] = region
}

// elsewhere is the region of a bucket that is not in this one; else "".
func (o *objectStore) elsewhere(bucket, region string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if is := o.regions[bucket]; is != region {
		return is
	}
	return ""
}

// DeleteObject removes an S3 object; one that does not exist is no error.
func (s *Sim) DeleteObject(bucket, key string) error {
	if _, err := s.store.backend.DeleteObject(bucket, key); err != nil {
		return fmt.Errorf("delete s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

// serveS3 admits a request as an operation of S3 and serves it.
func (s *Sim) serveS3(w http.ResponseWriter, r *http.Request, id identity) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c := call{
		scope: id.scope, service: serviceS3, operation: s3Operation(r, bucket, key),
		expired: id.expired, skewed: id.skewed, page: 1, key: key,
	}
	if r.URL.Query().Has("continuation-token") {
		c.page = 2 // gofakes3's tokens do not count
	}
	spoil, failure := s.gate.admit(r.Context(), c)
	if failure != nil {
		writeS3Error(w, failure)
		return
	}
	w = spoilt(w, spoil)
	if region := s.store.elsewhere(bucket, id.scope.Region); region != "" {
		w.Header().Set("X-Amz-Bucket-Region", region)
		writeS3Error(w, &APIError{
			Code: "PermanentRedirect", Status: http.StatusMovedPermanently,
			Message: "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
		})
		return
	}
	if key == "" && r.Method == http.MethodGet && r.URL.Query().Get("encoding-type") == "url" {
		s.store.listEncoded(w, r)
		return
	}
	if key != "" && r.Method == http.MethodGet && !s.store.matches(bucket, key, r.Header.Get("If-Match")) {
		writeS3Error(w, &APIError{
			Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold",
			Status: http.StatusPreconditionFailed,
		})
		return
	}
	s.store.handler.ServeHTTP(w, r)
}

// matches says whether an If-Match header holds, which gofakes3 ignores. A
// missing object is left to gofakes3.
func (o *objectStore) matches(bucket, key, header string) bool {
	if header == "" || header == "*" {
		return true
	}
	object, err := o.backend.HeadObject(bucket, key)
	if err != nil {
		return true
	}
	etag := hex.EncodeToString(object.Hash)
	for candidate := range strings.SplitSeq(header, ",") {
		if strings.Trim(strings.TrimSpace(candidate), `"`) == etag {
			return true
		}
	}
	return false
}

// s3Operation names the operation that a request is.
func s3Operation(r *http.Request, bucket, key string) string {
	query := r.URL.Query()
	switch {
	case bucket == "":
		return "ListBuckets"
	case key == "":
		return s3BucketOperation(r.Method, query.Has("location"), query.Get("list-type"), query.Has("delete"))
	}
	switch r.Method {
	case http.MethodGet:
		return "GetObject"
	case http.MethodHead:
		return "HeadObject"
	case http.MethodDelete:
		return "DeleteObject"
	case http.MethodPut:
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			return "CopyObject"
		}
		return cmp.Or(map[bool]string{true: "UploadPart"}[query.Has("partNumber")], "PutObject")
	}
	return "MultipartUpload"
}

func s3BucketOperation(method string, location bool, listType string, remove bool) string {
	switch {
	case method == http.MethodPut:
		return "CreateBucket"
	case method == http.MethodHead:
		return "HeadBucket"
	case method == http.MethodDelete:
		return "DeleteBucket"
	case remove:
		return "DeleteObjects"
	case location:
		return "GetBucketLocation"
	case listType == "2":
		return "ListObjectsV2"
	}
	return "ListObjects"
}

type s3Error struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
}

func writeS3Error(w http.ResponseWriter, failure *APIError) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(failure.Status)
	body, err := xml.Marshal(s3Error{Code: failure.Code, Message: failure.Message})
	if err != nil {
		return // two strings always marshal
	}
	_, _ = w.Write(body)
}

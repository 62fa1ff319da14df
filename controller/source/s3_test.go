package source

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"ecs-scrape/spec"
)

// bucket is an S3 server with one bucket, "shop", and its faults.
type bucket struct {
	client *s3.Client
	url    string

	mu       sync.Mutex
	gets     []string          // keys fetched, with their If-Match
	precheck bool              // whether If-Match is honoured
	before   map[string]func() // called once before the key is fetched
	forbids  map[string]bool   // keys that are not handed out
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{precheck: true, before: make(map[string]func()), forbids: make(map[string]bool)}
	inner := gofakes3.New(s3mem.New(), gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := b.refuses(inner, r); status != 0 {
			w.WriteHeader(status)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	b.url = server.URL
	b.client = s3.New(s3.Options{
		BaseEndpoint: &server.URL, Region: "us-east-1", UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	if _, err := b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	return b
}

// source reads the prefix, and takes two listings at once for standing still.
func (b *bucket) source(name, prefix string) *S3 {
	s := NewS3(b.client, name, prefix)
	s.settle = 0
	return s
}

// refuses notes a fetch of an object and judges its If-Match.
func (b *bucket) refuses(inner http.Handler, r *http.Request) (status int) {
	key, ok := strings.CutPrefix(r.URL.Path, "/shop/")
	if r.Method != http.MethodGet || !ok || key == "" {
		return 0
	}
	if strings.HasSuffix(key, pointerName) {
		return 0
	}
	b.mu.Lock()
	b.gets = append(b.gets, key+" "+r.Header.Get("If-Match"))
	fault := b.before[key]
	delete(b.before, key)
	precheck, forbidden := b.precheck, b.forbids[key]
	b.mu.Unlock()
	if forbidden {
		return http.StatusForbidden
	}
	if fault != nil {
		fault()
	}
	if !precheck {
		return 0
	}
	head := httptest.NewRecorder()
	inner.ServeHTTP(head, httptest.NewRequestWithContext(r.Context(), http.MethodHead, r.URL.Path, nil))
	if head.Code == http.StatusOK && head.Header().Get("ETag") != r.Header.Get("If-Match") {
		return http.StatusPreconditionFailed
	}
	return 0
}

func (b *bucket) forbid(key string, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forbids[key] = on
}

func (b *bucket) put(t *testing.T, key, text string) {
	t.Helper()
	if _, err := b.client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("shop"), Key: &key, Body: strings.NewReader(text),
	}); err != nil {
		t.Error(err)
	}
}

func (b *bucket) remove(t *testing.T, key string) {
	t.Helper()
	if _, err := b.client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("shop"), Key: &key}); err != nil {
		t.Error(err)
	}
}

// fetched gives and forgets the number of objects fetched.
func (b *bucket) fetched(t *testing.T) int {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, get := range b.gets {
		if !strings.HasSuffix(get, `"`) {
			t.Errorf("fetched without If-Match: %s", get)
		}
	}
	n := len(b.gets)
	b.gets = nil
	return n
}

func loadS3(t *testing.T, s *S3) *spec.Set {
	t.Helper()
	set, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestS3Files(t *testing.T) {
	b := newBucket(t)
	for _, key := range []string{
		"specs/a.yml", "specs/team/b.yaml", "specs/c.json", "specs/.d.yml", "specs/.e/f.yml", "specs/g.md", "specs/", "specs-old/h.yml", "i.yml",
	} {
		b.put(t, key, doc("n", "x"))
	}
	for _, prefix := range []string{"specs", "specs/", "/specs"} {
		checkFiles(t, loadS3(t, b.source("shop", prefix)), "a.yml", "c.json", "team/b.yaml")
	}
	checkFiles(t, loadS3(t, b.source("shop", "")), "i.yml", "specs-old/h.yml", "specs/a.yml", "specs/c.json", "specs/team/b.yaml")
	if set := loadS3(t, b.source("shop", "none")); len(set.Files) != 0 || set.Revision == "" {
		t.Errorf("an empty prefix gives %+v", set)
	}
}

func TestS3Changes(t *testing.T) {
	b := newBucket(t)
	s := b.source("shop", "")
	steps := []struct {
		name string
		do   func()
		gets int
		want []string
	}{
		{"empty", func() {}, 0, nil},
		{"two", func() { b.put(t, "a.yml", doc("a", "1")); b.put(t, "b.yml", doc("b", "1")) }, 2, []string{"a.yml", "b.yml"}},
		{"changed", func() { b.put(t, "a.yml", doc("a", "2")) }, 1, []string{"a.yml", "b.yml"}},
		{"one more", func() { b.put(t, "c.yml", doc("c", "1")) }, 1, []string{"a.yml", "b.yml", "c.yml"}},
		{"one less", func() { b.remove(t, "b.yml") }, 0, []string{"a.yml", "c.yml"}},
		{"all gone", func() { b.remove(t, "a.yml"); b.remove(t, "c.yml") }, 0, nil},
	}
	var last *spec.Set
	for _, step := range steps {
		step.do()
		set := loadS3(t, s)
		checkFiles(t, set, step.want...)
		if n := b.fetched(t); n != step.gets {
			t.Errorf("%s: %d objects fetched, want %d", step.name, n, step.gets)
		}
		if set == last || last != nil && set.Revision == last.Revision {
			t.Errorf("%s: not noticed", step.name)
		}
		if last = loadS3(t, s); last != set || b.fetched(t) != 0 {
			t.Errorf("%s: an unchanged bucket gives another set or is fetched again", step.name)
		}
	}
}

func TestS3ManyPages(t *testing.T) {
	b := newBucket(t)
	for i := range 1100 { // a page is 1000
		b.put(t, fmt.Sprintf("%04d.yml", i), doc("n", "x"))
	}
	if set := loadS3(t, b.source("shop", "")); len(set.Objects) != 1100 {
		t.Errorf("%d objects, want 1100", len(set.Objects))
	}
}

func TestS3ChangedWhileReading(t *testing.T) {
	faults := map[string]func(t *testing.T, b *bucket){
		"vanished": func(t *testing.T, b *bucket) { b.remove(t, "b.yml") },
		"changed":  func(t *testing.T, b *bucket) { b.put(t, "b.yml", doc("b", "2")) },
		"changed, If-Match ignored": func(t *testing.T, b *bucket) {
			b.mu.Lock()
			b.precheck = false
			b.mu.Unlock()
			b.put(t, "b.yml", doc("b", "2"))
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.put(t, "a.yml", doc("a", "1"))
			b.put(t, "b.yml", doc("b", "1"))
			b.before["b.yml"] = func() { fault(t, b) }
			s := b.source("shop", "")
			if set, err := s.Load(t.Context()); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "s3://shop/b.yml") {
				t.Fatalf("set %v, error %v; want ErrChanged and the object", set, err)
			}
			want := map[string]string{"a": "1", "b": "2"}
			if name == "vanished" {
				delete(want, "b")
			}
			got := make(map[string]string)
			for _, o := range loadS3(t, s).Objects {
				got[o.Name] = o.Metadata.Annotations["note"]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("next load (-want +got):\n%s", diff)
			}
		})
	}
}

func TestS3Errors(t *testing.T) {
	b := newBucket(t)
	if _, err := b.source("nowhere", "p").Load(t.Context()); err == nil || !strings.Contains(err.Error(), "s3://nowhere/p/") {
		t.Errorf("missing bucket gives %v", err)
	}
	b.put(t, "a.yml", doc("a", "1"))
	b.forbid("a.yml", true)
	if _, err := b.source("shop", "").Load(t.Context()); err == nil || !strings.Contains(err.Error(), "s3://shop/a.yml") {
		t.Errorf("a bucket that hands out nothing gives %v", err)
	}
}

func TestSameRevisionEverywhere(t *testing.T) {
	b, dir := newBucket(t), t.TempDir()
	for _, name := range []string{"a.yml", "x/b.yml"} {
		b.put(t, "p/"+name, doc("n", name))
		write(t, dir, name, doc("n", name), 0)
	}
	if diff := cmp.Diff(load(t, NewDirectory(dir)), loadS3(t, b.source("shop", "p"))); diff != "" {
		t.Errorf("directory and bucket differ:\n%s", diff)
	}
}

// TestOpen finds the server by either variable; the one for S3 alone comes first.
func TestOpen(t *testing.T) {
	for name, endpoints := range map[string]func(b *bucket) (all, s3 string){
		"AWS_ENDPOINT_URL":    func(b *bucket) (all, s3 string) { return b.url, "" },
		"AWS_ENDPOINT_URL_S3": func(b *bucket) (all, s3 string) { return "http://127.0.0.1:1", b.url },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			all, alone := endpoints(b)
			t.Setenv("AWS_ENDPOINT_URL", all)
			t.Setenv("AWS_ENDPOINT_URL_S3", alone)
			checkOpen(t, b)
		})
	}
}

func checkOpen(t *testing.T, b *bucket) {
	t.Helper()
	dir := t.TempDir()
	b.put(t, "p/a.yml", doc("a", "1"))
	write(t, dir, "a.yml", doc("a", "1"), 0)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	for _, location := range []string{dir, "s3://shop/p", "s3://shop/p/"} {
		source, err := Open(t.Context(), location)
		if err != nil {
			t.Fatal(err)
		}
		set, err := source.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		checkFiles(t, set, "a.yml")
	}
	for _, location := range []string{"", "s3://", "s3:///p"} {
		if _, err := Open(t.Context(), location); err == nil {
			t.Errorf("Open(%q) gives no error", location)
		}
	}
}

package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/spec"
)

// watched calls after each listing.
type watched struct {
	S3Client
	listed func()
}

func (w *watched) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out, err := w.S3Client.ListObjectsV2(ctx, in, o...)
	w.listed()
	return out, err
}

func (s *store) publisher() *Publisher {
	return &Publisher{
		reader: reader{client: s.client, location: newLocation("shop", "specs")}, client: s.client,
		now: time.Now,
	}
}

// publish gives the digest of the revision.
func (s *store) publish(files ...spec.File) string {
	s.Helper()
	p := s.publisher()
	before, err := p.Current(s.Context())
	s.must(err)
	done, err := p.Publish(s.Context(), before, files, Origin{By: "ann"})
	s.must(err)
	return done.Digest
}

func file(name, note string) spec.File {
	return spec.File{Name: name + ".yaml", Data: []byte(doc(name, note))}
}

// TestPublished: a published revision counts and loose objects do not; what is known
// is not fetched again, and an idle look is one request.
func TestPublished(t *testing.T) {
	s := newStore(t)
	s.put("loose.yaml", doc("loose", "1"))
	s.holds("loose")
	first := s.publish(file("a", "1"), file("b", "1"))
	s.holds("a", "b")
	if id, published := s.source.Revision(); id != first || !published {
		t.Errorf("revision %s, published %v, want %s", id, published, first)
	}
	set := s.load()
	s.sim.ResetCalls()
	if s.load() != set {
		t.Error("another set of the same revision")
	}
	gets, _ := s.sim.CallsTo("GetObject")
	lists, _ := s.sim.CallsTo("ListObjectsV2")
	if gets != 1 || lists != 0 {
		t.Errorf("an idle look takes %d fetches and %d listings", gets, lists)
	}
	second := s.publish(file("a", "1"), file("c", "1"))
	s.sim.ResetCalls()
	s.holds("a", "c")
	if gets, _ := s.sim.CallsTo("GetObject"); gets != 3 {
		t.Errorf("a new revision with one new file takes %d fetches, want the pointer, the manifest and the file", gets)
	}
	p := s.publisher()
	before, err := p.Current(t.Context())
	s.must(err)
	s.must(p.Use(t.Context(), before, first, ""))
	s.holds("a", "b")
	all, err := p.Revisions(t.Context(), 1)
	s.must(err)
	if before.Digest != second || before.Manifest.Previous != first || len(all.Revisions) > 2 {
		t.Errorf("before %s after %s, revisions %v", before.Digest, before.Manifest.Previous, all.Revisions)
	}
	s.restart()
	s.holds("a", "b")
}

// TestPointerGone: loose objects beside revisions count for nothing without a pointer
// too, also for a source that has just started; a pointer that comes late is taken.
func TestPointerGone(t *testing.T) {
	s := newStore(t)
	s.put("loose.yaml", doc("loose", "1"))
	first := s.publish(file("a", "1"))
	s.holds("a")
	pointer, err := s.publisher().get(t.Context(), pointerName, &s3.GetObjectInput{}, maxPointer)
	s.must(err)
	s.remove(pointerName)
	for range 2 {
		s.fails("s3://shop/specs/.ecs-scrape/current is gone", "publish again", "revisions --use", "remove all below s3://shop/specs/.ecs-scrape/")
		s.restart()
	}
	s.source.client = &watched{S3Client: s.source.client, listed: func() { s.put(pointerName, string(pointer.data)) }}
	s.holds("a")
	s.restart()
	s.remove(pointerName)
	s.remove(revisionsDir + first)
	s.holds("loose")
}

// TestPublishedDamage: nothing is taken of a revision that is not whole.
func TestPublishedDamage(t *testing.T) {
	data := []byte(doc("b", "1"))
	object := objectsDir + digestOf(data)
	for name, c := range map[string]struct {
		do   func(s *store, second string)
		says []string
	}{
		"content missing":   {func(s *store, _ string) { s.remove(object) }, []string{"is not whole: b.yaml: s3://shop/specs/" + object + " is missing"}},
		"content another":   {func(s *store, _ string) { s.put(object, "kind: x") }, []string{"b.yaml", "holds other bytes than its name says"}},
		"content too large": {func(s *store, _ string) { s.put(object, strings.Repeat("#", maxFileSize+1)) }, []string{"holds other bytes"}},
		"content denied": {func(s *store, _ string) {
			s.sim.Deny(awssim.Match{Service: "s3", Operation: "GetObject", Key: "specs/" + object})
		}, []string{"b.yaml", "allow s3:GetObject"}},
		"manifest missing": {func(s *store, second string) { s.remove(revisionsDir + second) }, []string{"is missing"}},
		"manifest another": {func(s *store, second string) { s.put(revisionsDir+second, "{}") }, []string{"holds other bytes"}},
		"pointer cut":      {func(s *store, _ string) { s.put(pointerName, `{"format": 1, "rev`) }, []string{"current is damaged", "publish again"}},
		"pointer escapes":  {func(s *store, _ string) { s.put(pointerName, `{"format": 1, "revision": "../../x"}`) }, []string{"names no revision"}},
		"newer pointer":    {func(s *store, _ string) { s.put(pointerName, `{"format": 2, "revision": 7}`) }, []string{"needs a newer ecs-scrape"}},
		"newer manifest":   {func(s *store, _ string) { s.point(`{"format": 3, "files": {}}`) }, []string{"needs a newer ecs-scrape"}},
		"path escapes": {func(s *store, _ string) {
			s.point(`{"format": 1, "files": [{"path": "../x.yaml", "sha256": "` + digestOf(data) + `", "size": 1}]}`)
		}, []string{`names "../x.yaml", which is no path`}},
		"no specs": {func(s *store, _ string) {
			s.point(`{"format": 1, "files": [{"path": "x.sh", "sha256": "` + digestOf(data) + `", "size": 1}]}`)
		}, []string{"no file of specs"}},
		"digest escapes": {func(s *store, _ string) {
			s.point(`{"format": 1, "files": [{"path": "x.yaml", "sha256": "../../x", "size": 1}]}`)
		}, []string{"without its digest"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.publish(file("a", "1"))
			s.holds("a")
			c.do(s, s.publish(file("a", "1"), file("b", "1")))
			s.fails(c.says...)
			if strings.HasPrefix(name, "newer") { // nobody who knows less publishes over it
				if _, err := s.publisher().Current(t.Context()); err == nil || !strings.Contains(err.Error(), "needs a newer ecs-scrape") {
					t.Errorf("publishing gives %v", err)
				}
				return
			}
			s.sim.ClearFaults()
			s.publish(file("a", "1"), file("z", "1")) // over what is damaged
			s.holds("a", "z")
		})
	}
}

// point publishes any text as a manifest.
func (s *store) point(manifest string) {
	s.Helper()
	digest := digestOf([]byte(manifest))
	s.put(revisionsDir+digest, manifest)
	s.put(pointerName, `{"format": 1, "revision": "`+digest+`"}`)
}

// TestOvertaken: of two that publish at once one is told, also by a server that
// knows no conditions.
func TestOvertaken(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprint("deaf ", deaf), func(t *testing.T) {
			s := newStore(t)
			if deaf {
				s.deafen()
			}
			ctx, p := t.Context(), s.publisher()
			s.publish(file("a", "1"))
			before, err := p.Current(ctx)
			s.must(err)
			winner := s.publish(file("b", "1"))
			if _, err := p.Publish(ctx, before, []spec.File{file("c", "1")}, Origin{}); !errors.Is(err, ErrOvertaken) || !strings.Contains(err.Error(), short(winner)) {
				t.Errorf("error %v", err)
			}
			all, err := p.Revisions(ctx, 0)
			s.must(err)
			for _, r := range all.Revisions {
				if r.Overtaken != (r.Files[0].Path == "c.yaml") {
					t.Errorf("revision of %s: overtaken %v", r.Files[0].Path, r.Overtaken)
				}
			}
			if _, err := p.Publish(ctx, &Published{}, []spec.File{file("c", "1")}, Origin{}); !errors.Is(err, ErrOvertaken) {
				t.Errorf("the first of all: error %v", err)
			}
			s.holds("b")
		})
	}
}

// deafen puts a server in front that refuses conditional puts as not implemented,
// ignores the other conditions, and tells weak ETags without a body of their own.
func (s *store) deafen() {
	at, err := url.Parse(s.sim.URL())
	s.must(err)
	proxy := httputil.NewSingleHostReverseProxy(at)
	proxy.ModifyResponse = func(r *http.Response) error {
		if etag := r.Header.Get("ETag"); etag != "" {
			r.Header.Set("ETag", "W/"+etag)
		}
		return nil
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && r.Header.Get("If-Match")+r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		r.Header.Del("If-Match")
		r.Header.Del("If-None-Match")
		proxy.ServeHTTP(w, r)
	}))
	s.Cleanup(server.Close)
	s.client = s3.New(s.client.Options(), func(o *s3.Options) { o.BaseEndpoint = &server.URL })
	s.restart()
}

// TestPlainServer: loose objects need no server that heeds conditions.
func TestPlainServer(t *testing.T) {
	s := newStore(t)
	s.deafen()
	s.put("a.yaml", doc("a", "1"))
	s.holds("a")
	s.put("a.yaml", doc("a", "2"))
	s.put("b.yaml", doc("b", "1"))
	s.holds("a", "b")
	s.publish(file("c", "1"))
	s.holds("c")
	s.holds("c")
}

func TestETags(t *testing.T) {
	for etag, want := range map[string]string{`"a-3"`: "a-3", "a": "a", `W/"a"`: "a", "": ""} {
		if got := plainETag(etag); got != want {
			t.Errorf("plainETag(%q) is %q, want %q", etag, got, want)
		}
	}
}

func TestConcerns(t *testing.T) {
	at := newLocation("shop", "specs")
	for key, want := range map[string]bool{
		"specs/a.yaml": true, "specs/x/a.json": true, "specs/" + pointerName: true, "specs/../a.yaml": true,
		"specs/a.txt": false, "specs-old/a.yaml": false, "specs/.x/a.yaml": false, "specs/" + objectsDir + "aa": false, "a.yaml": false,
	} {
		if got := at.concerns("shop", key); got != want {
			t.Errorf("%s concerns: %v", key, got)
		}
		if at.concerns("other", key) {
			t.Errorf("%s of another bucket concerns", key)
		}
	}
}

// TestEarlier: the revisions that led to this one, the oldest first, as far as they
// are whole.
func TestEarlier(t *testing.T) {
	s := newStore(t)
	earlier := func() (notes []string) {
		t.Helper()
		sets, err := s.source.Earlier(t.Context())
		s.must(err)
		for _, set := range sets {
			notes = append(notes, set.Objects[0].Metadata.Annotations["note"])
		}
		return notes
	}
	check := func(want ...string) {
		t.Helper()
		if got := earlier(); !slices.Equal(got, want) {
			t.Errorf("earlier %v, want %v", got, want)
		}
	}
	s.put("a.yaml", doc("a", "loose"))
	s.holds("a")
	check()
	var digests []string
	for i := range maxEarlier + 3 {
		digests = append(digests, s.publish(file("a", fmt.Sprint(i))))
	}
	s.holds("a")
	check("2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
	s.remove(objectsDir + digestOf([]byte(doc("a", "9"))))
	check("2", "3", "4", "5", "6", "7", "8", "10", "11")
	s.remove(revisionsDir + digests[10])
	check("11")
}

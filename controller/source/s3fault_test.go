package source

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/spec"
)

// store is a bucket, "shop", of a simulated account, and a source of what is
// below "specs".
type store struct {
	*testing.T
	sim    *awssim.Sim
	client *s3.Client
	source *S3
}

func newStore(t *testing.T) *store {
	t.Helper()
	sim, err := awssim.Start(awssim.Options{Quotas: awssim.NoQuotas()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	s := &store{T: t, sim: sim}
	s.client = s3.NewFromConfig(sim.AWSConfig(), func(o *s3.Options) { o.UsePathStyle, o.RetryMaxAttempts = true, 1 })
	s.must(sim.CreateBucket("shop"))
	s.restart()
	return s
}

// restart reads with a source that knows nothing, and takes two listings at once
// for standing still.
func (s *store) restart() {
	s.source = NewS3(&roaming{inner: s.client, home: "us-east-1"}, "shop", "specs")
	s.source.settle = 0
}

func (s *store) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *store) put(name, text string) {
	s.Helper()
	s.must(s.sim.PutObject("shop", "specs/"+name, []byte(text)))
}

func (s *store) remove(name string) {
	s.Helper()
	s.must(s.sim.DeleteObject("shop", "specs/"+name))
}

func (s *store) load() *spec.Set {
	s.Helper()
	set, err := s.source.Load(s.Context())
	s.must(err)
	return set
}

// fails loads twice, which must give the same error, of one line, that says all of
// this.
func (s *store) fails(says ...string) {
	s.Helper()
	var texts []string
	for range 2 {
		set, err := s.source.Load(s.Context())
		if err == nil {
			s.Fatalf("loaded %v", names(set))
		}
		texts = append(texts, err.Error())
	}
	if texts[0] != texts[1] || strings.Contains(texts[0], "\n") {
		s.Errorf("not one error: %q", texts)
	}
	for _, want := range says {
		if !strings.Contains(texts[0], want) {
			s.Errorf("the error does not say %q: %s", want, texts[0])
		}
	}
}

func names(set *spec.Set) []string {
	var out []string
	for _, o := range set.Objects {
		out = append(out, o.Name)
	}
	return out
}

func (s *store) holds(want ...string) {
	s.Helper()
	if got := names(s.load()); !slices.Equal(got, want) {
		s.Errorf("loaded %v, want %v", got, want)
	}
}

// TestS3Faults: each fault is one error that says what would mend it; when it is
// over, so is the error. The same holds of loose objects and of a published
// revision.
func TestS3Faults(t *testing.T) {
	faults := []struct {
		name    string
		do      func(*store) (release func())
		says    []string
		loose   []string // also, of loose objects
		publish []string // also, of a published revision
	}{
		{
			"denied", func(s *store) func() { return s.sim.Deny(awssim.Match{Service: "s3"}) },
			[]string{"AccessDenied"},
			[]string{"allow s3:ListBucket on arn:aws:s3:::shop,"},
			[]string{"allow s3:GetObject on arn:aws:s3:::shop/specs/*,"},
		},
		{"expired", func(s *store) func() { return s.sim.Expire(awssim.Match{Service: "s3"}) }, []string{"does not take the credentials"}, nil, nil},
		{"no bucket", func(s *store) func() {
			s.must(s.sim.DeleteBucket("shop"))
			return func() { s.must(s.sim.CreateBucket("shop")) }
		}, []string{"there is no bucket shop; mend the location"}, nil, nil},
		{"unreachable", func(s *store) func() {
			inner := s.source.client
			s.source.client = &roaming{inner: s3.New(s.client.Options(), func(o *s3.Options) { o.BaseEndpoint = unreachable(s) }), home: "us-east-1"}
			return func() { s.source.client = inner }
		}, []string{"S3 cannot be reached: dial 127.0.0.1:", "connection refused; see to the network"}, nil, nil},
		{"server error", func(s *store) func() {
			return s.sim.Storm(awssim.Match{Service: "s3"}, 1)
		}, []string{"S3 answers 503"}, nil, nil},
	}
	for _, f := range faults {
		for _, published := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, published %v", f.name, published), func(t *testing.T) {
				s := newStore(t)
				says := slices.Concat(f.says, f.loose)
				if fill := func() { s.put("a.yaml", doc("a", "1")) }; !published {
					fill()
				} else {
					s.publish(spec.File{Name: "a.yaml", Data: []byte(doc("a", "1"))})
					says = slices.Concat(f.says, f.publish)
				}
				s.holds("a")
				release := f.do(s)
				s.fails(append(says, "s3://shop/specs/")...)
				release()
				if f.name == "no bucket" {
					s.restart()
					s.put("a.yaml", doc("a", "1"))
				}
				s.holds("a")
			})
		}
	}
}

// unreachable is an address that nobody listens at.
func unreachable(s *store) *string {
	l, err := new(net.ListenConfig).Listen(s.Context(), "tcp", "127.0.0.1:0")
	s.must(err)
	url := "http://" + l.Addr().String()
	s.must(l.Close())
	return &url
}

// TestBucketMoves: a bucket in another region is read there.
func TestBucketMoves(t *testing.T) {
	s := newStore(t)
	s.put("a.yaml", doc("a", "1"))
	for _, region := range []string{"eu-west-1", "ap-south-1", ""} {
		s.sim.MoveBucket("shop", region)
		s.put("a.yaml", doc("a", region))
		s.holds("a")
	}
	s.sim.MoveBucket("shop", "eu-west-1")
	s.source.client = s.client // which does not follow
	s.fails("the bucket is in another region, eu-west-1; set AWS_REGION")
}

// TestOneKeyDenied: it is a problem of that object until it is allowed again.
func TestOneKeyDenied(t *testing.T) {
	s := newStore(t)
	s.put("a.yaml", doc("a", "1"))
	s.put("b.yaml", doc("b", "1"))
	release := s.sim.Deny(awssim.Match{Service: "s3", Operation: "GetObject", Key: "specs/b.yaml"})
	s.holds("a")
	if p := s.load().Problems; len(p) != 1 || p[0].File != "b.yaml" || !strings.Contains(p[0].Message, "allow s3:GetObject") {
		t.Errorf("problems %v", p)
	}
	release()
	s.holds("a", "b")
}

// TestOddKeys: what is no path of a file is named and not read, and everything
// else is.
func TestOddKeys(t *testing.T) {
	s := newStore(t)
	odd := []string{
		"../x.yaml", "a/../../x.yaml", "./x.yaml", "/etc/x.yaml", "a//x.yaml", `a\x.yaml`, "a\x00.yaml", "a\x01.yaml", "a\n.yaml", "\u0085.yaml", "a\xff.yaml",
	}
	for _, name := range odd {
		s.put(name, doc("odd", "1"))
	}
	s.put("a b+c%20é.yaml", doc("plain", "1"))
	s.put("a/", "")
	s.put("../x.txt", "")
	set := s.load()
	if got := names(set); !slices.Equal(got, []string{"plain"}) {
		t.Errorf("loaded %v", got)
	}
	if len(set.Problems) != len(odd) {
		t.Errorf("%d problems, want %d: %v", len(set.Problems), len(odd), set.Problems)
	}
	for _, p := range set.Problems {
		if !strings.Contains(p.Message, "is no path of a file") || !strings.HasPrefix(p.File, `"`) || strings.ContainsAny(p.File, "\n\x00\x01\u0085") {
			t.Errorf("problem %q", p.Error())
		}
	}
}

// TestBounds of what is read.
func TestBounds(t *testing.T) {
	s := newStore(t)
	s.put("a.yaml", doc("a", "1"))
	s.put("b.yaml", strings.Repeat("#", maxFileSize+1))
	s.holds("a")
	if p := s.load().Problems; len(p) != 1 || !strings.Contains(p[0].Message, "has 1048577 bytes, more than 1048576; split it") {
		t.Errorf("problems %v", p)
	}
	for i := range maxFiles {
		s.put(fmt.Sprintf("many/%04d.yaml", i), "")
	}
	s.fails("more than 5000 files of specs; name a directory or prefix that holds specs only, or join files")
	for i := range maxFiles {
		s.remove(fmt.Sprintf("many/%04d.yaml", i))
	}
	s.holds("a")
}

// TestEmptied: that a prefix is empty is no error of the source, whose caller judges
// it; what was there before comes back.
func TestEmptied(t *testing.T) {
	s := newStore(t)
	s.holds()
	s.put("a.yaml", doc("a", "1"))
	s.holds("a")
	s.remove("a.yaml")
	s.holds()
}

// TestSettles: what does not stand still is not taken, half an upload neither.
func TestSettles(t *testing.T) {
	s := newStore(t)
	s.put("a.yaml", doc("a", "1"))
	s.holds("a")
	revision, _ := s.source.Revision()
	s.put("b.yaml", doc("b", "1"))
	puts := 0
	s.source.client = &watched{S3Client: s.source.client, listed: func() {
		if puts < 3 {
			puts++
			s.put(fmt.Sprintf("c%d.yaml", puts), doc(fmt.Sprintf("c%d", puts), "1"))
		}
	}}
	s.holds("a", "b", "c1", "c2", "c3")
	if now, published := s.source.Revision(); now == revision || published {
		t.Errorf("revision %s, published %v", now, published)
	}
	s.put("a.yaml", doc("a", "2"))
	s.source.client = &watched{S3Client: s.source.client, listed: func() {
		puts++
		s.put("a.yaml", doc("a", fmt.Sprint(puts)))
	}}
	if set, err := s.source.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "come, go or change all the time") {
		t.Errorf("loaded %v, error %v", set, err)
	}
}

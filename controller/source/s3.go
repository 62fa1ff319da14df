package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ecs-scrape/spec"
)

const (
	// maxGets is how many objects are fetched at once: enough to read a thousand in
	// a few seconds, too few to be noticed by S3.
	maxGets = 16
	// loadWithin bounds one load, so that a server that never answers is noticed.
	// What was fetched until then is kept: many objects take several loads.
	loadWithin = 20 * time.Second
	// settleFor is the pause between two listings that must be the same before
	// they are taken: longer than an upload of several objects pauses between two
	// of them.
	settleFor = 1500 * time.Millisecond
	// maxListings are made in one load for two in a row to be the same.
	maxListings = 6
)

// S3Client is what is used of the S3 client. *s3.Client has it.
type S3Client interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// S3 reads specs below a prefix of a bucket: the revision that was published
// there last, or else the loose objects, under the rules of Directory.
type S3 struct {
	reader
	settle time.Duration

	mu       sync.Mutex
	set      *spec.Set
	revision string // of set
	loose    bool   // set is of loose objects, or there was no published revision

	// Of loose objects.
	objects map[string]remoteObject // by name, as fetched last
	taken   listing                 // what set was decoded from
	refused broken                  // what of it S3 did not hand out

	// Of published revisions.
	pointer  pointer
	previous string // of the revision in use
	contents contents
}

// NewS3 is a source of the specs below prefix, which is taken as a directory:
// "specs" and "specs/" are the same. Nothing is read yet.
func NewS3(client S3Client, bucket, prefix string) *S3 {
	return &S3{reader: reader{client: client, location: newLocation(bucket, prefix)}, settle: settleFor}
}

// Load gives the published revision, or else the loose objects. It gives the same
// set as before if no content changed. Load takes at most 20 s, and may be called
// concurrently.
//
// Of a published revision every object, and the revision itself, is held to its
// digest; what is missing or another is an error. So are revisions without a
// pointer that names one of them.
//
// Loose objects are listed, and what the ETags say is new is fetched, once two
// listings in a row are the same: half an upload is not taken. An object that is
// too large, or that S3 refuses to hand out, is a problem of the set. If objects
// do not stand still, or one vanishes or changes between the listing and its
// fetch, the error wraps ErrChanged.
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

// Revision identifies what was loaded last; "" before that. A published revision
// is named by its digest, loose objects by a digest over their keys and ETags.
// While a load is under way it waits.
func (s *S3) Revision() (id string, published bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision, s.pointer.Revision != "" && s.revision == s.pointer.Revision
}

// load looks for a published revision first. Where there was none the last time,
// the listing of the loose objects will show it.
func (s *S3) load(ctx context.Context) (*spec.Set, error) {
	if !s.loose {
		set, err := s.loadPublished(ctx)
		if !errors.Is(err, errNotPublished) && !s.unclear(err) {
			return set, err
		}
	}
	now, err := s.list(ctx)
	switch {
	case err != nil:
		return nil, err
	case now.pointer:
		s.loose = false
		return s.loadPublished(ctx)
	case now.revisions:
		return s.loadUnnamed(ctx)
	}
	s.loose, s.pointer, s.contents = true, pointer{}, nil
	return s.loadLoose(ctx, now)
}

// loadUnnamed is for revisions of which none is named. The pointer may be about to
// be written for the first time; if it is not, it is gone, and loose objects that
// count for nothing beside revisions do not come to count by that.
func (s *S3) loadUnnamed(ctx context.Context) (*spec.Set, error) {
	if !sleep(ctx, s.settle) {
		return nil, ctx.Err()
	}
	set, err := s.loadPublished(ctx)
	if errors.Is(err, errNotPublished) {
		err = fmt.Errorf("%s is gone, which named the published revision in use: publish again, or name one with `ecs-scrape revisions --use`; or, to use loose objects instead, remove all below %s",
			s.url(pointerName), s.url(publishedDir))
	}
	return set, err
}

// unclear says that the pointer may not exist: where nothing may be listed, S3 says
// denied of what does not. The listing will tell.
func (s *S3) unclear(err error) bool {
	return status(err) == http.StatusForbidden && s.pointer.Revision == ""
}

// loadLoose takes a listing once it stands still.
func (s *S3) loadLoose(ctx context.Context, now listing) (*spec.Set, error) {
	if s.set != nil && now.same(s.taken) {
		if len(s.refused) == 0 {
			return s.set, nil
		}
		return s.take(ctx, now)
	}
	for range maxListings {
		if !sleep(ctx, s.settle) {
			return nil, ctx.Err()
		}
		again, err := s.list(ctx)
		if err != nil {
			return nil, err
		}
		if again.same(now) {
			return s.take(ctx, now)
		}
		now = again
	}
	return nil, fmt.Errorf("%s: %w: objects come, go or change all the time; what was loaded before stays until they stand still", s.url(""), ErrChanged)
}

// take brings the set to what the listing names.
func (s *S3) take(ctx context.Context, now listing) (*spec.Set, error) {
	refused, err := s.fetch(ctx, now)
	if err != nil {
		return nil, err
	}
	files := make([]spec.File, 0, len(s.objects))
	for name, o := range s.objects {
		files = append(files, spec.File{Name: name, Data: o.data})
	}
	wrong := maps.Clone(now.broken)
	maps.Copy(wrong, refused)
	s.use(decode(files, wrong), now.digest(s.location))
	s.taken, s.refused = now, refused
	return s.set, nil
}

// use keeps the set that is there where the new one holds the same.
func (s *S3) use(set *spec.Set, revision string) {
	if s.set == nil || s.set.Revision != set.Revision || !slices.Equal(s.set.Problems, set.Problems) {
		s.set = set
	}
	s.revision = revision
}

// sleep waits for d; false if ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

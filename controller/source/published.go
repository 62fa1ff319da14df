package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/spec"
)

// errNotPublished says that no published revision is in use below the prefix.
var errNotPublished = errors.New("nothing is published there; publish with: ecs-scrape publish DIR s3://BUCKET/PREFIX")

// contents are objects by the digest of their bytes.
type contents map[string][]byte

// loadPublished gives the set of the revision that the pointer names; while it
// names the same, that costs one request. The error is errNotPublished where there
// is no pointer.
func (s *S3) loadPublished(ctx context.Context) (*spec.Set, error) {
	now, err := s.readPointer(ctx, s.pointer)
	if err != nil {
		return nil, err
	}
	if s.set != nil && now.Revision == s.pointer.Revision && s.revision == now.Revision {
		s.pointer = now
		return s.set, nil
	}
	manifest, err := s.readManifest(ctx, now.Revision)
	if err != nil {
		return nil, err
	}
	files, err := s.readFiles(ctx, now.Revision, manifest, s.known())
	if err != nil {
		return nil, err
	}
	s.use(spec.Decode(files), now.Revision)
	s.loose, s.pointer, s.previous, s.contents = false, now, manifest.Previous, byDigest(manifest, files)
	s.objects, s.taken, s.refused = nil, listing{}, nil
	return s.set, nil
}

// known are the objects that need not be fetched.
func (s *S3) known() contents {
	if s.contents == nil {
		s.contents = make(contents)
	}
	return s.contents
}

func byDigest(m *Manifest, files []spec.File) contents {
	out := make(contents, len(files))
	for i, f := range files {
		out[m.Files[i].SHA256] = f.Data
	}
	return out
}

// readPointer reads the pointer, or finds that it is still the one of before.
func (r *reader) readPointer(ctx context.Context, before pointer) (pointer, error) {
	in := &s3.GetObjectInput{}
	if before.etag != "" {
		in.IfNoneMatch = aws.String(`"` + before.etag + `"`)
	}
	got, err := r.get(ctx, pointerName, in, maxPointer)
	var size *sizeError
	switch {
	case errors.As(err, &size):
		return pointer{etag: got.etag}, fmt.Errorf("%s %w: it has more than %d bytes; publish again", r.url(pointerName), errDamaged, maxPointer)
	case status(err) == http.StatusNotModified:
		return before, nil
	case status(err) == http.StatusNotFound && code(err) != "NoSuchBucket":
		return pointer{}, errNotPublished
	case err != nil:
		return pointer{}, fmt.Errorf("get %s: %w", r.url(pointerName), r.explain(err, "s3:GetObject", r.arn()))
	}
	out, err := decodePointer(got.data)
	if err != nil {
		return pointer{etag: got.etag}, fmt.Errorf("%s %w", r.url(pointerName), err)
	}
	out.etag = got.etag
	return out, nil
}

// readManifest reads a revision and holds it to its digest.
func (r *reader) readManifest(ctx context.Context, digest string) (*Manifest, error) {
	name := revisionsDir + digest
	data, err := r.whole(ctx, name, digest, maxManifest)
	if err != nil {
		return nil, fmt.Errorf("revision %s: %s %w", short(digest), r.url(name), err)
	}
	out, err := decodeManifest(data)
	if err != nil {
		return nil, fmt.Errorf("revision %s: %s %w", short(digest), r.url(name), err)
	}
	return out, nil
}

// readFiles reads every file of a revision, those that are not known. What was
// read is added to them even where something else could not be.
func (r *reader) readFiles(ctx context.Context, digest string, m *Manifest, known contents) ([]spec.File, error) {
	if err := r.readContents(ctx, m, known); err != nil {
		return nil, fmt.Errorf("revision %s is not whole: %w", short(digest), err)
	}
	return m.filled(known), nil
}

// filled are the files whose content is known.
func (m *Manifest) filled(known contents) []spec.File {
	files := make([]spec.File, 0, len(m.Files))
	for _, f := range m.Files {
		if data, ok := known[f.SHA256]; ok {
			files = append(files, spec.File{Name: f.Path, Data: data})
		}
	}
	return files
}

// readContents fetches what is not known. The error is about the first file that
// lacks its content, in the order of the manifest: it is the same each time.
func (r *reader) readContents(ctx context.Context, m *Manifest, known contents) error {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(maxGets)
	wanted := m.without(known)
	failed := make([]error, len(wanted))
	for i, f := range wanted {
		group.Go(func() error {
			data, err := r.whole(ctx, objectsDir+f.SHA256, f.SHA256, maxFileSize)
			if err != nil {
				failed[i] = fmt.Errorf("%s: %s %w", f.Path, r.url(objectsDir+f.SHA256), err)
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			known[f.SHA256] = data
			return nil
		})
	}
	_ = group.Wait() // its functions return nil
	if i := slices.IndexFunc(failed, func(err error) bool { return err != nil }); i >= 0 {
		return failed[i]
	}
	return nil
}

// without are the files whose content is not known, one for each content.
func (m *Manifest) without(known contents) []ManifestFile {
	var out []ManifestFile
	asked := map[string]bool{}
	for _, f := range m.Files {
		if _, ok := known[f.SHA256]; !ok && !asked[f.SHA256] {
			out = append(out, f)
		}
		asked[f.SHA256] = true
	}
	return out
}

// whole fetches an object that is named by the digest of its bytes.
func (r *reader) whole(ctx context.Context, name, digest string, most int64) ([]byte, error) {
	got, err := r.get(ctx, name, &s3.GetObjectInput{}, most)
	var size *sizeError
	switch {
	case errors.As(err, &size):
		return nil, errOther
	case status(err) == http.StatusNotFound && code(err) != "NoSuchBucket":
		return nil, errMissing
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", r.explain(err, "s3:GetObject", r.arn()))
	case digestOf(got.data) != digest:
		return nil, errOther
	}
	return got.data, nil
}

var (
	errMissing = &damage{errors.New("is missing; publish again, or go back to another revision")}
	errOther   = &damage{errors.New("holds other bytes than its name says; publish again, or go back to another revision")}
)

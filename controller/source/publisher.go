package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/spec"
)

// ErrNotPublished says that no published revision is in use at a location.
var ErrNotPublished = errNotPublished

// ErrOvertaken is wrapped by the error of a publication during which somebody else
// published.
var ErrOvertaken = errors.New("somebody else has published meanwhile")

// Publisher writes revisions below a prefix of a bucket, for S3 to load.
type Publisher struct {
	reader
	client writer
	now    func() time.Time
}

// OpenPublisher publishes at s3://BUCKET/PREFIX. It asks nothing yet. The client
// is configured as that of Open.
func OpenPublisher(ctx context.Context, location string, options ...func(*config.LoadOptions) error) (*Publisher, error) {
	at, err := parseLocation(location)
	if err != nil {
		return nil, err
	}
	client, err := newClient(ctx, location, options...)
	if err != nil {
		return nil, err
	}
	return &Publisher{reader: reader{client: client, location: at}, client: client, now: time.Now}, nil
}

// Published is a revision that is in use.
type Published struct {
	Digest   string
	Manifest *Manifest
	pointer  pointer
}

// Current is the revision in use. The error is ErrNotPublished where there is
// none.
func (p *Publisher) Current(ctx context.Context) (*Published, error) {
	out, err := p.Pointed(ctx)
	if err != nil {
		return nil, err
	}
	if out.Digest == "" {
		return nil, fmt.Errorf("%s %w; publish again", p.url(pointerName), errDamaged)
	}
	out.Manifest, err = p.readManifest(ctx, out.Digest)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Pointed is Current without looking at the revision, which may be damaged: its
// manifest is empty. Of a damaged pointer the digest is empty too.
func (p *Publisher) Pointed(ctx context.Context) (*Published, error) {
	now, err := p.readPointer(ctx, pointer{})
	if err != nil && !errors.Is(err, errDamaged) {
		return nil, err
	}
	return &Published{Digest: now.Revision, Manifest: &Manifest{}, pointer: now}, nil
}

// Files are those of a revision, each of which is held to its digest. Files that
// are at hand are not fetched.
func (p *Publisher) Files(ctx context.Context, digest string, m *Manifest, atHand []spec.File) ([]spec.File, error) {
	known := make(contents, len(atHand))
	for _, f := range atHand {
		known[digestOf(f.Data)] = f.Data
	}
	return p.readFiles(ctx, digest, m, known)
}

// Origin is where a revision comes from, in the words of who publishes it.
type Origin struct{ By, Message, Commit, Program string }

// Publication is what became of one.
type Publication struct {
	Digest    string
	Unchanged bool // the revision in use holds the same already
	Uploaded  int  // contents that were not there
	Present   int  // contents that were
}

// Publish writes what is missing of the contents, then the manifest, and last the
// pointer. before is the revision in use, nil if there is none: where it is another
// by now, the error wraps ErrOvertaken and the pointer stays. Where it holds the
// same files, only missing contents are written. Interrupted at any point, it
// leaves the revision in use as it is, and may be repeated.
func (p *Publisher) Publish(ctx context.Context, before *Published, files []spec.File, o Origin) (Publication, error) {
	described, err := manifestFiles(files)
	if err != nil {
		return Publication{}, err
	}
	out, err := p.upload(ctx, files)
	if err != nil {
		return out, err
	}
	m := &Manifest{
		Format: format, At: p.now().UTC().Truncate(time.Second), Files: described,
		By: o.By, Message: o.Message, Commit: o.Commit, Program: o.Program,
	}
	if before != nil {
		m.Previous = before.Digest
		if slices.Equal(before.Manifest.Files, described) {
			out.Digest, out.Unchanged = before.Digest, true
			return out, nil
		}
	}
	data, digest, err := m.encode()
	if err != nil {
		return out, err
	}
	if err := p.putOnce(ctx, revisionsDir+digest, data); err != nil {
		return out, err
	}
	out.Digest = digest
	return out, p.point(ctx, before, digest, o.By)
}

// Use has the pointer name an earlier revision, whose files were read by Files.
func (p *Publisher) Use(ctx context.Context, before *Published, digest, by string) error {
	return p.point(ctx, before, digest, by)
}

// upload writes the contents that a listing does not have in their full size.
func (p *Publisher) upload(ctx context.Context, files []spec.File) (Publication, error) {
	there, err := p.sizes(ctx)
	if err != nil {
		return Publication{}, err
	}
	missing := map[string][]byte{}
	all := map[string]bool{}
	for _, f := range files {
		digest := digestOf(f.Data)
		all[digest] = true
		if size, ok := there[digest]; !ok || size != int64(len(f.Data)) {
			missing[digest] = f.Data
		}
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(maxGets)
	for _, digest := range slices.Sorted(maps.Keys(missing)) {
		group.Go(func() error {
			if _, damaged := there[digest]; damaged {
				return p.put(inner, objectsDir+digest, missing[digest], &s3.PutObjectInput{})
			}
			return p.putOnce(inner, objectsDir+digest, missing[digest])
		})
	}
	return Publication{Uploaded: len(missing), Present: len(all) - len(missing)}, group.Wait()
}

// sizes are those of all contents, by digest.
func (p *Publisher) sizes(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	err := p.pages(ctx, objectsDir, func(objects []object) error {
		for _, o := range objects {
			out[o.name[len(objectsDir):]] = o.size
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", p.url(objectsDir), p.explain(err, "s3:ListBucket", p.bucketARN()))
	}
	return out, nil
}

// putOnce writes an object that never changes. That it is there already is no
// error.
func (p *Publisher) putOnce(ctx context.Context, name string, data []byte) error {
	err := p.put(ctx, name, data, &s3.PutObjectInput{IfNoneMatch: aws.String("*")})
	if conflict(err) {
		return nil
	}
	return err
}

// point moves the pointer from the revision before to another, unless somebody
// else has moved it. Servers that know no conditions are asked before and after.
func (p *Publisher) point(ctx context.Context, before *Published, digest, by string) error {
	next := pointer{Format: format, Revision: digest, At: p.now().UTC().Truncate(time.Second), By: by}
	in := &s3.PutObjectInput{IfNoneMatch: aws.String("*"), ContentType: aws.String("application/json")}
	if before != nil {
		next.Previous = before.Digest
		in.IfNoneMatch, in.IfMatch = nil, aws.String(`"`+before.pointer.etag+`"`)
	}
	if err := p.stands(ctx, before); err != nil {
		return err
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := p.put(ctx, pointerName, data, in); conflict(err) {
		return fmt.Errorf("%s: %w; look at what, and publish again", p.url(pointerName), ErrOvertaken)
	} else if err != nil {
		return err
	}
	now, err := p.readPointer(ctx, pointer{})
	if err == nil && now.Revision != digest {
		err = fmt.Errorf("%s: %w: it names revision %s; look at what, and publish again", p.url(pointerName), ErrOvertaken, short(now.Revision))
	}
	return err
}

// stands says whether the pointer is as it was read.
func (p *Publisher) stands(ctx context.Context, before *Published) error {
	now, err := p.readPointer(ctx, pointer{})
	switch {
	case errors.Is(err, errNotPublished) && before == nil:
		return nil
	case err != nil && !errors.Is(err, errDamaged):
		return err
	case before == nil || now.etag != before.pointer.etag:
		return fmt.Errorf("%s: %w: it names revision %s; look at what, and publish again", p.url(pointerName), ErrOvertaken, short(now.Revision))
	}
	return nil
}

// put writes an object. Conditions are left out for a server that does not know
// them.
func (p *Publisher) put(ctx context.Context, name string, data []byte, in *s3.PutObjectInput) error {
	in.Bucket, in.Key, in.Body = &p.bucket, p.key(name), bytes.NewReader(data)
	_, err := p.client.PutObject(ctx, in)
	if status(err) == http.StatusNotImplemented && (in.IfMatch != nil || in.IfNoneMatch != nil) {
		in.IfMatch, in.IfNoneMatch, in.Body = nil, nil, bytes.NewReader(data)
		_, err = p.client.PutObject(ctx, in)
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", p.url(name), p.explain(err, "s3:PutObject", p.arn()))
	}
	return nil
}

// conflict says that the condition of a put did not hold.
func conflict(err error) bool {
	return status(err) == http.StatusPreconditionFailed || status(err) == http.StatusConflict
}

package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ecs-scrape/spec"
)

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
	if err := at.checkPublished(); err != nil {
		return nil, err
	}
	client, err := newClient(ctx, location, options...)
	if err != nil {
		return nil, err
	}
	return &Publisher{reader: reader{client: client, location: at}, client: client, now: time.Now}, nil
}

// Origin is where a revision comes from, in the words of who publishes it.
type Origin struct{ By, Message, Commit, Program string }

// Publication is what became of one.
type Publication struct {
	Digest    string
	Unchanged bool // the revision in use holds the same already
	Uploaded  int  // contents that were not there
	Mended    int  // contents that were there, and were not what their names say
	Present   int  // contents that were there
}

// Publish writes what is missing of the contents, then the manifest, and last the
// pointer. before is what Current gives: where it is another by now, the error wraps
// ErrOvertaken and the pointer stays. Where it holds the same files, only contents
// that are missing or damaged are written. Interrupted at any point, it leaves the
// revision in use as it is, and may be repeated.
func (p *Publisher) Publish(ctx context.Context, before *Published, files []spec.File, o Origin) (Publication, error) {
	described, err := manifestFiles(files)
	if err != nil {
		return Publication{}, err
	}
	out, err := p.upload(ctx, files)
	if err != nil {
		return out, err
	}
	if before.Digest != "" && before.Wrong == nil && slices.Equal(before.Manifest.Files, described) {
		out.Digest, out.Unchanged = before.Digest, true
		return out, nil
	}
	data, digest, err := (&Manifest{
		Format: format, At: p.now().UTC().Truncate(time.Second), Files: described, Previous: before.Previous,
		By: o.By, Message: o.Message, Commit: o.Commit, Program: o.Program,
	}).encode()
	if err != nil {
		return out, err
	}
	if err := p.putOnce(ctx, revisionsDir+digest, data); err != nil {
		return out, err
	}
	out.Digest = digest
	err = p.point(ctx, before, digest, o.By)
	if errors.Is(err, ErrOvertaken) {
		// It only tells people more; without it the revision is listed all the same.
		_ = p.putOnce(ctx, revisionsDir+digest+overtakenMark, nil)
	}
	return out, err
}

// Use has the pointer name an earlier revision, whose files were read by Files.
func (p *Publisher) Use(ctx context.Context, before *Published, digest, by string) error {
	return p.point(ctx, before, digest, by)
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

// point moves the pointer from what it was before to another revision, unless
// somebody else has moved it. Servers that know no conditions are asked before and
// after.
func (p *Publisher) point(ctx context.Context, before *Published, digest, by string) error {
	next := pointer{Format: format, Revision: digest, Previous: before.Digest, At: p.now().UTC().Truncate(time.Second), By: by}
	if err := p.stands(ctx, before); err != nil {
		return err
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{IfNoneMatch: aws.String("*"), ContentType: aws.String("application/json")}
	if before.exists {
		in.IfNoneMatch, in.IfMatch = nil, aws.String(`"`+before.pointer.etag+`"`)
	}
	// A put whose answer was lost is tried again, and then finds itself in the way.
	if err := p.put(ctx, pointerName, data, in); err != nil && !conflict(err) {
		return err
	}
	now, err := p.readPointer(ctx, pointer{})
	if err == nil && (now.Revision == digest || now.Previous == digest) { // or somebody went on from it
		return nil
	}
	return p.overtaken(now, err)
}

// stands says whether the pointer is as it was read.
func (p *Publisher) stands(ctx context.Context, before *Published) error {
	now, err := p.readPointer(ctx, pointer{})
	switch {
	case errors.Is(err, errNotPublished) && !before.exists:
		return nil
	case (err == nil || errors.Is(err, errDamaged)) && before.exists && now.etag == before.pointer.etag:
		return nil
	}
	return p.overtaken(now, err)
}

// overtaken says what the pointer is instead, as it was read.
func (p *Publisher) overtaken(now pointer, err error) error {
	is := "it names revision " + short(now.Revision)
	switch {
	case errors.Is(err, errNotPublished):
		is = "it is gone"
	case errors.Is(err, errDamaged):
		is = "it is damaged"
	case err != nil:
		return err
	}
	return fmt.Errorf("%s: %w: %s; look at what, and publish again", p.url(pointerName), ErrOvertaken, is)
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

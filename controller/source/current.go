package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"ecs-scrape/spec"
)

// Published is what is in use below a prefix.
type Published struct {
	Digest string // of the revision in use; "" where none is
	// Previous is the revision that the next one follows: the one in use, or else the
	// newest; "" where there is none.
	Previous string
	// Manifest is that of Previous, empty where it is damaged. Where there is no
	// revision at all, it describes Loose.
	Manifest *Manifest
	// Wrong is why no revision is in use though there are some, why the manifest of
	// the one in use is not known, or why not all of Loose is; nil where all is well.
	Wrong error
	// Loose are the loose objects that are in use, as far as they could be read.
	// LooseCount is how many there are.
	Loose      []spec.File
	LooseCount int

	pointer pointer
	exists  bool // there is a pointer, be it damaged
}

// Current is what is in use. That this is nothing, or is damaged, is no error: a
// publication mends it. What a newer version has written is one.
func (p *Publisher) Current(ctx context.Context) (*Published, error) {
	out, err := p.Pointed(ctx)
	switch {
	case err != nil:
		return nil, err
	case out.Digest == "":
		return out, p.follow(ctx, out)
	}
	m, err := p.readManifest(ctx, out.Digest)
	switch {
	case err == nil:
		out.Manifest = m
	case errors.Is(err, errDamaged):
		out.Wrong = err
	default:
		return nil, err
	}
	return out, nil
}

// Pointed is what Current is, as far as the pointer tells: the manifest is empty.
func (p *Publisher) Pointed(ctx context.Context) (*Published, error) {
	now, err := p.readPointer(ctx, pointer{})
	out := &Published{Digest: now.Revision, Previous: now.Revision, Manifest: &Manifest{}, pointer: now, exists: true}
	switch {
	case errors.Is(err, errNotPublished):
		out.exists = false
	case errors.Is(err, errDamaged):
		out.Wrong = err
	case err != nil:
		return nil, err
	}
	return out, nil
}

// follow finds the newest revision where none is in use, or else the loose objects.
func (p *Publisher) follow(ctx context.Context, out *Published) error {
	all, err := p.read(ctx, pointer{}, maxEarlier)
	if err != nil {
		return err
	}
	for _, r := range all {
		switch {
		case r.failed != nil && !errors.Is(r.failed, errDamaged):
			return r.failed
		case r.failed == nil && !r.Overtaken && out.Previous == "":
			out.Previous, out.Manifest = r.Digest, r.Manifest
		}
	}
	switch {
	case len(all) > 0 && out.Wrong == nil:
		out.Wrong = p.errGone()
	case len(all) == 0 && !out.exists:
		p.addLoose(ctx, out)
	}
	return ctx.Err()
}

// errGone says that there are revisions, and no pointer that names one.
func (p *Publisher) errGone() error {
	return fmt.Errorf("%s is gone, so no revision is in use; publish again, or name one with --use", p.url(pointerName))
}

// addLoose looks at the loose objects. Who publishes may not be allowed to read them.
func (p *Publisher) addLoose(ctx context.Context, out *Published) {
	s := &S3{reader: p.reader}
	found, err := s.list(ctx)
	if err != nil {
		out.Wrong = err
		return
	}
	refused, err := s.fetch(ctx, found)
	if err == nil && len(refused) > 0 {
		err = refused.problems()[0]
	}
	if err != nil {
		out.Wrong = fmt.Errorf("not all loose objects can be read, so they are not all compared: %w", err)
	}
	out.LooseCount = len(found.etags) + len(found.broken)
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		out.Loose = append(out.Loose, spec.File{Name: name, Data: s.objects[name].data})
	}
	if out.Manifest.Files, err = manifestFiles(out.Loose); err != nil {
		out.Wrong = err
	}
}

// Files are those of a revision, each of which is held to its digest. Files that
// are at hand are not fetched. Where the revision is not whole, there is an error,
// and what could be read.
func (p *Publisher) Files(ctx context.Context, digest string, m *Manifest, atHand []spec.File) ([]spec.File, error) {
	known := make(contents, len(atHand))
	for _, f := range atHand {
		known[digestOf(f.Data)] = f.Data
	}
	_, err := p.readFiles(ctx, digest, m, known)
	return m.filled(known), err
}

// Damaged says that an error is about a pointer, a revision or a content that is
// missing or is not what it should be, which publishing mends.
func Damaged(err error) bool { return errors.Is(err, errDamaged) }

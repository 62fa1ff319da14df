package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Revision is one that was published.
type Revision struct {
	Digest  string `json:"digest"`
	Current bool   `json:"current"` // it is in use
	// Overtaken says that somebody else published at the same time and won.
	Overtaken bool `json:"overtaken,omitempty"`
	// Error is why the rest is not known.
	Error string `json:"error,omitempty"`
	*Manifest

	failed error
}

// History is what was published below a prefix.
type History struct {
	// Revisions are the newest first. The one in use is always among them. One that
	// cannot be read is there with its error.
	Revisions []Revision `json:"revisions"`
	// Error is why none of them is in use.
	Error string `json:"error,omitempty"`
}

// overtakenMark ends the name of an object beside a manifest, which says that the
// pointer did not come to name it when it was published.
const overtakenMark = ".overtaken"

// ErrNoRevisions says that nothing was ever published below a prefix.
var ErrNoRevisions = errors.New("no revision was published there; publish one with: ecs-scrape publish DIR s3://BUCKET/PREFIX")

// Revisions are those that were published, at most so many and the one in use; 0 is
// all of them. Where there is none the error wraps ErrNoRevisions.
func (p *Publisher) Revisions(ctx context.Context, most int) (*History, error) {
	now, err := p.Pointed(ctx)
	if err != nil {
		return nil, err
	}
	all, err := p.read(ctx, now.pointer, most)
	out := &History{Revisions: all}
	switch {
	case err != nil:
		return nil, err
	case now.Wrong != nil:
		out.Error = now.Wrong.Error()
	case len(all) == 0:
		return nil, fmt.Errorf("%s: %w", p.url(""), ErrNoRevisions)
	case !now.exists:
		out.Error = p.errGone().Error()
	}
	return out, nil
}

// read reads the manifests of the newest revisions, and of the one in use.
func (p *Publisher) read(ctx context.Context, now pointer, most int) ([]Revision, error) {
	found, err := p.found(ctx)
	if err != nil {
		return nil, err
	}
	found = bounded(found, now, most)
	out := make([]Revision, len(found))
	var group errgroup.Group
	group.SetLimit(maxGets)
	for i, f := range found {
		group.Go(func() error {
			out[i] = p.revision(ctx, f)
			out[i].Current = f.digest == now.Revision
			out[i].Overtaken = f.overtaken && !out[i].Current
			return nil
		})
	}
	_ = group.Wait() // its functions return nil
	slices.SortStableFunc(out, func(a, b Revision) int { return b.At.Compare(a.At) })
	return out, ctx.Err()
}

// bounded leaves out what is too much, and puts in the revision in use, also where
// its manifest is gone.
func bounded(found []manifestObject, now pointer, most int) []manifestObject {
	current := slices.IndexFunc(found, func(f manifestObject) bool { return f.digest == now.Revision })
	out := found
	if most > 0 && len(found) > most {
		out = found[:most:most]
	}
	switch {
	case current >= len(out):
		return append(out, found[current])
	case current < 0 && now.Revision != "":
		return append(out, manifestObject{digest: now.Revision, object: object{at: now.At}})
	}
	return out
}

func (p *Publisher) revision(ctx context.Context, f manifestObject) Revision {
	m, err := p.readManifest(ctx, f.digest)
	if err != nil {
		return Revision{Digest: f.digest, failed: err, Error: err.Error(), Manifest: &Manifest{At: f.at, Files: []ManifestFile{}}}
	}
	return Revision{Digest: f.digest, Manifest: m}
}

// manifestObject is a manifest as a listing tells of it.
type manifestObject struct {
	object
	digest    string
	overtaken bool
}

// found are all manifests, the newest first.
func (p *Publisher) found(ctx context.Context) ([]manifestObject, error) {
	var all []manifestObject
	overtaken := map[string]bool{}
	err := p.pages(ctx, revisionsDir, func(objects []object) error {
		for _, o := range objects {
			name := strings.TrimPrefix(o.name, revisionsDir)
			if digest, marks := strings.CutSuffix(name, overtakenMark); marks {
				overtaken[digest] = true
			} else if digestForm.MatchString(name) {
				all = append(all, manifestObject{object: o, digest: name})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", p.url(revisionsDir), p.explain(err, "s3:ListBucket", p.bucketARN()))
	}
	for i := range all {
		all[i].overtaken = overtaken[all[i].digest]
	}
	slices.SortFunc(all, func(a, b manifestObject) int {
		return cmp.Or(b.at.Compare(a.at), strings.Compare(a.name, b.name))
	})
	return all, nil
}

// Find is the digest of the one revision whose digest begins so, and its manifest.
func (p *Publisher) Find(ctx context.Context, begins string) (string, *Manifest, error) {
	all, err := p.found(ctx)
	if err != nil {
		return "", nil, err
	}
	all = slices.DeleteFunc(all, func(f manifestObject) bool { return begins == "" || !strings.HasPrefix(f.digest, begins) })
	switch len(all) {
	case 1:
		m, err := p.readManifest(ctx, all[0].digest)
		return all[0].digest, m, err
	case 0:
		return "", nil, fmt.Errorf("no revision %q in %s; `ecs-scrape revisions` lists them", begins, p.url(""))
	}
	return "", nil, fmt.Errorf("%d revisions begin with %q; give more of the digest", len(all), begins)
}

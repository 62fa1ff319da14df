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
	// Error is why the rest is not known.
	Error string `json:"error,omitempty"`
	*Manifest
}

// Revisions are those that were published, the newest first, and at most so many;
// 0 is all of them. The one in use is always among them. A revision that cannot be
// read is there with its error.
func (p *Publisher) Revisions(ctx context.Context, most int) ([]Revision, error) {
	found, current, err := p.found(ctx)
	if err != nil {
		return nil, err
	}
	if most > 0 && len(found) > most {
		rest := found[most:]
		found = found[:most:most]
		if i := slices.IndexFunc(rest, func(o object) bool { return digestIn(o) == current }); i >= 0 {
			found = append(found, rest[i])
		}
	}
	out := make([]Revision, len(found))
	var group errgroup.Group
	group.SetLimit(maxGets)
	for i, o := range found {
		group.Go(func() error {
			r := Revision{Digest: digestIn(o), Current: digestIn(o) == current}
			m, err := p.readManifest(ctx, r.Digest)
			if err != nil {
				m, r.Error = &Manifest{At: o.at, Files: []ManifestFile{}}, err.Error()
			}
			r.Manifest = m
			out[i] = r
			return nil
		})
	}
	_ = group.Wait() // its functions return nil
	slices.SortStableFunc(out, func(a, b Revision) int { return b.At.Compare(a.At) })
	return out, ctx.Err()
}

// found are all manifests, the newest first, and the digest of the one in use.
func (p *Publisher) found(ctx context.Context) (all []object, current string, err error) {
	now, err := p.readPointer(ctx, pointer{})
	if err != nil && !errors.Is(err, errNotPublished) {
		return nil, "", err
	}
	err = p.pages(ctx, revisionsDir, func(objects []object) error {
		for _, o := range objects {
			if digestForm.MatchString(digestIn(o)) {
				all = append(all, o)
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", p.url(revisionsDir), p.explain(err, "s3:ListBucket", p.bucketARN()))
	}
	slices.SortFunc(all, func(a, b object) int { return cmp.Or(b.at.Compare(a.at), strings.Compare(a.name, b.name)) })
	return all, now.Revision, nil
}

func digestIn(o object) string { return strings.TrimPrefix(o.name, revisionsDir) }

// Find is the digest of the one revision whose digest begins so, and its manifest.
func (p *Publisher) Find(ctx context.Context, begins string) (string, *Manifest, error) {
	all, _, err := p.found(ctx)
	if err != nil {
		return "", nil, err
	}
	all = slices.DeleteFunc(all, func(o object) bool { return begins == "" || !strings.HasPrefix(digestIn(o), begins) })
	switch len(all) {
	case 1:
		m, err := p.readManifest(ctx, digestIn(all[0]))
		return digestIn(all[0]), m, err
	case 0:
		return "", nil, fmt.Errorf("no revision %q in %s; `ecs-scrape revisions` lists them", begins, p.url(""))
	}
	return "", nil, fmt.Errorf("%d revisions begin with %q; give more of the digest", len(all), begins)
}

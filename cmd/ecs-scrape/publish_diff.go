package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"ecs-scrape/controller/source"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// fileChange is a file that a publication adds, removes or changes.
type fileChange struct {
	change artifact.Change
	path   string
}

// fileChanges are sorted by path.
func fileChanges(before *source.Published, files []spec.File) []fileChange {
	had := map[string]string{}
	for _, f := range before.Manifest.Files {
		had[f.Path] = f.SHA256
	}
	var out []fileChange
	for _, f := range files {
		sum := sha256.Sum256(f.Data)
		switch digest, known := had[f.Name]; {
		case !known:
			out = append(out, fileChange{artifact.Added, f.Name})
		case digest != hex.EncodeToString(sum[:]):
			out = append(out, fileChange{artifact.Changed, f.Name})
		}
		delete(had, f.Name)
	}
	for path := range had {
		out = append(out, fileChange{artifact.Removed, path})
	}
	slices.SortFunc(out, func(a, b fileChange) int { return strings.Compare(a.path, b.path) })
	return out
}

// show writes what publishing the files would change in the objects. What is damaged
// is no obstacle, as it is none to publishing.
func (o *publishOptions) show(ctx context.Context, p *source.Publisher, before *source.Published, files []spec.File) error {
	live := before.Loose
	if before.Previous != "" {
		var err error
		live, err = p.Files(ctx, before.Previous, before.Manifest, files)
		switch {
		case source.Damaged(err):
			say(o.stderr, "note: %v\n", err)
		case err != nil:
			return err
		}
	}
	_, err := io.WriteString(o.stdout, objectChanges(spec.Decode(live), spec.Decode(files))+looseCount(before, "would count for nothing from then on"))
	return err
}

// objectChanges is the text of what differs between two sets, by object.
func objectChanges(live, want *spec.Set) string {
	before, after := byID(live), byID(want)
	var ids []spec.ID
	for id := range before {
		ids = append(ids, id)
	}
	for id := range after {
		if _, known := before[id]; !known {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, spec.ID.Compare)
	var heads, diffs strings.Builder
	count := map[artifact.Change]int{}
	for _, id := range ids {
		change, ok := changeOf(before[id], after[id])
		if !ok {
			continue
		}
		count[change]++
		fmt.Fprintf(&heads, "%-7s %s\n", change, id)
		diffs.WriteString(artifact.DiffDocument(id.String(), sourceOf(before[id]), sourceOf(after[id])))
	}
	if heads.Len() == 0 {
		return "no object would change\n"
	}
	return heads.String() + "\n" + diffs.String() +
		fmt.Sprintf("\n%d added, %d changed, %d removed\n", count[artifact.Added], count[artifact.Changed], count[artifact.Removed])
}

// changeOf says what becomes of an object, either version of which may be nil.
func changeOf(before, after *spec.Object) (change artifact.Change, ok bool) {
	switch {
	case before == nil:
		return artifact.Added, true
	case after == nil:
		return artifact.Removed, true
	}
	return artifact.Changed, before.Revision != after.Revision
}

func byID(set *spec.Set) map[spec.ID]*spec.Object {
	out := make(map[spec.ID]*spec.Object, len(set.Objects))
	for _, o := range set.Objects {
		out[o.ID] = o
	}
	return out
}

func sourceOf(o *spec.Object) []byte {
	if o == nil {
		return nil
	}
	return append([]byte{}, o.Source...)
}

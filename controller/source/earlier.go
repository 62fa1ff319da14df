package source

import (
	"context"
	"maps"
	"slices"

	"ecs-scrape/spec"
)

// maxEarlier is how many earlier revisions are looked through: they are asked for
// by who starts with nothing, and waits for them.
const maxEarlier = 10

// Earlier are the published revisions that led to the one that was loaded last, the
// oldest first, and at most ten. It is nil of loose objects. A revision that is not
// whole is left out; where even its manifest is not, the chain ends there.
func (s *S3) Earlier(ctx context.Context) ([]*spec.Set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pointer.Revision == "" {
		return nil, nil
	}
	known := maps.Clone(s.contents)
	var out []*spec.Set
	digest := s.previous
	for range maxEarlier {
		if !digestForm.MatchString(digest) {
			break
		}
		m, err := s.readManifest(ctx, digest)
		if err != nil {
			break
		}
		if files, err := s.readFiles(ctx, digest, m, known); err == nil {
			out = append(out, spec.Decode(files))
		}
		digest = m.Previous
	}
	slices.Reverse(out)
	return out, ctx.Err()
}

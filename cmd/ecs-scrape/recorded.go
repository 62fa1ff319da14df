package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"ecs-scrape/reconcile/inventory"
)

// recorded is an inventory from a file.
type recorded struct {
	path     string
	snapshot *inventory.Snapshot // as it was read
	wanted   *inventory.Snapshot // what of it the sources of want watch
	want     inventory.Want
}

func readSnapshot(path string) (*recorded, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--snapshot: %w", err)
	}
	s := &inventory.Snapshot{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("--snapshot: %s is no snapshot: %w", path, err)
	}
	if err := checkEntries(s); err != nil {
		return nil, fmt.Errorf("--snapshot: %s: %w; record it again by `ecs-scrape snapshot`", path, err)
	}
	for i := range s.Scopes {
		slices.Sort(s.Scopes[i].Facts.Environment) // which a hand may have written
	}
	return &recorded{path: path, snapshot: s, wanted: s}, nil
}

// checkEntries is an error where an entry is null, as only a hand can have made
// it.
func checkEntries(s *inventory.Snapshot) error {
	if i := slices.Index(s.Tasks, nil); i >= 0 {
		return fmt.Errorf("tasks[%d] is null", i)
	}
	return cmp.Or(checkMap("definitions", s.Definitions), checkMap("instances", s.Instances),
		checkMap("services", s.Services), checkMap("clusters", s.Clusters))
}

func checkMap[T any](name string, entries map[string]*T) error {
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		if entries[key] == nil {
			return fmt.Errorf("%s[%q] is null", name, key)
		}
	}
	return nil
}

// Want narrows the snapshot to what the sources watch.
func (r *recorded) Want(w inventory.Want) {
	r.want, r.wanted = w, narrowed(r.snapshot, w.Sources)
}

func (r *recorded) Snapshot() *inventory.Snapshot { return r.wanted }

// Once is an error where the snapshot lacks what the specs need: a plan made
// without it would look as if everything had stopped.
func (r *recorded) Once(context.Context) error {
	var missing []error
	for _, s := range r.want.Sources {
		if err := r.lacksSource(s); err != nil {
			missing = append(missing, err)
		}
	}
	for _, part := range lackingParts(r.wanted, r.want.Facts) {
		missing = append(missing, fmt.Errorf("--snapshot: %s was recorded without %s, which the specs need", r.path, part))
	}
	if len(missing) > 0 {
		missing = append(missing, errors.New("record it again by `ecs-scrape snapshot` with these specs as --specs, and the same --ecs flags"))
	}
	return errors.Join(missing...)
}

// lacksSource is an error where no recorded source tells of all clusters that the
// wanted one watches. Patterns are compared as they are written: which clusters
// there were that match only one of two, the snapshot does not tell.
func (r *recorded) lacksSource(want inventory.Source) error {
	var other *inventory.SourceStatus
	for i := range r.snapshot.Sources {
		have := &r.snapshot.Sources[i]
		switch {
		case !covers(*have, want):
		case len(have.Source.Clusters) == 0 || slices.Equal(distinct(have.Source.Clusters), distinct(want.Clusters)):
			return nil
		case other == nil:
			other = have
		}
	}
	switch {
	case other != nil:
		return fmt.Errorf("--snapshot: %s was recorded with %s of region %s, and the specs watch %s",
			r.path, clusterWords(other.Source), cmp.Or(other.Region, other.Source.Region), clusterWords(want))
	case want.Region != "": // else it is that of whoever recorded it
		return fmt.Errorf("--snapshot: %s holds nothing of region %s, which the specs watch", r.path, want.Region)
	}
	return nil
}

func distinct(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

func clusterWords(s inventory.Source) string {
	if len(s.Clusters) == 0 {
		return "all clusters"
	}
	return "the clusters " + strings.Join(distinct(s.Clusters), ", ")
}

// narrowed is the snapshot as a watcher of the sources would have it: a cluster
// that none of them watches is gone. One of which nobody says how it was found
// stays.
func narrowed(s *inventory.Snapshot, sources []inventory.Source) *inventory.Snapshot {
	unwatched := map[inventory.Scope]bool{}
	for i := range s.Scopes {
		scope := s.Scopes[i].Scope
		found := slices.DeleteFunc(slices.Clone(s.Sources), func(have inventory.SourceStatus) bool {
			return have.Account != scope.Account || have.Region != scope.Region
		})
		unwatched[scope] = len(found) > 0 && !slices.ContainsFunc(sources, func(want inventory.Source) bool {
			return want.Watches(scope.Cluster) && slices.ContainsFunc(found, func(have inventory.SourceStatus) bool { return covers(have, want) })
		})
	}
	out := *s
	out.Scopes = slices.Clone(s.Scopes)
	for i := range out.Scopes {
		if unwatched[out.Scopes[i].Scope] {
			out.Scopes[i].State, out.Scopes[i].Reason = inventory.Gone, "the configuration does not name it"
		}
	}
	out.Tasks = slices.DeleteFunc(slices.Clone(s.Tasks), func(t *inventory.Task) bool { return unwatched[t.Scope] })
	return &out
}

// lackingParts names, once each, the facts that are wanted and that some cluster
// of the snapshot lacks. One that could not be read when it was recorded says why,
// and is a finding of the objects that need it, as it is live.
func lackingParts(s *inventory.Snapshot, want inventory.Facts) []string {
	var out []string
	for i := range s.Scopes {
		for _, part := range s.Scopes[i].Facts.Lacks(want) {
			if s.Scopes[i].State != inventory.Gone && len(s.Scopes[i].Lacking) == 0 && !slices.Contains(out, part) {
				out = append(out, part)
			}
		}
	}
	return out
}

// withFacts adds to an error of reading ECS the facts that were wanted and could
// not be read, and why.
func withFacts(readErr error, s *inventory.Snapshot) error {
	var errs []error
	if readErr != nil {
		errs = append(errs, fmt.Errorf("read ECS: %w", readErr))
	}
	for i := range s.Scopes {
		for _, fact := range slices.Sorted(maps.Keys(s.Scopes[i].Lacking)) {
			errs = append(errs, fmt.Errorf("read ECS: %s of cluster %s: %s", fact, s.Scopes[i].Scope, s.Scopes[i].Lacking[fact]))
		}
	}
	return errors.Join(errs...)
}

// covers says that a recorded source is of the account and the region of the
// wanted one, whatever the clusters. A source without a region is of any.
func covers(have inventory.SourceStatus, want inventory.Source) bool {
	return want.RoleARN == have.Source.RoleARN && (want.Region == "" || want.Region == have.Region || want.Region == have.Source.Region)
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"ecs-scrape/reconcile/inventory"
)

// recorded is an inventory from a file.
type recorded struct {
	path     string
	snapshot *inventory.Snapshot
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
	return &recorded{path: path, snapshot: s}, nil
}

func (r *recorded) Want(w inventory.Want)         { r.want = w }
func (r *recorded) Snapshot() *inventory.Snapshot { return r.snapshot }

// Once is an error where the snapshot lacks what the specs need: a plan made
// without it would look as if everything had stopped.
func (r *recorded) Once(context.Context) error {
	var missing []error
	for _, s := range r.want.Sources {
		if s.Region == "" {
			continue // that of whoever recorded it
		}
		if !slices.ContainsFunc(r.snapshot.Sources, func(have inventory.SourceStatus) bool { return covers(have, s) }) {
			missing = append(missing, fmt.Errorf("--snapshot: %s holds nothing of region %s, which the specs watch", r.path, s.Region))
		}
	}
	for _, part := range lackingParts(r.snapshot, r.want.Facts) {
		missing = append(missing, fmt.Errorf("--snapshot: %s was recorded without %s, which the specs need", r.path, part))
	}
	if len(missing) > 0 {
		missing = append(missing, errors.New("record it again by `ecs-scrape snapshot` with these specs as --specs"))
	}
	return errors.Join(missing...)
}

// lackingParts names, once each, the facts that are wanted and that some cluster
// of the snapshot lacks.
func lackingParts(s *inventory.Snapshot, want inventory.Facts) []string {
	var out []string
	for i := range s.Scopes {
		for _, part := range s.Scopes[i].Facts.Lacks(want) {
			if s.Scopes[i].State != inventory.Gone && !slices.Contains(out, part) {
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

// covers says that a recorded source is the wanted one.
func covers(have inventory.SourceStatus, want inventory.Source) bool {
	return want.RoleARN == have.Source.RoleARN && (want.Region == have.Region || want.Region == have.Source.Region)
}

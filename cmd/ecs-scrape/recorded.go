package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	for _, name := range r.want.Facts.Environment {
		if slices.ContainsFunc(r.snapshot.Scopes, func(s inventory.ScopeStatus) bool { return !s.Facts.Holds(name) }) {
			missing = append(missing, fmt.Errorf("--snapshot: %s was recorded without the environment variable %s, which the specs name", r.path, name))
		}
	}
	if len(missing) > 0 {
		missing = append(missing, errors.New("record it again by `ecs-scrape snapshot` with these specs as --specs"))
	}
	return errors.Join(missing...)
}

// covers says that a recorded source is the wanted one.
func covers(have inventory.SourceStatus, want inventory.Source) bool {
	return want.RoleARN == have.Source.RoleARN && (want.Region == have.Region || want.Region == have.Source.Region)
}

package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"ecs-scrape/spec"
)

// broken is what is wrong with single files, and the remedy, by name. The name
// of a folder ends in a slash and stands for everything below it.
type broken map[string]string

// hold says that everything that is broken now was so before.
func (b broken) hold(now broken) bool {
	for name, wrong := range now {
		if b[name] != wrong {
			return false
		}
	}
	return true
}

// problems are sorted by place.
func (b broken) problems() []spec.Problem {
	out := make([]spec.Problem, 0, len(b))
	for name, wrong := range b {
		out = append(out, spec.Problem{Position: spec.Position{File: name}, Message: wrong})
	}
	slices.SortFunc(out, spec.Problem.Compare)
	return out
}

// decode gives the set of files, and of what could not be read beside them.
func decode(files []spec.File, b broken) *spec.Set {
	set := spec.Decode(files)
	if len(b) > 0 {
		set.Problems = append(set.Problems, b.problems()...)
		slices.SortStableFunc(set.Problems, spec.Problem.Compare)
	}
	return set
}

// unreadable says why a file or folder cannot be read; its path is in the place
// of the problem.
func unreadable(err error) string {
	var size *sizeError
	if errors.As(err, &size) {
		return size.Error()
	}
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Sprintf("cannot be read: %v; let uid %d read it, or move it away", err, os.Getuid())
}

// vanished marks the error for a file that a listing has just named.
func vanished(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return err
}

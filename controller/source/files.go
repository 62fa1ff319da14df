package source

import (
	"context"
	"errors"
	"fmt"

	"ecs-scrape/spec"
)

// Files reads every file of specs below the directory, sorted by name, without
// decoding them. One that cannot be read is an error that names it.
func (d *Directory) Files(ctx context.Context) ([]spec.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	read, err := d.settled(ctx)
	for _, p := range read.broken.problems() {
		err = errors.Join(err, p)
	}
	if err != nil {
		return nil, fmt.Errorf("read specs in %s: %w", d.dir, err)
	}
	return read.list(), nil
}

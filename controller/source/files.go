package source

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"ecs-scrape/spec"
)

// Files reads every file of specs below the directory, sorted by name, without
// decoding them.
func (d *Directory) Files(ctx context.Context) ([]spec.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	read, err := d.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read specs in %s: %w", d.dir, err)
	}
	files := make([]spec.File, 0, len(read))
	for _, name := range slices.Sorted(maps.Keys(read)) {
		files = append(files, spec.File{Name: name, Data: read[name].data})
	}
	return files, nil
}

package target

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// DefaultGenerations is how many configurations are kept, the current included.
const DefaultGenerations = 5

// Collect removes what the confirmed configuration no longer names: target
// files whose path is not in keepPools, with the records of their origins, and
// all but the newest generations (5 when 0); never the current one,
// nor one that is held. The directory of a class goes with its file, like that of Alertmanagers; a bucket
// of own pools stays, because Prometheus never watches a directory that was
// missing when it looked first. Secrets that nothing names any more go too.
func (d *Directory) Collect(keepPools map[string]bool, generations int) error {
	if d.readOnly {
		return ErrReadOnly
	}
	if err := d.load(); err != nil {
		return err
	}
	if generations <= 0 {
		generations = DefaultGenerations
	}
	err := errors.Join(d.collectPools(keepPools), d.collectOrigins(), d.collectGenerations(generations), d.collectSecrets())
	if err != nil {
		return fmt.Errorf("remove what is no longer used: %w", withRemedy(err))
	}
	return nil
}

func (d *Directory) collectPools(keep map[string]bool) error {
	var errs []error
	for _, p := range slices.Sorted(maps.Keys(d.pools)) {
		if keep[p] {
			continue
		}
		if err := d.removePool(p); err != nil {
			errs = append(errs, err)
			continue
		}
		delete(d.pools, p)
	}
	return errors.Join(errs...)
}

func (d *Directory) removePool(p string) error {
	if err := d.disk.remove(d.at(p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := path.Dir(p)
	if strings.HasPrefix(p, ownDir) {
		return ignoreMissing(d.disk.syncDir(d.at(dir)))
	}
	err := d.disk.remove(d.at(dir))
	if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) {
		return d.disk.syncDir(d.at(dir))
	}
	if err := ignoreMissing(err); err != nil {
		return err
	}
	return d.disk.syncDir(d.at(path.Dir(dir)))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// collectGenerations moves each old generation away before removing it, so that
// none is ever seen in part.
func (d *Directory) collectGenerations(keep int) error {
	all, err := d.Generations()
	if err != nil {
		return err
	}
	hold, _ := d.Hold()
	kept := func(g Generation) bool { return g.Current || hold != nil && hold.Digest == g.Digest }
	old := slices.DeleteFunc(slices.Clone(all), kept)
	for _, g := range old[min(len(old), max(0, keep-(len(all)-len(old)))):] {
		staged, err := d.stagePath()
		if err != nil {
			return err
		}
		dir := d.at(generationPrefix + g.Digest)
		if err := d.disk.rename(dir, staged); err != nil {
			return asOf(err, staged, dir)
		}
		if err := d.disk.removeAll(staged); err != nil {
			return asOf(err, staged, dir)
		}
	}
	if err := d.disk.syncDir(filepath.Clean(d.path)); err != nil {
		return err
	}
	return d.collectScraped()
}

// collectScraped removes what is known of configurations that are not kept.
func (d *Directory) collectScraped() error {
	left, err := d.Generations()
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, g := range left {
		wanted[d.at(stateDir, ScrapedFile(g.Digest))] = true
	}
	return ignoreMissing(d.removeOthers(d.at(stateDir, scrapedDir), wanted))
}

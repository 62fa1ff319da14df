package target

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ecs-scrape/reconcile/artifact"
)

// Prometheus reads a target file whole at every change. 100,000 targets are
// about 30 MB and cost it 2.6 CPU seconds, so a file that large changes at most
// every 5 s.
const (
	minPause      = time.Second
	maxPause      = 5 * time.Second
	bytesPerPause = 4 << 20 // a second for each
)

// Written says what [Directory.WriteTargets] did.
type Written struct {
	Paths []string // target files written, sorted
	Bytes int64    // in them
	// Waiting are the changed target files that may not be written yet, and
	// Deferred is when the first of them may: zero if there are none.
	Waiting  []string
	Deferred time.Time
}

// change is one target file to be written.
type change struct {
	pool    artifact.Pool // targets in the order of the file
	origins bool          // only the origins changed
	digest  string
	size    int
	err     error
}

// WriteTargets brings the target files of pools up to date and leaves all other
// files alone. Equal bytes are not written. A file is written at most once a
// second, and a large one at most once per 4 MiB and second, up to 5 s: what
// has to wait is not written and is in Written. One file that cannot be written
// does not hold up the others; the error names all that could not.
//
// Call it in every pass, also where nothing differs: it restores lost origins,
// and files that others deleted or altered.
func (d *Directory) WriteTargets(now time.Time, pools []artifact.Pool) (Written, error) {
	if d.readOnly {
		return Written{}, ErrReadOnly
	}
	if err := d.keepLock(); err != nil {
		return Written{}, fmt.Errorf("write targets: %w", err)
	}
	if err := d.load(); err != nil {
		return Written{}, err
	}
	d.notice()
	var written Written
	var errs []error
	var changes []*change
	for _, pool := range pools {
		if err := checkPoolPath(pool.Path); err != nil {
			errs = append(errs, err)
			continue
		}
		switch c, due := d.change(now, pool); {
		case !due.IsZero():
			written.wait(pool.Path, due)
		case c != nil:
			changes = append(changes, c)
		}
	}
	d.commit(now, changes)
	for _, c := range changes {
		errs = append(errs, c.err)
		written.add(c)
	}
	slices.Sort(written.Paths)
	slices.Sort(written.Waiting)
	return written, errors.Join(errs...)
}

func (w *Written) wait(path string, next time.Time) {
	w.Waiting = append(w.Waiting, path)
	if w.Deferred.IsZero() || next.Before(w.Deferred) {
		w.Deferred = next
	}
}

func (w *Written) add(c *change) {
	if c.err == nil && !c.origins {
		w.Paths = append(w.Paths, c.pool.Path)
		w.Bytes += int64(c.size)
	}
}

// next is when the file may be written again. A clock that was set back does
// not hold it up.
func (s *poolState) next(now time.Time) time.Time {
	if s == nil || s.written.IsZero() || now.Before(s.written) {
		return now
	}
	pause := time.Duration(s.size) * time.Second / bytesPerPause
	return s.written.Add(min(max(pause, minPause), maxPause))
}

// checkPoolPath: one of the kinds of pools, a directory and a JSON file, and
// nothing that leads elsewhere.
func checkPoolPath(p string) error {
	parts := strings.Split(p, "/")
	ok := len(parts) == 4 && path.Clean(p) == p && filepath.IsLocal(p) && strings.HasSuffix(p, ".json") &&
		slices.ContainsFunc(poolKinds(), func(dir string) bool { return strings.HasPrefix(p, dir) })
	if !ok {
		return fmt.Errorf("write targets: %q is no path of a target file (such as targets/class/<class>/targets.json or targets/own/<bucket>/<name>.json)", p)
	}
	return nil
}

// change is what is to be written of a pool: nil where the file and the record of
// its origins are as they should. due is when a file that has changed may be
// written, where that is not now: until then nothing is encoded.
func (d *Directory) change(now time.Time, pool artifact.Pool) (c *change, due time.Time) {
	known := d.pools[pool.Path]
	sound := known != nil && known.exact && !known.altered
	if sound && known.pool.SameTargets(pool) {
		return nil, time.Time{}
	}
	next := known.next(now)
	if sound && now.Before(next) && !sameLabels(known.pool.Targets, pool.Targets) {
		return nil, next
	}
	pool.Targets = pool.Sorted()
	if sound && sameLabels(known.pool.Targets, pool.Targets) {
		return d.moved(known, pool), time.Time{}
	}
	if now.Before(next) {
		return nil, next
	}
	// Encoded once more when it is written: a large file is never in memory.
	want := digestOf(pool.EncodeTo)
	c = &change{pool: pool, digest: want.String(), size: want.size}
	if known == nil || known.altered || known.digest != c.digest {
		return c, time.Time{}
	}
	known.exact = true
	return d.moved(known, pool), time.Time{}
}

// moved is the change of a pool whose file is as it should: of its origins, or nil.
func (d *Directory) moved(known *poolState, pool artifact.Pool) *change {
	if sameOrigins(known.pool.Targets, pool.Targets) {
		known.pool = pool // whose targets are found to be the same at once in the next pass
		return nil
	}
	return &change{pool: pool, origins: true, digest: known.digest, size: known.size}
}

// commit writes first all records of origins, each beside the one that is still
// valid, then the files that they belong to.
func (d *Directory) commit(now time.Time, changes []*change) {
	d.each(changes, func(c *change) (string, error) {
		err := d.writeOrigins(c.pool.Path, c.digest, c.pool.Targets)
		return filepath.Dir(d.originPath(c.pool.Path, c.digest)), err
	})
	d.each(changes, func(c *change) (string, error) {
		dir := filepath.Dir(d.at(c.pool.Path))
		if c.origins {
			return "", nil
		}
		if err := d.disk.openDir(dir); err != nil {
			return dir, err
		}
		return dir, d.put(d.at(c.pool.Path), c.pool.EncodeTo, fileMode)
	})
	for _, c := range changes {
		d.remember(now, c)
	}
}

// each does one step for all changes that did not fail, then syncs the
// directories of the step, each once.
func (d *Directory) each(changes []*change, step func(*change) (dir string, err error)) {
	touched := map[string][]*change{}
	for _, c := range changes {
		if c.err != nil {
			continue
		}
		dir, err := step(c)
		if err != nil {
			c.err = fmt.Errorf("write targets of %s: %w", c.pool.Name, withRemedy(err))
		} else if dir != "" {
			touched[dir] = append(touched[dir], c)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(touched)) {
		if err := d.disk.syncDir(dir); err != nil {
			for _, c := range touched[dir] {
				c.err = fmt.Errorf("write targets of %s: %w", c.pool.Name, withRemedy(err))
			}
		}
	}
}

// remember notes what is on disk now. The record of the version before is of no
// use any more; if it cannot be removed, Collect will.
func (d *Directory) remember(now time.Time, c *change) {
	if c.err != nil {
		return
	}
	before := d.pools[c.pool.Path]
	state := &poolState{pool: c.pool, digest: c.digest, size: c.size, written: now, exact: true}
	if before != nil && c.origins {
		state.written, state.stamp = before.written, before.stamp
	} else {
		state.stamp = stampOf(d.at(c.pool.Path))
	}
	if before != nil && before.digest != c.digest {
		_ = d.disk.remove(d.originPath(c.pool.Path, before.digest))
	}
	d.pools[c.pool.Path] = state
}

package target

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ecs-scrape/reconcile/artifact"
)

// originRecord says where the targets of one file are from. It is named after
// the file and the digest of its bytes, so the record of the next version can
// be written first without touching that of the present one.
type originRecord struct {
	Origins []artifact.Origin `json:"origins"`
	Index   []int             `json:"index"` // per target of the file, into Origins
}

func (d *Directory) originPath(pool, digest string) string {
	return d.at(stateDir, originsDir, strings.TrimPrefix(pool, targetsDir+"/")+"."+digest)
}

// writeOrigins replaces one record. The directory is the caller's to sync.
func (d *Directory) writeOrigins(pool, digest string, targets []artifact.Target) error {
	data, err := json.Marshal(recordOf(targets))
	if err != nil {
		return err
	}
	name := d.originPath(pool, digest)
	if err := makeDir(filepath.Dir(name)); err != nil {
		return err
	}
	return d.put(name, data)
}

func recordOf(targets []artifact.Target) originRecord {
	record := originRecord{Index: make([]int, 0, len(targets))}
	known := map[artifact.Origin]int{}
	for _, t := range targets {
		i, ok := known[t.Origin]
		if !ok {
			i = len(record.Origins)
			known[t.Origin] = i
			record.Origins = append(record.Origins, t.Origin)
		}
		record.Index = append(record.Index, i)
	}
	return record
}

// readOrigins are the origins of n targets, or none where the record is missing
// or damaged: they are a hint, never a reason to fail.
func (d *Directory) readOrigins(pool, digest string, n int) []artifact.Origin {
	data, err := os.ReadFile(d.originPath(pool, digest))
	if err != nil {
		return nil
	}
	var record originRecord
	if json.Unmarshal(data, &record) != nil || len(record.Index) != n {
		return nil
	}
	out := make([]artifact.Origin, 0, n)
	for _, i := range record.Index {
		if i < 0 || i >= len(record.Origins) {
			return nil
		}
		out = append(out, record.Origins[i])
	}
	return out
}

func sameOrigins(a, b []artifact.Target) bool {
	return slices.EqualFunc(a, b, func(x, y artifact.Target) bool { return x.Origin == y.Origin })
}

// collectOrigins removes every record that is not of a published file.
func (d *Directory) collectOrigins() error {
	wanted := map[string]bool{}
	for p, state := range d.pools {
		wanted[d.originPath(p, state.digest)] = true
	}
	root := d.at(stateDir, originsDir)
	for _, kind := range []string{"class", "own"} {
		dirs, err := readDir(path.Join(root, kind))
		if err != nil {
			return err
		}
		for _, dir := range dirs {
			if !dir.IsDir() {
				continue
			}
			if err := removeOthers(path.Join(root, kind, dir.Name()), wanted); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeOthers removes all files of a directory that are not wanted, and the
// directory when nothing is left in it.
func removeOthers(dir string, wanted map[string]bool) error {
	entries, err := readDir(dir)
	if err != nil {
		return err
	}
	left := 0
	for _, e := range entries {
		if name := filepath.Join(dir, e.Name()); wanted[name] {
			left++
		} else if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	if left > 0 {
		return nil
	}
	return os.Remove(dir)
}

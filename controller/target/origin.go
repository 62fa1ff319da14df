package target

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ecs-scrape/reconcile/artifact"
)

// originRecord says where the targets of one file are from. It is named after
// the file and the digest of its bytes, so the record of the next version can
// be written first without touching that of the present one.
type originRecord struct {
	Origins []artifact.Origin `json:"origins"` // without their tasks, so that they are few
	Index   []int             `json:"index"`   // per target of the file, into Origins
	// Tasks are the tasks' ids, per target of the file. Records of before they
	// were kept have none.
	Tasks []string `json:"tasks,omitempty"`
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
	return d.put(name, data, stateFileMode)
}

func recordOf(targets []artifact.Target) originRecord {
	record := originRecord{Index: make([]int, 0, len(targets)), Tasks: make([]string, 0, len(targets))}
	known := map[artifact.Origin]int{}
	for _, t := range targets {
		shared := t.Origin
		shared.Task = ""
		i, ok := known[shared]
		if !ok {
			i = len(record.Origins)
			known[shared] = i
			record.Origins = append(record.Origins, shared)
		}
		record.Index = append(record.Index, i)
		record.Tasks = append(record.Tasks, t.Origin.Task)
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
	if json.Unmarshal(data, &record) != nil {
		return nil
	}
	if record.Tasks == nil {
		record.Tasks = make([]string, n)
	}
	if len(record.Index) != n || len(record.Tasks) != n {
		return nil
	}
	out := make([]artifact.Origin, n)
	for target, i := range record.Index {
		if i < 0 || i >= len(record.Origins) {
			return nil
		}
		out[target] = record.Origins[i]
		out[target].Task = record.Tasks[target]
	}
	return out
}

// recorded is when the record was written: its targets had been published then.
// Zero where there is none.
func (d *Directory) recorded(pool, digest string) time.Time {
	info, err := os.Stat(d.originPath(pool, digest))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
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
	for _, kind := range poolKinds() {
		kind = strings.TrimPrefix(kind, targetsDir+"/")
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

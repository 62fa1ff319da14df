package target

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

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
	name := d.originPath(pool, digest)
	if err := d.disk.makeDir(filepath.Dir(name)); err != nil {
		return err
	}
	return d.put(name, func(w io.Writer) error { return encodeOrigins(w, targets) }, stateFileMode)
}

// encodeOrigins writes the record as JSON. What there is one of per target is
// written without reflection: at 100,000 targets that is an eighth of the cost.
func encodeOrigins(w io.Writer, targets []artifact.Target) error {
	origins, index := sharedOrigins(targets)
	head, err := json.Marshal(origins)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w) // whose error Flush tells
	_, _ = fmt.Fprintf(out, `{"origins":%s,"index":`, head)
	writeList(out, len(index), func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(index[i]), 10) })
	_, _ = out.WriteString(`,"tasks":`)
	writeList(out, len(targets), func(b []byte, i int) []byte { return artifact.AppendString(b, targets[i].Origin.Task) })
	_ = out.WriteByte('}')
	return out.Flush()
}

// writeList writes a JSON list of n elements.
func writeList(out *bufio.Writer, n int, element func(b []byte, i int) []byte) {
	_ = out.WriteByte('[')
	for i := range n {
		b := out.AvailableBuffer()
		if i > 0 {
			b = append(b, ',')
		}
		_, _ = out.Write(element(b, i))
	}
	_ = out.WriteByte(']')
}

// sharedOrigins are the different origins but for their tasks, and which of them
// each target has.
func sharedOrigins(targets []artifact.Target) (origins []artifact.Origin, index []int) {
	index = make([]int, 0, len(targets))
	known := map[artifact.Origin]int{}
	for i := range targets {
		shared := targets[i].Origin
		shared.Task = ""
		at, ok := known[shared]
		if !ok {
			at = len(origins)
			known[shared] = at
			origins = append(origins, shared)
		}
		index = append(index, at)
	}
	return origins, index
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

func sameLabels(a, b []artifact.Target) bool {
	return slices.EqualFunc(a, b, func(x, y artifact.Target) bool { return labels.Equal(x.Labels, y.Labels) })
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
			if err := d.removeOthers(path.Join(root, kind, dir.Name()), wanted); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeOthers removes all files of a directory that are not wanted, and the
// directory when nothing is left in it.
func (d *Directory) removeOthers(dir string, wanted map[string]bool) error {
	entries, err := readDir(dir)
	if err != nil {
		return err
	}
	left := 0
	for _, e := range entries {
		if name := filepath.Join(dir, e.Name()); wanted[name] {
			left++
		} else if err := d.disk.removeAll(name); err != nil {
			return err
		}
	}
	if left > 0 {
		return nil
	}
	return d.disk.remove(dir)
}

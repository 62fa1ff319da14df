package artifact

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/rogpeppe/go-internal/diff"
)

// Change says what happens to a file or a pool.
type Change string

// The changes of a [Difference].
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Difference is what publishing one bundle in the place of another would
// change. It marshals to JSON; everything in it is sorted.
type Difference struct {
	Config []FileDifference `json:"config,omitempty"`
	Pools  []PoolDifference `json:"pools,omitempty"`
	// Limit is the number of targets per pool that Text and Markdown show: 20
	// when 0, all when negative.
	Limit int `json:"-"`
}

// FileDifference is one configuration file.
type FileDifference struct {
	Path   string `json:"path"`
	Change Change `json:"change"`
	// Diff is unified, and empty for an empty file. Secrets are left out; where
	// nothing but what is left out differs, it is a line that says so.
	Diff string `json:"diff,omitempty"`
}

// PoolDifference is one target file. An added or removed pool may be without
// targets: the file comes or goes nevertheless.
type PoolDifference struct {
	Name    string             `json:"name"`
	Path    string             `json:"path"`
	Change  Change             `json:"change"`
	Added   []TargetEntry      `json:"added,omitempty"`
	Removed []TargetEntry      `json:"removed,omitempty"`
	Changed []TargetDifference `json:"changed,omitempty"`
}

// TargetEntry is one target with its final labels.
type TargetEntry struct {
	Labels labels.Labels `json:"labels"`
	Origin Origin        `json:"origin,omitzero"`
}

// TargetDifference is one endpoint (address, scheme, path and params) whose
// other labels differ.
type TargetDifference struct {
	Before TargetEntry `json:"before"`
	After  TargetEntry `json:"after"`
}

// Empty says that the two bundles give the same files. Origins do not count.
func (d *Difference) Empty() bool { return len(d.Config) == 0 && len(d.Pools) == 0 }

// Diff compares what is published with what should be. Either may be nil, which
// is an empty bundle.
func Diff(live, want *Bundle) Difference {
	if live == nil {
		live = &Bundle{}
	}
	if want == nil {
		want = &Bundle{}
	}
	return Difference{
		Config: diffConfig(live.Config, want.Config),
		Pools:  diffPools(live.Pools, want.Pools),
	}
}

func diffConfig(live, want Files) []FileDifference {
	all := maps.Clone(live)
	if all == nil {
		all = Files{}
	}
	maps.Copy(all, want)
	var out []FileDifference
	for _, path := range all.Paths() {
		before, had := live[path]
		after, has := want[path]
		if had && has && bytes.Equal(before, after) {
			continue
		}
		if path == ConfigFile {
			before, after = maskConfig(before, after)
		}
		out = append(out, FileDifference{
			Path:   path,
			Change: changeOf(had, has),
			Diff:   unified(path, before, after, had, has),
		})
	}
	return out
}

func changeOf(had, has bool) Change {
	switch {
	case !had:
		return Added
	case !has:
		return Removed
	}
	return Changed
}

// unified is the diff of two files as patch reads it.
func unified(path string, before, after []byte, had, has bool) string {
	if had && has && bytes.Equal(before, after) {
		return "(differs only in secrets, which are not shown, or in layout)\n"
	}
	from, to := "live/"+path, "want/"+path
	if !had {
		from = "/dev/null"
	}
	if !has {
		to = "/dev/null"
	}
	text := string(diff.Diff(from, before, to, after))
	if _, rest, ok := strings.Cut(text, "\n"); ok { // "diff FROM TO"
		return rest
	}
	return text
}

func diffPools(live, want []Pool) []PoolDifference {
	before, after := byPath(live), byPath(want)
	paths := maps.Clone(before)
	maps.Copy(paths, after)
	var out []PoolDifference
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		old, had := before[path]
		pool, has := after[path]
		d := PoolDifference{Name: cmp.Or(pool.Name, old.Name), Path: path, Change: changeOf(had, has)}
		d.compare(old.Sorted(), pool.Sorted())
		if had && has && d.Size() == 0 {
			continue
		}
		out = append(out, d)
	}
	return out
}

func byPath(pools []Pool) map[string]Pool {
	out := make(map[string]Pool, len(pools))
	for _, p := range pools {
		out[p.Path] = p
	}
	return out
}

// compare walks both sorted lists once, then pairs what is left by endpoint.
func (d *PoolDifference) compare(live, want []Target) {
	var removed, added []Target
	for len(live) > 0 && len(want) > 0 {
		if labels.Equal(live[0].Labels, want[0].Labels) { // at once, where they are the same in memory
			live, want = live[1:], want[1:]
			continue
		}
		if live[0].Compare(want[0]) < 0 {
			removed, live = append(removed, live[0]), live[1:]
		} else {
			added, want = append(added, want[0]), want[1:]
		}
	}
	d.pair(append(removed, live...), append(added, want...))
}

func (d *PoolDifference) pair(removed, added []Target) {
	if len(removed) == 0 || len(added) == 0 { // of a large pool that comes or goes
		d.Removed, d.Added = entries(removed), entries(added)
		return
	}
	waiting := map[string][]Target{}
	for _, t := range added {
		key := t.endpoint()
		waiting[key] = append(waiting[key], t)
	}
	for _, t := range removed {
		key := t.endpoint()
		queue := waiting[key]
		if len(queue) == 0 {
			d.Removed = append(d.Removed, TargetEntry(t))
			continue
		}
		d.Changed = append(d.Changed, TargetDifference{Before: TargetEntry(t), After: TargetEntry(queue[0])})
		waiting[key] = queue[1:]
	}
	// Those paired are the first of their endpoint: skip as many.
	for _, t := range slices.Backward(added) {
		key := t.endpoint()
		if queue := waiting[key]; len(queue) > 0 {
			d.Added = append(d.Added, TargetEntry(t))
			waiting[key] = queue[:len(queue)-1]
		}
	}
	slices.Reverse(d.Added)
}

func entries(targets []Target) []TargetEntry {
	var out []TargetEntry
	for _, t := range targets {
		out = append(out, TargetEntry(t))
	}
	return out
}

// endpoint is what Prometheus asks: address, scheme, path and params.
func (t Target) endpoint() string {
	var b strings.Builder
	t.Labels.Range(func(l labels.Label) {
		switch {
		case l.Name == addressLabel, l.Name == "__scheme__", l.Name == "__metrics_path__",
			strings.HasPrefix(l.Name, "__param_"):
			b.WriteString(l.Name + "\xff" + l.Value + "\xff")
		}
	})
	return b.String()
}

package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// moves counts what became of the targets of one object, or of a pool that is
// no object's.
type moves struct{ added, removed, changed int }

func (m *moves) count(c artifact.Change) {
	switch c {
	case artifact.Added:
		m.added++
	case artifact.Removed:
		m.removed++
	default:
		m.changed++
	}
}

func (m *moves) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{m.added, "added"}, {m.removed, "removed"}, {m.changed, "changed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// targetChange says in words what differs.
func targetChange(at time.Time, d []artifact.PoolDifference) Change {
	return Change{At: at, Kind: ChangeTargets, Summary: summary(d), Objects: objectsOf(d), Diff: targetLines(d)}
}

// objectsOf are the ScrapeTargets whose targets differ.
func objectsOf(d []artifact.PoolDifference) []spec.ID {
	seen := map[string]bool{}
	for i := range d {
		d[i].Targets(func(_ artifact.Change, t artifact.TargetEntry) { seen[t.Origin.Object] = true })
	}
	delete(seen, "")
	var out []spec.ID
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, spec.ID{Kind: spec.KindScrapeTarget, Name: name})
	}
	return out
}

func summary(d []artifact.PoolDifference) string {
	of := map[string]*moves{}
	for i := range d {
		d[i].Targets(func(c artifact.Change, t artifact.TargetEntry) {
			name := t.Origin.Object
			if name == "" {
				name = d[i].Name
			}
			if of[name] == nil {
				of[name] = &moves{}
			}
			of[name].count(c)
		})
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, name+": "+of[name].String())
	}
	return listed(parts, "; ")
}

package artifact

import (
	"cmp"
	"maps"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// DiffTargets compares the targets of two lists of pools, each in the order of
// [Pool.Sorted], as those of a plan and of what is published are. Pools in which
// nothing differs are left out, and so are pools without a target on either side.
//
// It costs nothing for pools that share their targets ([Pool.SameTargets]), and of
// the others little for targets whose labels are the same in memory: of 100,000
// targets of which one has changed, about a millisecond.
func DiffTargets(before, after []Pool) []PoolDifference {
	old, now := byPath(before), byPath(after)
	paths := maps.Clone(old)
	maps.Copy(paths, now)
	var out []PoolDifference
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		from, had := old[path]
		to, has := now[path]
		if to.SameTargets(from) {
			continue
		}
		d := PoolDifference{Name: cmp.Or(to.Name, from.Name), Path: path, Change: changeOf(had, has)}
		live, want := unlike(from.Targets, to.Targets)
		if d.compare(live, want); d.Size() > 0 {
			out = append(out, d)
		}
	}
	return out
}

// unlike leaves out what both lists begin and end with.
func unlike(live, want []Target) (restOfLive, restOfWant []Target) {
	for len(live) > 0 && len(want) > 0 && labels.Equal(live[0].Labels, want[0].Labels) {
		live, want = live[1:], want[1:]
	}
	for len(live) > 0 && len(want) > 0 && labels.Equal(live[len(live)-1].Labels, want[len(want)-1].Labels) {
		live, want = live[:len(live)-1], want[:len(want)-1]
	}
	return live, want
}

// Lines are one per target, in the form of [Difference.Text]: "-" of what goes,
// "+" of what comes, "!" of what has other labels. No more than limit of them, and
// then one that says how many there are beyond; all if it is negative.
func (p *PoolDifference) Lines(limit int) []string { return p.lines(limit) }

// Size is the number of targets that come, go or differ.
func (p *PoolDifference) Size() int { return len(p.Added) + len(p.Removed) + len(p.Changed) }

// Targets visits those that come, go and differ, in this order.
func (p *PoolDifference) Targets(visit func(c Change, t TargetEntry)) {
	for _, t := range p.Added {
		visit(Added, t)
	}
	for _, t := range p.Removed {
		visit(Removed, t)
	}
	for _, t := range p.Changed {
		visit(Changed, t.After)
	}
}

package plan

import (
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
)

// settle leaves out what Prometheus would take but should not: targets that would
// write into each other's series, those beyond what one object may have, and
// those of other shards. It makes the pools of the plan. What it found of targets
// that are what they were, and beside what they were, it does not look at again.
func (r *run) settle() {
	r.exchangeHeld()
	r.followLive()
	for _, g := range r.dirty(&r.crowds.public) {
		r.judgeLabels(g)
	}
	r.crowds.judged(&r.crowds.public)
	for _, g := range r.dirty(&r.crowds.asked) {
		r.judgeAsked(g)
	}
	r.crowds.judged(&r.crowds.asked)
	r.clashes.findFirsts(r.crowds.public.throngs, r.crowds.asked.throngs)
	r.clashes.report(r)
	r.limit()
	r.shard()
	r.finish()
}

// exchangeHeld puts the held targets in the place of those of the Build before.
func (r *run) exchangeHeld() {
	for _, m := range r.former {
		r.dismiss(m)
		if r.heeds(heedHeld) {
			r.scatter(m)
		}
	}
	r.former = nil
	for _, m := range r.kept {
		r.gather(m)
		r.touch(m)
	}
}

// dirty are the groups to be judged, in the order of their members where somebody
// is told of them.
func (r *run) dirty(c *crowd) []*throng {
	if r.trace != nil {
		slices.SortFunc(c.dirty, func(a, b *throng) int { return compareMembers(firstOf(a.members), firstOf(b.members)) })
	}
	return c.dirty
}

func firstOf(members []*member) *member { return slices.MinFunc(members, compareMembers) }

// placed is a target among those of its group, and whether it is left out.
type placed struct {
	*member
	out  bool
	live bool // it is published now
}

// judgeLabels finds which targets of a group with the same labels, by their hash,
// stay.
func (r *run) judgeLabels(g *throng) {
	r.clashes.retract(g)
	all := make([]placed, 0, len(g.members))
	for _, m := range inOrder(g.members) {
		all = append(all, placed{member: m})
	}
	r.doubles(g, all)
	r.outsiders(g, all)
	r.sameLabels(g, all)
	for _, p := range all {
		if p.member.out != p.out {
			p.member.out = p.out
			r.touch(p.member)
			if r.heeds(heedVerdicts) {
				r.crowds.asked.mark(r.crowds.askedHash(p.member))
			}
		}
	}
}

// leave leaves a target out for what was found, or for "", and tells why to who
// asks.
func (r *run) leave(p *placed, found, code, format string, args ...any) {
	p.out = true
	if r.trace != nil {
		r.trace.withheld(r, &p.Target, &fault{code: code, message: fmt.Sprintf(format, args...)}, found)
	}
}

// doubles leaves out what is in a pool already, with the very same labels.
func (r *run) doubles(g *throng, all []placed) {
	var kept *placed
	for i := range all {
		p := &all[i]
		if kept == nil || kept.pool != p.pool || !labels.Equal(kept.Labels, p.Labels) {
			kept = p
			continue
		}
		r.leave(p, "", CodeDuplicate, "the same target with the same labels is there for %s", ownerOf(kept.Origin.Object))
		if first := kept.Origin.Object; first != p.Origin.Object && first != "" {
			r.clashes.tell(g, p.member, clashDuplicate, first)
		}
	}
}

// sameLabels keeps one of the targets that Prometheus would write into one
// series: the one that is published now, else the first by object and address.
func (r *run) sameLabels(g *throng, all []placed) {
	for _, same := range alike(all, func(t *artifact.Target) string { return public(t.Labels) }) {
		for _, p := range same {
			p.live = r.isPublished(p.member)
		}
		kept := slices.MinFunc(same, func(a, b *placed) int {
			return cmp.Or(first(a.live, b.live), strings.Compare(a.Origin.Object, b.Origin.Object), a.Compare(b.Target))
		})
		owner := ownerOf(kept.Origin.Object)
		for _, p := range same {
			if p != kept {
				r.leave(p, r.seen(kept), CodeSameLabels, "all its labels are those of another target, of %s", owner)
				r.clashes.tell(g, p.member, clashSameLabels, owner)
			}
		}
	}
}

// seen is the URL of a target for who asks.
func (r *run) seen(p *placed) string {
	if r.trace == nil {
		return ""
	}
	return urlOf(p.Labels)
}

// first orders what holds before what does not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// judgeAsked tells where two objects scrape one endpoint of one task with
// different labels: both do, and the later one is told.
func (r *run) judgeAsked(g *throng) {
	r.clashes.retract(g)
	all := make([]placed, 0, len(g.members))
	for _, m := range g.members {
		all = append(all, placed{member: m, out: m.out})
	}
	for _, same := range alike(all, func(t *artifact.Target) string { return t.Origin.Task + "\xff" + urlOf(t.Labels) }) {
		other := slices.MinFunc(same, func(a, b *placed) int { return strings.Compare(a.Origin.Object, b.Origin.Object) }).Origin.Object
		for _, p := range same {
			if other != "" && p.Origin.Object != other {
				r.clashes.tell(g, p.member, clashOverlap, ownerOf(other))
			}
		}
	}
}

// alike are the targets that are not left out and have an equal key, where there
// are several.
func alike(all []placed, key func(*artifact.Target) string) [][]*placed {
	var left []*placed
	for i := range all {
		if !all[i].out {
			left = append(left, &all[i])
		}
	}
	if len(left) < 2 {
		return nil
	}
	index := map[string]int{}
	var groups [][]*placed
	for _, p := range left {
		k := key(&p.Target)
		g, ok := index[k]
		if !ok {
			g = len(groups)
			index[k] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], p)
	}
	return slices.DeleteFunc(groups, func(g []*placed) bool { return len(g) < 2 })
}

// shardOf is the shard that an address falls to, from 0: what Prometheus's own
// hashmod gives for it (Prometheus, model/relabel/relabel.go).
func shardOf(address string, shards int) int {
	sum := md5.Sum([]byte(address))
	return int(binary.BigEndian.Uint64(sum[8:]) % uint64(shards)) //nolint:gosec // below shards
}

// public is what Prometheus knows a series of the target by.
func public(l labels.Labels) string {
	var b strings.Builder
	l.Range(func(l labels.Label) {
		if !strings.HasPrefix(l.Name, model.ReservedLabelPrefix) {
			b.WriteString(l.Name + "\xff" + l.Value + "\xff")
		}
	})
	return b.String()
}

// urlOf is what is scraped; the parameters are in the order of their names.
func urlOf(l labels.Labels) string {
	var b strings.Builder
	b.WriteString(l.Get(model.SchemeLabel) + "://" + l.Get(model.AddressLabel) + l.Get(model.MetricsPathLabel))
	separator := "?"
	l.Range(func(l labels.Label) {
		if name, ok := strings.CutPrefix(l.Name, model.ParamLabelPrefix); ok {
			b.WriteString(separator + name + "=" + l.Value)
			separator = "&"
		}
	})
	return b.String()
}

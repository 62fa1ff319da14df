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
	"ecs-scrape/spec"
)

// placed is a target that may not stand beside others, and whether it is left out.
type placed struct {
	*member
	out bool
}

// settle leaves out what Prometheus would take but should not: targets that would
// write into each other's series, those beyond what one object may have, and
// those of other shards. It makes the pools of the plan.
func (r *run) settle() {
	for _, m := range r.kept {
		r.gather(m)
	}
	all := r.candidates()
	s := &settlement{run: r, out: map[*member]bool{}, outOf: map[*pool][]*member{}, stays: map[*pool][]*member{}, left: map[string]*score{}}
	s.doubles(all)
	r.outsiders(all)
	r.sameLabels(all)
	r.overlaps(all)
	for i := range all {
		if p := &all[i]; p.out {
			s.take(p.member)
		}
	}
	s.limit()
	s.shard()
	s.finish()
	if r.heeds(heedHeld) {
		for _, m := range r.kept {
			r.scatter(m)
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

// withhold leaves a target out for what was found, or for "", and counts it.
func (r *run) withhold(p *placed, found, code, format string, args ...any) {
	r.leave(p, found, code, format, args...)
	if p.Origin.Object != "" {
		r.plan.Withheld[p.Origin.Object]++
	}
}

// clashes counts what one object has in common with another, or with something
// else that has targets.
type clashes map[clash]*tally

type clash struct {
	object string
	other  string // in words
}

type tally struct {
	count   int
	example string // the first of their URLs
}

func (c clashes) add(object, other string, t *artifact.Target) {
	k := clash{object, other}
	if c[k] == nil {
		c[k] = &tally{}
	}
	c[k].count++
	if u := urlOf(t.Labels); c[k].example == "" || u < c[k].example {
		c[k].example = u
	}
}

// report makes a finding of each, in words that begin with how many there are.
func (c clashes) report(r *run, code, words string) {
	for k, t := range c {
		if k.object == "" {
			continue // the record of whose target it is was lost
		}
		r.findings.add(spec.ID{Kind: spec.KindScrapeTarget, Name: k.object}, nil, fault{code: code, message: fmt.Sprintf(words, counted(t.count, "target"), k.other, t.example)})
	}
}

// ownerOf names the object of a target, as far as it was recorded.
func ownerOf(object string) string {
	if object == "" {
		return "a target that was published before"
	}
	return spec.ID{Kind: spec.KindScrapeTarget, Name: object}.String()
}

const sameLabelsWords = "%s withheld: all labels are those of a target of %s, and both would write into the same series: give one of them a label that tells them apart, or narrow a selector (such as %s)"

// sameLabels keeps one of the targets that Prometheus would write into one
// series: the one that is published now, else the first by object and address.
func (r *run) sameLabels(all []placed) {
	found := clashes{}
	groups := grouped(all, func(t *artifact.Target) string { return public(t.Labels) })
	published := r.published(groups)
	for _, group := range groups {
		kept := slices.MinFunc(group, func(a, b *placed) int {
			return cmp.Or(first(published[identity(&a.Target)], published[identity(&b.Target)]),
				strings.Compare(a.Origin.Object, b.Origin.Object), a.Compare(b.Target))
		})
		for _, p := range group {
			if p != kept {
				r.withhold(p, urlOf(kept.Labels), CodeSameLabels, "all its labels are those of another target, of %s", ownerOf(kept.Origin.Object))
				found.add(p.Origin.Object, ownerOf(kept.Origin.Object), &p.Target)
			}
		}
	}
	found.report(r, CodeSameLabels, sameLabelsWords)
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

// published are the identities of the live targets at the addresses of the groups.
func (r *run) published(groups [][]*placed) map[string]bool {
	addresses := map[string]bool{}
	for _, group := range groups {
		for _, p := range group {
			addresses[p.Address()] = true
		}
	}
	out := map[string]bool{}
	if len(addresses) == 0 {
		return out
	}
	for _, pool := range r.in.Live {
		for i := range pool.Targets {
			if t := &pool.Targets[i]; addresses[t.Address()] {
				out[identity(t)] = true
			}
		}
	}
	return out
}

// overlaps tells where two objects scrape one endpoint of one task with different
// labels: both do, and the later one is told.
func (r *run) overlaps(all []placed) {
	found := clashes{}
	for _, group := range grouped(all, func(t *artifact.Target) string { return t.Origin.Task + "\xff" + urlOf(t.Labels) }) {
		slices.SortStableFunc(group, func(a, b *placed) int { return strings.Compare(a.Origin.Object, b.Origin.Object) })
		for _, p := range group[1:] {
			if other := group[0].Origin.Object; p.Origin.Object != other && other != "" {
				found.add(p.Origin.Object, ownerOf(other), &p.Target)
			}
		}
	}
	found.report(r, CodeOverlap, "%s scraped twice, with other labels for %s: narrow one of the selectors (such as %s)")
}

// grouped are the targets that are not left out and have an equal key, where
// there are several.
func grouped(all []placed, key func(*artifact.Target) string) [][]*placed {
	index := map[string]int{}
	var groups [][]*placed
	for i := range all {
		p := &all[i]
		if p.out {
			continue
		}
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

// identity is who scrapes what into which series, whatever the pool and the timing.
func identity(t *artifact.Target) string {
	return t.Origin.Object + "\xff" + urlOf(t.Labels) + "\xff" + public(t.Labels)
}

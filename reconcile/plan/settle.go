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

// placed is a target of the plan, and whether it is left out after all.
type placed struct {
	*artifact.Target
	out bool
}

// settle leaves out what Prometheus would take but should not: targets that would
// write into each other's series, those beyond what one object may have, and
// those of other shards. Pools are sorted, and stay so.
func (r *run) settle() {
	var all []placed
	for _, p := range r.in.Choice.ecsPools() {
		targets := r.pools[p.Path].Targets
		for i := range targets {
			all = append(all, placed{Target: &targets[i]})
		}
	}
	r.outsiders(all)
	r.sameLabels(all)
	r.overlaps(all)
	r.limit(all)
	r.shard(all)
	r.takeOut(all)
}

// takeOut removes what is left out, in the order that settle has collected it.
func (r *run) takeOut(all []placed) {
	for _, p := range r.in.Choice.ecsPools() {
		pool := r.pools[p.Path]
		mine := all[:len(pool.Targets)]
		all = all[len(pool.Targets):]
		if !slices.ContainsFunc(mine, func(p placed) bool { return p.out }) {
			continue
		}
		var rest []artifact.Target
		for _, p := range mine {
			if !p.out {
				rest = append(rest, *p.Target)
			}
		}
		pool.Targets = rest
	}
}

// leave leaves a target out, and tells why to who asks.
func (r *run) leave(p *placed, code, format string, args ...any) {
	r.leaveFor(p, "", code, format, args...)
}

// leaveFor is leave for what was found.
func (r *run) leaveFor(p *placed, found, code, format string, args ...any) {
	p.out = true
	if r.trace != nil {
		r.trace.withheld(r, p.Target, &fault{code: code, message: fmt.Sprintf(format, args...)}, found)
	}
}

// withhold leaves a target out for what was found, or for "", and counts it.
func (r *run) withhold(p *placed, found, code, format string, args ...any) {
	r.leaveFor(p, found, code, format, args...)
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
	groups := grouped(all, model.InstanceLabel, func(t *artifact.Target) string { return public(t.Labels) })
	published := r.published(groups)
	for _, group := range groups {
		kept := slices.MinFunc(group, func(a, b *placed) int {
			return cmp.Or(first(published[identity(a.Target)], published[identity(b.Target)]),
				strings.Compare(a.Origin.Object, b.Origin.Object), a.Compare(*b.Target))
		})
		for _, p := range group {
			if p != kept {
				r.withhold(p, urlOf(kept.Labels), CodeSameLabels, "all its labels are those of another target, of %s", ownerOf(kept.Origin.Object))
				found.add(p.Origin.Object, ownerOf(kept.Origin.Object), p.Target)
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
	for _, group := range grouped(all, model.AddressLabel, func(t *artifact.Target) string { return t.Origin.Task + "\xff" + urlOf(t.Labels) }) {
		slices.SortStableFunc(group, func(a, b *placed) int { return strings.Compare(a.Origin.Object, b.Origin.Object) })
		for _, p := range group[1:] {
			if other := group[0].Origin.Object; p.Origin.Object != other && other != "" {
				found.add(p.Origin.Object, ownerOf(other), p.Target)
			}
		}
	}
	found.report(r, CodeOverlap, "%s scraped twice, with other labels for %s: narrow one of the selectors (such as %s)")
}

// grouped are the targets that are not left out and have an equal key, where
// there are several; those that differ in the label have different keys, and
// that is looked at first, because most targets are alone.
func grouped(all []placed, label string, key func(*artifact.Target) string) [][]*placed {
	count := make(map[string]int32, len(all))
	for i := range all {
		count[all[i].Labels.Get(label)]++
	}
	if len(count) == len(all) {
		return nil
	}
	index := map[string]int{}
	var groups [][]*placed
	for i := range all {
		p := &all[i]
		if p.out || count[p.Labels.Get(label)] == 1 {
			continue
		}
		k := key(p.Target)
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

// limit withholds what an object has beyond the number that it may have.
func (r *run) limit(all []placed) {
	most := r.in.Choice.Config.PrometheusConfig.Enforced.TargetsPerObject
	if most <= 0 {
		return
	}
	have := map[string]int{}
	for i := range all {
		p := &all[i]
		if name := p.Origin.Object; name != "" && !p.out {
			if have[name]++; have[name] > most {
				r.withhold(p, "", CodeTooMany, "its object has more targets than the %d it may have", most)
			}
		}
	}
	for name, n := range have {
		if n > most {
			r.findings.add(spec.ID{Kind: spec.KindScrapeTarget, Name: name}, nil, fault{code: CodeTooMany, message: fmt.Sprintf(
				"it has %d targets and may have %d, so %d are withheld: narrow the selector, or raise spec.enforced.targets_per_object of %s",
				n, most, n-most, r.in.Choice.Config.ID)})
		}
	}
}

// shard leaves out what falls to other shards. A held target stays: the shard
// that it falls to now may not know it yet.
func (r *run) shard(all []placed) {
	shards := r.in.Choice.Config.PrometheusConfig.Shards
	if shards <= 1 {
		return
	}
	for i := range all {
		p := &all[i]
		shard := shardOf(p.Address(), shards)
		if p.out || shard == r.in.Shard || r.held[p.Labels.Hash()] != reserveNone {
			continue
		}
		r.leave(p, CodeOtherShard, "it falls to shard %d of %d", shard, shards)
		r.plan.OtherShards++
		r.absent(p.Origin.Object).OtherShards++
	}
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

package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// settlement collects what a Build leaves out of what its records give.
type settlement struct {
	*run
	out   map[*member]bool
	outOf map[*pool][]*member
	// stays are targets of other shards that stay in this one, which publishes them.
	stays map[*pool][]*member
	left  map[string]*score // of what is left out, by object
}

// take leaves a target out.
func (s *settlement) take(m *member) {
	s.out[m] = true
	s.outOf[m.pool] = append(s.outOf[m.pool], m)
	if !m.held {
		s.of(m).move(m, 1)
	}
}

func (s *settlement) of(m *member) *score {
	t := s.left[m.Origin.Object]
	if t == nil {
		t = &score{}
		s.left[m.Origin.Object] = t
	}
	return t
}

// doubles leaves out what is in a pool already, with the very same labels.
func (s *settlement) doubles(all []placed) {
	var kept *placed
	for i := range all {
		p := &all[i]
		if kept == nil || kept.pool != p.pool || !labels.Equal(kept.Labels, p.Labels) {
			kept = p
			continue
		}
		p.out = true
		s.double(p.Target, kept.Target)
	}
}

// double tells of two targets that are one, whoever asks for it.
func (s *settlement) double(second, first artifact.Target) {
	s.trace.withheld(s.run, &second, &fault{code: CodeDuplicate, message: "the same target with the same labels is there for " + ownerOf(first.Origin.Object)}, "")
	if a, b := first.Origin.Object, second.Origin.Object; a != b && a != "" && b != "" {
		s.findings.add(spec.ID{Kind: spec.KindScrapeTarget, Name: b}, nil, fault{code: CodeDuplicate, message: fmt.Sprintf(
			"%s/%s asks for the same targets with the same labels: narrow one of the selectors, or remove one object", spec.KindScrapeTarget, a)})
	}
}

// limit withholds what an object has beyond the number that it may have.
func (s *settlement) limit() {
	most := s.in.Choice.Config.PrometheusConfig.Enforced.TargetsPerObject
	if most <= 0 {
		return
	}
	for name, n := range s.counts() {
		if n > most {
			s.cut(name, most)
			s.findings.add(spec.ID{Kind: spec.KindScrapeTarget, Name: name}, nil, fault{code: CodeTooMany, message: fmt.Sprintf(
				"it has %d targets and may have %d, so %d are withheld: narrow the selector, or raise spec.enforced.targets_per_object of %s",
				n, most, n-most, s.in.Choice.Config.ID)})
		}
	}
}

// counts are how many targets each ScrapeTarget has left, in all shards.
func (s *settlement) counts() map[string]int {
	out := map[string]int{}
	for _, o := range s.in.Choice.Targets {
		if t := s.scores[o.Name]; t != nil {
			out[o.Name] = t.mine + t.others
		}
		if t := s.left[o.Name]; t != nil {
			out[o.Name] -= t.mine + t.others
		}
	}
	for _, m := range s.keeping() {
		if !m.pool.whole && m.Origin.Object != "" {
			out[m.Origin.Object]++
		}
	}
	return out
}

// keeping are the held targets that are not left out.
func (s *settlement) keeping() []*member {
	return slices.DeleteFunc(slices.Clone(s.kept), func(m *member) bool { return s.out[m] })
}

// cut withholds all targets of an object but the first ones.
func (s *settlement) cut(name string, most int) {
	var all []*member
	for _, rec := range s.records {
		if rec == nil {
			continue
		}
		for i := range rec.targets {
			if m := &rec.targets[i]; m.Origin.Object == name {
				all = append(all, m)
			}
		}
	}
	for _, m := range s.kept {
		if m.Origin.Object == name {
			all = append(all, m)
		}
	}
	all = slices.DeleteFunc(inOrder(all), func(m *member) bool { return s.out[m] })
	for _, m := range all[most:] {
		s.withhold(&placed{member: m}, "", CodeTooMany, "its object has more targets than the %d it may have", most)
		s.take(m)
	}
}

// shard counts what falls to other shards. A held target stays: the shard that it
// falls to now may not know it yet.
func (s *settlement) shard() {
	if s.shards <= 1 {
		return
	}
	for _, m := range s.kept {
		s.stay(m)
	}
	for origin, t := range s.scores {
		n := t.others
		if l := s.left[origin]; l != nil {
			n -= l.others
		}
		if n > 0 {
			s.plan.OtherShards += n
			s.absent(origin).OtherShards = n
		}
	}
	s.traceShards()
}

// stay keeps a target of another shard that a held one has all labels of.
func (s *settlement) stay(held *member) {
	for _, m := range s.crowds.public.several[s.crowds.publicHash(held.Labels)] {
		if m.other && !s.out[m] && labels.Equal(m.Labels, held.Labels) && !slices.Contains(s.stays[m.pool], m) {
			s.stays[m.pool] = append(s.stays[m.pool], m)
			s.of(m).others++
		}
	}
}

// traceShards tells who asks what falls to other shards.
func (s *settlement) traceShards() {
	if s.trace == nil {
		return
	}
	for _, rec := range s.records {
		if rec == nil {
			continue
		}
		for i := range rec.targets {
			m := &rec.targets[i]
			if !m.other || s.out[m] || slices.Contains(s.stays[m.pool], m) {
				continue
			}
			s.trace.withheld(s.run, &m.Target, &fault{code: CodeOtherShard, message: fmt.Sprintf(
				"it falls to shard %d of %d", shardOf(m.Address(), s.shards), s.shards)}, "")
		}
	}
}

// finish makes the pools of the plan and counts what is in them.
func (s *settlement) finish() {
	in := maps.Clone(s.stays)
	for _, m := range s.keeping() {
		in[m.pool] = append(in[m.pool], m)
	}
	for _, p := range s.ordered {
		switch {
		case p.Alertmanager != "":
			p.compact(in[p])
		case !p.whole:
			out := slices.DeleteFunc(slices.Clone(s.outOf[p]), func(m *member) bool { return m.held || m.other })
			p.finish(values(inOrder(out)), values(inOrder(in[p])))
		}
		s.plan.Bundle.Pools = append(s.plan.Bundle.Pools, artifact.Pool{Name: p.Name, Path: p.Path, Targets: p.final, Guarded: p.guarded})
	}
	s.countTargets(in)
}

// countTargets counts those of each object, and where they are from.
func (s *settlement) countTargets(in map[*pool][]*member) {
	more := map[string]*score{}
	for p, members := range in {
		for _, m := range members {
			if m.Origin.Object == "" || p.whole {
				continue
			}
			if more[m.Origin.Object] == nil {
				more[m.Origin.Object] = &score{}
			}
			more[m.Origin.Object].move(&member{Target: m.Target}, 1)
		}
	}
	for name := range s.plan.Targets {
		sum := score{scopes: map[inventory.Scope]int{}}
		sum.sum(s.scores[name], 1)
		sum.sum(s.left[name], -1)
		sum.sum(more[name], 1)
		if s.plan.Targets[name] = sum.mine; sum.mine > 0 {
			maps.DeleteFunc(sum.scopes, func(_ inventory.Scope, n int) bool { return n == 0 })
			s.plan.Places[name] = Place{Pool: s.homes[name].Name, Scopes: slices.SortedFunc(maps.Keys(sum.scopes), inventory.Scope.Compare)}
		}
	}
}

// sum adds the targets of another, or takes them away; nil has none.
func (t *score) sum(other *score, by int) {
	if other == nil {
		return
	}
	t.mine += by * other.mine
	for scope, n := range other.scopes {
		t.scopes[scope] += by * n
	}
}

// compact makes the targets of a pool in which nothing is settled: each once, and
// a held one only where no record gives it.
func (p *pool) compact(held []*member) {
	final := once(p.mine)
	held = slices.DeleteFunc(slices.Clone(held), func(m *member) bool {
		_, given := slices.BinarySearchFunc(final, m.Target, artifact.Target.Compare)
		return given
	})
	final = edit(final, nil, once(values(inOrder(held))))
	if !slices.EqualFunc(final, p.final, artifact.Target.Equal) {
		p.final = final
	}
}

// once is the ordered list with one of those that have the same labels.
func once(list []artifact.Target) []artifact.Target {
	return slices.CompactFunc(slices.Clone(list), func(a, b artifact.Target) bool { return labels.Equal(a.Labels, b.Labels) })
}

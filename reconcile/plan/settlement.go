package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// touch has it looked at whether the target stands in its pool.
func (r *run) touch(m *member) {
	if !m.touched && !m.pool.whole {
		m.touched = true
		r.touched = append(r.touched, m)
	}
	r.accountFor(m)
}

// dismiss is the last that is done with a target.
func (r *run) dismiss(m *member) {
	m.gone = true
	r.touch(m)
}

// accountFor counts a target that records give and that is left out.
func (r *run) accountFor(m *member) {
	leaves := (m.out || m.cut) && !m.gone && !m.held
	if leaves == m.left {
		return
	}
	m.left = leaves
	t := r.left[m.Origin.Object]
	if t == nil {
		t = &score{}
		r.left[m.Origin.Object] = t
	}
	if leaves {
		t.move(m, 1)
	} else {
		t.move(m, -1)
	}
}

// stands says that the target is in its pool's file. A held one is in this shard
// whatever its address: the shard that it falls to now may not know it yet.
func (m *member) stands() bool {
	return !m.gone && !m.out && !m.cut && (m.held || !m.other || m.stays)
}

// keeping are the held targets that are not left out.
func (r *run) keeping() []*member {
	return slices.DeleteFunc(slices.Clone(r.kept), func(m *member) bool { return m.out || m.cut })
}

// shard counts what falls to other shards.
func (r *run) shard() {
	if r.shards <= 1 {
		return
	}
	for _, m := range r.staying {
		m.stays = false
		r.touch(m)
	}
	r.staying = nil
	others := map[string]int{}
	for origin, t := range r.scores {
		others[origin] = t.others
		if l := r.left[origin]; l != nil {
			others[origin] -= l.others
		}
	}
	for _, m := range r.kept {
		r.stay(m)
	}
	for _, m := range r.staying {
		others[m.Origin.Object]--
	}
	for origin, n := range others {
		if n > 0 {
			r.plan.OtherShards += n
			r.absent(origin).OtherShards = n
		}
	}
	r.traceShards()
}

// stay keeps a target of another shard that a held one has all labels of: this
// shard publishes it.
func (r *run) stay(held *member) {
	g := r.crowds.public.throngs[r.crowds.publicHash(held.Labels)]
	if g == nil {
		return
	}
	for _, m := range g.members {
		if m.other && !m.out && !m.cut && !m.stays && labels.Equal(m.Labels, held.Labels) {
			m.stays = true
			r.staying = append(r.staying, m)
			r.touch(m)
		}
	}
}

// traceShards tells who asks what falls to other shards.
func (r *run) traceShards() {
	if r.trace == nil {
		return
	}
	for m := range r.members() {
		if m.other && !m.out && !m.cut && !m.stays {
			r.trace.withheld(r, &m.Target, &fault{code: CodeOtherShard, message: fmt.Sprintf(
				"it falls to shard %d of %d", shardOf(m.Address(), r.shards), r.shards)}, "")
		}
	}
}

// finish makes the pools of the plan and counts what is in them.
func (r *run) finish() {
	for _, m := range r.touched {
		m.touched = false
		if now := m.stands(); now && !m.stood {
			m.pool.added = append(m.pool.added, m)
		} else if !now && m.stood {
			m.pool.removed = append(m.pool.removed, m)
		}
		m.stood = m.stands()
	}
	r.touched = nil
	kept := r.keeping()
	for _, p := range r.ordered {
		switch {
		case p.Alertmanager != "":
			p.compact(slices.DeleteFunc(slices.Clone(kept), func(m *member) bool { return m.pool != p }))
		case !p.whole:
			p.final = p.merged(p.final)
		}
		r.plan.Bundle.Pools = append(r.plan.Bundle.Pools, artifact.Pool{Name: p.Name, Path: p.Path, Targets: p.final, Guarded: p.guarded})
	}
	r.countTargets(append(kept, r.staying...))
}

// countTargets counts those of each object, and where they are from; more are in
// the plan although the scores of this shard lack them.
func (r *run) countTargets(more []*member) {
	added := map[string]*score{}
	for _, m := range more {
		if m.Origin.Object == "" || m.pool.whole {
			continue
		}
		if added[m.Origin.Object] == nil {
			added[m.Origin.Object] = &score{}
		}
		added[m.Origin.Object].move(&member{Target: m.Target}, 1)
	}
	for name := range r.plan.Targets {
		sum := score{scopes: map[inventory.Scope]int{}}
		sum.sum(r.scores[name], 1)
		sum.sum(r.left[name], -1)
		sum.sum(added[name], 1)
		if r.plan.Targets[name] = sum.mine; sum.mine > 0 {
			maps.DeleteFunc(sum.scopes, func(_ inventory.Scope, n int) bool { return n == 0 })
			r.plan.Places[name] = Place{Pool: r.homes[name].Name, Scopes: slices.SortedFunc(maps.Keys(sum.scopes), inventory.Scope.Compare)}
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
// a held one only where no record gives it. The list of held ones is used up.
func (p *pool) compact(held []*member) {
	p.all = p.merged(p.all)
	final := once(p.all)
	held = slices.DeleteFunc(held, func(m *member) bool {
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

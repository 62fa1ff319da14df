package plan

import (
	"fmt"
	"iter"
	"slices"

	"ecs-scrape/spec"
)

// ranking is all targets of an object that count against its limit, in order. It
// is made when the object first has too many, and kept from then on: one that
// goes up and down around its limit costs no more.
type ranking struct {
	members []*member
	added   []*member
	changed bool
}

// limit withholds what an object has beyond the number that it may have.
func (r *run) limit() {
	most := r.in.Choice.Config.PrometheusConfig.Enforced.TargetsPerObject
	if most <= 0 {
		return
	}
	r.rerank()
	r.rank(most)
	for name, k := range r.rankings {
		k.cut(r, most)
		n := len(k.members)
		if n <= most {
			continue
		}
		r.plan.Withheld[name] += n - most
		r.findings.add(spec.ID{Kind: spec.KindScrapeTarget, Name: name}, nil, fault{code: CodeTooMany, message: fmt.Sprintf(
			"it has %d targets and may have %d, so %d are withheld: narrow the selector, or raise spec.enforced.targets_per_object of %s",
			n, most, n-most, r.in.Choice.Config.ID)})
	}
}

// counts says that a target counts against the limit of its object.
func (m *member) counts() bool { return !m.gone && !m.out }

// rerank has the rankings take up what was touched.
func (r *run) rerank() {
	if len(r.rankings) == 0 || !r.heeds(heedRanks) {
		return
	}
	for _, m := range r.touched {
		k := r.rankings[m.Origin.Object]
		if k == nil || m.counts() == m.ranked {
			continue
		}
		k.changed = true
		if m.ranked = m.counts(); m.ranked {
			k.added = append(k.added, m)
		}
	}
}

// rank makes the rankings of the objects that have too many for the first time.
func (r *run) rank(most int) {
	held := map[string]int{}
	for _, m := range r.keeping() {
		held[m.Origin.Object]++
	}
	missing := false
	for _, o := range r.in.Choice.Targets {
		n := held[o.Name]
		if t := r.scores[o.Name]; t != nil {
			n += t.mine + t.others
		}
		if t := r.left[o.Name]; t != nil {
			n -= t.mine + t.others
		}
		if r.rankings[o.Name] == nil && n > most {
			r.rankings[o.Name] = &ranking{changed: true}
			missing = true
		}
	}
	if !missing {
		return
	}
	take := func(m *member) {
		if k := r.rankings[m.Origin.Object]; k != nil && !m.ranked && m.counts() {
			m.ranked, k.added = true, append(k.added, m)
		}
	}
	for m := range r.members() {
		take(m)
	}
	for _, m := range r.kept {
		take(m)
	}
}

// cut takes up what has changed and withholds all but the first ones.
func (k *ranking) cut(r *run, most int) {
	if !k.changed {
		return
	}
	before, added := k.members, inOrder(k.added)
	*k = ranking{members: make([]*member, 0, len(before)+len(added))}
	for _, m := range added {
		at, _ := slices.BinarySearchFunc(before, m, compareMembers)
		k.take(r, before[:at])
		k.members, before = append(k.members, m), before[at:]
	}
	k.take(r, before)
	for i, m := range k.members {
		r.setCut(m, i >= most)
	}
	r.traceCut(k, most)
}

// take adds those of the list that are still ranked, all of them behind the others.
func (k *ranking) take(r *run, list []*member) {
	for _, m := range list {
		if m.ranked {
			k.members = append(k.members, m)
		} else {
			r.setCut(m, false)
		}
	}
}

func (r *run) setCut(m *member, cut bool) {
	if m.cut != cut {
		m.cut = cut
		r.touch(m)
	}
}

// traceCut tells who asks what is withheld.
func (r *run) traceCut(k *ranking, most int) {
	if r.trace == nil || len(k.members) <= most {
		return
	}
	for _, m := range k.members[most:] {
		r.trace.withheld(r, &m.Target, &fault{code: CodeTooMany, message: fmt.Sprintf("its object has more targets than the %d it may have", most)}, "")
	}
}

// members are the targets that records give.
func (r *run) members() iter.Seq[*member] {
	return func(yield func(*member) bool) {
		for _, rec := range r.records {
			if rec == nil {
				continue
			}
			for i := range rec.targets {
				if !yield(&rec.targets[i]) {
					return
				}
			}
		}
	}
}

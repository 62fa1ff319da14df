package plan

import (
	"slices"
	"strings"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// pool is a target file in the making. Its lists are in the order of the file,
// and are replaced, never changed.
type pool struct {
	Pool
	guarded string // as in artifact.Pool
	whole   bool   // all shards have all of it, and nothing in it is settled
	order   int    // among the pools by path

	all []artifact.Target // those of all records, where it is whole
	// What is to come into the list and to go since it was made.
	added, removed []*member

	final []artifact.Target // the targets of the plan
}

// makePools makes those of the choice, the two programs' with their targets.
func (r *run) makePools() {
	for i, p := range r.in.Choice.Pools() {
		made := &pool{Pool: p, order: i, whole: p.self || p.Alertmanager != ""}
		if class, ok := r.in.Choice.Config.PrometheusConfig.Class(p.Class); ok && !mayRetarget(class) {
			made.guarded = schemeOf(spec.Field(class.ScrapeConfig.Node, "scheme"))
		}
		r.pools[p.Path] = made
		r.ordered = append(r.ordered, made)
	}
}

// merged is the ordered list with what was added and without what was removed.
// Where that is the same the very list is returned.
func (p *pool) merged(list []artifact.Target) []artifact.Target {
	added, removed := cancel(inOrder(p.added), inOrder(p.removed))
	p.added, p.removed = nil, nil
	return edit(list, values(removed), values(added))
}

// compareMembers orders by pool and by the order in the file; of equal ones a held
// one comes last, so that what is planned stays.
func compareMembers(a, b *member) int {
	switch {
	case a.pool != b.pool:
		return a.pool.order - b.pool.order
	case a.held != b.held:
		if c := a.Compare(b.Target); c != 0 {
			return c
		}
		return first(b.held, a.held)
	}
	return a.CompareInFile(b.Target)
}

// inOrder sorts the list. Addresses are looked up once, and nearly always decide.
func inOrder(members []*member) []*member {
	type addressed struct {
		address string
		*member
	}
	all := make([]addressed, len(members))
	for i, m := range members {
		all[i] = addressed{m.Address(), m}
	}
	slices.SortFunc(all, func(a, b addressed) int {
		if a.pool == b.pool && a.address != b.address {
			return strings.Compare(a.address, b.address)
		}
		return compareMembers(a.member, b.member)
	})
	for i := range all {
		members[i] = all[i].member
	}
	return members
}

// cancel drops what is in both lists of one pool, which are in order.
func cancel(a, b []*member) (onlyA, onlyB []*member) {
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].CompareInFile(b[0].Target); {
		case c == 0:
			a, b = a[1:], b[1:]
		case c < 0:
			onlyA, a = append(onlyA, a[0]), a[1:]
		default:
			onlyB, b = append(onlyB, b[0]), b[1:]
		}
	}
	return append(onlyA, a...), append(onlyB, b...)
}

func values(members []*member) []artifact.Target {
	if len(members) == 0 {
		return nil
	}
	out := make([]artifact.Target, len(members))
	for i, m := range members {
		out[i] = m.Target
	}
	return out
}

// edit is the ordered list without some of its targets and with others, all in
// order; the very list where there are neither. What lies between is copied as
// it is: a change of one target in 100,000 costs little more than a copy.
func edit(list, without, with []artifact.Target) []artifact.Target {
	switch {
	case len(without)+len(with) == 0:
		return list
	case len(list) == 0:
		return with
	}
	out := make([]artifact.Target, 0, len(list)+len(with)-len(without))
	for len(without)+len(with) > 0 {
		goes := len(with) == 0 || len(without) > 0 && without[0].CompareInFile(with[0]) <= 0
		next := &with
		if goes {
			next = &without
		}
		at, found := slices.BinarySearchFunc(list, (*next)[0], artifact.Target.CompareInFile)
		out, list = append(out, list[:at]...), list[at:]
		switch {
		case !goes:
			out = append(out, (*next)[0])
		case found:
			list = list[1:]
		default:
			panic("a target to be taken out is not there: " + (*next)[0].Labels.String())
		}
		*next = (*next)[1:]
	}
	if out = append(out, list...); len(out) == 0 {
		return nil
	}
	return out
}

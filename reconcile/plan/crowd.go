package plan

import (
	"hash/maphash"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// crowds find the targets that may not stand together, without a look at the
// others: those that are alike by a hash of what must differ. Who is found is then
// compared in full.
type crowds struct {
	seed   maphash.Seed
	public crowd // by the labels that Prometheus knows series by
	asked  crowd // by the task and what is scraped of it
	// foreign are those with the labels of a target that no ScrapeTarget asks for,
	// and what that one is of.
	foreign map[*member]string
}

// crowd holds members by a hash.
type crowd struct {
	alone   map[uint64]*member
	several map[uint64][]*member
}

func newCrowds() crowds {
	return crowds{
		seed: maphash.MakeSeed(), foreign: map[*member]string{},
		public: crowd{map[uint64]*member{}, map[uint64][]*member{}},
		asked:  crowd{map[uint64]*member{}, map[uint64][]*member{}},
	}
}

func (c *crowd) add(hash uint64, m *member) {
	if all, ok := c.several[hash]; ok {
		c.several[hash] = append(all, m)
		return
	}
	if other, ok := c.alone[hash]; ok {
		delete(c.alone, hash)
		c.several[hash] = []*member{other, m}
		return
	}
	c.alone[hash] = m
}

func (c *crowd) remove(hash uint64, m *member) {
	all, ok := c.several[hash]
	if !ok {
		delete(c.alone, hash)
		return
	}
	if all = without(all, m); len(all) > 1 {
		c.several[hash] = all
		return
	}
	delete(c.several, hash)
	c.alone[hash] = all[0]
}

// gather has a target looked at beside others.
func (r *run) gather(m *member) {
	if m.pool.whole {
		return
	}
	r.crowds.public.add(r.crowds.publicHash(m.Labels), m)
	r.crowds.asked.add(r.crowds.askedHash(m), m)
	if owner := r.outside.owner(m.Labels); owner != "" {
		r.crowds.foreign[m] = owner
	}
}

// scatter undoes gather.
func (r *run) scatter(m *member) {
	if m.pool.whole {
		return
	}
	r.crowds.public.remove(r.crowds.publicHash(m.Labels), m)
	r.crowds.asked.remove(r.crowds.askedHash(m), m)
	delete(r.crowds.foreign, m)
}

// candidates are those that may not stand together, in the order of their pools.
func (r *run) candidates() []placed {
	found := map[*member]struct{}{}
	for m := range r.crowds.foreign {
		found[m] = struct{}{}
	}
	for _, c := range []crowd{r.crowds.public, r.crowds.asked} {
		for _, all := range c.several {
			for _, m := range all {
				found[m] = struct{}{}
			}
		}
	}
	members := make([]*member, 0, len(found))
	for m := range found {
		members = append(members, m)
	}
	out := make([]placed, 0, len(members))
	for _, m := range inOrder(members) {
		out = append(out, placed{member: m})
	}
	return out
}

// publicHash is of what public tells.
func (c *crowds) publicHash(l labels.Labels) uint64 {
	var h uint64
	l.Range(func(l labels.Label) {
		if !strings.HasPrefix(l.Name, model.ReservedLabelPrefix) {
			h = c.mix(c.mix(h, l.Name), l.Value)
		}
	})
	return h
}

// askedHash is of the task and of what urlOf tells.
func (c *crowds) askedHash(m *member) uint64 {
	h := c.mix(0, m.Origin.Task)
	m.Labels.Range(func(l labels.Label) {
		switch l.Name {
		case model.AddressLabel, model.SchemeLabel, model.MetricsPathLabel:
			h = c.mix(h, l.Value)
		default:
			if strings.HasPrefix(l.Name, model.ParamLabelPrefix) {
				h = c.mix(c.mix(h, l.Name), l.Value)
			}
		}
	})
	return h
}

func (c *crowds) mix(h uint64, s string) uint64 {
	const odd = 0x9e3779b97f4a7c15
	return (h ^ maphash.String(c.seed, s)) * odd
}

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
	throngs map[uint64]*throng
	dirty   []*throng // those to be judged
}

// throng is of members with one hash: several, or one that is foreign. It keeps
// what was found of it until it is another.
type throng struct {
	hash    uint64
	members []*member
	told    []telling
	dirty   bool // it is in the list of those to be judged
}

func newCrowds() crowds {
	return crowds{
		seed: maphash.MakeSeed(), foreign: map[*member]string{},
		public: crowd{alone: map[uint64]*member{}, throngs: map[uint64]*throng{}},
		asked:  crowd{alone: map[uint64]*member{}, throngs: map[uint64]*throng{}},
	}
}

// add takes a member in. One that is foreign is judged even where it is alone.
func (c *crowd) add(hash uint64, m *member, foreign bool) {
	g := c.throngs[hash]
	if g == nil {
		other := c.alone[hash]
		if other == nil && !foreign {
			c.alone[hash] = m
			return
		}
		g = &throng{hash: hash}
		if other != nil {
			delete(c.alone, hash)
			g.members = append(g.members, other)
		}
		c.throngs[hash] = g
	}
	g.members = append(g.members, m)
	c.mark(hash)
}

func (c *crowd) remove(hash uint64, m *member) {
	g := c.throngs[hash]
	if g == nil {
		delete(c.alone, hash)
		return
	}
	g.members = without(g.members, m)
	c.mark(hash)
}

// mark has the group of the hash judged, if there is one.
func (c *crowd) mark(hash uint64) {
	if g := c.throngs[hash]; g != nil && !g.dirty {
		g.dirty = true
		c.dirty = append(c.dirty, g)
	}
}

// judged drops the groups that are none any more from those that were dirty.
func (c *crowds) judged(of *crowd) {
	for _, g := range of.dirty {
		g.dirty = false
		switch {
		case len(g.members) == 0:
			delete(of.throngs, g.hash)
		case len(g.members) == 1 && c.foreign[g.members[0]] == "":
			delete(of.throngs, g.hash)
			of.alone[g.hash] = g.members[0]
		}
	}
	of.dirty = nil
}

// gather has a target looked at beside others.
func (r *run) gather(m *member) {
	if m.pool.whole {
		return
	}
	owner := r.outside.owner(m.Labels)
	if owner != "" {
		r.crowds.foreign[m] = owner
	}
	r.crowds.public.add(r.crowds.publicHash(m.Labels), m, owner != "")
	r.crowds.asked.add(r.crowds.askedHash(m), m, false)
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
	return c.urlHash(c.mix(0, m.Origin.Task), m.Labels)
}

// identityHash is of what makes two targets of one object the same, whatever the
// pool and the timing.
func (c *crowds) identityHash(object string, l labels.Labels) uint64 {
	return c.urlHash(c.mix(c.publicHash(l), object), l)
}

func (c *crowds) urlHash(h uint64, l labels.Labels) uint64 {
	l.Range(func(l labels.Label) {
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

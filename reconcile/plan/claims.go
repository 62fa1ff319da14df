package plan

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"ecs-scrape/reconcile/inventory"
)

// claims knows the newest running task of each place that only one task can have
// at a time: an address within its subnet (awsvpc), a port of an instance
// (bridge, host). An older task that still claims it is one whose end went
// unnoticed. It also knows who asked, so that they are planned again when the
// answer is another.
type claims struct {
	places  map[claim]*place
	changed []*place // since settle
	swept   int      // how many places a sweep left
}

type claim struct {
	account, region string
	within          string // subnet, or container instance
	address         netip.Addr
	port            uint16
}

type place struct {
	newest    *inventory.Task // nil where nobody claims it
	claimants []*inventory.Task
	askers    []*record
	changed   bool
}

func (c *claims) at(k claim) *place {
	p := c.places[k]
	if p == nil {
		p = &place{}
		c.places[k] = p
	}
	return p
}

// take has a task claim its places.
func (c *claims) take(t *inventory.Task) {
	claimsOf(t, func(k claim) {
		p := c.at(k)
		p.claimants = append(p.claimants, t)
		c.touch(p)
	})
}

// drop undoes take.
func (c *claims) drop(t *inventory.Task) {
	claimsOf(t, func(k claim) {
		p := c.at(k)
		p.claimants = without(p.claimants, t)
		c.touch(p)
	})
}

func (c *claims) touch(p *place) {
	if !p.changed {
		p.changed = true
		c.changed = append(c.changed, p)
	}
}

// settle finds the newest task of each place that has changed. It returns those
// who asked about one that another task has now.
func (c *claims) settle() []*record {
	var out []*record
	for _, p := range c.changed {
		p.changed = false
		var newest *inventory.Task
		if len(p.claimants) > 0 {
			newest = slices.MaxFunc(p.claimants, compareClaimants)
		}
		if p.newest != newest {
			p.newest = newest
			out = append(out, p.askers...)
		}
	}
	c.changed = nil
	if len(c.places) > 2*c.swept+1000 {
		maps.DeleteFunc(c.places, func(_ claim, p *place) bool { return len(p.claimants)+len(p.askers) == 0 })
		c.swept = len(c.places)
	}
	return out
}

// compareClaimants orders tasks by age, the newest last; of two that were started
// at one time the first by scope and ARN is the newer.
func compareClaimants(a, b *inventory.Task) int {
	return cmp.Or(a.StartedAt.Compare(b.StartedAt), compareTasks(b, a))
}

// claimsOf are the places that a running task says it has.
func claimsOf(t *inventory.Task, yield func(claim)) {
	found := func(k claim) {
		if k.address.IsValid() || k.port != 0 {
			k.account, k.region = t.Scope.Account, t.Scope.Region
			yield(k)
		}
	}
	if i := t.Interface; i != nil {
		found(claim{within: i.SubnetID, address: i.IPv4})
		found(claim{within: i.SubnetID, address: i.IPv6})
	}
	for i := range t.Containers {
		for _, b := range t.Containers[i].Bindings {
			if t.Instance != "" && b.Protocol == tcp {
				found(claim{within: t.Instance, port: b.Host.First})
			}
		}
	}
}

// newer is the newer task that has the endpoint's place now, or nil; the record is
// told when that changes.
func (c *claims) newer(rec *record, w *workload, address netip.AddrPort) *inventory.Task {
	k := claim{account: w.task.Scope.Account, region: w.task.Scope.Region}
	switch {
	case w.definition.Mode() != inventory.NetworkAWSVPC:
		k.within, k.port = w.task.Instance, address.Port()
	case w.task.Interface != nil:
		k.within, k.address = w.task.Interface.SubnetID, address.Addr()
	}
	if !k.address.IsValid() && k.port == 0 {
		return nil
	}
	p := c.at(k)
	if !slices.Contains(rec.asked, p) {
		rec.asked = append(rec.asked, p)
		p.askers = append(p.askers, rec)
	}
	if t := p.newest; t != nil && t.StartedAt.After(w.task.StartedAt) {
		return t
	}
	return nil
}

package reconcile

import (
	"bytes"
	"maps"

	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// changes remembers which objects have been others, at any time in this process,
// than those that an earlier one published.
type changes struct {
	earlier Accepted
	found   plan.Changed
}

// note adds those that are others now, or not served. Where the record of what an
// earlier process accepted was lost, nothing speaks against what is published, and
// the objects served first count as its.
func (c *changes) note(choice *plan.Choice) plan.Changed {
	if len(c.earlier) == 0 {
		c.earlier = Accepted{choice.Config.ID: choice.Config}
		for _, o := range choice.Targets {
			c.earlier[o.ID] = o
		}
	}
	served := map[spec.ID]bool{}
	var others []string
	for _, o := range choice.Targets {
		served[o.ID] = true
		if c.other(o) {
			others = append(others, o.Name)
		}
	}
	for id := range c.earlier {
		if id.Kind == spec.KindScrapeTarget && !served[id] {
			others = append(others, id.Name)
		}
	}
	if len(others) > 0 {
		all := maps.Clone(c.found.Targets) // the last plan has the old one
		if all == nil {
			all = map[string]bool{}
		}
		for _, name := range others {
			all[name] = true
		}
		c.found.Targets = all
	}
	c.found.Config = c.found.Config || c.other(choice.Config)
	return c.found
}

// other says that the object is not what it was. Nobody wrote one without source.
func (c *changes) other(o *spec.Object) bool {
	before := c.earlier[o.ID]
	if before == nil {
		return o.Source != nil
	}
	return !bytes.Equal(before.Source, o.Source)
}

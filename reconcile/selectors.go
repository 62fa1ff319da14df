package reconcile

import "ecs-scrape/spec"

// Selectors are those of the ScrapeTargets that are served, by name; none where
// nothing was planned. They are not to be changed.
func (p *Pass) Selectors() map[string]*spec.Selector {
	if p.Plan == nil || p.input.Choice == nil {
		return nil
	}
	out := make(map[string]*spec.Selector, len(p.input.Choice.Targets))
	for _, o := range p.input.Choice.Targets {
		out[o.Name] = &o.ScrapeTarget.Selector
	}
	return out
}

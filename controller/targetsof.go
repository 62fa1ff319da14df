package controller

import (
	"ecs-scrape/reconcile/plan"
)

// TargetsOf are the targets of a ScrapeTarget, in the order of their file.
func (s *Status) TargetsOf(name string) []plan.TargetExplanation {
	var out []plan.TargetExplanation
	if s.pools == nil { // one that was read, or is detailed
		for i := range s.Pools {
			for _, t := range s.Pools[i].Targets {
				if t.Object == name {
					out = append(out, plan.TargetExplanation{Address: t.Address, Labels: t.Labels})
				}
			}
		}
		return out
	}
	for i := range s.pools {
		for _, t := range s.pools[i].Targets {
			if t.Origin.Object == name {
				out = append(out, plan.TargetExplanation{Address: t.Address(), Task: t.Origin.Task, Labels: t.Labels})
			}
		}
	}
	return out
}

package reconcile

import (
	"slices"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// scopesOf are the sorted places that published targets come from.
func scopesOf(live *artifact.Bundle) []inventory.Scope {
	seen := map[inventory.Scope]bool{}
	for _, p := range live.Pools {
		for _, t := range p.Targets {
			if s := scopeOf(t); s.Cluster != "" {
				seen[s] = true
			}
		}
	}
	out := make([]inventory.Scope, 0, len(seen))
	for s := range seen {
		out = append(out, s)
	}
	slices.SortFunc(out, inventory.Scope.Compare)
	return out
}

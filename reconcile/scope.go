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

// keepMoving adds to the wanted pools those published targets whose object is
// moving to a pool that the live configuration does not have: while Prometheus
// refuses the new configuration they are scraped where they were.
func keepMoving(live *artifact.Bundle, want []artifact.Pool) []artifact.Pool {
	had := map[string]bool{}
	for _, p := range live.Pools {
		had[p.Path] = true
	}
	moving := map[string]bool{}
	for _, p := range want {
		if had[p.Path] {
			continue
		}
		for _, t := range p.Targets {
			moving[t.Origin.Object] = true
		}
	}
	if len(moving) == 0 {
		return want
	}
	out := slices.Clone(want)
	for i := range out {
		out[i].Targets = withMoving(out[i].Targets, poolAt(live, out[i].Path), moving)
	}
	return out
}

func withMoving(want, live []artifact.Target, moving map[string]bool) []artifact.Target {
	out := slices.Clone(want)
	for _, t := range live {
		if moving[t.Origin.Object] {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, artifact.Target.Compare)
	return slices.CompactFunc(out, func(a, b artifact.Target) bool { return a.Compare(b) == 0 })
}

func poolAt(b *artifact.Bundle, path string) []artifact.Target {
	for _, p := range b.Pools {
		if p.Path == path {
			return p.Targets
		}
	}
	return nil
}

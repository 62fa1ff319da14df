package reconcile

import (
	"slices"

	"ecs-scrape/reconcile/artifact"
)

// keepMoving adds to the wanted pools those published targets whose object is
// moving to another pool and that still run: until Prometheus has loaded a
// configuration with the new pool, and for as long as it refuses it, they are
// scraped where they were. One of another scheme, or whose address is not the
// discovered one, does not stay where credentials are shown: the configuration
// may have just begun to.
func keepMoving(live *artifact.Bundle, want []artifact.Pool) []artifact.Pool {
	homes := map[string]string{} // the pool that each object wants its targets in
	for _, p := range want {
		for i := range p.Targets {
			homes[p.Targets[i].Origin.Object] = p.Path
		}
	}
	var running map[artifact.Endpoint]bool // made when the first moving target is seen
	out := slices.Clone(want)
	for i := range out {
		for _, t := range poolAt(live, out[i].Path) {
			home, ok := homes[t.Origin.Object]
			if !ok || t.Origin.Object == "" || home == out[i].Path || !out[i].Admits(t) {
				continue
			}
			if running == nil {
				running = artifact.Endpoints(want)
			}
			if running[t.Endpoint()] {
				out[i].Targets = append(slices.Clip(out[i].Targets), t)
			}
		}
	}
	for i := range out {
		if len(out[i].Targets) != len(want[i].Targets) {
			slices.SortFunc(out[i].Targets, artifact.Target.Compare)
		}
	}
	return out
}

func poolAt(b *artifact.Bundle, path string) []artifact.Target {
	for _, p := range b.Pools {
		if p.Path == path {
			return p.Targets
		}
	}
	return nil
}

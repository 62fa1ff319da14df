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
	return keepWhile(live, want, func(string, artifact.Endpoint) bool { return true })
}

// keepUnwritten is keepMoving for those alone that the file of their new pool
// lacks yet: it may have to wait, because it was written a moment ago.
func keepUnwritten(live *artifact.Bundle, want []artifact.Pool) []artifact.Pool {
	written := map[string]map[artifact.Endpoint]bool{}
	return keepWhile(live, want, func(home string, e artifact.Endpoint) bool {
		there, known := written[home]
		if !known {
			there = artifact.Endpoints([]artifact.Pool{{Targets: poolAt(live, home)}})
			written[home] = there
		}
		return !there[e]
	})
}

// keepWhile keeps the targets that are moving for as long as it holds of the path
// of their new pool.
func keepWhile(live *artifact.Bundle, want []artifact.Pool, holds func(home string, e artifact.Endpoint) bool) []artifact.Pool {
	homes := homesOf(want)
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
			if e := t.Endpoint(); running[e] && holds(home, e) {
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

// homesOf are the paths of the pools that each object wants its targets in.
func homesOf(want []artifact.Pool) map[string]string {
	homes := map[string]string{}
	for _, p := range want {
		last := ""
		for i := range p.Targets {
			if o := p.Targets[i].Origin.Object; o != last || i == 0 {
				homes[o], last = p.Path, o
			}
		}
	}
	return homes
}

// kept says that pools have more targets than wanted.
func kept(pools, want []artifact.Pool) bool {
	for i := range pools {
		if len(pools[i].Targets) != len(want[i].Targets) {
			return true
		}
	}
	return false
}

func poolAt(b *artifact.Bundle, path string) []artifact.Target {
	for _, p := range b.Pools {
		if p.Path == path {
			return p.Targets
		}
	}
	return nil
}

package plan

import (
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// origins are the places that the targets of a live pool are from.
type origins struct {
	pool   artifact.Pool
	places []artifact.Origin // of each place one
}

// certain says that all is known of every place that published targets are from,
// so that none has to be held. It looks at no target that it has looked at before.
func (r *run) certain(scopes *scopes) bool {
	if !scopes.all || len(r.blind) > 0 {
		return false
	}
	judged := map[inventory.Scope]bool{}
	for _, live := range r.in.Live {
		for _, o := range r.originsOf(live) {
			scope := ScopeOf(o)
			sure, known := judged[scope]
			if !known {
				sure = !scopes.unknown(o) && r.coversAll(scope)
				judged[scope] = sure
			}
			if !sure {
				return false
			}
		}
	}
	return true
}

// coversAll says that the scope was listed with what any object needs.
func (r *run) coversAll(scope inventory.Scope) bool {
	for _, needs := range r.needs {
		if !r.covered(needs, scope) {
			return false
		}
	}
	return true
}

func (r *run) originsOf(live artifact.Pool) []artifact.Origin {
	known, ok := r.origins[live.Path]
	if ok && (known.pool.SameTargets(live) || !r.heeds(heedPlaces)) {
		return known.places
	}
	known = origins{pool: live}
	seen := map[inventory.Scope]bool{}
	var last inventory.Scope // most targets are of the place of the one before
	for i := range live.Targets {
		o := &live.Targets[i].Origin
		if scope := ScopeOf(*o); i == 0 || scope != last {
			if last = scope; !seen[scope] {
				seen[scope] = true
				known.places = append(known.places, *o)
			}
		}
	}
	r.origins[live.Path] = known
	return known.places
}

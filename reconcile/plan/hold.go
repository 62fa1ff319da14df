package plan

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// hold keeps published targets whose scope is not synced yet, or of whose task
// it is not known where it is reached: a controller that has not seen a thing
// knows nothing against its targets. They are kept in the pool that their object
// has now.
func (r *run) hold() {
	scopes := newScopes(r.in.Snapshot)
	r.plan.Unread = !scopes.all
	if r.certain(scopes) {
		return
	}
	var planned map[artifact.Endpoint]bool // what is scraped, made when it is first needed
	var settled map[string]bool            // made when a target in another pool is first seen
	for _, live := range r.in.Live {
		if live.Self() {
			continue // found on the command line, not on ECS
		}
		for _, t := range live.Targets {
			pool, t := r.home(live, t)
			if pool != nil && pool.Path != live.Path {
				if settled == nil {
					settled = r.settled()
				}
				if settled[t.Origin.Object] {
					continue
				}
			}
			if pool == nil {
				continue
			}
			if why := r.reserves(scopes, &t, &planned); why != reserveNone {
				r.keep(pool, t, why)
			}
		}
	}
}

// reserves is why nothing can be said against a published target. planned are the
// endpoints that are scraped, made when they are first needed.
func (r *run) reserves(scopes *scopes, t *artifact.Target, planned *map[artifact.Endpoint]bool) reserve {
	why := r.reserve(scopes, t.Origin)
	if why != reserveBlind {
		return why
	}
	if *planned == nil {
		*planned = r.planned()
	}
	if (*planned)[t.Endpoint()] {
		return reserveNone
	}
	return why
}

// settled are the objects with published targets in the pool that they have now.
// What is left of them in another is what has not been cleared away yet.
func (r *run) settled() map[string]bool {
	out := map[string]bool{}
	for _, live := range r.in.Live {
		for _, t := range live.Targets {
			if home, ok := r.homes[t.Origin.Object]; ok && home.Path == live.Path {
				out[t.Origin.Object] = true
			}
		}
	}
	return out
}

// reserve is why nothing can be said against a target.
type reserve uint8

const (
	reserveNone  reserve = iota
	reserveScope         // its place has not been read
	reserveFacts         // not all that its object needs to know of the place
	reserveBlind         // where its task is reached cannot be told
)

func (r *run) reserve(scopes *scopes, o artifact.Origin) reserve {
	switch {
	case scopes.unknown(o) && !r.replaced(o):
		return reserveScope
	case !r.informed(o):
		return reserveFacts
	case r.blind[share{o.Object, o.Task}] > 0:
		return reserveBlind
	}
	return reserveNone
}

// whyHeld says why a target of the plan is held, nil where it is not.
func (r *run) whyHeld(t *artifact.Target) *fault {
	scope := ScopeOf(t.Origin)
	switch r.held[t.Labels.Hash()] {
	case reserveScope:
		return &fault{code: CodeNotKnown, message: fmt.Sprintf("cluster %s has not been read yet", scope)}
	case reserveFacts:
		return r.notKnown(r.needs[t.Origin.Object], scope)
	case reserveBlind:
		return &fault{code: CodeNoAddress, message: "where its task is reached cannot be told"}
	}
	return nil
}

// keep publishes a target again, unless its pool's class may not scrape it: the
// class, or what it says, may be another than when the target was planned.
func (r *run) keep(pool *pool, t artifact.Target, why reserve) {
	t, f := r.keeper(pool, t).admit(t)
	if f != nil {
		r.refuseHeld(t, f)
		return
	}
	r.kept = append(r.kept, &member{Target: t, pool: pool, held: true})
	r.held[t.Labels.Hash()] = why
	r.plan.Held++
}

// home is the pool that a published target belongs to now, and the target as it
// is written there; nil where its object was deleted, which acts at once.
func (r *run) home(live artifact.Pool, t artifact.Target) (*pool, artifact.Target) {
	if t.Origin.Object == "" {
		return r.pools[live.Path], t // the record of its object was lost
	}
	home, ok := r.homes[t.Origin.Object]
	if !ok {
		return nil, t
	}
	if home.Path != live.Path {
		lb := labels.NewBuilder(t.Labels)
		lb.Set(PoolLabel, home.Own) // "" removes it
		t.Labels = lb.Labels()
	}
	return r.pools[home.Path], t
}

// planned are the endpoints of all targets so far.
func (r *run) planned() map[artifact.Endpoint]bool {
	out := map[artifact.Endpoint]bool{}
	for m := range r.members() {
		out[m.Endpoint()] = true
	}
	for _, m := range r.kept {
		out[m.Endpoint()] = true
	}
	return out
}

// ScopeOf is the place that a published target is from.
func ScopeOf(o artifact.Origin) inventory.Scope {
	return inventory.Scope{Account: o.Account, Region: o.Region, Cluster: o.Cluster}
}

// informed says that what is known of the place is enough to tell what the
// target's object selects there.
func (r *run) informed(o artifact.Origin) bool {
	needs, ok := r.needs[o.Object]
	return !ok || r.covered(needs, ScopeOf(o))
}

// covered says that the scope was listed with these facts. Until then an object
// that has just begun to need one keeps the targets that it has there.
func (r *run) covered(needs inventory.Facts, s inventory.Scope) bool {
	return r.facts[s].Covers(needs)
}

// scopes answers whether the inventory can tell about a scope.
type scopes struct {
	state   map[inventory.Scope]inventory.ScopeStatus
	sources []inventory.SourceStatus
	all     bool // every source is listed and every scope of theirs is known
}

func newScopes(s *inventory.Snapshot) *scopes {
	out := &scopes{state: map[inventory.Scope]inventory.ScopeStatus{}, sources: s.Sources, all: true}
	for _, st := range s.Scopes {
		out.state[st.Scope] = st
		out.all = out.all && (st.Listed() || st.State == inventory.Gone)
	}
	for _, src := range s.Sources {
		out.all = out.all && src.Listed
	}
	return out
}

// unknown says that nothing is known yet about the place a target was found in.
func (s *scopes) unknown(o artifact.Origin) bool {
	if o.Cluster == "" {
		return !s.all // the record of its place was lost
	}
	if st, ok := s.state[ScopeOf(o)]; ok {
		return !st.Listed() && st.State != inventory.Gone
	}
	// No status: it has not been looked up yet.
	return slices.ContainsFunc(s.sources, func(src inventory.SourceStatus) bool { return mayHold(src, o) })
}

// mayHold says whether the source's configuration covers the place. What the
// source has not told yet counts for it.
func mayHold(src inventory.SourceStatus, o artifact.Origin) bool {
	if src.Account != "" && src.Account != o.Account {
		return false
	}
	if region := orDefault(src.Region, src.Source.Region); region != "" && region != o.Region {
		return false
	}
	return src.Source.Watches(o.Cluster)
}

package plan

import (
	"net/netip"
	"path"
	"slices"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// hold keeps published targets whose scope is not synced yet: a controller
// that has not seen a cluster knows nothing against its targets.
func (r *run) hold() {
	objects := map[string]bool{}
	for _, o := range r.in.Choice.Targets {
		objects[o.Name] = true
	}
	scopes := newScopes(r.in.Snapshot)
	for _, live := range r.in.Live {
		pool, ok := r.pools[live.Path]
		if !ok {
			continue
		}
		for _, t := range live.Targets {
			if o := t.Origin.Object; o != "" && !objects[o] {
				continue // its spec was deleted, and that acts at once
			}
			if scopes.unknown(t.Origin) || !r.informed(t.Origin) {
				pool.Targets = append(pool.Targets, t)
				r.plan.Held++
			}
		}
	}
}

// informed says that what is known of the place is enough to tell what the
// target's object selects there.
func (r *run) informed(o artifact.Origin) bool {
	needs, ok := r.needs[o.Object]
	return !ok || r.covered(needs, inventory.Scope{Account: o.Account, Region: o.Region, Cluster: o.Cluster})
}

// covered says that the scope was listed with the environment variables of
// these names. Until then an object that has just begun to name one keeps the
// targets that it has there.
func (r *run) covered(names []string, s inventory.Scope) bool {
	facts := r.facts[s]
	return !slices.ContainsFunc(names, func(name string) bool { return !facts.Holds(name) })
}

// scopes answers whether the inventory can tell about a scope.
type scopes struct {
	state   map[inventory.Scope]inventory.State
	sources []inventory.SourceStatus
	all     bool // every source is listed and every scope of theirs is known
}

func newScopes(s *inventory.Snapshot) *scopes {
	out := &scopes{state: map[inventory.Scope]inventory.State{}, sources: s.Sources, all: true}
	for _, st := range s.Scopes {
		out.state[st.Scope] = st.State
		if st.State == inventory.Unsynced {
			out.all = false
		}
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
	switch s.state[inventory.Scope{Account: o.Account, Region: o.Region, Cluster: o.Cluster}] {
	case inventory.Synced, inventory.Stale, inventory.Gone:
		return false
	case inventory.Unsynced:
		return true
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
	return len(src.Source.Clusters) == 0 || slices.ContainsFunc(src.Source.Clusters, func(glob string) bool {
		ok, _ := path.Match(glob, o.Cluster)
		return ok
	})
}

// claims knows the newest running task of each address of its own (awsvpc). An
// address is unique within its subnet, so an older task that still claims it
// is one whose end went unnoticed.
type claims map[claim]*inventory.Task

type claim struct {
	account, region, subnet string
	address                 netip.Addr
}

func (c claims) collect(s *inventory.Snapshot) {
	for _, t := range s.Tasks {
		if t.Interface == nil || !t.Running() {
			continue
		}
		for _, a := range []netip.Addr{t.Interface.IPv4, t.Interface.IPv6} {
			if !a.IsValid() {
				continue
			}
			k := claimOf(t, a)
			if held := c[k]; held == nil || held.StartedAt.Before(t.StartedAt) {
				c[k] = t
			}
		}
	}
}

// newer is the newer task that has the workload's address now, or nil.
func (c claims) newer(w *workload, address netip.AddrPort) *inventory.Task {
	if w.task.Interface == nil || w.definition.Mode() != inventory.NetworkAWSVPC {
		return nil
	}
	if t := c[claimOf(w.task, address.Addr())]; t != nil && t.StartedAt.After(w.task.StartedAt) {
		return t
	}
	return nil
}

func claimOf(t *inventory.Task, a netip.Addr) claim {
	return claim{t.Scope.Account, t.Scope.Region, t.Interface.SubnetID, a}
}

package reconcile

import (
	"bytes"
	"maps"
	"slices"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
)

// holding is what the inventory is told of the published targets, kept from
// pass to pass: an idle pass compares a slice per pool and a status per scope,
// and looks at no target.
type holding struct {
	pools    []artifact.Pool   // that scopes and held were made from
	scopes   []inventory.Scope // places that published targets come from, sorted
	unjudged []inventory.Scope // those that the inventory had not listed
	held     []inventory.Held
}

// of is what to tell for what is live and known now: every place, and the tasks
// of those that have not been listed.
func (h *holding) of(live *artifact.Bundle, s *inventory.Snapshot) []inventory.Held {
	same := slices.EqualFunc(h.pools, live.Pools, samePool)
	if !same {
		h.pools, h.scopes = live.Pools, scopesOf(live)
	}
	unjudged := unlisted(h.scopes, s)
	if same && slices.Equal(h.unjudged, unjudged) {
		return h.held
	}
	h.unjudged, h.held = unjudged, make([]inventory.Held, len(h.scopes))
	tasks := tasksOf(live, unjudged)
	for i, scope := range h.scopes {
		h.held[i] = inventory.Held{Scope: scope}
		if ids := tasks[scope]; len(ids) > 0 {
			h.held[i].Tasks, h.held[i].Since = slices.Sorted(maps.Keys(ids)), live.Since
		}
	}
	return h.held
}

// samePool says, at once, whether both are the same pool with the very same
// targets. False means nothing.
func samePool(a, b artifact.Pool) bool {
	return a.Path == b.Path && (len(a.Targets)+len(b.Targets) == 0 || a.SameTargets(b))
}

// unlisted are those of the scopes that the next listing is the first of.
func unlisted(scopes []inventory.Scope, s *inventory.Snapshot) []inventory.Scope {
	var out []inventory.Scope
	for _, scope := range scopes {
		if !s.Status(scope).Listed() { // one that is gone may be found again
			out = append(out, scope)
		}
	}
	return out
}

// tasksOf are the ids of the tasks that the published targets of some scopes
// are of.
func tasksOf(live *artifact.Bundle, scopes []inventory.Scope) map[inventory.Scope]map[string]struct{} {
	if len(scopes) == 0 {
		return nil
	}
	out := make(map[inventory.Scope]map[string]struct{}, len(scopes))
	for _, s := range scopes {
		out[s] = map[string]struct{}{}
	}
	for _, p := range live.Pools {
		for _, t := range p.Targets {
			if ids, ok := out[plan.ScopeOf(t.Origin)]; ok && t.Origin.Task != "" {
				ids[t.Origin.Task] = struct{}{}
			}
		}
	}
	return out
}

// scopesOf are the sorted places that published targets come from.
func scopesOf(live *artifact.Bundle) []inventory.Scope {
	seen := map[inventory.Scope]bool{}
	var last inventory.Scope // most targets are of the place of the one before
	for _, p := range live.Pools {
		for i := range p.Targets {
			if s := plan.ScopeOf(p.Targets[i].Origin); s != last && s.Cluster != "" {
				seen[s], last = true, s
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

// jobs are the names of the jobs of the published configuration, read once for
// each.
type jobs struct {
	config []byte
	names  map[string]bool
}

// loaded are the published pools that the published configuration has a job for.
// The file of another is of an object that was deleted, or has moved, and has not
// been cleared away yet: nothing is to be kept of it. Without a configuration all
// are, for nothing can be told apart.
func (j *jobs) loaded(live *artifact.Bundle) []artifact.Pool {
	config, ok := live.Config[artifact.ConfigFile]
	if !ok {
		return live.Pools
	}
	if j.names == nil || !bytes.Equal(j.config, config) {
		j.config, j.names = config, jobNames(config)
	}
	return slices.DeleteFunc(slices.Clone(live.Pools), func(p artifact.Pool) bool {
		return p.Scraped() && !j.names[p.Name]
	})
}

// jobNames are those that a rendered configuration gives its jobs.
func jobNames(config []byte) map[string]bool {
	names := map[string]bool{}
	for line := range bytes.Lines(config) {
		if _, name, ok := bytes.Cut(line, []byte("job_name: ")); ok {
			names[string(bytes.TrimSuffix(name, []byte("\n")))] = true
		}
	}
	return names
}

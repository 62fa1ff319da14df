package plan

import (
	"fmt"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// Changed tells which objects are others than those that an earlier process
// published targets of.
type Changed struct {
	Config  bool            // the PrometheusConfig, which has a part in every target
	Targets map[string]bool // ScrapeTargets by name
}

func (c Changed) has(object string) bool { return c.Config || c.Targets[object] }

// restored are the ids of the tasks that are known of each scope as an earlier
// process left it, and that this one has not listed.
//
// Of such a scope the published targets tell more than the inventory: they are
// newer than it may be. So an object that has not changed keeps exactly those,
// and only one that has changed is planned with these tasks; of others it keeps
// its targets too.
type restored map[inventory.Scope]map[string]struct{}

// restoredTasks is nil where no scope is restored.
func restoredTasks(s *inventory.Snapshot) restored {
	var out restored
	for i := range s.Scopes {
		if st := &s.Scopes[i]; st.State == inventory.Stale && !st.Restored.IsZero() {
			if out == nil {
				out = restored{}
			}
			out[st.Scope] = map[string]struct{}{}
		}
	}
	if out == nil {
		return nil
	}
	for _, t := range s.Tasks {
		if ids, ok := out[t.Scope]; ok {
			ids[t.ID()] = struct{}{}
		}
	}
	return out
}

// replaced says that a target of a scope that has not been listed is planned anew
// all the same: its object has changed, and its task is restored.
func (r *run) replaced(o artifact.Origin) bool {
	if !r.in.Changed.has(o.Object) {
		return false
	}
	_, ok := r.restored[ScopeOf(o)][o.Task]
	return ok
}

// unjudged is why an object cannot be judged in a scope, nil where it can.
func (r *run) unjudged(object string, s inventory.Scope) *fault {
	if _, ok := r.restored[s]; ok && !r.in.Changed.has(object) {
		return &fault{code: CodeNotKnown, message: fmt.Sprintf("cluster %s has not been read since the controller started; what is published stays", s)}
	}
	if !r.covered(r.needs[object], s) {
		return r.notKnown(r.needs[object], s)
	}
	return nil
}

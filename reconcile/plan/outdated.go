package plan

import (
	"maps"
	"reflect"

	"ecs-scrape/reconcile/inventory"
)

// outdated is what tasks refer to and what is not what it was: of the definitions
// and all else by their keys in the snapshot.
type outdated struct {
	definitions, instances, services, clusters map[string]bool
	// Scopes with other facts, for another reason, or listed at last.
	facts, lacking, restored map[inventory.Scope]bool
}

// outdated is nil where all is as it
func (r *run) outdated(s *inventory.Snapshot) *outdated {
	before := r.snapshot
	facts, lacking, restored := r.facts, r.lacking, r.restored
	r.facts, r.lacking = factsOf(s)
	r.restored = restoredTasks(s)
	if before == nil {
		return nil // there are no records yet
	}
	out := &outdated{
		definitions: heeded(r, heedDefinitions, before.Definitions, s.Definitions, same),
		instances:   heeded(r, heedInstances, before.Instances, s.Instances, same),
		services:    heeded(r, heedServices, before.Services, s.Services, same),
		clusters:    heeded(r, heedClusters, before.Clusters, s.Clusters, same),
		facts:       heeded(r, heedFacts, facts, r.facts, func(a, b inventory.Facts) bool { return reflect.DeepEqual(a, b) }),
		lacking:     heeded(r, heedFacts, lacking, r.lacking, maps.Equal),
		restored:    heeded(r, heedRestored, restored, r.restored, func(_, _ map[string]struct{}) bool { return true }),
	}
	if len(out.definitions)+len(out.instances)+len(out.services)+len(out.clusters)+len(out.facts)+len(out.lacking)+len(out.restored) == 0 {
		return nil
	}
	return out
}

// factsOf are what each scope was listed with, and why not with all that is asked
// for.
func factsOf(s *inventory.Snapshot) (map[inventory.Scope]inventory.Facts, map[inventory.Scope]map[string]string) {
	facts, lacking := map[inventory.Scope]inventory.Facts{}, map[inventory.Scope]map[string]string{}
	for i := range s.Scopes {
		st := &s.Scopes[i]
		facts[st.Scope], lacking[st.Scope] = st.Facts, st.Lacking
	}
	return facts, lacking
}

// same says that both are the very same value.
func same[T any](a, b *T) bool { return a == b }

// heeded are the keys whose values differ, none of what a test takes out.
func heeded[M ~map[K]V, K comparable, V any](r *run, h heed, before, after M, equal func(a, b V) bool) map[K]bool {
	out := map[K]bool{}
	if !r.heeds(h) {
		return out
	}
	common := 0
	for key, value := range after {
		was, known := before[key]
		if known {
			common++
		}
		if !known || !equal(was, value) {
			out[key] = true
		}
	}
	if common == len(before) {
		return out
	}
	for key := range before {
		if _, known := after[key]; !known {
			out[key] = true
		}
	}
	return out
}

func (o *outdated) concerns(t *inventory.Task) bool {
	if o.facts[t.Scope] || o.lacking[t.Scope] || o.restored[t.Scope] || o.definitions[t.Definition] || o.instances[t.Instance] {
		return true
	}
	return len(o.clusters) > 0 && o.clusters[t.Scope.String()] ||
		len(o.services) > 0 && o.services[t.Scope.String()+"/"+t.Service()]
}

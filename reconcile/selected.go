package reconcile

import (
	"slices"

	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// meant leaves out the PrometheusConfigs of other Prometheus, where the one that
// is named is there: they are judged by the controllers that load them.
func (j *judgement) meant(candidates map[spec.ID]*spec.Object, name string) map[spec.ID]*spec.Object {
	if name == "" || !slices.Contains(configNames(j.set), name) {
		return candidates
	}
	return j.without(candidates, func(o *spec.Object) bool { return o.PrometheusConfig != nil && o.Name != name })
}

// selected leaves out what the PrometheusConfig does not select. What was served
// of it leaves like something deleted, and comes back only in its present version.
func (j *judgement) selected(candidates map[spec.ID]*spec.Object, served Accepted, config *spec.Object) map[spec.ID]*spec.Object {
	selection := plan.SelectionOf(config)
	out := j.without(candidates, func(o *spec.Object) bool { return !selection.Has(o) })
	for id := range j.others {
		if old := served[id]; old != nil && old.PrometheusConfig == nil && !selection.Has(old) {
			j.kept[id] = old // the selector left it, and may come back to it
		}
	}
	j.dropClashes(selection)
	return out
}

// without notes the candidates that are left to another Prometheus.
func (j *judgement) without(candidates map[spec.ID]*spec.Object, other func(*spec.Object) bool) map[spec.ID]*spec.Object {
	out := map[spec.ID]*spec.Object{}
	for id, o := range candidates {
		if other(o) {
			j.others[id] = true
		} else {
			out[id] = o
		}
	}
	return out
}

// dropClashes forgets of identities that are twice those of which neither
// document is selected.
func (j *judgement) dropClashes(selection plan.Selection) {
	ours := map[spec.ID]bool{}
	for _, loser := range j.losers {
		ours[loser.ID] = ours[loser.ID] || !j.others[loser.ID] || loser.PrometheusConfig == nil && selection.Has(loser)
	}
	for id, our := range ours {
		if !our {
			delete(j.clashes, id)
			j.problems = slices.DeleteFunc(j.problems, func(p spec.Problem) bool { return p.Object == id && p.Path == clashPath })
		}
	}
}

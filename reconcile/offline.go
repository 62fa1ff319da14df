package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"ecs-scrape/reconcile/plan"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// Validate judges a set on its own, as first passes would: the problems of single
// documents, sorted by place, and what is wrong with the whole. Each object is
// judged under the PrometheusConfigs that select it; where name is given, only
// under that one. What none selects is judged under an empty one that declares
// every class that is asked for, as is everything where there is none, so that a
// folder of rules or targets can be judged alone.
func Validate(set *spec.Set, name string) ([]spec.Problem, error) {
	names := configNames(set)
	if len(names) == 0 {
		j := judgeUnder(withConfig(set, impliedConfig(name, classesOf(set))), name)
		return j.problems, j.err
	}
	v := validation{set: set, problems: slices.Clone(set.Problems), judged: map[*spec.Object]bool{}, claimed: map[*spec.Object]bool{}}
	if name != "" {
		names = []string{name}
	}
	for _, n := range names {
		if err := v.under(n); err != nil {
			return sorted(v.problems), err
		}
	}
	v.rest(name, len(names) > 1)
	return sorted(v.problems), nil
}

// validation is what was found so far in a set with PrometheusConfigs.
type validation struct {
	set      *spec.Set
	problems []spec.Problem
	judged   map[*spec.Object]bool // under one that is valid
	claimed  map[*spec.Object]bool // by the selectors of one
	unknown  bool                  // what one selects, because it does not decode
}

func judgeUnder(set *spec.Set, name string) *judgement {
	return (&Reconciler{options: Options{Name: name}}).judge(set)
}

// under judges what one PrometheusConfig selects. One that is itself invalid has
// no say about the others.
func (v *validation) under(name string) error {
	j := judgeUnder(v.set, name)
	v.problems = append(v.problems, j.problems...)
	if j.err != nil && !hasProblem(j.problems, name) {
		return j.err
	}
	i := slices.IndexFunc(v.set.Objects, func(o *spec.Object) bool { return o.PrometheusConfig != nil && o.Name == name })
	if i < 0 {
		v.unknown = true
		return nil
	}
	selection := plan.SelectionOf(v.set.Objects[i])
	for _, o := range slices.Concat(v.set.Objects, v.set.Refused) {
		if o.PrometheusConfig == nil && selection.Has(o) {
			v.claimed[o] = true
			v.judged[o] = v.judged[o] || j.err == nil
		}
	}
	return nil
}

// rest judges under an empty PrometheusConfig what no valid one selects. It warns
// of what none of several selects; the only one there is may leave drafts out.
// Where one is named, what others select is theirs.
func (v *validation) rest(name string, several bool) {
	done := func(o *spec.Object) bool {
		return o.PrometheusConfig != nil || v.judged[o] || name != "" && !v.claimed[o] && !v.unknown
	}
	others := *v.set
	others.Problems = nil
	others.Objects = slices.DeleteFunc(slices.Clone(v.set.Objects), done)
	others.Refused = slices.DeleteFunc(slices.Clone(v.set.Refused), done)
	for _, o := range others.Objects {
		if several && !v.claimed[o] && !v.unknown {
			v.problems = append(v.problems, validate.NotSelected(o))
		}
	}
	if len(others.Objects)+len(others.Refused) == 0 {
		return
	}
	implied := v.implied(&others)
	for _, p := range judgeUnder(withConfig(&others, implied), "").problems {
		if p.Object != implied.ID {
			v.problems = append(v.problems, p)
		}
	}
}

// implied is the empty PrometheusConfig for the others: of the Prometheus that is
// declared, which is no agent.
func (v *validation) implied(others *spec.Set) *spec.Object {
	implied := impliedConfig("", classesOf(others))
	if i := slices.IndexFunc(v.set.Objects, func(o *spec.Object) bool { return o.PrometheusConfig != nil }); i >= 0 {
		implied.Name = v.set.Objects[i].Name // what is said of it is said of that one
		implied.PrometheusConfig.Prometheus = v.set.Objects[i].PrometheusConfig.Prometheus
		implied.PrometheusConfig.Prometheus.Agent = false
	}
	return implied
}

func hasProblem(problems []spec.Problem, config string) bool {
	id := spec.ID{Kind: spec.KindPrometheusConfig, Name: config}
	return slices.ContainsFunc(problems, func(p spec.Problem) bool { return p.IsError() && p.Object == id })
}

// configNames are those of all PrometheusConfigs, also of those that do not decode.
func configNames(set *spec.Set) []string {
	var names []string
	add := func(id spec.ID) {
		if id.Kind == spec.KindPrometheusConfig {
			names = append(names, id.Name)
		}
	}
	for _, o := range set.Objects {
		add(o.ID)
	}
	for _, p := range set.Problems {
		add(p.Object)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// classesOf are the scrape classes that the set's ScrapeTargets name.
func classesOf(set *spec.Set) []spec.ScrapeClass {
	var names []string
	for _, o := range set.Objects {
		if o.ScrapeTarget != nil {
			names = append(names, o.ScrapeTarget.Class())
		}
	}
	slices.Sort(names)
	var classes []spec.ScrapeClass
	for _, name := range slices.Compact(names) {
		classes = append(classes, spec.ScrapeClass{Name: name})
	}
	return classes
}

// impliedConfig stands for `spec: {}` where there is no PrometheusConfig.
func impliedConfig(name string, classes []spec.ScrapeClass) *spec.Object {
	if name == "" {
		name = "default"
	}
	return &spec.Object{
		ID:               spec.ID{Kind: spec.KindPrometheusConfig, Name: name},
		PrometheusConfig: &spec.PrometheusConfigSpec{ScrapeClasses: classes},
	}
}

func withConfig(set *spec.Set, config *spec.Object) *spec.Set {
	out := *set
	out.Objects = append([]*spec.Object{config}, set.Objects...)
	return &out
}

func sorted(problems []spec.Problem) []spec.Problem {
	slices.SortFunc(problems, func(a, b spec.Problem) int {
		return cmp.Or(a.Compare(b), a.Object.Compare(b.Object), strings.Compare(a.Code, b.Code), strings.Compare(a.Rule, b.Rule))
	})
	return slices.Compact(problems)
}

package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"ecs-scrape/spec"
)

// Validate judges a set on its own, as a first pass would: the problems of
// single documents, sorted by place, and what is wrong with the whole. Where
// name is empty and the set has several PrometheusConfigs, everything is judged
// under each of them; where it has none, under an empty one that declares every
// class that is asked for, so that a folder of rules or targets can be judged
// alone.
func Validate(set *spec.Set, name string) ([]spec.Problem, error) {
	names := configNames(set)
	switch {
	case len(names) == 0:
		set = withConfig(set, impliedConfig(name, classesOf(set)))
	case name == "" && len(names) > 1:
		return validateEach(set, names)
	}
	problems, err := validateUnder(set, name)
	if err == nil || len(names) != 1 || name != "" && name != names[0] || !hasProblem(problems, names[0]) {
		return sorted(problems), err
	}
	return sorted(append(problems, besides(set, names[0])...)), nil
}

// besides are the problems of all other objects, under an empty configuration in
// place of the only one, which is wrong, so that one run tells everything.
func besides(set *spec.Set, name string) []spec.Problem {
	implied := impliedConfig(name, classesOf(set))
	if i := slices.IndexFunc(set.Objects, func(o *spec.Object) bool { return o.PrometheusConfig != nil }); i >= 0 {
		implied.PrometheusConfig.Prometheus = set.Objects[i].PrometheusConfig.Prometheus
	}
	others := *set
	others.Objects = slices.DeleteFunc(slices.Clone(set.Objects), func(o *spec.Object) bool { return o.PrometheusConfig != nil })
	others.Problems = slices.DeleteFunc(slices.Clone(set.Problems), func(p spec.Problem) bool { return p.Object == implied.ID })
	problems, _ := validateUnder(withConfig(&others, implied), name)
	return slices.DeleteFunc(problems, func(p spec.Problem) bool { return p.Object == implied.ID })
}

func validateUnder(set *spec.Set, name string) ([]spec.Problem, error) {
	j := (&Reconciler{options: Options{Name: name}}).judge(set)
	return j.problems, j.err
}

// validateEach stops at the first PrometheusConfig that the whole is wrong with.
// One that is itself invalid has no say about the others.
func validateEach(set *spec.Set, names []string) ([]spec.Problem, error) {
	all := slices.Clone(set.Problems)
	for _, name := range names {
		problems, err := validateUnder(set, name)
		all = append(all, problems...)
		if err != nil && !hasProblem(problems, name) {
			return sorted(all), err
		}
	}
	return sorted(all), nil
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

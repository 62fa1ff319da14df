package spec

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// DefaultClass is the scrape class that exists undeclared.
const DefaultClass = "default"

// Class is the name of the scrape class: ScrapeClass, or "default".
func (s *ScrapeTargetSpec) Class() string {
	if s.ScrapeClass == "" {
		return DefaultClass
	}
	return s.ScrapeClass
}

// Class finds a declared scrape class, or the undeclared "default". The result
// is not to be changed.
func (s *PrometheusConfigSpec) Class(name string) (*ScrapeClass, bool) {
	for i := range s.ScrapeClasses {
		if s.ScrapeClasses[i].Name == name {
			return &s.ScrapeClasses[i], true
		}
	}
	if name == DefaultClass {
		return &ScrapeClass{Name: DefaultClass}, true
	}
	return nil, false
}

// Keys are the sorted keys that the selector looks at.
func (s *LabelSelector) Keys() []string {
	if s == nil {
		return nil
	}
	keys := slices.Collect(maps.Keys(s.MatchLabels))
	for _, r := range s.MatchExpressions {
		keys = append(keys, r.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Matches says whether all that the selector requires holds for the labels. A
// nil or empty selector matches everything.
func (s *LabelSelector) Matches(labels map[string]string) bool {
	if s == nil {
		return true
	}
	for key, want := range s.MatchLabels {
		if got, ok := labels[key]; !ok || got != want {
			return false
		}
	}
	return !slices.ContainsFunc(s.MatchExpressions, func(r Requirement) bool { return !r.Matches(labels) })
}

// Matches says whether the requirement holds for the labels. One with an unknown
// operator never does; Decode refuses it.
func (r *Requirement) Matches(labels map[string]string) bool {
	value, ok := labels[r.Key]
	switch r.Operator {
	case OperatorIn:
		return ok && slices.Contains(r.Values, value)
	case OperatorNotIn:
		return !ok || !slices.Contains(r.Values, value)
	case OperatorExists:
		return ok
	case OperatorDoesNotExist:
		return !ok
	}
	return false
}

// Before3 says that a version is declared and is older than 3, the first that
// takes any UTF-8 text as a name.
func (p *PrometheusVersion) Before3() bool {
	major, _, _ := strings.Cut(strings.TrimPrefix(p.Version, "v"), ".")
	n, err := strconv.Atoi(major)
	return err == nil && n < 3
}

func operators() []string {
	return []string{OperatorIn, OperatorNotIn, OperatorExists, OperatorDoesNotExist}
}

// Operators of a Requirement.
const (
	OperatorIn           = "In"
	OperatorNotIn        = "NotIn"
	OperatorExists       = "Exists"
	OperatorDoesNotExist = "DoesNotExist"
)

package plan

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"ecs-scrape/spec"
)

// Selection are the selectors of a PrometheusConfig, ready for use.
type Selection struct{ targets, rules labels.Selector }

// SelectionOf is what the PrometheusConfig selects. A selector that is none
// selects nothing; decoding has told of it.
func SelectionOf(config *spec.Object) Selection {
	s := config.PrometheusConfig
	return Selection{targets: selectorOf(s.ScrapeTargetSelector), rules: selectorOf(s.RuleSelector)}
}

func selectorOf(by *metav1.LabelSelector) labels.Selector {
	if by == nil {
		return labels.Everything()
	}
	s, err := metav1.LabelSelectorAsSelector(by)
	if err != nil {
		return labels.Nothing()
	}
	return s
}

// Has says that the object is selected by its labels; a PrometheusConfig is not
// asked.
func (s Selection) Has(o *spec.Object) bool {
	switch {
	case o.ScrapeTarget != nil:
		return s.targets.Matches(labels.Set(o.Metadata.Labels))
	case o.PrometheusRule != nil:
		return s.rules.Matches(labels.Set(o.Metadata.Labels))
	}
	return true
}

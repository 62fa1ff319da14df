package plan

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// UnknownMeta are the __meta_ecs_* labels that a ScrapeTarget looks at and that do
// not exist, sorted by path; none of another kind of object. In labelsFrom that is
// an error, in relabelConfigs a warning: a rule may be meant for what is empty.
func UnknownMeta(o *spec.Object) []spec.Problem {
	if o.ScrapeTarget == nil {
		return nil
	}
	var out []spec.Problem
	for name, from := range o.ScrapeTarget.LabelsFrom {
		if from.Meta == "" || known(from.Meta) {
			continue
		}
		out = append(out, refusal(o, spec.JoinPath("spec.labelsFrom", name)+".meta", "%q does not exist; %s", from.Meta, suggestMeta(from.Meta)))
	}
	slices.SortFunc(out, spec.Problem.Compare)
	return append(out, unknownSources(o)...)
}

// unknownSources are those that its rules read.
func unknownSources(o *spec.Object) []spec.Problem {
	rules := o.ScrapeTarget.RelabelConfigs.Node
	if rules == nil || rules.Kind != yaml.SequenceNode {
		return nil
	}
	var out []spec.Problem
	for i, rule := range rules.Content {
		names := spec.Field(rule, "source_labels")
		if names == nil || names.Kind != yaml.SequenceNode {
			continue
		}
		for j, n := range names.Content {
			if !strings.HasPrefix(n.Value, metaPrefix) || known(n.Value) {
				continue
			}
			p := refusal(o, fmt.Sprintf("spec.relabelConfigs[%d].source_labels[%d]", i, j), "%q does not exist, so it is always empty; %s", n.Value, suggestMeta(n.Value))
			p.Code, p.Severity = spec.CodeUnknownMeta, spec.Warning
			out = append(out, p)
		}
	}
	return out
}

func known(name string) bool {
	return slices.ContainsFunc(metaLabels, func(m MetaLabel) bool { return m.covers(name) })
}

func suggestMeta(name string) string {
	var names []string
	for i := range metaLabels {
		m := &metaLabels[i]
		if m.Key != "" && strings.TrimSuffix(m.Name, "_") == strings.TrimSuffix(name, "_") {
			return fmt.Sprintf("write %s and the %s's key", m.Name, m.Key)
		}
		if m.Key == "" {
			names = append(names, m.Name)
		}
	}
	if meant := spec.Nearest(name, names); meant != "" {
		return fmt.Sprintf("did you mean %s?", meant)
	}
	return "docs/labels.md lists those that do"
}

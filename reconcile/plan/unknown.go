package plan

import (
	"fmt"
	"slices"
	"strings"

	"ecs-scrape/spec"
)

// UnknownMeta are the labels that a ScrapeTarget's labelsFrom names by meta and
// that do not exist, sorted by path; none of another kind of object.
func UnknownMeta(o *spec.Object) []spec.Problem {
	if o.ScrapeTarget == nil {
		return nil
	}
	var out []spec.Problem
	for name, from := range o.ScrapeTarget.LabelsFrom {
		if from.Meta == "" || known(from.Meta) {
			continue
		}
		out = append(out, spec.Problem{
			Position: o.Position, Object: o.ID, Path: fmt.Sprintf("spec.labelsFrom[%q].meta", name),
			Message: fmt.Sprintf("%q does not exist; %s", from.Meta, suggestMeta(from.Meta)),
		})
	}
	slices.SortFunc(out, spec.Problem.Compare)
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

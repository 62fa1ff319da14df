package releases

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Change is something that came with a release, or went.
type Change struct {
	// Kind is one of the constants below.
	Kind string
	// Name is the field, the value or the feature.
	Name string
	// Of are the sections that it stands in, by the last step that leads there,
	// such as global or scrape_configs[]; of a value, the fields that take it.
	// Sorted; a feature and a section of the whole file have none.
	Of []string
	// Gone says that it went.
	Gone bool
}

// Kinds of a Change.
const (
	KindField   = "field"
	KindValue   = "value"
	KindFeature = "feature"
	// Of PromQL, by the lists of its names.
	KindFunction     = Functions
	KindExperimental = Experimental
	KindAggregator   = Aggregators
	KindSyntax       = Syntax
)

// Releases are those of the table, the oldest first. Not to be changed.
func (t *Table) Releases() []Version { return t.releases }

// Changes are what came with a release and what went, sorted. Of a section that
// came whole it is the section alone; the first release has none.
func (t *Table) Changes(v Version) []Change {
	var all []Change
	for name, fields := range t.types {
		spans := map[string]Span{}
		for key, f := range fields {
			spans[key] = f.Span
		}
		all = append(all, changes(v, KindField, t.steps(name), spans)...)
	}
	for name, values := range t.values {
		all = append(all, changes(v, KindValue, t.steps(name), values)...)
	}
	for list, spans := range t.promQL {
		spans = maps.Clone(spans)
		spans[""] = Span{} // PromQL is no section that came with a release
		all = append(all, changes(v, list, nil, spans)...)
	}
	return join(append(all, changes(v, KindFeature, nil, t.features)...))
}

// changes are those of one section: none where all of it came with the release.
func changes(v Version, kind string, of []string, spans map[string]Span) []Change {
	first := v
	for _, s := range spans {
		if s.Since.Before(first) {
			first = s.Since
		}
	}
	var out []Change
	for name, s := range spans {
		if s.Since == v && first != v {
			out = append(out, Change{Kind: kind, Name: name, Of: of})
		}
		if s.Gone == v {
			out = append(out, Change{Kind: kind, Name: name, Of: of, Gone: true})
		}
	}
	return out
}

// steps are the fields that lead to a type, sorted.
func (t *Table) steps(name string) []string {
	var out []string
	for _, fields := range t.types {
		for key, f := range fields {
			switch {
			case f.below != name:
			case f.outer == '[':
				out = append(out, key+"[]")
			default:
				out = append(out, key)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// join makes one change of the same in several sections, and sorts.
func join(all []Change) []Change {
	order := func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), compare(a.Gone, b.Gone))
	}
	slices.SortFunc(all, func(a, b Change) int { return cmp.Or(order(a, b), slices.Compare(a.Of, b.Of)) })
	var out []Change
	for _, c := range all {
		if n := len(out); n > 0 && order(out[n-1], c) == 0 {
			last := &out[n-1]
			last.Of = slices.Concat(last.Of, c.Of)
			slices.Sort(last.Of)
			last.Of = slices.Compact(last.Of)
			continue
		}
		out = append(out, c)
	}
	return out
}

func compare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// FieldNames are those of a type that any release has, sorted; of a type that the
// table does not name, such as config.plain, those of all types of its package.
func (t *Table) FieldNames(name string) []string {
	all := map[string]field{}
	maps.Copy(all, t.types[name])
	if len(all) == 0 {
		of, _, _ := strings.Cut(name, ".")
		for other, fields := range t.types {
			if strings.HasPrefix(other, of+".") {
				maps.Copy(all, fields)
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

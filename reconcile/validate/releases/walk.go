package releases

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// Finding is a field that a release does not know and another does, or a value.
type Finding struct {
	// Key is the field's name; Node is what it holds, or the value.
	Key, Node *yaml.Node
	// Path is where it stands, such as spec.scrapeConfig.tls_config.ca_ref.
	Path string
	// Value is what the release does not know of a field that it knows; "" where
	// it is the field.
	Value string
	// Span is which releases know it.
	Span
}

// Lacking finds what a piece of YAML of the type has that the release does not
// know although another does. Path is that of the piece. Where a release does not
// know a field, what is in it is not looked at. What no release knows is left to
// Prometheus. A release that is newer than the table knows what the newest does.
func (t *Table) Lacking(v Version, name string, n *yaml.Node, path string) []Finding {
	w := &walker{table: t, lacks: func(s Span) bool { return !s.Has(v) }}
	w.walk(name, n, path)
	return w.found
}

// Outlived finds the fields in a piece of YAML of the type that the newest release
// no longer knows.
func (t *Table) Outlived(name string, n *yaml.Node) []Finding {
	if len(t.outlived) == 0 {
		return nil
	}
	w := &walker{table: t, lacks: func(s Span) bool { return s.Over(t.Newest()) }}
	w.walk(name, n, "")
	return slices.DeleteFunc(w.found, func(f Finding) bool { return f.Value != "" })
}

type walker struct {
	table *Table
	lacks func(Span) bool
	found []Finding
}

// walk looks at the fields of a mapping; in a list, at those of each element.
func (w *walker) walk(name string, n *yaml.Node, path string) {
	if n == nil {
		return
	}
	if n.Kind == yaml.SequenceNode {
		for i, c := range n.Content {
			w.walk(name, c, fmt.Sprintf("%s[%d]", path, i))
		}
		return
	}
	fields := w.table.types[name]
	for key, value := range spec.Pairs(n) {
		f, ok := fields[key.Value]
		if !ok {
			f, ok = fields[anyName]
		}
		if ok {
			w.field(f, key, value, spec.JoinPath(path, key.Value))
		}
	}
}

func (w *walker) field(f field, key, value *yaml.Node, path string) {
	switch {
	case w.lacks(f.Span):
		w.found = append(w.found, Finding{Key: key, Node: value, Path: path, Span: f.Span})
	case f.outer == '=':
		w.values(f.below, key, value, path)
	case f.outer == '{':
		for k, v := range spec.Pairs(value) {
			w.walk(f.below, v, spec.JoinPath(path, k.Value))
		}
	case f.below != "":
		w.walk(f.below, value, path)
	}
}

// values looks at one value, or at those of a list. Prometheus takes the actions
// of relabelling in any case, and no two values of a type differ by that alone.
func (w *walker) values(name string, key, n *yaml.Node, path string) {
	if n.Kind == yaml.SequenceNode {
		for i, c := range n.Content {
			w.values(name, key, c, fmt.Sprintf("%s[%d]", path, i))
		}
		return
	}
	for value, span := range w.table.values[name] {
		if n.Kind == yaml.ScalarNode && strings.EqualFold(value, n.Value) && w.lacks(span) {
			w.found = append(w.found, Finding{Key: key, Node: n, Path: path, Value: n.Value, Span: span})
		}
	}
}

// Paths are the paths of all fields that a release knows below a type, such as
// .global.scrape_interval, in no order; "*" is a name of the user's own.
func (t *Table) Paths(v Version, name string) iter.Seq[string] {
	return func(yield func(string) bool) { t.paths(v, name, "", yield) }
}

func (t *Table) paths(v Version, name, at string, yield func(string) bool) bool {
	for key, f := range t.types[name] {
		path := at + "." + key
		if f.Has(v) && (!yield(path) || !t.paths(v, f.below, path, yield)) {
			return false
		}
	}
	return true
}

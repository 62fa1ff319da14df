package spec

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// pathStep matches the first step of a path, as join and index write it: a
// field, a key in quotes, or the index of an element.
var pathStep = regexp.MustCompile(`^(?:\.?([A-Za-z0-9_-]+)|\[("(?:[^"\\]|\\.)*")\]|\[(\d+)\])`)

// Place is where the value at a path stands, such as spec.endpoints[0].scheme;
// of a path that the document does not have, where the deepest part of it is
// that it has. It reads the source again, so it is for problems, not for every
// pass.
func (o *Object) Place(path string) Position {
	d := &document{input: &input{file: o.Position.File}}
	root := d.parse(o.Source)
	if root == nil {
		return o.Position
	}
	n := deepest(root, path)
	return Position{File: o.Position.File, Line: n.Line - root.Line + o.Position.Line, Column: n.Column}
}

func deepest(n *yaml.Node, path string) *yaml.Node {
	for path != "" {
		m := pathStep.FindStringSubmatch(path)
		if m == nil {
			return n
		}
		next := below(n, m)
		if next == nil {
			return n
		}
		n, path = next, path[len(m[0]):]
	}
	return n
}

// below is the node that a step leads to, or nil.
func below(n *yaml.Node, m []string) *yaml.Node {
	if m[3] != "" {
		i, err := strconv.Atoi(m[3])
		if err != nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
			return nil
		}
		return n.Content[i]
	}
	key := m[1]
	if m[2] != "" {
		key, _ = strconv.Unquote(m[2])
	}
	return Field(n, key)
}

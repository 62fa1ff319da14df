package plan

import (
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func str(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

func sequence(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

func pair(key string, value *yaml.Node) []*yaml.Node { return []*yaml.Node{str(key), value} }

func mapping(fields ...[]*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: slices.Concat(fields...)}
}

// pairs walks the fields of a mapping in their order; a nil node has none.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(k, v *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

func field(n *yaml.Node, name string) *yaml.Node {
	for k, v := range pairs(n) {
		if k.Value == name {
			return v
		}
	}
	return nil
}

func sortByPath(pools []Pool) {
	slices.SortFunc(pools, func(a, b Pool) int { return strings.Compare(a.Path, b.Path) })
}

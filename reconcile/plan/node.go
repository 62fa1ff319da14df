package plan

import (
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

func sortByPath(pools []Pool) {
	slices.SortFunc(pools, func(a, b Pool) int { return strings.Compare(a.Path, b.Path) })
}

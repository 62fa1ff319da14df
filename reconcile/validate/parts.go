package validate

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// narrowed is the number of errors of a rule file whose field is looked for: it
// takes a parse for each field of the rule.
const narrowed = 100

// ruleFile judges one rule file, or parts of it.
type ruleFile struct {
	path   string
	scheme model.ValidationScheme
	parser parser.Parser
}

// judge tells everything that is wrong with a file. Prometheus's decoder stops
// at the first value that it does not take, and tells neither its rule nor, of a
// duration, its line: each group and each rule is then judged alone.
func (f ruleFile) judge(data []byte) []*Error {
	errs, decoded := f.parse(data)
	if !decoded {
		if parts := f.parts(data); len(parts) > 0 {
			return parts
		}
	}
	return errs
}

// unparsed is how Prometheus begins what is wrong with an expression.
const unparsed = "could not parse expression: "

// parse is Prometheus's judgement, and whether all values were decoded.
func (f ruleFile) parse(data []byte) (errs []*Error, decoded bool) {
	groups, found := rulefmt.Parse(data, false, f.scheme, f.parser, promslog.NewNopLogger())
	for _, err := range found {
		var rule *rulefmt.Error
		if !errors.As(err, &rule) {
			for _, e := range split(f.path, err) {
				errs = append(errs, placeGroup(e, groups))
			}
			continue
		}
		e := newError(f.path, rule.Err.Error())
		e.Group, e.Rule, e.Name = rule.Group, rule.Rule, rule.RuleName
		if why, ours := strings.CutPrefix(e.Message, unparsed); ours {
			e.Field = "expr"
			if errors.As(&rule.Err, new(errDialect)) {
				e.Message = why
			}
		}
		errs = append(errs, e)
	}
	return unique(errs), groups != nil
}

// ofGroup is what Prometheus says of a group without naming its place.
var ofGroup = regexp.MustCompile(`^(?:groupname: "(.*)" is repeated in the same file|(Groupname must not be empty)|invalid label name: (.*)|invalid label value: (.*))$`)

// placeGroup finds the group that a message is about, where groups were decoded.
func placeGroup(e *Error, groups *rulefmt.RuleGroups) *Error {
	m := ofGroup.FindStringSubmatch(e.Message)
	if m == nil || groups == nil || e.Group != "" {
		return e
	}
	seen := false
	for i := range groups.Groups {
		g := &groups.Groups[i]
		twice := strings.HasPrefix(e.Message, "groupname:") && g.Name == m[1]
		field := ""
		switch _, named := g.Labels[m[3]]; {
		case twice && seen, m[2] != "" && g.Name == "":
			field = "name"
		case m[3] != "" && named, m[4] != "" && slices.Contains(slices.Collect(maps.Values(g.Labels)), m[4]):
			field = "labels"
		}
		if field != "" {
			e.Group, e.Index, e.Field = g.Name, i+1, field
			return e
		}
		seen = seen || twice
	}
	return e
}

// parts judges each group without its rules, and each rule alone.
func (f ruleFile) parts(data []byte) []*Error {
	var file struct {
		Groups []yaml.Node `yaml:"groups"`
	}
	if yaml.Unmarshal(data, &file) != nil {
		return nil
	}
	var out []*Error
	seen := map[string]bool{}
	for i := range file.Groups {
		group := &file.Groups[i]
		at := Error{File: f.path, Line: group.Line, Index: i + 1, Group: scalarAt(group, "name")}
		bare, rules := group, spec.Field(group, "rules")
		if rules != nil && rules.Kind == yaml.SequenceNode {
			bare = without(group, "rules")
		}
		out = f.part(out, at, bare, func(n *yaml.Node) *yaml.Node {
			if seen[at.Group] {
				return list(named(at.Group), n)
			}
			return list(n)
		})
		seen[at.Group] = at.Group != ""
		if bare != group {
			out = f.rules(out, at, rules.Content)
		}
	}
	return out
}

func (f ruleFile) rules(out []*Error, at Error, rules []*yaml.Node) []*Error {
	for i, rule := range rules {
		at.Line, at.Rule, at.Name = rule.Line, i+1, scalarAt(rule, "alert")
		if at.Name == "" {
			at.Name = scalarAt(rule, "record")
		}
		out = f.part(out, at, rule, func(n *yaml.Node) *yaml.Node {
			return list(named("g", text("rules"), list(n)))
		})
	}
	return out
}

// part adds what is wrong with one part of the file. within makes it the groups
// of a file.
func (f ruleFile) part(out []*Error, at Error, part *yaml.Node, within func(*yaml.Node) *yaml.Node) []*Error {
	messages := f.messages(within(part))
	for _, message := range messages {
		e := at
		e.Message = message
		if len(out) < narrowed {
			e.Field = f.field(part, message, within)
		}
		if v := spec.Field(part, e.Field); v != nil {
			e.Line = v.Line
		}
		out = append(out, &e)
		if len(messages) == 1 && e.Field != "" && !slices.Contains([]string{"record", "alert", "expr", "name"}, e.Field) {
			out = f.part(out, at, without(part, e.Field), within) // what the decoder did not come to
		}
	}
	return out
}

// field is the one field without which the message is gone, or "".
func (f ruleFile) field(part *yaml.Node, message string, within func(*yaml.Node) *yaml.Node) string {
	found := ""
	if part.Kind != yaml.MappingNode {
		return found
	}
	for k := range spec.Pairs(part) {
		key := k.Value
		if slices.Contains(f.messages(within(without(part, key))), message) {
			continue
		}
		if found != "" {
			return ""
		}
		found = key
	}
	return found
}

func (f ruleFile) messages(groups *yaml.Node) []string {
	data, err := yaml.Marshal(mapping(text("groups"), groups))
	if err != nil {
		return []string{err.Error()}
	}
	errs, _ := f.parse(data)
	var out []string
	for _, e := range errs {
		out = append(out, e.Message)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func named(name string, content ...*yaml.Node) *yaml.Node {
	return mapping(append([]*yaml.Node{text("name"), text(name)}, content...)...)
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func list(content ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: content}
}

func mapping(content ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Content: content}
}

// without is a copy that lacks a key.
func without(n *yaml.Node, key string) *yaml.Node {
	out := *n
	out.Content = nil
	for k, v := range spec.Pairs(n) {
		if k.Value != key {
			out.Content = append(out.Content, k, v)
		}
	}
	return &out
}

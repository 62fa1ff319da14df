package validate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// Codes of what lints find. Prometheus accepts all of it.
const (
	CodeScheme          = "bad-scheme"
	CodePath            = "bad-metrics-path"
	CodeAddress         = "bad-address"
	CodeNoPort          = "address-without-port"
	CodeLabel           = "illegal-label"
	CodePassword        = "missing-password"
	CodeSameLabels      = "same-labels"
	CodeSameEndpoint    = "duplicate-endpoint"
	CodeDuplicateTarget = "duplicate-static-target"
	CodeDuplicateRule   = "duplicate-rule"
	CodeDuplicateGroup  = "duplicate-group"
	CodeTimeout         = "timeout-above-interval"
	CodeLowered         = "timeout-lowered"
	CodeInterval        = "short-interval"
	CodeWatches         = "too-many-watches"
	CodeFeature         = "unknown-feature"
	CodeVersion         = "unknown-version"
	CodeNoDiscovery     = "no-discovery"
	CodeRuleOfAgent     = "rule-of-agent"
	CodeNotSelected     = "not-selected"
)

// Lints are all codes and what a finding does to its object, those of decoding and
// of the planner among them.
func Lints() map[string]spec.Severity {
	return map[string]spec.Severity{
		spec.CodePartialResponse: spec.Warning,
		spec.CodeUnknownMeta:     spec.Warning,

		CodeScheme:          spec.Error,
		CodePath:            spec.Error,
		CodeAddress:         spec.Error,
		CodeLabel:           spec.Error,
		CodeTimeout:         spec.Error,
		CodeNoPort:          spec.Warning,
		CodeSameLabels:      spec.Warning,
		CodeSameEndpoint:    spec.Warning,
		CodePassword:        spec.Warning,
		CodeDuplicateTarget: spec.Warning,
		CodeDuplicateRule:   spec.Warning,
		CodeDuplicateGroup:  spec.Warning,
		CodeLowered:         spec.Warning,
		CodeInterval:        spec.Warning,
		CodeWatches:         spec.Warning,
		CodeFeature:         spec.Warning,
		CodeVersion:         spec.Warning,
		CodeNoDiscovery:     spec.Warning,
		CodeRuleOfAgent:     spec.Warning,
		CodeNotSelected:     spec.Warning,
	}
}

// Lint finds what Prometheus accepts of an object and what is wrong all the same,
// sorted by place. config is the PrometheusConfig that the object is loaded with;
// not used for a PrometheusConfig.
func Lint(config, o *spec.Object) []spec.Problem {
	l := &linter{object: o}
	switch {
	case o.PrometheusConfig != nil:
		l.names(o.PrometheusConfig)
		l.config(o.PrometheusConfig)
	case o.ScrapeTarget != nil:
		l.names(config.PrometheusConfig)
		l.target(config.PrometheusConfig, o.ScrapeTarget)
	case o.PrometheusRule != nil:
		l.rule()
	}
	slices.SortStableFunc(l.found, spec.Problem.Compare)
	return l.found
}

// linter collects what is found in one object.
type linter struct {
	object *spec.Object
	// legacy says that label names are [a-zA-Z_][a-zA-Z0-9_]*, and older that this
	// is so although the configuration does not say it, and so our Prometheus neither.
	legacy, older bool
	found         []spec.Problem
	static        map[string]staticTarget // by public labels
}

// add notes a finding at a node.
func (l *linter) add(code string, n *yaml.Node, path, format string, args ...any) {
	l.found = append(l.found, spec.Problem{
		Position: l.position(n), Object: l.object.ID, Path: path, Code: code, Severity: Lints()[code], Message: fmt.Sprintf(format, args...),
	})
}

// position is where the node stands; without one, where the object does.
func (l *linter) position(n *yaml.Node) spec.Position {
	at := l.object.Position
	if n != nil && n.Line > 0 {
		at.Line, at.Column = n.Line, n.Column
	}
	return at
}

// addAt notes a finding at a path of what is typed, and so has no node.
func (l *linter) addAt(code, path, format string, args ...any) {
	l.add(code, nil, path, format, args...)
	if l.object.Source != nil {
		l.found[len(l.found)-1].Position = l.object.Place(path)
	}
}

// walk looks at every field of a piece that belongs to Prometheus, except below
// those whose keys are the user's own.
func (l *linter) walk(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.SequenceNode:
		for i, c := range n.Content {
			l.walk(c, index(path, i))
		}
	case yaml.MappingNode:
		outer := l.legacy
		l.legacy = l.legacy || scalarAt(n, schemeField) == "legacy"
		for key, value := range spec.Pairs(n) {
			at := path + "." + key.Value
			l.field(key.Value, value, at)
			if !spec.FreeForm(key.Value) {
				l.walk(value, at)
			}
		}
		l.legacy = outer
	}
}

// field looks at what means the same wherever it stands.
func (l *linter) field(key string, n *yaml.Node, at string) {
	switch {
	case key == "basic_auth":
		l.password(n, at)
	case strings.HasSuffix(key, "relabel_configs") && l.older:
		l.relabelLabels(n, at)
	case key == "scrape_interval" || key == "evaluation_interval":
		l.interval(n, at)
	case key == "external_labels" && l.older:
		l.labelNames(n, at)
	case key == "static_configs" && n.Kind == yaml.SequenceNode:
		for i, group := range n.Content {
			l.labelNames(spec.Field(group, "labels"), index(at, i)+".labels")
		}
	}
}

func (l *linter) password(n *yaml.Node, at string) {
	user := spec.Field(n, "username")
	if user == nil {
		user = spec.Field(n, "username_file")
	}
	if user != nil && spec.Field(n, "password") == nil && spec.Field(n, "password_file") == nil {
		l.add(CodePassword, n, at, "names a user and no password, so an empty one is sent; add password_file")
	}
}

func (l *linter) relabelLabels(rules *yaml.Node, at string) {
	if rules.Kind != yaml.SequenceNode {
		return
	}
	for i, r := range rules.Content {
		name := spec.Field(r, "target_label")
		if name != nil && !strings.Contains(name.Value, "$") {
			l.labelName(name, index(at, i)+".target_label", name.Value)
		}
	}
}

func (l *linter) labelNames(labels *yaml.Node, at string) {
	for name := range spec.Pairs(labels) {
		l.labelName(name, at, name.Value)
	}
}

func (l *linter) labelName(n *yaml.Node, at, name string) {
	if l.legacy && name != "" && !spec.PlainLabel(name) {
		l.add(CodeLabel, n, at, "%q is no label name for the Prometheus that is declared (older than 3, or metric_name_validation_scheme: legacy); use letters, digits and underscores, not beginning with a digit", name)
	}
}

const schemeField = "metric_name_validation_scheme"

func (l *linter) names(s *spec.PrometheusConfigSpec) {
	said := scalarAt(s.Config.Node, "global", schemeField) == "legacy"
	l.older = s.Prometheus.Before3() && !said
	l.legacy = l.older || said
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// at is the node that keys lead to, or nil.
func at(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = spec.Field(n, key)
	}
	return n
}

// scalarAt is the value that keys lead to, or "".
func scalarAt(n *yaml.Node, keys ...string) string {
	if n = at(n, keys...); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

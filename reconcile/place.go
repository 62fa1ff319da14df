package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// mostProblems is how many problems of one object are told.
const mostProblems = 100

// placer turns what Prometheus says of a rendered object into problems at the
// object's own words.
type placer struct {
	config *spec.Object // the PrometheusConfig that the object is judged with
	object *spec.Object
	files  artifact.Files // as judged
}

// problems are those of the errors that are the object's own fault.
func (p placer) problems(errs []*validate.Error) []spec.Problem {
	known := map[string]bool{}
	for _, e := range errs {
		known[e.Message] = true
	}
	var out []spec.Problem
	for i, e := range errs {
		problem := p.problem(e, known)
		if i == mostProblems {
			problem.Rule = ""
			problem.Message = fmt.Sprintf("and more: %s has at least %d problems", p.object.ID, len(errs))
			return append(out, problem)
		}
		out = append(out, problem)
	}
	return out
}

func (p placer) problem(e *validate.Error, known map[string]bool) spec.Problem {
	o := p.object
	out := spec.Problem{Position: o.Position, Object: o.ID, Path: "spec", Message: e.Message}
	for _, f := range fieldsOf(o) {
		if o.PrometheusConfig == nil {
			out.Path = f.path
			at(&out, f.node)
		}
	}
	switch {
	case e.Group != "" || e.Index > 0:
		out.Rule = ruleOf(e)
		placeRule(&out, o, e)
	case e.Line > 0:
		p.placeLine(&out, p.files[e.File], e.Line)
	default:
		(&search{config: p.config, object: o, message: e.Message, known: known}).place(&out)
	}
	return out
}

// placeRule finds the node of the group, rule and field that the error names.
func placeRule(p *spec.Problem, o *spec.Object, e *validate.Error) {
	groups := o.PrometheusRule.Groups.Node
	i := e.Index - 1
	if e.Index == 0 {
		i = slices.IndexFunc(groups.Content, func(group *yaml.Node) bool {
			name := value(group, "name")
			return name != nil && name.Value == e.Group
		})
	}
	if i < 0 || i >= len(groups.Content) {
		return
	}
	node := groups.Content[i]
	p.Path = fmt.Sprintf("%s[%d]", o.GroupsPath(), i)
	if rule := (step{index: e.Rule - 1}).in(value(node, "rules")); rule != nil {
		p.Path += fmt.Sprintf(".rules[%d]", e.Rule-1)
		node = rule
	}
	at(p, node)
	if field := value(node, e.Field); field != nil {
		p.Path += "." + e.Field
		at(p, field)
	}
}

// ruleOf is "group/rule", by number where there is no name; the group alone where
// the rule is not known.
func ruleOf(e *validate.Error) string {
	name := e.Group
	if name == "" {
		name = fmt.Sprintf("group %d", e.Index)
	}
	switch {
	case e.Name != "":
		name += "/" + e.Name
	case e.Rule > 0:
		name += fmt.Sprintf("/rule %d", e.Rule)
	}
	return name
}

// placeLine finds what the object wrote at a line of the rendered file: the
// same keys lead to it in both.
func (p placer) placeLine(out *spec.Problem, rendered []byte, line int) {
	var doc yaml.Node
	if yaml.Unmarshal(rendered, &doc) != nil || len(doc.Content) == 0 {
		return
	}
	node, prefix, steps := p.origin(doc.Content[0], pathTo(doc.Content[0], line))
	if node == nil {
		return
	}
	at(out, node)
	out.Path = prefix
	for _, s := range steps {
		node = s.in(node)
		if node == nil {
			return
		}
		out.Path += s.String()
		at(out, node)
	}
}

// step leads from a node to one below it: by key, or by index where key is empty.
type step struct {
	key   string
	index int
}

func (s step) String() string {
	if s.key == "" {
		return fmt.Sprintf("[%d]", s.index)
	}
	return "." + s.key
}

func (s step) in(n *yaml.Node) *yaml.Node {
	if s.key != "" {
		return value(n, s.key)
	}
	if n == nil || n.Kind != yaml.SequenceNode || s.index < 0 || s.index >= len(n.Content) {
		return nil
	}
	return n.Content[s.index]
}

// pathTo are the steps to the last node that begins at or before the line.
func pathTo(n *yaml.Node, line int) []step {
	var last step
	var below *yaml.Node
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Line <= line {
				last, below = step{key: n.Content[i].Value}, n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			if c.Line <= line {
				last, below = step{index: i}, c
			}
		}
	}
	if below == nil {
		return nil
	}
	return append([]step{last}, pathTo(below, line)...)
}

// origin finds whose words a place of a rendered file is: the groups of a rule,
// the user's configuration, or the settings of one of our pools.
func (p placer) origin(rendered *yaml.Node, steps []step) (root *yaml.Node, prefix string, rest []step) {
	o := p.object
	if o.PrometheusRule != nil {
		return o.PrometheusRule.Groups.Node, o.GroupsPath(), steps[min(1, len(steps)):]
	}
	if len(steps) >= 2 && steps[0].key == "scrape_configs" {
		job := value(steps[1].in(value(rendered, "scrape_configs")), "job_name")
		if job != nil && strings.HasPrefix(job.Value, plan.ReservedJobPrefix) {
			return p.poolOrigin(strings.TrimPrefix(job.Value, plan.ReservedJobPrefix+"class/"), steps[2:])
		}
	}
	if o.PrometheusConfig == nil {
		return nil, "", nil
	}
	if i, ok := p.alertmanager(steps); ok {
		return o.PrometheusConfig.Alertmanagers[i].Config.Node, alertmanagerPath(i), steps[3:]
	}
	return o.PrometheusConfig.Config.Node, "spec.config", steps
}

// alertmanager is which of spec.alertmanagers the place is in: they follow the
// user's own.
func (p placer) alertmanager(steps []step) (int, bool) {
	if len(steps) < 3 || steps[0].key != "alerting" || steps[1].key != "alertmanagers" {
		return 0, false
	}
	i := steps[2].index
	if own := value(value(p.object.PrometheusConfig.Config.Node, "alerting"), "alertmanagers"); own != nil {
		i -= len(own.Content)
	}
	return i, i >= 0 && i < len(p.object.PrometheusConfig.Alertmanagers)
}

func (p placer) poolOrigin(class string, steps []step) (*yaml.Node, string, []step) {
	if t := p.object.ScrapeTarget; t != nil {
		if len(steps) >= 2 && steps[0].key == "relabel_configs" {
			rest := slices.Clone(steps[1:])
			rest[0].index-- // the first is the pool's own
			return t.RelabelConfigs.Node, "spec.relabelConfigs", rest
		}
		return t.ScrapeConfig.Node, "spec.scrapeConfig", p.afterClass(t, steps)
	}
	for i, c := range p.object.PrometheusConfig.ScrapeClasses {
		if c.Name == class {
			return c.ScrapeConfig.Node, classPath(i), steps
		}
	}
	return nil, "", nil
}

func alertmanagerPath(i int) string { return fmt.Sprintf("spec.alertmanagers[%d].config", i) }

func classPath(i int) string { return fmt.Sprintf("spec.scrapeClasses[%d].scrapeConfig", i) }

// afterClass counts the object's own metric_relabel_configs, which follow those
// of its class in the rendered job.
func (p placer) afterClass(t *spec.ScrapeTargetSpec, steps []step) []step {
	const relabel = "metric_relabel_configs"
	class, _ := p.config.PrometheusConfig.Class(t.Class())
	before := value(class.ScrapeConfig.Node, relabel)
	if before == nil || len(steps) < 2 || steps[0].key != relabel {
		return steps
	}
	out := slices.Clone(steps)
	out[1].index -= len(before.Content)
	return out
}

// spread writes the files with every field on a line of its own, so that the
// lines that Prometheus names tell fields apart.
func spread(files artifact.Files) artifact.Files {
	out := artifact.Files{}
	for path, data := range files {
		var doc yaml.Node
		if yaml.Unmarshal(data, &doc) == nil {
			block(&doc)
			if wide, err := yaml.Marshal(&doc); err == nil {
				data = wide
			}
		}
		out[path] = data
	}
	return out
}

func block(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle
	for _, c := range n.Content {
		block(c)
	}
}

func at(p *spec.Problem, n *yaml.Node) {
	if n != nil && n.Line > 0 {
		p.Line, p.Column = n.Line, n.Column
	}
}

func value(mapping *yaml.Node, key string) *yaml.Node { return spec.Field(mapping, key) }

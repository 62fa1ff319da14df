package reconcile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// place turns what Prometheus says of a rendered file into a problem at the
// object's own place.
func place(o *spec.Object, files artifact.Files, e *validate.Error) spec.Problem {
	p := spec.Problem{Position: o.Position, Object: o.ID, Path: "spec", Message: e.Message}
	if o.PrometheusRule != nil {
		placeRule(&p, o.PrometheusRule.Groups.Node, e)
		return p
	}
	if o.ScrapeTarget != nil {
		p.Path = "spec.scrapeConfig"
		at(&p, o.ScrapeTarget.ScrapeConfig.Node)
	}
	if line, message, ok := cutLine(e.Message); ok {
		p.Message = message
		placeLine(&p, o, files[e.File], line)
	}
	return p
}

// placeRule finds the node of the group and rule that the error names.
func placeRule(p *spec.Problem, groups *yaml.Node, e *validate.Error) {
	p.Path = "spec.groups"
	at(p, groups)
	if e.Group == "" || groups == nil {
		return
	}
	for gi, group := range groups.Content {
		if name := value(group, "name"); name == nil || name.Value != e.Group {
			continue
		}
		p.Path = fmt.Sprintf("spec.groups[%d]", gi)
		at(p, group)
		p.Message = e.Group + ": " + e.Message
		rules := value(group, "rules")
		if e.Rule == 0 || rules == nil || e.Rule > len(rules.Content) {
			return
		}
		p.Path = fmt.Sprintf("spec.groups[%d].rules[%d]", gi, e.Rule-1)
		at(p, rules.Content[e.Rule-1])
		if e.Name != "" {
			p.Message = e.Group + "/" + e.Name + ": " + e.Message
		}
		return
	}
}

// lineOf matches the place that Prometheus's YAML errors give: a line of the
// rendered file, which nobody wrote.
var lineOf = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors: )?line (\d+): `)

func cutLine(message string) (line int, rest string, ok bool) {
	m := lineOf.FindStringSubmatch(message)
	if m == nil {
		return 0, message, false
	}
	line, err := strconv.Atoi(m[1])
	return line, message[len(m[0]):], err == nil
}

// placeLine finds what the object wrote at a line of the rendered file: the
// same keys lead to it in both.
func placeLine(p *spec.Problem, o *spec.Object, rendered []byte, line int) {
	var doc yaml.Node
	if yaml.Unmarshal(rendered, &doc) != nil || len(doc.Content) == 0 {
		return
	}
	steps := pathTo(doc.Content[0], line)
	root, prefix, steps := origin(o, doc.Content[0], steps)
	if root == nil {
		return
	}
	at(p, root)
	p.Path = prefix
	for _, s := range steps {
		root = s.in(root)
		if root == nil {
			return
		}
		p.Path += s.String()
		at(p, root)
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
	if n.Kind != yaml.SequenceNode || s.index >= len(n.Content) {
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

// origin finds whose words a place of prometheus.yml is: the user's
// configuration, or the settings of one of our pools.
func origin(o *spec.Object, rendered *yaml.Node, steps []step) (root *yaml.Node, prefix string, rest []step) {
	if len(steps) >= 2 && steps[0].key == "scrape_configs" {
		job := value(value(rendered, "scrape_configs").Content[steps[1].index], "job_name")
		if job != nil && strings.HasPrefix(job.Value, plan.ReservedJobPrefix) {
			return poolOrigin(o, strings.TrimPrefix(job.Value, plan.ReservedJobPrefix+"class/"), steps[2:])
		}
	}
	if o.PrometheusConfig == nil {
		return nil, "", nil
	}
	return o.PrometheusConfig.Config.Node, "spec.config", steps
}

func poolOrigin(o *spec.Object, class string, steps []step) (*yaml.Node, string, []step) {
	if o.ScrapeTarget != nil {
		return o.ScrapeTarget.ScrapeConfig.Node, "spec.scrapeConfig", steps
	}
	for i, c := range o.PrometheusConfig.ScrapeClasses {
		if c.Name == class {
			return c.ScrapeConfig.Node, fmt.Sprintf("spec.scrapeClasses[%d].scrapeConfig", i), steps
		}
	}
	return nil, "", nil
}

func at(p *spec.Problem, n *yaml.Node) {
	if n != nil && n.Line > 0 {
		p.Line, p.Column = n.Line, n.Column
	}
}

func value(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

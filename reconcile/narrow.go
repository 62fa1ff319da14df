package reconcile

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// search looks for the words that Prometheus refuses where it does not say
// which: most of its messages name no line. What makes the message go away when
// it is left out holds them.
type search struct {
	config  *spec.Object // the PrometheusConfig that the object is judged with
	object  *spec.Object
	message string
	known   map[string]bool // all messages of the object as it is
}

// field is a verbatim field of an object, and how to have another in its place.
type field struct {
	path string
	node *yaml.Node
	with func(*yaml.Node) *spec.Object
}

// place sets the problem's place to the smallest part that the message is about.
func (s *search) place(p *spec.Problem) {
	fields := fieldsOf(s.object)
	i := s.only(len(fields), func(i int) []string { return s.messages(fields[i].with(nil)) })
	if i < 0 {
		return
	}
	f := fields[i]
	p.Path = f.path
	at(p, f.node)
	for n := f.node; ; {
		next, ok := s.next(f, n)
		if !ok {
			return
		}
		n = next.in(n)
		p.Path += next.String()
		at(p, n)
	}
}

// next is the step from a node of the field to the child that the message is about.
func (s *search) next(f field, n *yaml.Node) (step, bool) {
	if n == nil {
		return step{}, false
	}
	switch n.Kind {
	case yaml.SequenceNode:
		i := slices.IndexFunc(n.Content, func(c *yaml.Node) bool {
			return slices.Contains(s.messages(f.with(replace(f.node, n, c))), s.message)
		})
		return step{index: i}, i >= 0
	case yaml.MappingNode:
		i := s.only(len(n.Content)/2, func(i int) []string {
			if n.Content[2*i].Value == "job_name" {
				return []string{s.message} // no job can do without
			}
			rest := slices.Delete(slices.Clone(n.Content), 2*i, 2*i+2)
			return s.messages(f.with(replace(f.node, n, rest...)))
		})
		if i >= 0 {
			return step{key: n.Content[2*i].Value}, true
		}
	}
	return step{}, false
}

// only is the one part without which the message is gone, or -1: first of those
// without which nothing else is wrong that was not before.
func (s *search) only(parts int, without func(i int) []string) int {
	var gone, clean []int
	for i := range parts {
		messages := without(i)
		if slices.Contains(messages, s.message) {
			continue
		}
		gone = append(gone, i)
		if !slices.ContainsFunc(messages, func(m string) bool { return !s.known[m] }) {
			clean = append(clean, i)
		}
	}
	switch {
	case len(clean) == 1:
		return clean[0]
	case len(clean) == 0 && len(gone) == 1:
		return gone[0]
	}
	return -1
}

func (s *search) messages(o *spec.Object) []string {
	files, err := probe(s.config, o)
	if err != nil {
		return []string{s.message}
	}
	var out []string
	for _, e := range verdict(s.config, o, files) {
		out = append(out, e.Message)
	}
	return out
}

// replace is a copy of the tree in which old has other content.
func replace(tree, old *yaml.Node, content ...*yaml.Node) *yaml.Node {
	out := *tree
	if tree == old {
		out.Content = content
		return &out
	}
	out.Content = make([]*yaml.Node, len(tree.Content))
	for i, c := range tree.Content {
		out.Content[i] = replace(c, old, content...)
	}
	return &out
}

// fieldsOf are the verbatim fields that an object has.
func fieldsOf(o *spec.Object) []field {
	var fields []field
	add := func(path string, n *yaml.Node, set func(copied *spec.Object, v spec.Verbatim)) {
		if n == nil {
			return
		}
		fields = append(fields, field{path, n, func(n *yaml.Node) *spec.Object {
			c := copyOf(o)
			set(c, spec.Verbatim{Node: n})
			return c
		}})
	}
	switch {
	case o.PrometheusRule != nil:
		add(o.GroupsPath(), o.PrometheusRule.Groups.Node, func(c *spec.Object, v spec.Verbatim) {
			if v.Node == nil {
				v.Node = &yaml.Node{Kind: yaml.SequenceNode}
			}
			c.PrometheusRule.Groups = v
		})
	case o.ScrapeTarget != nil:
		add("spec.relabelConfigs", o.ScrapeTarget.RelabelConfigs.Node, func(c *spec.Object, v spec.Verbatim) { c.ScrapeTarget.RelabelConfigs = v })
		add("spec.scrapeConfig", o.ScrapeTarget.ScrapeConfig.Node, func(c *spec.Object, v spec.Verbatim) { c.ScrapeTarget.ScrapeConfig = v })
	case o.PrometheusConfig != nil:
		add("spec.config", o.PrometheusConfig.Config.Node, func(c *spec.Object, v spec.Verbatim) { c.PrometheusConfig.Config = v })
		for i, class := range o.PrometheusConfig.ScrapeClasses {
			add(classPath(i), class.ScrapeConfig.Node, func(c *spec.Object, v spec.Verbatim) { c.PrometheusConfig.ScrapeClasses[i].ScrapeConfig = v })
		}
		for i, a := range o.PrometheusConfig.Alertmanagers {
			add(alertmanagerPath(i), a.Config.Node, func(c *spec.Object, v spec.Verbatim) { c.PrometheusConfig.Alertmanagers[i].Config = v })
		}
	}
	return fields
}

// copyOf is a copy whose verbatim fields may be set.
func copyOf(o *spec.Object) *spec.Object {
	c := *o
	if s := o.ScrapeTarget; s != nil {
		v := *s
		c.ScrapeTarget = &v
	}
	if s := o.PrometheusConfig; s != nil {
		v := *s
		v.ScrapeClasses = slices.Clone(s.ScrapeClasses)
		v.Alertmanagers = slices.Clone(s.Alertmanagers)
		c.PrometheusConfig = &v
	}
	if s := o.PrometheusRule; s != nil {
		v := *s
		c.PrometheusRule = &v
	}
	return &c
}

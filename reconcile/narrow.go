package reconcile

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile/plan"
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
	budget  *int            // how many more times the object may be judged
	// before are the elements that lists had something wrong in last, by the list's
	// place: what is wrong next is seldom before it.
	before map[[2]int]int
}

// field is a verbatim field of an object, and how to have another in its place.
type field struct {
	path string
	node *yaml.Node
	set  func(copied *spec.Object, v spec.Verbatim)
	job  string // the name of the job that it is rendered to; "" where it is no job
}

// find is the smallest part that the message is about.
func (s *search) find() spot {
	fields := fieldsOf(s.object)
	parts, _ := s.suspects(len(fields), func(i int) *spec.Object { return s.with(fields[i], nil) })
	i, steps := s.pick(parts,
		func(i int) bool { return s.says(fields[i].job) || s.saysJob(fields[i].node) },
		func(i int) []step { return s.descend(fields[i], fields[i].node, fields[i].node) })
	if len(parts) == 0 {
		return s.oneOf(fields)
	}
	if i < 0 {
		return spot{}
	}
	return spot{fields[i].path, steps}
}

// oneOf is the first of several parts that have the message each.
func (s *search) oneOf(fields []field) spot {
	bare := copyOf(s.object)
	for _, f := range fields {
		f.set(bare, spec.Verbatim{})
	}
	if slices.Contains(s.messages(bare), s.message) {
		return spot{} // it is of none of them
	}
	alone := *s
	for _, f := range fields {
		alone.object = copyOf(bare)
		f.set(alone.object, spec.Verbatim{Node: f.node})
		if slices.Contains(s.messages(alone.object), s.message) {
			return spot{f.path, alone.descend(f, f.node, f.node)}
		}
	}
	return spot{}
}

// descend are the steps from a node of the field's tree to what the message is about.
func (s *search) descend(f field, tree, n *yaml.Node) []step {
	switch n.Kind {
	case yaml.SequenceNode:
		return s.element(f, tree, n)
	case yaml.MappingNode:
		return s.key(f, tree, n)
	}
	return nil
}

// key is the step to the value in a mapping that the message is about, and on.
func (s *search) key(f field, tree, n *yaml.Node) []step {
	parts, sure := s.suspects(len(n.Content)/2, func(i int) *spec.Object {
		if n.Content[2*i].Value == jobName {
			return nil // no job can do without
		}
		rest := slices.Delete(slices.Clone(n.Content), 2*i, 2*i+2)
		return s.with(f, replace(tree, n, rest...))
	})
	if len(parts) == 0 {
		return s.keyAlone(f, tree, n)
	}
	i, steps := s.pick(parts,
		func(i int) bool { return s.saysJob(n.Content[2*i+1]) },
		func(i int) []step { return s.descend(f, tree, n.Content[2*i+1]) })
	if i < 0 {
		return nil
	}
	return append([]step{{key: n.Content[2*i].Value, unsure: !sure}}, steps...)
}

const jobName = "job_name"

// keyAlone is the first of several values that have the message each. What an
// empty mapping has too is of none of them.
func (s *search) keyAlone(f field, tree, n *yaml.Node) []step {
	var bare []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == jobName {
			bare = n.Content[i : i+2 : i+2]
		}
	}
	has := func(tree *yaml.Node) bool { return slices.Contains(s.messages(s.with(f, tree)), s.message) }
	if has(replace(tree, n, bare...)) {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		alone := replace(tree, n, append(bare, n.Content[i], n.Content[i+1])...)
		if n.Content[i].Value != jobName && has(alone) {
			return append([]step{{key: n.Content[i].Value}}, s.descend(f, alone, n.Content[i+1])...)
		}
	}
	return nil
}

// element is the next element of a list that has the message alone, and what it
// is about there; else the last one without which it goes away.
func (s *search) element(f field, tree, n *yaml.Node) []step {
	place := [2]int{n.Line, n.Column}
	for k := range n.Content {
		i := (s.before[place] + k) % len(n.Content)
		c := n.Content[i]
		alone := replace(tree, n, c)
		if slices.Contains(s.messages(s.with(f, alone)), s.message) {
			s.before[place] = i
			return append([]step{{index: i}}, s.descend(f, alone, c)...)
		}
	}
	for i := len(n.Content) - 1; i >= 0; i-- {
		rest := slices.Delete(slices.Clone(n.Content), i, i+1)
		if !slices.Contains(s.messages(s.with(f, replace(tree, n, rest...))), s.message) {
			return []step{{index: i}}
		}
	}
	return nil
}

// suspects are the parts without which the message is gone: where there are such,
// those without which nothing else is wrong that was not before, which is sure.
func (s *search) suspects(parts int, without func(i int) *spec.Object) (found []int, sure bool) {
	var gone, clean []int
	for i := range parts {
		rest := without(i)
		if rest == nil {
			continue
		}
		messages := s.messages(rest)
		if slices.Contains(messages, s.message) {
			continue
		}
		gone = append(gone, i)
		if !slices.ContainsFunc(messages, func(m string) bool { return !s.known[m] }) {
			clean = append(clean, i)
		}
	}
	if len(clean) > 0 {
		return clean, true
	}
	return gone, false
}

// pick is the one of the parts that the message is about, and the steps within
// it: where it names the job of one, that; else the one whose words are deepest.
// -1 is where that is not one.
func (s *search) pick(parts []int, named func(i int) bool, within func(i int) []step) (best int, steps []step) {
	if said := slices.DeleteFunc(slices.Clone(parts), func(i int) bool { return !named(i) }); len(parts) > 1 && len(said) > 0 {
		parts = said
	}
	best = -1
	tie := false
	for _, i := range parts {
		found := within(i)
		switch {
		case best < 0 || len(found) > len(steps):
			best, steps, tie = i, found, false
		case len(found) == len(steps):
			tie = true
		}
	}
	if tie {
		return -1, nil
	}
	return best, steps
}

// says that the message has the name in quotes.
func (s *search) says(name string) bool {
	return name != "" && strings.Contains(s.message, strconv.Quote(name))
}

// saysJob says that the message names a job that is below the node.
func (s *search) saysJob(n *yaml.Node) bool {
	if n == nil {
		return false
	}
	if name := spec.Field(n, "job_name"); name != nil && s.says(name.Value) {
		return true
	}
	return slices.ContainsFunc(n.Content, s.saysJob)
}

func (s *search) with(f field, n *yaml.Node) *spec.Object {
	c := copyOf(s.object)
	f.set(c, spec.Verbatim{Node: n})
	return c
}

func (s *search) messages(o *spec.Object) []string {
	if *s.budget--; *s.budget < 0 {
		return []string{s.message}
	}
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
		fields = append(fields, field{path: path, node: n, set: set})
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
			if class.ScrapeConfig.Node != nil {
				fields[len(fields)-1].job = plan.ReservedJobPrefix + "class/" + class.Name
			}
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

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
// object's own words. Prometheus's loader stops at the first value that it does
// not take, so what a problem is about is taken out and the rest judged again.
type placer struct {
	config *spec.Object // the PrometheusConfig that the object is judged with
	whole  *spec.Object // as it was written
	object *spec.Object // the whole without what was taken out
	cut    map[*yaml.Node]bool
	hidden map[*yaml.Node]bool // what is left out for now
	// opened are the parts that lack something since: what is said of one of them
	// may only be that.
	opened map[*yaml.Node]bool
	files  artifact.Files // the object as judged
	budget int            // how many more times it may be judged
	before map[[2]int]int // as in search
	out    []spec.Problem
}

// mostVerdicts bounds how often one object is judged to find what is wrong in it.
const mostVerdicts = 2000

func newPlacer(config, o *spec.Object) *placer {
	return &placer{config: config, whole: o, object: o, cut: map[*yaml.Node]bool{}, opened: map[*yaml.Node]bool{}, budget: mostVerdicts, before: map[[2]int]int{}}
}

// problems are all that is wrong with the object, each once, up to a bound.
func (p *placer) problems() []spec.Problem {
	if errs, err := p.judge(); err == nil && len(errs) == 0 {
		return nil
	}
	jobs := jobsOf(p.whole)
	for i := -1; i < len(jobs) && len(jobs) > 1; i++ { // at first without any
		if p.only(jobs, i); !p.collect() {
			return p.out
		}
	}
	p.only(nil, -1)
	p.collect()
	return p.out
}

// jobsOf are the user's own jobs. There may be a thousand, so each is searched
// beside the other settings alone, and all of them together when that is done.
func jobsOf(o *spec.Object) []*yaml.Node {
	if o.PrometheusConfig == nil {
		return nil
	}
	jobs := spec.Field(o.PrometheusConfig.Config.Node, "scrape_configs")
	if jobs == nil || jobs.Kind != yaml.SequenceNode {
		return nil
	}
	return jobs.Content
}

// only hides all of the nodes but one.
func (p *placer) only(nodes []*yaml.Node, shown int) {
	p.hidden = make(map[*yaml.Node]bool, len(nodes))
	for i, n := range nodes {
		p.hidden[n] = i != shown
	}
	p.leaveOut()
}

// collect notes what is wrong until nothing is, or nothing more can be told apart,
// and says whether there may be more problems.
func (p *placer) collect() bool {
	for {
		errs, err := p.judge()
		if err != nil {
			p.out = append(p.out, spec.Problem{Position: p.whole.Position, Object: p.whole.ID, Message: err.Error()})
			return false
		}
		known := map[string]bool{}
		for _, e := range errs {
			known[e.Message] = true
		}
		var ways [][]*yaml.Node
		for i, e := range errs {
			problem, way, sure := p.problem(e, known)
			if !p.follows(way, sure) && !slices.Contains(p.out, problem) {
				p.out = append(p.out, problem)
			}
			if len(p.out) > mostProblems {
				more := &p.out[mostProblems]
				more.Rule, more.Message = "", fmt.Sprintf("and more: %s has at least %d problems", p.whole.ID, mostProblems+len(errs)-i)
				return false
			}
			ways = append(ways, way)
		}
		if !p.takeOut(ways) {
			return true
		}
	}
}

// judge is what Prometheus says of the object as it is now, with lines that tell
// its fields apart.
func (p *placer) judge() ([]*validate.Error, error) {
	files, err := probe(p.config, p.object)
	if err != nil {
		return nil, err
	}
	files = validate.Outlived(files) // so that lines are those of what is judged
	p.files = files
	errs := verdict(p.config, p.object, files)
	if !slices.ContainsFunc(errs, func(e *validate.Error) bool { return e.Line > 0 }) {
		return errs, nil
	}
	wide := spread(files)
	if found := verdict(p.config, p.object, wide); len(found) > 0 {
		p.files, errs = wide, found
	}
	return errs, nil
}

// follows says that a problem may be no more than that something was taken out:
// it is of a part that lacks it, perhaps, or has no place at all.
func (p *placer) follows(way []*yaml.Node, sure bool) bool {
	switch n := len(way); {
	case len(p.cut) == 0:
		return false
	case n == 0 || p.opened[way[n-1]]:
		return true
	default:
		return !sure && n > 1 && p.opened[way[n-2]]
	}
}

// takeOut leaves out the last node of each way, and says whether there was one. A
// rule file is judged by its parts, and so all at once.
func (p *placer) takeOut(ways [][]*yaml.Node) bool {
	before := len(p.cut)
	for _, way := range ways {
		if len(way) > 0 && p.whole.PrometheusRule == nil {
			p.takeOutLast(way)
		}
	}
	if len(p.cut) == before || p.budget <= 0 {
		return false
	}
	p.leaveOut()
	return true
}

// leaveOut makes the object without what was taken out or is hidden.
func (p *placer) leaveOut() {
	p.object = copyOf(p.whole)
	for _, f := range fieldsOf(p.whole) {
		f.set(p.object, spec.Verbatim{Node: p.rest(f.node)})
	}
}

// takeOutLast takes out the last node of the way; of a list the last element with
// the list, which may not be empty.
func (p *placer) takeOutLast(way []*yaml.Node) {
	last := len(way) - 1
	p.cut[way[last]] = true
	if last > 0 && way[last-1].Kind == yaml.SequenceNode && !slices.ContainsFunc(way[last-1].Content, func(n *yaml.Node) bool { return !p.cut[n] }) {
		way = way[:last]
		p.cut[way[last-1]] = true
	}
	p.open(way)
}

// open notes the mappings that lack the last node of the way, up to the element
// of a list that they are. A list does not miss an element.
func (p *placer) open(way []*yaml.Node) {
	for i := len(way) - 2; i >= 0 && way[i].Kind == yaml.MappingNode; i-- {
		if c := p.whole.PrometheusConfig; c == nil || way[i] != c.Config.Node {
			p.opened[way[i]] = true
		}
	}
}

// rest is a tree without what was taken out; nil where that is all of it.
func (p *placer) rest(n *yaml.Node) *yaml.Node {
	if p.cut[n] || p.hidden[n] {
		return nil
	}
	out := *n
	out.Content = nil
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		left := p.rest(c)
		if left == nil {
			continue
		}
		if n.Kind == yaml.MappingNode {
			out.Content = append(out.Content, n.Content[i-1])
		}
		out.Content = append(out.Content, left)
	}
	return &out
}

// spot is a place in an object: a verbatim field, and the way from there.
type spot struct {
	field string
	steps []step
}

// problem is the error at its place, and the nodes that lead there, none where
// the place is not known, and whether the last is sure to be the one.
func (p *placer) problem(e *validate.Error, known map[string]bool) (problem spec.Problem, way []*yaml.Node, sure bool) {
	o := p.whole
	out := spec.Problem{Position: o.Position, Object: o.ID, Path: "spec", Message: e.Message}
	for _, f := range fieldsOf(o) {
		if o.PrometheusConfig == nil {
			out.Path = f.path
			at(&out, f.node)
		}
	}
	var found spot
	switch {
	case e.Group != "" || e.Index > 0:
		out.Rule = ruleOf(e)
		placeRule(&out, o, e)
		return out, nil, true
	case e.Line > 0:
		found = p.line(p.files[e.File], e.Line)
	default:
		found = (&search{config: p.config, object: p.object, message: e.Message, known: known, budget: &p.budget, before: p.before}).find()
	}
	way = p.show(&out, found)
	return out, way, len(found.steps) == 0 || !found.steps[len(found.steps)-1].unsure
}

// show sets the problem's place in the object as it was written, and returns the
// nodes that lead there.
func (p *placer) show(out *spec.Problem, found spot) []*yaml.Node {
	fields := fieldsOf(p.whole)
	i := slices.IndexFunc(fields, func(f field) bool { return f.path == found.field })
	if i < 0 {
		return nil
	}
	n := fields[i].node
	way := []*yaml.Node{n}
	out.Path = found.field
	for _, s := range found.steps {
		s = p.written(n, s)
		n = s.in(n)
		if n == nil {
			break
		}
		out.Path += s.String()
		way = append(way, n)
	}
	at(out, way[len(way)-1])
	return way
}

// written is the step in the node as it was written.
func (p *placer) written(n *yaml.Node, s step) step {
	if s.key != "" || n.Kind != yaml.SequenceNode {
		return s
	}
	left := s.index
	for i, c := range n.Content {
		if p.cut[c] || p.hidden[c] {
			continue
		}
		if left == 0 {
			return step{index: i}
		}
		left--
	}
	return s
}

// placeRule finds the node of the group, rule and field that the error names.
func placeRule(p *spec.Problem, o *spec.Object, e *validate.Error) {
	groups := o.PrometheusRule.Groups.Node
	i := e.Index - 1
	if e.Index == 0 {
		i = slices.IndexFunc(groups.Content, func(group *yaml.Node) bool {
			name := spec.Field(group, "name")
			return name != nil && name.Value == e.Group
		})
	}
	if i < 0 || i >= len(groups.Content) {
		return
	}
	node := groups.Content[i]
	p.Path = fmt.Sprintf("%s[%d]", o.GroupsPath(), i)
	if rule := (step{index: e.Rule - 1}).in(spec.Field(node, "rules")); rule != nil {
		p.Path += fmt.Sprintf(".rules[%d]", e.Rule-1)
		node = rule
	}
	at(p, node)
	if field := spec.Field(node, e.Field); field != nil {
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

// line finds what the object has at a line of the rendered file: the same keys
// lead to it in both.
func (p *placer) line(rendered []byte, line int) spot {
	var doc yaml.Node
	if yaml.Unmarshal(rendered, &doc) != nil || len(doc.Content) == 0 {
		return spot{}
	}
	node, prefix, steps := p.origin(doc.Content[0], pathTo(doc.Content[0], line))
	if node == nil {
		return spot{}
	}
	for i, s := range steps {
		if node = s.in(node); node == nil {
			return spot{prefix, steps[:i]}
		}
	}
	return spot{prefix, steps}
}

// step leads from a node to one below it: by key, or by index where key is empty.
type step struct {
	key    string
	index  int
	unsure bool // that it is the one: without it something else is wrong
}

func (s step) String() string {
	if s.key == "" {
		return fmt.Sprintf("[%d]", s.index)
	}
	return "." + s.key
}

func (s step) in(n *yaml.Node) *yaml.Node {
	if s.key != "" {
		return spec.Field(n, s.key)
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
func (p *placer) origin(rendered *yaml.Node, steps []step) (root *yaml.Node, prefix string, rest []step) {
	o := p.object
	if o.PrometheusRule != nil {
		return o.PrometheusRule.Groups.Node, o.GroupsPath(), steps[min(1, len(steps)):]
	}
	if len(steps) >= 2 && steps[0].key == "scrape_configs" {
		job := spec.Field(steps[1].in(spec.Field(rendered, "scrape_configs")), "job_name")
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
func (p *placer) alertmanager(steps []step) (int, bool) {
	if len(steps) < 3 || steps[0].key != "alerting" || steps[1].key != "alertmanagers" {
		return 0, false
	}
	i := steps[2].index
	if own := spec.Field(spec.Field(p.object.PrometheusConfig.Config.Node, "alerting"), "alertmanagers"); own != nil {
		i -= len(own.Content)
	}
	return i, i >= 0 && i < len(p.object.PrometheusConfig.Alertmanagers)
}

func (p *placer) poolOrigin(class string, steps []step) (*yaml.Node, string, []step) {
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
func (p *placer) afterClass(t *spec.ScrapeTargetSpec, steps []step) []step {
	const relabel = "metric_relabel_configs"
	class, ok := p.config.PrometheusConfig.Class(t.Class())
	if !ok {
		return steps
	}
	before := spec.Field(class.ScrapeConfig.Node, relabel)
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

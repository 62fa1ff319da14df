package plan

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/alecthomas/units"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// merge lays the object's scrape_config fields over the class's, field by
// field: metric_relabel_configs are the class's, then the object's; limits are
// the lower of both, where 0 or absent is no limit; of everything else the
// object's value stands. Either may be nil. The inputs are not changed.
func merge(class, own *yaml.Node) *yaml.Node {
	out := mapping()
	for k, v := range spec.Pairs(class) {
		if o := spec.Field(own, k.Value); o != nil {
			v = mergeField(k.Value, v, o)
		}
		out.Content = append(out.Content, k, v)
	}
	for k, v := range spec.Pairs(own) {
		if spec.Field(class, k.Value) == nil {
			out.Content = append(out.Content, k, v)
		}
	}
	return out
}

// limits are the fields whose lower value holds.
var limits = []string{
	"sample_limit", "label_limit", "label_name_length_limit", "label_value_length_limit",
	"body_size_limit", "keep_dropped_targets", "native_histogram_bucket_limit",
}

func mergeField(name string, class, own *yaml.Node) *yaml.Node {
	switch {
	case name == "metric_relabel_configs":
		both := sequence(class.Content...)
		both.Content = append(both.Content[:len(class.Content):len(class.Content)], own.Content...)
		return both
	case slices.Contains(limits, name):
		theirs, ok := limit(own)
		if ours, okClass := limit(class); ok && okClass && ours < theirs {
			return class
		}
	}
	return own
}

// limit is the number that a limit stands for; no limit is infinite. What is no
// number is left as it is to Prometheus's own judgement of the merged job.
func limit(n *yaml.Node) (value float64, ok bool) {
	if n == nil || n.Tag == "!!null" {
		return math.Inf(1), true
	}
	var v float64
	if n.Kind != yaml.ScalarNode || n.Decode(&v) != nil {
		parsed, err := strconv.ParseFloat(n.Value, 64)
		if size, sizeErr := units.ParseBase2Bytes(n.Value); err != nil && sizeErr == nil {
			parsed, err = float64(size), nil
		}
		if err != nil {
			return 0, false
		}
		v = parsed
	}
	if v <= 0 {
		v = math.Inf(1)
	}
	return v, true
}

// bound is a limit that the operator enforces; a nil value is none.
type bound struct {
	name  string
	value *yaml.Node
}

func (c *Choice) bounds() []bound {
	e := c.Config.PrometheusConfig.Enforced
	return []bound{
		{"sample_limit", count(e.SampleLimit)},
		{"label_limit", count(e.LabelLimit)},
		{"body_size_limit", str(string(e.BodySizeLimit))},
	}
}

func count(n uint64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatUint(n, 10)}
}

// enforce lowers the limits of a job to what is enforced. The global limit,
// which a job without one has, is not raised by it.
func (c *Choice) enforce(job *yaml.Node) *yaml.Node {
	global := spec.Field(c.Config.PrometheusConfig.Config.Node, "global")
	for _, b := range c.bounds() {
		own, ok := limit(spec.Field(job, b.name))
		if !ok {
			continue // Prometheus will refuse it
		}
		most, _ := limit(b.value)
		if b.value.Value == "" {
			most = math.Inf(1)
		}
		inherited, _ := limit(spec.Field(global, b.name))
		switch {
		case own > most && (!math.IsInf(own, 1) || inherited > most):
			job = withField(job, b.name, b.value)
		case math.IsInf(own, 1):
			job = withField(job, b.name, nil)
		}
	}
	return job
}

// withField is the mapping with another value of a field, or without it.
func withField(n *yaml.Node, name string, value *yaml.Node) *yaml.Node {
	out, found := mapping(), false
	for k, v := range spec.Pairs(n) {
		if k.Value == name {
			if found = true; value == nil {
				continue
			}
			v = value
		}
		out.Content = append(out.Content, k, v)
	}
	if !found && value != nil {
		out.Content = append(out.Content, pair(name, value)...)
	}
	return out
}

// warn tells what of the specs is not done as it is asked for, whatever runs.
func (r *run) warn() {
	c := r.in.Choice
	for _, o := range c.Targets {
		for _, f := range c.lowered(o) {
			r.findings.add(o.ID, nil, f)
		}
	}
}

// lowered are the limits that an object asks for and does not get.
func (c *Choice) lowered(o *spec.Object) []fault {
	own := o.ScrapeTarget.ScrapeConfig.Node
	if own == nil {
		return nil
	}
	job := c.poolConfig(ownPool(o))
	var out []fault
	for k, v := range spec.Pairs(own) {
		asked, ok := limit(v)
		got := spec.Field(job, k.Value)
		if !slices.Contains(limits, k.Value) || !ok || math.IsInf(asked, 1) || got == nil {
			continue
		}
		if holds, _ := limit(got); holds < asked {
			out = append(out, fault{code: CodeLimitLowered, message: fmt.Sprintf(
				"spec.scrapeConfig.%s is %s, and %s allows %s: ask for no more, or have the operator raise it", k.Value, v.Value, c.limiter(o, k.Value, holds), got.Value)})
		}
	}
	return out
}

// limiter is who says that a limit is no higher.
func (c *Choice) limiter(o *spec.Object, name string, holds float64) string {
	if class, ok := c.Config.PrometheusConfig.Class(o.ScrapeTarget.Class()); ok {
		if v, ok := limit(spec.Field(class.ScrapeConfig.Node, name)); ok && v == holds {
			return fmt.Sprintf("scrape class %q", class.Name)
		}
	}
	return "spec.enforced of " + c.Config.ID.String()
}

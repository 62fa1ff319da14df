package plan

import (
	"math"
	"strconv"

	"github.com/alecthomas/units"
	"go.yaml.in/yaml/v3"
)

// merge lays the object's scrape_config fields over the class's, field by
// field: metric_relabel_configs are the class's, then the object's; limits are
// the lower of both, where 0 or absent is no limit; of everything else the
// object's value stands. Either may be nil. The inputs are not changed.
func merge(class, own *yaml.Node) *yaml.Node {
	out := mapping()
	for k, v := range pairs(class) {
		if o := field(own, k.Value); o != nil {
			v = mergeField(k.Value, v, o)
		}
		out.Content = append(out.Content, k, v)
	}
	for k, v := range pairs(own) {
		if field(class, k.Value) == nil {
			out.Content = append(out.Content, k, v)
		}
	}
	return out
}

func mergeField(name string, class, own *yaml.Node) *yaml.Node {
	switch name {
	case "metric_relabel_configs":
		both := sequence(class.Content...)
		both.Content = append(both.Content[:len(class.Content):len(class.Content)], own.Content...)
		return both
	case "sample_limit", "label_limit", "label_name_length_limit", "label_value_length_limit",
		"body_size_limit", "keep_dropped_targets", "native_histogram_bucket_limit":
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
	v, err := strconv.ParseFloat(n.Value, 64)
	if err != nil {
		size, err := units.ParseBase2Bytes(n.Value)
		if err != nil {
			return 0, false
		}
		v = float64(size)
	}
	if v <= 0 {
		v = math.Inf(1)
	}
	return v, true
}

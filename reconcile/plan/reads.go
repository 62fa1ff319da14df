package plan

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/util/strutil"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// reads are the labels that an object's labelsFrom and rules look at. What
// nobody looks at is neither asked for nor computed.
type reads struct {
	names map[string]bool
	maps  []pattern // the regular expressions of labelmap, over all names
}

// pattern is an anchored regular expression, and what each match begins with.
type pattern struct {
	*regexp.Regexp
	prefix string
}

func readsOf(s *spec.ScrapeTargetSpec) *reads {
	r := &reads{names: map[string]bool{}}
	for _, from := range s.LabelsFrom {
		if from.Meta != "" {
			r.names[from.Meta] = true
		}
	}
	if n := s.RelabelConfigs.Node; n != nil && n.Kind == yaml.SequenceNode {
		for _, rule := range n.Content {
			r.rule(rule)
		}
	}
	return r
}

// rule adds what one relabel_config looks at. One that is not well formed looks
// at nothing here: Prometheus judges it.
func (r *reads) rule(n *yaml.Node) {
	action := ""
	if a := spec.Field(n, "action"); a != nil {
		action = strings.ToLower(a.Value)
	}
	switch relabel.Action(action) {
	case relabel.LabelMap:
		text := relabel.DefaultRelabelConfig.Regex.String()
		if re := spec.Field(n, "regex"); re != nil {
			text = re.Value
		}
		r.labelmap(text)
		return
	case relabel.KeepEqual, relabel.DropEqual:
		if target := spec.Field(n, "target_label"); target != nil {
			r.names[target.Value] = true
		}
	}
	if names := spec.Field(n, "source_labels"); names != nil {
		for _, name := range names.Content {
			r.names[name.Value] = true
		}
	}
}

func (r *reads) labelmap(text string) {
	anchored, err := regexp.Compile("^(?s:" + text + ")$")
	if err != nil {
		return
	}
	prefix, _ := regexp.MustCompile("(?s:" + text + ")").LiteralPrefix()
	r.maps = append(r.maps, pattern{anchored, prefix})
}

// wants says whether the label, or one of the family, is looked at. Of a family
// whose keys are not known before, a labelmap that may match one counts.
func (r *reads) wants(m *MetaLabel) bool {
	if r.whole(m) {
		return true
	}
	for name := range r.names {
		if m.covers(name) {
			return true
		}
	}
	return false
}

// whole says that a labelmap may look at the label, whatever its key.
func (r *reads) whole(m *MetaLabel) bool {
	return slices.ContainsFunc(r.maps, func(p pattern) bool {
		if m.Key == "" {
			return p.MatchString(m.Name)
		}
		return strings.HasPrefix(p.prefix, m.Name) || strings.HasPrefix(m.Name, p.prefix)
	})
}

// facts are what the inventory has to be asked for.
func (r *reads) facts() inventory.Facts {
	var f inventory.Facts
	for i := range metaLabels {
		if m := &metaLabels[i]; r.wants(m) {
			f = joined(f, m.Facts)
		}
	}
	return f
}

// metaWriter writes the labels that are looked at. It is for one goroutine.
type metaWriter struct {
	single, families []*MetaLabel
	reads            *reads
	// sanitised are the names of a family's labels by prefix and key.
	sanitised map[[2]string]string
}

func newMetaWriter(r *reads) *metaWriter {
	w := &metaWriter{reads: r, sanitised: map[[2]string]string{}}
	for i := range metaLabels {
		switch m := &metaLabels[i]; {
		case !r.wants(m):
		case m.Key == "":
			w.single = append(w.single, m)
		default:
			w.families = append(w.families, m)
		}
	}
	return w
}

// begin forgets names where they have become many.
func (w *metaWriter) begin() {
	if len(w.sanitised) > remembered {
		clear(w.sanitised)
	}
}

// write sets the labels of a subject.
func (w *metaWriter) write(lb *labels.Builder, s *subject) {
	for _, m := range w.single {
		lb.Set(m.Name, m.value(s))
	}
	for _, m := range w.families {
		w.family(lb, m, m.values(s))
	}
}

// family sets a label for each key. Of keys that are equal once sanitised the
// last stands, so that it is always the same one.
func (w *metaWriter) family(lb *labels.Builder, m *MetaLabel, values map[string]string) {
	if len(values) == 0 {
		return
	}
	whole := w.reads.whole(m)
	for _, key := range keysOf(values) {
		if name := w.name(m, key); whole || w.reads.names[name] {
			lb.Set(name, values[key])
		}
	}
}

func keysOf(values map[string]string) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (w *metaWriter) name(m *MetaLabel, key string) string {
	k := [2]string{m.Name, key}
	name, known := w.sanitised[k]
	if !known {
		name = m.Name + strutil.SanitizeLabelName(key)
		w.sanitised[k] = name
	}
	return name
}

// meta is the value of one label, or "". It is one that is looked at.
func (w *metaWriter) meta(name string, s *subject) string {
	for _, m := range w.single {
		if m.Name == name {
			return m.value(s)
		}
	}
	for _, m := range w.families {
		if !m.covers(name) {
			continue
		}
		values := m.values(s)
		for _, key := range slices.Backward(keysOf(values)) {
			if w.name(m, key) == name {
				return values[key]
			}
		}
	}
	return ""
}

package artifact

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// decodeOwn reads what [Pool.Encode] writes, several times faster than JSON in
// general: at a start, the target files of 100,000 targets are most of what there
// is to read. False: it is something else, or holds other strings than printable
// ASCII, and is to be read as any JSON.
func decodeOwn(text string) ([]Target, bool) {
	if text == "[]\n" {
		return []Target{}, true
	}
	c := cutter{rest: text}
	c.cut("[")
	targets := make([]Target, 0, strings.Count(text, "\n"))
	builder := labels.NewScratchBuilder(16)
	for more := true; more && !c.failed; more = c.has(",") {
		c.cut("\n" + `{"targets":[`)
		builder.Reset()
		if address := c.quoted(); address != "" {
			builder.Add(addressLabel, address)
		}
		c.cut(`],"labels":{`)
		c.labels(&builder)
		builder.Sort()
		targets = append(targets, Target{Labels: builder.Labels()})
	}
	c.cut("\n]\n")
	return targets, !c.failed && c.rest == ""
}

// labels reads them to the end of their group: names that ascend, and no empty
// values.
func (c *cutter) labels(builder *labels.ScratchBuilder) {
	if c.has("}}") {
		return
	}
	last := ""
	for {
		name := c.quoted()
		c.cut(":")
		value := c.quoted()
		if name <= last || name == addressLabel || value == "" {
			c.failed = true
		}
		if c.failed {
			return
		}
		builder.Add(name, value)
		last = name
		if !c.has(",") {
			c.cut("}}")
			return
		}
	}
}

// cutter takes what is expected off the front of a text.
type cutter struct {
	rest   string
	failed bool // it was something else
}

func (c *cutter) has(prefix string) bool {
	rest, ok := strings.CutPrefix(c.rest, prefix)
	c.rest = rest
	return ok
}

func (c *cutter) cut(prefix string) {
	if !c.has(prefix) {
		c.failed = true
	}
}

// quoted is a string of printable ASCII in quotes, without escapes.
func (c *cutter) quoted() string {
	c.cut(`"`)
	for i := range len(c.rest) {
		switch b := c.rest[i]; {
		case b == '"':
			out := c.rest[:i]
			c.rest = c.rest[i+1:]
			return out
		case b < ' ' || b > '~' || b == '\\':
			c.failed = true
			return ""
		}
	}
	c.failed = true
	return ""
}

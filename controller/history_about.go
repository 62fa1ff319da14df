package controller

import (
	"slices"
	"strings"

	"ecs-scrape/spec"
)

// About is the change with the lines of Diff that are about these objects: of
// targets theirs alone, of a configuration their rule files, or prometheus.yml. It is
// whole for a PrometheusConfig, and where nothing in it can be told apart.
func (c Change) About(objects []spec.ID) Change {
	parts := sections(c.Diff, func(line, next string) bool {
		return strings.HasPrefix(line, "--- ") && strings.HasPrefix(next, "+++ ")
	})
	wanted := fileOf(objects)
	if c.Kind == ChangeTargets {
		parts = sections(c.Diff, func(line, _ string) bool { return strings.HasPrefix(line, headOpen) })
		wanted = targetsOf(objects)
	}
	if kept := strings.Join(slices.DeleteFunc(parts, func(s string) bool { return !wanted(s) }), ""); kept != "" {
		c.Diff = kept
	}
	return c
}

// sections cuts a text before each line that begins another.
func sections(text string, begins func(line, next string) bool) []string {
	lines := slices.Collect(strings.Lines(text))
	var out []string
	for i, line := range lines {
		next := ""
		if i+1 < len(lines) {
			next = lines[i+1]
		}
		if i == 0 || begins(line, next) || strings.HasPrefix(line, "... and ") {
			out = append(out, "")
		}
		out[len(out)-1] += line
	}
	return out
}

// targetsOf wants the targets of these objects, and what says that there are more.
func targetsOf(objects []spec.ID) func(string) bool {
	return func(section string) bool {
		head, _, _ := strings.Cut(section, "\n")
		name, headed := strings.CutPrefix(head, headOpen)
		name = strings.TrimSuffix(name, headClose)
		return !headed || slices.ContainsFunc(objects, func(id spec.ID) bool { return id.String() == name })
	}
}

// fileOf wants the files of these objects, and what says that there are more lines.
func fileOf(objects []spec.ID) func(string) bool {
	rules, others, whole := map[string]bool{}, false, false
	for _, id := range objects {
		switch id.Kind {
		case spec.KindPrometheusRule:
			rules["rules/"+id.Name+".yml"] = true
		case spec.KindPrometheusConfig:
			whole = true
		default:
			others = true
		}
	}
	return func(section string) bool {
		from, to, headed := heads(section)
		path := strings.TrimPrefix(from, "live/")
		if from == "/dev/null" {
			path = strings.TrimPrefix(to, "want/")
		}
		return whole || !headed || rules[path] || others && !strings.HasPrefix(path, "rules/")
	}
}

// heads are the names of both sides of a file's difference.
func heads(section string) (from, to string, ok bool) {
	first, rest, _ := strings.Cut(section, "\n")
	second, _, _ := strings.Cut(rest, "\n")
	from, is := strings.CutPrefix(first, "--- ")
	to, also := strings.CutPrefix(second, "+++ ")
	return from, to, is && also
}

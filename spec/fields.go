package spec

import (
	"fmt"
	"reflect"
	"strings"
)

// field is a field of a type as documents spell it.
type field struct {
	name     string
	index    int
	required bool // has neither omitempty nor omitzero
}

// fieldSet are the fields of one type.
type fieldSet struct {
	list   []field
	byName map[string]field
}

// fieldTable remembers the fields of types for the time of one Decode.
type fieldTable map[reflect.Type]*fieldSet

func (t fieldTable) of(typ reflect.Type) *fieldSet {
	if known, ok := t[typ]; ok {
		return known
	}
	s := &fieldSet{byName: make(map[string]field)}
	for i := range typ.NumField() {
		name, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		f := field{name: name, index: i, required: !strings.Contains(options, "omit")}
		s.list = append(s.list, f)
		s.byName[name] = f
	}
	t[typ] = s
	return s
}

func (s *fieldSet) names() []string {
	names := make([]string, len(s.list))
	for i, f := range s.list {
		names[i] = f.name
	}
	return names
}

// suggest is "did you mean X?" where a choice is near the word, else all choices.
func suggest(word string, choices []string) string {
	if meant := nearest(word, choices); meant != "" {
		return fmt.Sprintf("did you mean %s?", meant)
	}
	if len(choices) == 1 {
		return fmt.Sprintf("only %s is known here", choices[0])
	}
	return "use one of " + strings.Join(choices, ", ")
}

// nearest is the choice that the word is most likely a misspelling of, or "".
func nearest(word string, choices []string) string {
	best, least := "", 3 // two typing errors at most
	for _, c := range choices {
		distance := editDistance(strings.ToLower(word), strings.ToLower(c))
		if distance < least && distance < len(c) {
			best, least = c, distance
		}
	}
	return best
}

// editDistance counts the insertions, deletions and replacements between a and b.
// It looks at the first 64 bytes only: no field is that long.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// remedyForMissing is what to write for a required field.
func remedyForMissing(path string) string {
	last := lastOf(path)
	if strings.Contains(path, "alertmanagers[") {
		switch last {
		case "name":
			return "write name: and what to call these Alertmanagers"
		case "selector":
			return "say which containers are the Alertmanagers"
		}
	}
	examples := map[string]string{
		"apiVersion": "write apiVersion: " + APIVersion,
		"kind":       "write kind: and one of " + strings.Join(kinds(), ", "),
		"metadata":   "write metadata: {name: ...}",
		"name":       "write name: and a name of lower-case letters, digits and dashes",
		"spec":       "write spec: and the fields of the kind, or spec: {} for none",
		"selector":   "say which containers, or write selector: {} for all",
		"endpoints":  "write at least one, such as endpoints: [{port: metrics}]",
		"port":       "write a port mapping's name or a container port",
		"region":     "write the region, such as region: eu-west-1",
		"groups":     "write groups: as in a rule file",
		"key":        "write key: and the name to look at",
		"operator":   "write operator: and one of In, NotIn, Exists, DoesNotExist",
	}
	if remedy, ok := examples[last]; ok {
		return remedy
	}
	return "write " + last + ": and its value"
}

// lastOf is the last field of a path.
func lastOf(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// remedyForMapping is how to write a field that is a mapping.
func remedyForMapping(path string) string {
	switch lastOf(path) {
	case "portFrom", "pathFrom":
		return "write {environment: NAME} or {dockerLabel: NAME}"
	case "labels", "matchLabels":
		return "write each label as name: value"
	case "scrapeConfig":
		return "write fields of scrape_config as name: value"
	case "config":
		return "write fields of Prometheus's configuration as name: value"
	}
	return "write fields as name: value"
}

// remedyForList is how to write a field that is a list.
func remedyForList(path string) string {
	switch {
	case strings.Contains(path, ".params"):
		return "write its value as [x]"
	case lastOf(path) == "endpoints":
		return "write one line with a dash for each endpoint"
	}
	return "write [a, b], or one line with a dash for each"
}

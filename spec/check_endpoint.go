package spec

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

func (d *document) checkEndpoint(at string, e *Endpoint) {
	if d.missing(at+".port") && d.missing(at+".portFrom") && !misspelt[Endpoint](d, at, "port", "portFrom") {
		d.at(at, "needs port or portFrom; %s", remedyForMissing("port"))
	}
	d.checkValueSource(at+".portFrom", e.PortFrom)
	d.checkValueSource(at+".pathFrom", e.PathFrom)
	d.checkPath(at+".path", e.Path)
	if e.Scheme != "" && e.Scheme != "http" && e.Scheme != "https" {
		d.at(at+".scheme", "%q is no scheme; use http or https", e.Scheme)
	}
	d.checkParams(at+".params", e.Params)
	interval, timeout := d.duration(at+".interval", e.Interval), d.duration(at+".timeout", e.Timeout)
	if interval > 0 && timeout > interval {
		d.at(at+".timeout", "%s is longer than the interval %s; lower it, or raise the interval", e.Timeout, e.Interval)
	}
}

// checkPath judges a metrics path. Prometheus takes all of it as a path and
// escapes what has another meaning in a URL, so no server has such a page.
func (d *document) checkPath(at, path string) {
	if path == "" {
		return
	}
	bare, _, query := strings.Cut(path, "?")
	switch {
	case !strings.HasPrefix(path, "/"):
		d.at(at, "%q does not begin with a slash; write /%s", path, path)
	case query: // which may hold a secret
		d.at(at, "has a query after %q, which Prometheus would escape; write the path alone, and each parameter under params, as name: [value]", bare)
	case strings.Contains(path, "#"):
		d.at(at, "%q has a fragment, which Prometheus would escape; write the path up to the #, and what selects metrics under params", path)
	case strings.ContainsFunc(path, isInvisible):
		d.at(at, "%q has a blank or a control character, which Prometheus would escape; remove it, and write what selects metrics under params", path)
	}
}

func isInvisible(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

var plainName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// PlainLabel says that every version of Prometheus takes the name as a label's;
// others need version 3.
func PlainLabel(name string) bool { return plainName.MatchString(name) }

// checkParams judges that each parameter can travel as a label of the target.
func (d *document) checkParams(at string, params map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		at := join(at, name)
		switch values := params[name]; {
		case d.places[at] == nil: // no list
		case !PlainLabel(name):
			d.at(at, "the name %q cannot travel with a target; write it under spec.scrapeConfig.params, which gives this object a pool of its own", name)
		case len(values) == 0:
			d.at(at, "has no value; write one, such as [x], or remove it")
		case len(values) > 1:
			d.at(at, "has %d values, and only one can travel with a target; write them under spec.scrapeConfig.params, which gives this object a pool of its own", len(values))
		}
	}
}

func (d *document) checkValueSource(at string, s *ValueSource) {
	if s != nil {
		checkOneOf(d, at, s)
	}
}

// metaLabel begins the names of the labels that say what is known of a target.
const metaLabel = "__meta_ecs_"

func (d *document) checkLabelsFrom(at string, labels map[string]LabelSource) {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		at, source := join(at, name), labels[name]
		d.checkLabelName(at, name)
		checkOneOf(d, at, &source)
		if source.Meta != "" && (!strings.HasPrefix(source.Meta, metaLabel) || source.Meta == metaLabel) {
			d.at(at+".meta", "%q is none of the labels %s*; write one of them", source.Meta, metaLabel)
		}
	}
}

// checkOneOf judges that of the fields of a source, all strings, exactly one is
// given, and not empty. Where one is unknown, that has been reported.
func checkOneOf[T any](d *document, at string, source *T) {
	mapping, ok := d.places[at]
	if !ok {
		return
	}
	known := d.known.of(reflect.TypeFor[T]())
	var given []string
	for key, value := range Pairs(mapping) {
		if _, ok := known.byName[key.Value]; !ok {
			return
		}
		if !isNull(value) {
			given = append(given, key.Value)
		}
	}
	switch {
	case len(given) == 0:
		d.at(at, "names no source; write one of %s", strings.Join(known.names(), ", "))
	case len(given) > 1:
		d.at(at, "names several sources (%s); keep one", strings.Join(given, ", "))
	default:
		f := known.byName[given[0]]
		if reflect.ValueOf(source).Elem().Field(f.index).String() == "" {
			d.at(join(at, f.name), "is an empty name; write the name to look at")
		}
	}
}

// oneOf is suggest, and all choices after it.
func oneOf(word string, choices []string) string {
	all := "use one of " + strings.Join(choices, ", ")
	if meant := nearest(word, choices); meant != "" {
		return fmt.Sprintf("did you mean %s? %s", meant, all)
	}
	return all
}

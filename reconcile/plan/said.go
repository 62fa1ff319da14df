package plan

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// said is what a container says in one place: the value of a docker label or of
// an environment variable. One that is empty says nothing, as is one that an
// override empties.
type said struct {
	place  string // the place, for messages
	value  string
	hidden bool // the value is an environment variable's: no message shows it
}

// dockerLabel is what a container's docker label says.
func dockerLabel(c *inventory.ContainerDefinition, key string) said {
	return said{place: "docker label " + strconv.Quote(key), value: c.DockerLabels[key]}
}

// variable is what a container's environment variable says, run-time overrides
// over the definition.
func (w *workload) variable(c *inventory.ContainerDefinition, name string) said {
	value, ok := w.task.Environment[c.Name][name]
	if !ok {
		value = c.Environment[name]
	}
	return said{place: "environment variable " + strconv.Quote(name), value: value, hidden: true}
}

// from is what a container says where a spec looks for it.
func (w *workload) from(c *inventory.ContainerDefinition, source *spec.ValueSource) said {
	if source.Environment != "" {
		return w.variable(c, source.Environment)
	}
	return dockerLabel(c, source.DockerLabel)
}

func (s said) empty() bool { return s.value == "" }

// wrong is the fault of a value; what follows "is" in why must not hold it.
func (s said) wrong(c *inventory.ContainerDefinition, code, why string) fault {
	shown := s.place + " is "
	if !s.hidden {
		shown = fmt.Sprintf("%s is %q, ", s.place, s.value)
	}
	return fault{code, c.Name, shown + why}
}

// portWords name a port that is the value, for messages.
func (s said) portWords() string {
	if s.hidden {
		return "the TCP port of " + s.place
	}
	return fmt.Sprintf("TCP port %s of %s", s.value, s.place)
}

// number is the value as a port number.
func (s said) number() (spec.Port, bool) {
	p, err := spec.ParsePort(s.value)
	return p, err == nil && p.Number != 0
}

// port is the value as a container port, or as the name of a TCP port mapping
// of the container itself.
func (s said) port(c *inventory.ContainerDefinition) (spec.Port, *fault) {
	p, err := spec.ParsePort(s.value)
	if err == nil && (p.Number != 0 || exposes(c, p)) {
		return p, nil
	}
	return spec.Port{}, new(s.wrong(c, CodeBadPort,
		"neither a plain number from 1 to 65535 nor the name of a TCP port mapping of this container: correct one of the two"))
}

// path is the value as a metrics path.
func (s said) path(c *inventory.ContainerDefinition) (string, *fault) {
	if why := wrongPath(s.value); why != "" {
		return "", new(s.wrong(c, CodeBadPath, why))
	}
	return s.value, nil
}

func isPath(path string) bool { return wrongPath(path) == "" }

// wrongPath is why a value is no metrics path, or "".
func wrongPath(path string) string {
	switch {
	case !strings.HasPrefix(path, "/") || !utf8.ValidString(path):
		return "no metrics path: let it begin with a slash"
	case isEscaped(path):
		return "no metrics path, for Prometheus escapes ?, # and blanks, of which it has one: leave it out, and give parameters as params of an endpoint"
	}
	return ""
}

// isEscaped says that a path has something in it that ends a path elsewhere:
// Prometheus escapes it and asks for another path than was meant.
func isEscaped(path string) bool {
	return strings.ContainsAny(path, "?#") || strings.ContainsFunc(path, unicode.IsSpace)
}

// enables says whether the value is the one that asks for scraping. What plainly
// declines is no fault; all else is, because somebody meant something by it.
func (s said) enables(c *inventory.ContainerDefinition, word string) (bool, []fault) {
	switch {
	case s.value == word:
		return true, nil
	case s.declines():
		return false, nil
	}
	return false, []fault{s.wrong(c, CodeNotEnabled, fmt.Sprintf("not %q, which alone asks for scraping: write that, or remove it", word))}
}

func (s said) declines() bool {
	switch strings.ToLower(s.value) {
	case "", "0", "false", "no", "off":
		return true
	}
	return false
}

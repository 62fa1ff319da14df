package validate

import (
	"fmt"
	"regexp"

	"ecs-scrape/reconcile/validate/releases"
	"ecs-scrape/spec"
)

// What Prometheus's parsers say of a field and of a function that our release does
// not know.
var (
	unknownField    = regexp.MustCompile(`^field (\S+) not found in type (\S+)$`)
	unknownFunction = regexp.MustCompile(`unknown function with name "(\w+)"$`)
)

// explainUnknown says of names that no known Prometheus has what may be done: one
// is misspelt, or of a newer Prometheus, which needs a newer ecs-scrape.
func (o Options) explainUnknown(errs []*Error) []*Error {
	table := releases.Known()
	for _, e := range errs {
		if m := unknownField.FindStringSubmatch(e.Message); m != nil {
			e.Message = o.unknownField(m[1], near(m[1], table.FieldNames(m[2])))
		} else if m := unknownFunction.FindStringSubmatch(e.Message); m != nil {
			e.Message += "; " + o.unknown("it", "has it", near(m[1], table.FunctionNames()))
		}
	}
	return errs
}

// near is the name that is meant, or "". Of very short ones that says nothing.
func near(name string, all []string) string {
	if len(name) < 3 {
		return ""
	}
	return spec.Nearest(name, all)
}

func (o Options) unknownField(name, meant string) string {
	newest := releases.Known().Newest()
	if !newest.Before(o.Version) {
		return o.unknown("this field", "has the field "+name+" here", meant)
	}
	text := fmt.Sprintf("field %s needs a newer ecs-scrape: this one knows Prometheus up to %s, which has no such field, and %s is declared; if the name is misspelt, mend it", name, newest, o.Version)
	if meant != "" {
		text += fmt.Sprintf(" (did you mean %s?)", meant)
	}
	return text
}

// unknown says that no known release has something, and the remedies.
func (o Options) unknown(what, has, meant string) string {
	table := releases.Known()
	text := fmt.Sprintf("no Prometheus from %s to %s %s", table.Oldest(), table.Newest(), has)
	switch declared := table.Newest().Before(o.Version); {
	case meant != "" && declared:
		return fmt.Sprintf("%s, and %s is declared; did you mean %s? If that Prometheus has %s, take a newer ecs-scrape", text, o.Version, meant, what)
	case declared:
		return fmt.Sprintf("%s, and %s is declared: if it has %s, take a newer ecs-scrape", text, o.Version, what)
	case meant != "":
		return fmt.Sprintf("%s; did you mean %s? If yours is newer, declare its version and take a newer ecs-scrape", text, meant)
	}
	return text + "; if yours is newer, declare its version and take a newer ecs-scrape"
}

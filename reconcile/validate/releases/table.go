package releases

import (
	_ "embed" // the table
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed table.txt
var written string

// Types that a piece of YAML may be of.
const (
	Config       = "config.Config"
	Job          = "config.ScrapeConfig"
	Alertmanager = "config.AlertmanagerConfig"
	RuleFile     = "rulefmt.RuleGroups"
	Group        = "rulefmt.RuleGroup"
)

// anyName is the field of a type whose fields the user names.
const anyName = "*"

// Table is what the releases know. It is not changed once it is read, so that any
// number may read it at once.
type Table struct {
	releases []Version
	types    map[string]map[string]field
	values   map[string]map[string]Span
	features map[string]Span
	promQL   map[string]map[string]Span // by list
	outlived []string                   // the names of fields that the newest does not know, sorted
}

// field is one field of a type. Below it is the type of what it holds, or of the
// elements of its list or mapping; "" where nothing in it is Prometheus's.
type field struct {
	Span
	below string
	outer byte // '[' is a list, '{' a mapping, '=' one of the values of a type
}

// Known is the table that this program is built with.
var Known = sync.OnceValue(func() *Table {
	t, err := parse(written)
	if err != nil {
		panic("releases: the embedded table: " + err.Error())
	}
	return t
})

// Oldest is the first release of the table.
func (t *Table) Oldest() Version { return t.releases[0] }

// Newest is the last release of the table.
func (t *Table) Newest() Version { return t.releases[len(t.releases)-1] }

// OutlivedNames are the names of the fields that Outlived may find. Not to be changed.
func (t *Table) OutlivedNames() []string { return t.outlived }

// Feature says which releases know a name of --enable-feature.
func (t *Table) Feature(name string) (Span, bool) {
	s, ok := t.features[name]
	return s, ok
}

// parse reads what `make releases` writes.
func parse(text string) (*Table, error) {
	t := &Table{types: map[string]map[string]field{}, values: map[string]map[string]Span{}, features: map[string]Span{}, promQL: map[string]map[string]Span{}}
	var section, name string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "  "):
			if err := t.entry(section, name, words); err != nil {
				return nil, fmt.Errorf("%q: %w", strings.TrimSpace(line), err)
			}
		case words[0] == "releases":
			if err := t.columns(words[1:]); err != nil {
				return nil, err
			}
		default:
			section, name = words[0], strings.Join(words[1:], " ")
			t.begin(section, name)
		}
	}
	if err := t.complete(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Table) columns(names []string) error {
	for _, name := range names {
		v, ok := ParseVersion(name)
		if !ok {
			return fmt.Errorf("%q is no release", name)
		}
		t.releases = append(t.releases, v)
	}
	return nil
}

func (t *Table) begin(section, name string) {
	switch section {
	case "type":
		t.types[name] = map[string]field{}
	case "values":
		t.values[name] = map[string]Span{}
	case Functions, Experimental, Aggregators, Syntax:
		t.promQL[section] = map[string]Span{}
	}
}

func (t *Table) entry(section, name string, words []string) error {
	switch section {
	case "type":
		if len(words) < 2 {
			return errors.New("no kind")
		}
		span, err := readSpan(words[2:])
		t.types[name][words[0]] = newField(words[1], span)
		return err
	case "values":
		span, err := readSpan(words[1:])
		t.values[name][words[0]] = span
		return err
	case "features":
		span, err := readSpan(words[1:])
		t.features[words[0]] = span
		return err
	case Functions, Experimental, Aggregators, Syntax:
		span, err := readSpan(words[1:])
		t.promQL[section][words[0]] = span
		return err
	}
	return errors.New("in no section")
}

func newField(kind string, span Span) field {
	f := field{Span: span}
	switch {
	case kind == "-":
	case strings.HasPrefix(kind, "[]"), strings.HasPrefix(kind, "{}"):
		f.outer, f.below = kind[0], strings.TrimLeft(kind, "[]{}=")
		if kind[2] == '=' {
			f.outer = '='
		}
	case kind[0] == '=':
		f.outer, f.below = '=', kind[1:]
	default:
		f.below = kind
	}
	return f
}

// readSpan reads "since X gone Y", of which each may be missing.
func readSpan(words []string) (Span, error) {
	var s Span
	for i := 0; i < len(words); i += 2 {
		v, ok := ParseVersion(strings.Join(words[i+1:min(i+2, len(words))], ""))
		switch {
		case ok && words[i] == "since":
			s.Since = v
		case ok && words[i] == "gone":
			s.Gone = v
		default:
			return s, fmt.Errorf("%q is neither since nor gone", words[i])
		}
	}
	return s, nil
}

// complete says that the table has releases, and every type that it names.
func (t *Table) complete() error {
	if len(t.releases) == 0 {
		return errors.New("no releases")
	}
	for name, fields := range t.types {
		for key, f := range fields {
			if f.Over(t.Newest()) {
				t.outlived = append(t.outlived, key)
			}
			if f.below == "" || f.outer == '=' && t.values[f.below] != nil || f.outer != '=' && t.types[f.below] != nil {
				continue
			}
			return fmt.Errorf("%s of %s is of an unknown type %s", key, name, f.below)
		}
	}
	slices.Sort(t.outlived)
	t.outlived = slices.Compact(t.outlived)
	return nil
}

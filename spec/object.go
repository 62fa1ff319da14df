package spec

import (
	"cmp"
	"fmt"
	"strings"
)

// ID is the identity of an object. The name is that of its metadata; of a
// PrometheusRule of the Prometheus Operator "namespace.name"; of a plain rule
// file its path below the source's root.
type ID struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// String is "Kind/name".
func (id ID) String() string { return id.Kind + "/" + id.Name }

// Compare orders identities by kind and name.
func (id ID) Compare(o ID) int {
	return cmp.Or(strings.Compare(id.Kind, o.Kind), strings.Compare(id.Name, o.Name))
}

// Position is a place in a file. Line and column start at 1; 0 is unknown.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String is "file:line:column", shortened where parts are unknown.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Object is one decoded document that stands on its own: well formed, but not
// yet judged by Prometheus.
type Object struct {
	ID
	Metadata Metadata
	Position Position // of the document's first node
	// Source is the document's own bytes; decoding them gives the object again.
	Source []byte
	// Revision is a digest of Source: 16 hexadecimal digits.
	Revision string

	// Exactly one of these is set.
	ScrapeTarget     *ScrapeTargetSpec
	PrometheusConfig *PrometheusConfigSpec
	PrometheusRule   *PrometheusRuleSpec
}

// RuleFile is the slash-separated name, below the directory of prometheus.yml,
// of the file that a PrometheusRule is written to; "" for another kind. Renaming
// it resets pending alerts, so it follows from the identity alone.
func (o *Object) RuleFile() string {
	switch {
	case o.PrometheusRule == nil:
		return ""
	case o.Metadata.Name == "": // a plain rule file, named by its path
		return "rules/files/" + o.Name
	}
	return "rules/" + o.Name + ".yml"
}

// GroupsPath is the path of a PrometheusRule's groups: a plain rule file has
// them at its top.
func (o *Object) GroupsPath() string {
	if o.Metadata.Name == "" {
		return "groups"
	}
	return "spec.groups"
}

// CodeUnknownMeta is the warning that a rule reads a __meta_ecs_* label which does
// not exist. Package plan, which has the labels, finds it.
const CodeUnknownMeta = "unknown-meta"

// Problem is one thing wrong with a document: what, where, and the remedy.
type Problem struct {
	Position
	// Code identifies what a lint found, such as "timeout-above-interval"; ""
	// is a document that does not decode, or is refused by Prometheus.
	Code string `json:"code,omitempty"`
	// Severity is an error where the document is not served because of it. The
	// zero value is an error.
	Severity Severity `json:"severity,omitzero"`
	// Object is the zero ID where the document's identity cannot be read.
	Object ID `json:"object,omitzero"`
	// Path is the field, such as spec.endpoints[0].port; "" for the document.
	Path string `json:"path,omitempty"`
	// Rule is "group/rule" of what Prometheus refuses in a rule file; its words
	// are the Message.
	Rule string `json:"rule,omitempty"`
	// Message says what is wrong and how to mend it.
	Message string `json:"message"`
}

// Severity says what a Problem does to its document. It is written as "error"
// or "warning".
type Severity bool

// Severities of a Problem.
const (
	Error   Severity = false
	Warning Severity = true
)

// String is "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// MarshalText writes "error" or "warning".
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "error":
		*s = Error
	case "warning":
		*s = Warning
	default:
		return fmt.Errorf("severity %q: must be error or warning", text)
	}
	return nil
}

// Error is "file:line:column: field.path: message"; the message is preceded by
// "group/rule: " for a rule, and by "warning: " for a warning, and what a lint
// found ends with its code in brackets.
func (p Problem) Error() string {
	text := p.Position.String() + ": "
	for _, part := range []string{p.Path, p.Rule} {
		if part != "" {
			text += part + ": "
		}
	}
	if p.Severity == Warning {
		text += "warning: "
	}
	text += p.Message
	if p.Code != "" {
		text += " [" + p.Code + "]"
	}
	return text
}

// Compare orders problems by place, then by text.
func (p Problem) Compare(o Problem) int {
	return cmp.Or(strings.Compare(p.File, o.File), cmp.Compare(p.Line, o.Line),
		cmp.Compare(p.Column, o.Column), strings.Compare(p.Path, o.Path), strings.Compare(p.Message, o.Message))
}

// File is a file of specs, as a source read it.
type File struct {
	// Name is slash-separated, and relative to the source's root unless it
	// begins with Root.
	Name string
	// Root is the part of Name that leads to the source's root, such as "../";
	// it is no part of an identity.
	Root string
	Data []byte
}

// Set is everything that a source holds at one revision.
type Set struct {
	// Revision identifies the content of all files.
	Revision string
	// Files are the sorted names of the files read.
	Files []string
	// Objects are sorted by kind, name and place. Two documents of one
	// identity are both here: who of them is served depends on what is served now.
	Objects []*Object
	// Refused are the PrometheusRules that have a problem and groups all the same:
	// they are not served, and Prometheus can tell more of them. Sorted like Objects.
	Refused []*Object
	// Problems are sorted by place. A document with one that is no warning is
	// not in Objects.
	Problems []Problem
}

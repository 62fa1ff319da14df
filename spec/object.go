package spec

import (
	"cmp"
	"fmt"
	"strings"
)

// ID is the identity of an object.
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

// Problem is one thing wrong with a document: what, where, and the remedy.
type Problem struct {
	Position
	// Object is the zero ID where the document's identity cannot be read.
	Object ID `json:"object,omitzero"`
	// Path is the field, such as spec.endpoints[0].port; "" for the document.
	Path string `json:"path,omitempty"`
	// Message says what is wrong and how to mend it.
	Message string `json:"message"`
}

// Error is "file:line:column: field.path: message".
func (p Problem) Error() string {
	if p.Path == "" {
		return p.Position.String() + ": " + p.Message
	}
	return p.Position.String() + ": " + p.Path + ": " + p.Message
}

// Compare orders problems by place, then by text.
func (p Problem) Compare(o Problem) int {
	return cmp.Or(strings.Compare(p.File, o.File), cmp.Compare(p.Line, o.Line),
		cmp.Compare(p.Column, o.Column), strings.Compare(p.Path, o.Path), strings.Compare(p.Message, o.Message))
}

// File is a file of specs, as a source read it.
type File struct {
	Name string // slash-separated, relative to the source's root
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
	// Problems are sorted by place. A document with a problem is not in Objects.
	Problems []Problem
}

package spec

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decode decodes every document of files, each of which is multi-document YAML
// or JSON. It never fails as a whole: a document with a problem is left out of
// Objects, alone, and all its problems are in Problems. Empty documents are
// skipped. The result does not depend on the order of files.
func Decode(files []File) *Set {
	files = slices.SortedFunc(slices.Values(files), func(a, b File) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Data), string(b.Data)))
	})
	set := &Set{Revision: revision(files)}
	known := make(fieldTable)
	for _, f := range files {
		set.Files = append(set.Files, f.Name)
		for _, c := range split(f.Data) {
			object, problems := decodeChunk(f.Name, c, known)
			if object != nil {
				set.Objects = append(set.Objects, object)
			}
			set.Problems = append(set.Problems, problems...)
		}
	}
	slices.SortStableFunc(set.Objects, func(a, b *Object) int {
		return cmp.Or(a.ID.Compare(b.ID), comparePosition(a.Position, b.Position))
	})
	slices.SortStableFunc(set.Problems, Problem.Compare)
	return set
}

func comparePosition(a, b Position) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// revision is a digest over names and contents, each led by its length, so that
// no two different sets of files feed it the same bytes.
func revision(files []File) string {
	h := sha256.New()
	var size [8]byte
	for _, f := range files {
		for _, part := range [][]byte{[]byte(f.Name), f.Data} {
			binary.BigEndian.PutUint64(size[:], uint64(len(part)))
			h.Write(size[:])
			h.Write(part)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:revisionDigits]
}

// revisionDigits is the length of a revision: 64 bits, enough to tell apart all
// versions that a controller ever sees, short enough to read.
const revisionDigits = 16

// envelope is what every document has.
type envelope struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Metadata   Metadata   `json:"metadata"`
	Spec       *yaml.Node `json:"spec"`
}

// document is one document while it is judged.
type document struct {
	file     string
	line     int // lines of the file before the document
	known    fieldTable
	places   map[string]*yaml.Node // by path, each value that has the type it must have
	problems []Problem
}

// decodeChunk gives the object, or the problems, or neither for an empty document.
func decodeChunk(file string, c chunk, known fieldTable) (*Object, []Problem) {
	d := &document{file: file, line: c.line, known: known, places: make(map[string]*yaml.Node)}
	root := d.parse(c.data)
	if root == nil {
		return nil, d.problems
	}
	var e envelope
	d.decode(root, "", reflect.ValueOf(&e).Elem())
	object := &Object{ID: ID{Kind: e.Kind, Name: e.Metadata.Name}, Metadata: e.Metadata, Position: d.position(root)}
	d.checkEnvelope(&e)
	d.decodeSpec(object, e.Spec)
	if len(d.problems) > 0 {
		return nil, d.identified(object.ID)
	}
	object.Source = slices.Clone(c.data)
	sum := sha256.Sum256(object.Source)
	object.Revision = hex.EncodeToString(sum[:])[:revisionDigits]
	return object, nil
}

// decodeSpec decodes and judges the spec as its kind has it. A document of an
// unknown kind has been reported, and nothing can be said about its spec.
func (d *document) decodeSpec(o *Object, n *yaml.Node) {
	if n == nil {
		return
	}
	switch o.Kind {
	case KindScrapeTarget:
		o.ScrapeTarget = new(ScrapeTargetSpec)
		d.decode(n, "spec", reflect.ValueOf(o.ScrapeTarget).Elem())
		d.checkScrapeTarget(o.ScrapeTarget)
	case KindPrometheusConfig:
		o.PrometheusConfig = new(PrometheusConfigSpec)
		d.decode(n, "spec", reflect.ValueOf(o.PrometheusConfig).Elem())
		d.checkPrometheusConfig(o.PrometheusConfig)
	case KindPrometheusRule:
		o.PrometheusRule = new(PrometheusRuleSpec)
		d.decode(n, "spec", reflect.ValueOf(o.PrometheusRule).Elem())
		d.checkPrometheusRule(o.PrometheusRule)
	}
}

// identified gives the problems the identity of their document, if it has one.
func (d *document) identified(id ID) []Problem {
	if !slices.Contains(kinds(), id.Kind) || !isDNSLabel(id.Name) {
		return d.problems
	}
	for i := range d.problems {
		d.problems[i].Object = id
	}
	return d.problems
}

func kinds() []string {
	return []string{KindPrometheusConfig, KindPrometheusRule, KindScrapeTarget}
}

// report notes a problem at a node.
func (d *document) report(n *yaml.Node, path, message string) {
	d.problems = append(d.problems, Problem{Position: d.position(n), Path: path, Message: message})
}

func (d *document) position(n *yaml.Node) Position {
	return Position{File: d.file, Line: n.Line, Column: n.Column}
}

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
		in := &input{file: f.Name, inRoot: strings.TrimPrefix(f.Name, f.Root), known: known}
		for _, c := range split(f.Data) {
			object, problems := decodeChunk(in, c)
			switch {
			case object == nil:
			case Faulty(problems):
				set.Refused = append(set.Refused, object)
			default:
				set.Objects = append(set.Objects, object)
			}
			set.Problems = append(set.Problems, problems...)
		}
	}
	slices.SortStableFunc(set.Objects, compareObjects)
	slices.SortStableFunc(set.Refused, compareObjects)
	slices.SortStableFunc(set.Problems, Problem.Compare)
	return set
}

func compareObjects(a, b *Object) int {
	return cmp.Or(a.ID.Compare(b.ID), comparePosition(a.Position, b.Position))
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

// envelope is what every document of ours has.
type envelope struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Metadata   Metadata   `json:"metadata"`
	Spec       *yaml.Node `json:"spec"`
}

// input is a file while its documents are decoded.
type input struct {
	file     string
	inRoot   string // the file's name below the source's root
	known    fieldTable
	ruleLine int // of the document that makes it a rule file; 0 is none yet
}

// document is one document while it is judged.
type document struct {
	*input
	line     int                   // lines of the file before the document
	id       ID                    // the zero ID until it is known to be one
	places   map[string]*yaml.Node // by path, each value that has the type it must have
	problems []Problem
	refused  bool // has a problem that is no warning
}

// decodeChunk gives the object, or the problems, or neither for an empty
// document. An object may come with warnings; a PrometheusRule with a problem too.
func decodeChunk(in *input, c chunk) (*Object, []Problem) {
	d := &document{input: in, line: c.line, places: make(map[string]*yaml.Node)}
	root := d.parse(c.data)
	if root == nil {
		return nil, d.problems
	}
	object := d.decodeRoot(root)
	for i := range d.problems {
		d.problems[i].Object = d.id
	}
	if d.refused && !d.hasGroups(object) {
		return nil, d.problems
	}
	object.Position = d.position(root)
	object.Source = slices.Clone(c.data)
	sum := sha256.Sum256(object.Source)
	object.Revision = hex.EncodeToString(sum[:])[:revisionDigits]
	return object, d.problems
}

// hasGroups says that the rules of a document can be judged whatever else is
// wrong with it.
func (d *document) hasGroups(o *Object) bool {
	return o != nil && d.id != ID{} && o.PrometheusRule != nil && o.PrometheusRule.Groups.Node != nil &&
		o.PrometheusRule.Groups.Node.Kind == yaml.SequenceNode
}

// decodeRoot decodes and judges a document in the form that it has. The object
// may be nil only where a problem was reported.
func (d *document) decodeRoot(root *yaml.Node) *Object {
	switch form(root) {
	case formList:
		d.report(Field(root, "kind"), "kind", "a list of objects is not read; write each of its items as a document of its own, with --- between them")
		return nil
	case formOperator:
		return d.decodeOperator(root)
	case formRuleFile:
		return d.decodeRuleFile(root)
	}
	return d.decodeOwn(root)
}

// decodeOwn decodes and judges a document of a kind of ours.
func (d *document) decodeOwn(root *yaml.Node) *Object {
	var e envelope
	d.decode(root, "", reflect.ValueOf(&e).Elem())
	object := &Object{ID: ID{Kind: e.Kind, Name: e.Metadata.Name}, Metadata: e.Metadata}
	if slices.Contains(kinds(), e.Kind) && isDNSLabel(e.Metadata.Name) {
		d.id = object.ID
	}
	d.checkEnvelope(&e)
	d.decodeSpec(object, e.Spec)
	return object
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

func kinds() []string {
	return []string{KindPrometheusConfig, KindPrometheusRule, KindScrapeTarget}
}

// report notes a problem at a node.
func (d *document) report(n *yaml.Node, path, message string) {
	d.refuse(Problem{Position: d.position(n), Path: path, Message: message})
}

func (d *document) refuse(p Problem) {
	d.problems = append(d.problems, p)
	d.refused = true
}

// warn notes what the document is served without.
func (d *document) warn(n *yaml.Node, path, code, message string) {
	d.problems = append(d.problems, Problem{Position: d.position(n), Code: code, Severity: Warning, Path: path, Message: message})
}

func (d *document) position(n *yaml.Node) Position {
	return Position{File: d.file, Line: n.Line, Column: n.Column}
}

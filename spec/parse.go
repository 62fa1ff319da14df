package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parse gives the root of the document with aliases resolved, or nil where the
// document is empty or does not parse; the latter is reported.
func (d *document) parse(data []byte) *yaml.Node {
	if !utf8.Valid(data) {
		d.refuse(Problem{
			Position: Position{File: d.file, Line: d.line + 1}, Message: "is not UTF-8 text; save the file as UTF-8",
		})
		return nil
	}
	if json.Valid(data) {
		data = jsonEscape.ReplaceAllFunc(data, yamlEscape)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var parsed, next yaml.Node
	if err := decoder.Decode(&parsed); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		d.syntax(err.Error())
		return nil
	}
	if err := decoder.Decode(&next); err == nil {
		d.report(&yaml.Node{Line: d.line + next.Line, Column: next.Column}, "", "another document begins here; end the line before it by a line feed")
		return nil
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err.Error())
		return nil
	}
	r := resolver{line: d.line, active: make(map[*yaml.Node]bool)}
	root, err := r.resolve(parsed.Content[0], 0, false)
	if err != nil {
		d.report(err.node, "", err.message)
		return nil
	}
	if isNull(root) {
		return nil
	}
	return root
}

// jsonEscape is what JSON may escape and YAML 1.1 cannot read: a slash, and a
// character in two halves. An escaped backslash is matched so that it is passed over.
var jsonEscape = regexp.MustCompile(`\\\\|\\/|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

func yamlEscape(escape []byte) []byte {
	switch escape[1] {
	case '\\':
		return escape
	case '/':
		return escape[1:]
	}
	high, _ := strconv.ParseUint(string(escape[2:6]), 16, 16)
	low, _ := strconv.ParseUint(string(escape[8:12]), 16, 16)
	return fmt.Appendf(nil, `\U%08x`, utf16.DecodeRune(rune(high), rune(low)))
}

// yamlErrorLine is how the YAML parser says where.
var yamlErrorLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// unknownAnchor is what the YAML parser says of an alias without an anchor.
var unknownAnchor = regexp.MustCompile(`^unknown anchor '.*' referenced$`)

// syntax reports that the document does not parse. The parser knows the line
// only; it is the document's first where the parser names none.
func (d *document) syntax(message string) {
	line := 1
	message = strings.TrimPrefix(message, "yaml: ")
	if m := yamlErrorLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
	}
	remedy := "check indentation and quotes here and in the lines before"
	if unknownAnchor.MatchString(message) { // its name may be a password that begins with *
		message, remedy = "an alias names no anchor", "write the &anchor before it, or put a value that begins with * in quotes"
	}
	d.refuse(Problem{
		Position: Position{File: d.file, Line: d.line + line},
		Message:  "does not parse: " + message + "; " + remedy,
	})
}

// maxDepth bounds nesting. Prometheus's deepest settings are at about ten.
const maxDepth = 64

// maxCopied bounds what aliases add to a document: bytes of scalars, and
// nodeCost for each node, about what it takes to write one. It is the size that
// a whole file may have.
const (
	maxCopied = 1 << 20
	nodeCost  = 64
)

// resolver copies a tree of nodes: aliases are replaced by what they stand for,
// merge keys by the fields that they bring, anchors and comments are left out.
type resolver struct {
	line   int // added to every line
	copied int
	active map[*yaml.Node]bool // anchored nodes above the current one
}

// nodeError says why a tree cannot be resolved.
type nodeError struct {
	node    *yaml.Node
	message string
}

// resolve copies n; aliased says that it is reached through an alias.
func (r *resolver) resolve(n *yaml.Node, depth int, aliased bool) (*yaml.Node, *nodeError) {
	if depth > maxDepth {
		return nil, r.fail(n, fmt.Sprintf("is nested deeper than %d levels; flatten it", maxDepth))
	}
	if n.Kind == yaml.AliasNode {
		return r.alias(n, depth)
	}
	if aliased {
		if r.copied += nodeCost + len(n.Value); r.copied > maxCopied {
			return nil, r.fail(n, "aliases expand to more than 1 MiB; write the values out, or split the document")
		}
	}
	out := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.ShortTag(), Value: n.Value, Line: n.Line + r.line, Column: n.Column}
	if len(n.Content) > 0 {
		out.Content = make([]*yaml.Node, 0, len(n.Content))
	}
	for _, child := range n.Content {
		c, err := r.resolve(child, depth+1, aliased)
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, c)
	}
	return out, r.merge(out)
}

func (r *resolver) alias(n *yaml.Node, depth int) (*yaml.Node, *nodeError) {
	if r.active[n.Alias] {
		return nil, r.fail(n, "an anchor contains itself by this alias; write the value out")
	}
	r.active[n.Alias] = true
	defer delete(r.active, n.Alias)
	return r.resolve(n.Alias, depth+1, true)
}

// merge replaces the merge keys of a mapping: its own fields win, then the first
// mapping that has the field.
func (r *resolver) merge(n *yaml.Node) *nodeError {
	if n.Kind != yaml.MappingNode || !hasMergeKey(n) {
		return nil
	}
	var own, merged []*yaml.Node
	for key, value := range Pairs(n) {
		if !isMergeKey(key) {
			own = append(own, key, value)
			continue
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = value.Content
		}
		for _, s := range sources {
			if s.Kind != yaml.MappingNode {
				return &nodeError{s, "what << merges must be a mapping, or a list of mappings"}
			}
			merged = append(merged, s.Content...)
		}
	}
	n.Content = own
	have := make(map[string]bool)
	for key := range Pairs(n) {
		have[key.Value] = true
	}
	for i := 0; i < len(merged); i += 2 {
		if !have[merged[i].Value] {
			have[merged[i].Value] = true
			n.Content = append(n.Content, merged[i], merged[i+1])
		}
	}
	return nil
}

func (r *resolver) fail(n *yaml.Node, message string) *nodeError {
	return &nodeError{&yaml.Node{Line: n.Line + r.line, Column: n.Column}, message}
}

package artifact

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// secretKey are the fields of prometheus.yml whose values Prometheus never
// shows, and names of the user's own (of headers and parameters) that sound
// like them. Paths of files are shown.
var secretKey = regexp.MustCompile(`(?i)^(?:.*[_-])?(?:password|credentials|token|secrets?|secret_key|access_key|client_certificate_key|proxy_connect_header|authorization|cookie|api[_-]?key)$`)

// secretLine finds such a field in a comment.
var secretLine = regexp.MustCompile(`(?im)((?:password|credentials|token|secrets?|key|proxy_connect_header|authorization|cookie)["']?[ \t]*[:=][ \t]*).+`)

// urlUser are the user and the password of a URL.
var urlUser = regexp.MustCompile(`//\S*@`)

const secretMark = "<secret>"

// maskConfig leaves the secrets out of two versions of prometheus.yml. A secret
// that only one of them holds is marked, so that a change of it is seen. Files
// without secrets come back as they are.
func maskConfig(before, after []byte) (maskedBefore, maskedAfter []byte) {
	from, before := document(before)
	to, after := document(after)
	had, has := newMasker(from), newMasker(to)
	if len(had.found)+len(has.found) == 0 && !had.commented && !has.commented {
		return before, after
	}
	had.mask(has, "<secret, old>")
	has.mask(had, "<secret, new>")
	return encodeLike(from, before), encodeLike(to, after)
}

// hidden stands for a file in which secrets cannot be told from the rest.
const hidden = "(not shown: it is not one YAML document)\n"

// document parses the file, and gives what to show of it without secrets.
func document(data []byte) (*yaml.Node, []byte) {
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return &yaml.Node{}, data
	} else if err != nil || !errors.Is(dec.Decode(&more), io.EOF) {
		return &yaml.Node{}, []byte(hidden)
	}
	return &doc, data
}

func maskComment(text string) string {
	text = urlUser.ReplaceAllString(text, "//"+secretMark+"@")
	return secretLine.ReplaceAllString(text, "${1}"+secretMark)
}

// masker knows the secrets of one file.
type masker struct {
	found     map[secret][]*yaml.Node
	commented bool // a comment held one, and has lost it
}

// secret is a value and the fields that lead to it. Positions in lists do not
// count, so that an inserted job changes no other's.
type secret struct {
	place, value string
	whole        bool // else it is within a URL
}

func newMasker(root *yaml.Node) *masker {
	m := &masker{found: map[secret][]*yaml.Node{}}
	m.walk(root, "", false)
	return m
}

// walk collects the secrets at and below n; whole says that all of n is one.
func (m *masker) walk(n *yaml.Node, place string, whole bool) {
	m.comments(n)
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Value != "" && (whole || urlUser.MatchString(n.Value)) {
			s := secret{place: place, value: n.Value, whole: whole}
			m.found[s] = append(m.found[s], n)
		}
	case yaml.AliasNode:
		if whole && n.Alias.Kind == yaml.ScalarNode {
			m.walk(n.Alias, place, whole)
		}
	case yaml.MappingNode:
		at := place + "/" + nameOf(n) + "/"
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			m.comments(key)
			m.walk(value, at+key.Value, whole || hides(place, key.Value, value))
		}
	default:
		for _, c := range n.Content {
			m.walk(c, place, whole)
		}
	}
}

func (m *masker) comments(n *yaml.Node) {
	for _, comment := range []*string{&n.HeadComment, &n.LineComment, &n.FootComment} {
		masked := maskComment(*comment)
		m.commented = m.commented || masked != *comment
		*comment = masked
	}
}

// hides says whether a field's value is a secret, as a whole. `authorization`
// is a section of a job, and may be the name of a header.
func hides(place, key string, value *yaml.Node) bool {
	if key == "key" {
		return strings.HasSuffix(place, "tls_config")
	}
	section := value.Kind == yaml.MappingNode && key != "proxy_connect_header" && !strings.HasSuffix(place, "/http_headers")
	return secretKey.MatchString(key) && !section
}

// nameOf tells elements of a list apart.
func nameOf(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i].Value; key == "job_name" || key == "name" {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// mask writes marks over the secrets: only is for one that the other side lacks.
func (m *masker) mask(other *masker, only string) {
	for s, nodes := range m.found {
		mark := secretMark
		if len(other.found[s]) == 0 {
			mark = only
		}
		if !s.whole {
			mark = urlUser.ReplaceAllLiteralString(s.value, "//"+mark+"@")
		}
		for _, n := range nodes {
			n.Value, n.Tag, n.Style = mark, "!!str", 0
		}
	}
}

// encodeLike indents as a rendered file does, so that its other lines stay as
// they are.
func encodeLike(n *yaml.Node, data []byte) []byte {
	if n.Kind == 0 {
		return data // no document
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if enc.Encode(n) != nil || enc.Close() != nil {
		return []byte(hidden)
	}
	return b.Bytes()
}

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
var secretKey = regexp.MustCompile(`(?i)^(?:.*[_-])?(?:password|credentials|token|secrets?|secret_key|access_key|client_certificate_key|private_key|authorization|cookie|api[_-]?key)$`)

// secretSection are the fields whose values are secrets whatever their names:
// headers and parameters of the user's own.
var secretSection = regexp.MustCompile(`^(?:headers|http_headers|proxy_connect_header|endpoint_params)$`)

// secretLine finds such a field in a comment.
var secretLine = regexp.MustCompile(`(?im)((?:password|credentials|token|secrets?|key|proxy_connect_header|authorization|cookie)["']?[ \t]*[:=][ \t]*).+`)

// urlUser are the user and the password of a URL.
var urlUser = regexp.MustCompile(`//\S*@`)

// urlQuery is the query of a URL: a token of any name may be in it.
var urlQuery = regexp.MustCompile(`//[^\s?]*\?\S*`)

// queryValue is one value of it, or all of a part without a name.
var queryValue = regexp.MustCompile(`([?&;](?:[^=&;#\s]*=)?)[^&;#\s]+`)

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
	text = maskURL(text, secretMark)
	return secretLine.ReplaceAllString(text, "${1}"+secretMark)
}

// maskURL writes the mark over the secrets of URLs in text.
func maskURL(text, mark string) string {
	text = urlQuery.ReplaceAllStringFunc(text, func(url string) string {
		return queryValue.ReplaceAllString(url, "${1}"+mark)
	})
	return urlUser.ReplaceAllLiteralString(text, "//"+mark+"@")
}

// hasSecretURL says whether a value holds such URLs. Question marks in regular
// expressions ask for nothing.
func hasSecretURL(place, text string) bool {
	return urlUser.MatchString(text) || !strings.HasSuffix(place, "/regex") && maskURL(text, secretMark) != text
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
	m.comments(n, whole)
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Value != "" && (whole || hasSecretURL(place, n.Value)) {
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
			secret := whole && !isFiles(at, key.Value) || hides(place, key.Value, value)
			m.comments(key, secret)
			m.walk(value, at+key.Value, secret)
		}
	default:
		for _, c := range n.Content {
			m.walk(c, place, whole)
		}
	}
}

// comments takes the secrets out of n's comments; all that is written at a
// secret may be one that it had or will have.
func (m *masker) comments(n *yaml.Node, whole bool) {
	for _, comment := range []*string{&n.HeadComment, &n.LineComment, &n.FootComment} {
		masked := maskComment(*comment)
		if whole && masked != "" {
			masked = "# " + secretMark
		}
		m.commented = m.commented || masked != *comment
		*comment = masked
	}
}

// hides says whether a field's value is a secret, as a whole. `authorization`
// is a section of a job.
func hides(place, key string, value *yaml.Node) bool {
	if key == "key" {
		return strings.HasSuffix(place, "tls_config")
	}
	return secretSection.MatchString(key) || secretKey.MatchString(key) && value.Kind != yaml.MappingNode
}

// isFiles finds the names of files in http_headers, which are shown.
func isFiles(at, key string) bool { return key == "files" && strings.Contains(at, "/http_headers/") }

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
			mark = maskURL(s.value, mark)
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

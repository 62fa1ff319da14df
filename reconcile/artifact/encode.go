package artifact

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
)

const addressLabel = "__address__"

// Sorted are the pool's targets in the order of its file. The pool is not
// changed; where it is in order already, its own slice is returned.
func (p Pool) Sorted() []Target {
	if slices.IsSortedFunc(p.Targets, Target.CompareInFile) {
		return p.Targets
	}
	return slices.SortedFunc(slices.Values(p.Targets), Target.CompareInFile)
}

// CompareInFile breaks ties of Compare by origin, so that equal targets of two
// objects have one order too.
func (t Target) CompareInFile(o Target) int {
	if c := t.Compare(o); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(t.Origin.Object, o.Origin.Object),
		cmp.Compare(t.Origin.Account, o.Origin.Account),
		cmp.Compare(t.Origin.Region, o.Origin.Region),
		cmp.Compare(t.Origin.Cluster, o.Origin.Cluster),
		cmp.Compare(t.Origin.Task, o.Origin.Task),
		compareBool(t.Origin.Moved, o.Origin.Moved),
	)
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// encodeBuffer is how much of a file is in memory at once, in bytes: the file of
// 100,000 targets has 30 MB.
const encodeBuffer = 16 << 10

// EncodeTo writes the pool's target file: file_sd JSON, one group per target on a
// line of its own, in the order of [Pool.Sorted]. Labels with an empty value
// are absent labels and are left out. Invalid UTF-8 becomes U+FFFD. An error is
// w's.
func (p Pool) EncodeTo(w io.Writer) error {
	targets := p.Sorted()
	if len(targets) == 0 {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	out := bufio.NewWriterSize(w, encodeBuffer)
	separator := "[\n"
	for i := range targets {
		line := append(out.AvailableBuffer(), separator...)
		if _, err := out.Write(appendGroup(line, targets[i])); err != nil {
			return err
		}
		separator = ",\n"
	}
	_, _ = out.WriteString("\n]\n") // Flush tells
	return out.Flush()
}

// Encode is the whole target file.
func (p Pool) Encode() []byte {
	var out bytes.Buffer
	_ = p.EncodeTo(&out) // which takes everything
	return out.Bytes()
}

func appendGroup(out []byte, t Target) []byte {
	out = append(out, `{"targets":[`...)
	out = AppendString(out, t.Address())
	out = append(out, `],"labels":{`...)
	first := true
	t.Labels.Range(func(l labels.Label) {
		if l.Name == addressLabel || l.Value == "" {
			return
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = AppendString(out, l.Name)
		out = append(out, ':')
		out = AppendString(out, l.Value)
	})
	return append(out, "}}"...)
}

// AppendString appends s as encoding/json writes it without HTML escaping.
func AppendString(out []byte, s string) []byte {
	out = append(out, '"')
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' {
				out = append(out, s[start:i]...)
				out = appendEscape(out, c)
				start = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if escape := runeEscape(r, size); escape != "" {
			out = append(out, s[start:i]...)
			out = append(out, escape...)
			start = i + size
		}
		i += size
	}
	out = append(out, s[start:]...)
	return append(out, '"')
}

// appendEscape escapes a quote, a backslash or a control character.
func appendEscape(out []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(out, '\\', c)
	case '\b':
		return append(out, `\b`...)
	case '\f':
		return append(out, `\f`...)
	case '\n':
		return append(out, `\n`...)
	case '\r':
		return append(out, `\r`...)
	case '\t':
		return append(out, `\t`...)
	}
	return append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// runeEscape is how encoding/json writes bytes that are no UTF-8 (decoded as a
// one-byte RuneError) and the two line separators that JavaScript does not
// allow in strings; "" for every other rune.
func runeEscape(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return `\ufffd`
	case r == '\u2028':
		return `\u2028`
	case r == '\u2029':
		return `\u2029`
	}
	return ""
}

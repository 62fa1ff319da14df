package spec

import "bytes"

// chunk is the text of one document: what stands between document markers.
type chunk struct {
	data []byte
	line int // lines of the file before it
}

// split cuts a file at its document markers. YAML forbids "---" and "..." at
// the start of a line anywhere but between documents, quoted and block scalars
// included, so that no parser is needed to find them, and a document that does
// not parse cannot hide the ones after it.
func split(data []byte) []chunk {
	s := splitter{rest: data}
	for len(s.rest) > 0 {
		size := bytes.IndexByte(s.rest, '\n') + 1
		if size == 0 {
			size = len(s.rest)
		}
		s.add(s.rest[:size])
		s.rest = s.rest[size:]
		s.line++
	}
	s.flush()
	return s.chunks
}

type splitter struct {
	chunks []chunk
	rest   []byte
	line   int    // of the line being added, from 0
	text   []byte // of the current chunk: always a part of the file
	start  int    // the line that text begins on
}

func (s *splitter) add(line []byte) {
	for len(s.text) == 0 && bytes.HasPrefix(line, byteOrderMark) {
		line = line[len(byteOrderMark):]
	}
	begins, ends := isMarker(line, "---"), isMarker(line, "...")
	switch {
	case begins && isPreamble(s.text), !begins && !ends:
		s.extend(line)
	case isBlank(line[3:]):
		s.flush()
		s.text, s.start = nil, s.line+1
	default: // the document begins on the marker's own line
		s.flush()
		s.text, s.start = line, s.line
	}
}

// extend adds the line to the chunk, which it follows in the file.
func (s *splitter) extend(line []byte) {
	if len(s.text) == 0 {
		s.text, s.start = line, s.line
		return
	}
	s.text = s.text[:len(s.text)+len(line)]
}

func (s *splitter) flush() {
	if len(s.text) > 0 {
		s.chunks = append(s.chunks, chunk{data: s.text, line: s.start})
	}
}

// byteOrderMark is what some editors put before a text.
var byteOrderMark = []byte("\ufeff")

// isMarker says whether the line begins with the marker, alone or before a space.
func isMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	return len(line) == len(marker) || bytes.IndexByte([]byte(" \t\r\n"), line[len(marker)]) >= 0
}

// isPreamble says whether the text is directives, which belong to the document
// that the next marker begins, and nothing else.
func isPreamble(text []byte) bool {
	directives := false
	for line := range bytes.Lines(text) {
		if line[0] == '%' {
			directives = true
		} else if !isBlank(line) {
			return false
		}
	}
	return directives
}

// isBlank says whether a line, or its end, has nothing but a comment.
func isBlank(line []byte) bool {
	line = bytes.TrimLeft(line, " \t\r\n")
	return len(line) == 0 || line[0] == '#'
}

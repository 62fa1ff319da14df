package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	// demoEvents is how many entries of the journal the screen shows.
	demoEvents = 7
	// demoPrompt is where commands are typed, below the live lines.
	demoPrompt = "> "
)

// demoScreen writes on a terminal in place, and elsewhere line by line.
//
// On a terminal the live lines stand above the prompt. They are rewritten with
// the cursor saved and restored, so what is being typed stays.
type demoScreen struct {
	out    io.Writer
	fd     int
	live   bool
	colour bool

	text          string // printed above the live lines
	height        int    // of the live lines on the screen; 0: none
	columns, rows int
	reported      time.Time // when the last plain report was written
}

func newDemoScreen(out io.Writer) *demoScreen {
	s := &demoScreen{out: out, columns: 100, rows: 40}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		s.fd, s.live = int(file.Fd()), true
		s.colour = os.Getenv("NO_COLOR") == ""
	}
	return s
}

// say writes a line of the start and of the end.
func (s *demoScreen) say(format string, args ...any) {
	s.write(fmt.Sprintf(format, args...) + "\n")
}

// print puts a text above the live lines.
func (s *demoScreen) print(text []demoLine) {
	s.text = ""
	for _, line := range text {
		s.text += line.render(0, s.colour) + "\n"
	}
	s.erase()
	s.write(s.text)
}

// draw shows how everything stands.
func (s *demoScreen) draw(standing *demoStanding, journal *demoJournal) {
	if !s.live {
		s.report(standing, journal)
		return
	}
	if columns, rows, err := term.GetSize(s.fd); err == nil && (columns != s.columns || rows != s.rows) {
		if s.height > 0 { // resized: nobody knows where the old lines went
			s.write("\x1b[2J\x1b[H" + s.text)
			s.height = 0
		}
		s.columns, s.rows = columns, rows
	}
	lines := standing.lines(s.columns)
	events := min(demoEvents, max(0, s.rows-len(lines)-3))
	lines = append(lines, eventLines(journal.recent(events), events)...)
	s.redraw(lines)
}

func (s *demoScreen) redraw(lines []demoLine) {
	var b strings.Builder
	inPlace := s.height == len(lines)
	if inPlace {
		fmt.Fprintf(&b, "\x1b7\x1b[%dA", s.height)
	} else {
		s.erase()
	}
	for _, line := range lines {
		b.WriteString("\r" + line.render(s.columns-1, s.colour) + "\x1b[K\n")
	}
	if inPlace {
		b.WriteString("\x1b8")
	} else {
		b.WriteString(demoPrompt)
	}
	s.height = len(lines)
	s.write(b.String())
}

// erase takes the live lines and the prompt away.
func (s *demoScreen) erase() {
	if s.height > 0 {
		s.write(fmt.Sprintf("\r\x1b[%dA\x1b[J", s.height))
		s.height = 0
	}
}

// typed takes the cursor back to the prompt after a line was entered there.
func (s *demoScreen) typed() {
	if s.live && s.height > 0 {
		s.write("\x1b[1A\r\x1b[K" + demoPrompt)
	}
}

// leave ends the live lines, which stay to be read.
func (s *demoScreen) leave() {
	if s.height > 0 {
		s.write("\r\x1b[K")
		s.height = 0
	}
}

// report writes what happened at once, and how it stands now and then.
func (s *demoScreen) report(standing *demoStanding, journal *demoJournal) {
	for _, e := range journal.take() {
		s.write(e.line().render(0, false) + "\n")
	}
	if standing.now.Sub(s.reported) < demoReport {
		return
	}
	s.reported = standing.now
	for _, line := range standing.lines(0) {
		if text := strings.TrimSpace(line.render(0, false)); text != "" {
			s.write("  " + text + "\n")
		}
	}
}

// write does not care for errors: a terminal that is gone interrupts the demo.
func (s *demoScreen) write(text string) { _, _ = io.WriteString(s.out, text) }

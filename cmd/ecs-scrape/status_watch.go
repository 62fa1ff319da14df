package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"ecs-scrape/controller"
)

// clearScreen moves to the top left of a terminal and clears what is there.
const clearScreen = "\x1b[H\x1b[2J"

// follow shows the status until the context ends: on a terminal it draws it anew
// at each look, elsewhere it prints it when it has changed. A failure is told, and
// what was known stays.
func (o *statusOptions) follow(ctx context.Context, read reader) error {
	draw := o.print
	if f, ok := o.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		draw = func(l *seen) error {
			width, height, err := term.GetSize(int(f.Fd())) // it may be another one by now
			if err != nil {
				width, height = 0, 0
			}
			return o.redraw(l, width, height)
		}
	}
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	var last seen
	for {
		s, err := read(ctx)
		if ctx.Err() != nil {
			return nil
		}
		last = last.next(s, err)
		if err := draw(&last); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// seen is what was read last, and why nothing newer was.
type seen struct {
	status  *controller.Status // nil before the first
	failure string
	changed bool // against the look before
	old     bool
}

func (l seen) next(s *controller.Status, err error) seen {
	if err != nil {
		return seen{status: l.status, failure: err.Error(), changed: l.failure != err.Error()}
	}
	out := seen{status: s, old: old(s, time.Now())}
	out.changed = l.status == nil || l.failure != "" || l.old != out.old || !same(l.status, s)
	return out
}

// same says that nothing has changed but the clock and the counts of calls.
func same(a, b *controller.Status) bool {
	bare := func(s *controller.Status) string {
		c := *s
		c.Time, c.Usage = time.Time{}, nil
		doc, err := c.Document()
		if err != nil {
			return err.Error()
		}
		return string(doc)
	}
	return bare(a) == bare(b)
}

// redraw fills a screen of that many columns and rows; 0 is not known.
func (o *statusOptions) redraw(l *seen, width, height int) error {
	text := ""
	if l.failure != "" {
		text = "No answer, tried again: " + plain(l.failure) + "\n\n"
	}
	if l.status != nil {
		body, err := o.show(l.status, time.Now())
		if err != nil {
			body = err.Error() + "\n" // the object may come back
		}
		text += body
	}
	_, err := io.WriteString(o.stdout, clearScreen+fit(text, width, height))
	return err
}

// fit leaves out the last lines of what a screen has no room for: it would scroll,
// and the first lines matter most.
func fit(text string, width, height int) string {
	if width < 1 || height < 1 {
		return text
	}
	lines := slices.Collect(strings.Lines(text))
	free := height - 1 // the cursor stands below
	kept, short := 0, 0
	for i, line := range lines {
		free -= max(1, (utf8.RuneCountInString(strings.TrimSuffix(line, "\n"))+width-1)/width)
		if free < 0 {
			break
		}
		kept = i + 1
		if free > 0 {
			short = kept // with room for a line below
		}
	}
	if kept == len(lines) {
		return text
	}
	return strings.Join(lines[:short], "") + fmt.Sprintf("... %d lines more\n", len(lines)-short)
}

// print adds what is new to the end.
func (o *statusOptions) print(l *seen) error {
	switch {
	case !l.changed:
		return nil
	case l.failure != "":
		_, err := io.WriteString(o.stderr, "ecs-scrape: no answer, tried again: "+l.failure+"\n")
		return err
	}
	text, err := o.show(l.status, time.Now())
	if err != nil {
		text = err.Error() + "\n"
	}
	separator := "\n"
	if o.format == "yaml" {
		separator = "---\n"
	}
	_, err = io.WriteString(o.stdout, text+separator)
	return err
}

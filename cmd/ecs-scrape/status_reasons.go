package main

import (
	"fmt"
	"strings"

	"ecs-scrape/controller"
)

// state tells every reason that there is, the worst beside the state.
func (b *screen) state(s *controller.Status) {
	message, rest := s.Message, s.Reasons
	if len(rest) > 0 {
		message, rest = b.reason(&rest[0]), rest[1:]
	}
	b.line("State:          %s", plain(strings.TrimSuffix(s.State+": "+message, ": ")))
	for i := range rest {
		label := ""
		if i == 0 {
			label = "And:"
		}
		b.line("%-15s %s", label, plain(b.reason(&rest[i])))
	}
}

// reason is one in words: of how many things, for how long.
func (b *screen) reason(r *controller.Reason) string {
	var notes []string
	if r.Count > 1 {
		notes = append(notes, fmt.Sprintf("and %d more like it", r.Count-1))
	}
	if !r.Since.IsZero() {
		notes = append(notes, "for "+b.ago(r.Since))
	}
	if len(notes) == 0 {
		return r.Message
	}
	return r.Message + " (" + strings.Join(notes, ", ") + ")"
}

// lastError says from when to when it was one.
func (b *screen) lastError(e *controller.ErrorStatus) {
	switch {
	case e == nil:
	case e.Until.IsZero() && e.Reason != "":
		b.line("Last error:     %s ago, and now: %s", b.ago(e.At), plain(e.Message))
	case e.Until.IsZero(): // of a controller that does not tell when it was over
		b.line("Last error:     %s ago: %s", b.ago(e.At), plain(e.Message))
	default:
		b.line("Last error:     %s ago, over for %s: %s", b.ago(e.At), b.ago(e.Until), plain(e.Message))
	}
}

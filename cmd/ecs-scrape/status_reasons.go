package main

import (
	"fmt"

	"ecs-scrape/controller"
)

// also are the reasons that the state's message does not tell, the worst first.
func (b *screen) also(reasons []controller.Reason) {
	for i, r := range reasons[min(1, len(reasons)):] {
		label := ""
		if i == 0 {
			label = "And:"
		}
		text := plain(r.Message)
		if r.Count > 1 {
			text += fmt.Sprintf(" (and %d more like it)", r.Count-1)
		}
		b.line("%-15s %s", label, text)
	}
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

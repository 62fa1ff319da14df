package main

import "ecs-scrape/controller"

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

package web

import (
	"fmt"
	"time"
)

// when is a time as people ask for it: how long ago it was.
type when struct{ At, Now time.Time }

// Zero says that the time is not known.
func (w when) Zero() bool { return w.At.IsZero() }

// Machine is the time for programs.
func (w when) Machine() string { return w.At.Format(time.RFC3339) }

// Exact is the time for people.
func (w when) Exact() string { return w.At.Format("2006-01-02 15:04:05 UTC") }

// Ago is the age in its largest unit. A time ahead of this clock is now.
func (w when) Ago() string {
	d := w.Now.Sub(w.At)
	if d < time.Second {
		return "just now"
	}
	return span(d) + " ago"
}

// For is how long it has been so.
func (w when) For() string { return span(w.Now.Sub(w.At)) }

func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/day)
}

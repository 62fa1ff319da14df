package controller

import (
	"slices"
	"time"
)

// interferenceFor is how long the status tells of what somebody else did to
// published files, and how long the same is not logged again.
const interferenceFor = 10 * time.Minute

// maxInterference bounds the list in the status.
const maxInterference = 20

// Interference is something that somebody else did to published files. It has
// been undone.
type Interference struct {
	At   time.Time `json:"at"`   // when it was noticed
	What string    `json:"what"` // such as "targets/class/default/targets.json was altered"
}

func (i Interference) message() string {
	return "somebody else writes into the output directory: at " + i.At.UTC().Format(time.RFC3339) + " " + i.What
}

// noteInterference logs what others did since the last pass, each once, and keeps
// it for the status, the newest first.
func (c *Controller) noteInterference(now time.Time) {
	c.interference = slices.DeleteFunc(c.interference, func(i Interference) bool { return now.Sub(i.At) >= interferenceFor })
	for _, what := range c.output.Interference() {
		c.metrics.meddled.Inc()
		same := func(i Interference) bool { return i.What == what }
		if !slices.ContainsFunc(c.interference, same) {
			c.options.Log.Warn("somebody else writes into the output directory; it is undone", "what", what)
		}
		rest := slices.DeleteFunc(slices.Clone(c.interference), same)
		c.interference = append([]Interference{{At: now.UTC(), What: what}}, rest[:min(len(rest), maxInterference-1)]...)
	}
}

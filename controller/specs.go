package controller

import (
	"time"
)

// signals is Ready; a source that is not there never signals.
func (p *Paced) signals() <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.Ready()
}

// soon is when to look at the specs that are said to have changed: now, unless that
// was said a moment ago too, as it is of an upload of many objects.
func (c *Controller) soon(now time.Time) time.Time {
	if at := c.looked.Add(window); now.Before(at) {
		now = at
	}
	c.looked = now
	return now
}

// loadedLast is Loaded; nothing is known of a source that is not there.
func (p *Paced) loadedLast() Loaded {
	if p == nil {
		return Loaded{}
	}
	return p.Loaded()
}

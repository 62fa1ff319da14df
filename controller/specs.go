package controller

import (
	"time"

	"ecs-scrape/reconcile"
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

// found is which specs the pass has, where the source can tell, else by its content.
func (p *Paced) found(pass *reconcile.Pass) Loaded {
	if p != nil && p.loaded.Revision != "" {
		return p.loaded
	}
	if pass.Set == nil {
		return Loaded{}
	}
	return Loaded{Revision: pass.Set.Revision}
}

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

// specsStatus is which specs are in use, and why no newer ones are. err is why they
// could not be loaded.
func (c *Controller) specsStatus(err error, now time.Time) SpecsStatus {
	out := SpecsStatus{Location: c.options.Location}
	if c.options.Specs != nil {
		loaded := c.options.Specs.Loaded()
		out.Revision, out.Published, out.LoadedAt = loaded.Revision, loaded.Published, loaded.At
	}
	switch {
	case err == nil:
		c.specsError, c.specsSince = "", time.Time{}
		return out
	case c.specsError == "":
		c.specsSince = now
	}
	c.specsError = err.Error()
	out.Error, out.Since = c.specsError, c.specsSince
	return out
}

package controller

import (
	"time"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
)

// staying is the configuration that is to be current while what is desired is not
// published: the held one, or what a refused one goes back to.
func (s *configState) staying() string {
	switch {
	case s.hold.held():
		return s.hold.asked.Digest
	case s.stuck():
		return s.previous
	}
	return s.published
}

// stay has targets follow in the pools of the configuration that stays, and then
// sees to it that it is current, and whole. It becomes current only when its target
// files are there: until then Due says when to try again. Without a wanted bundle,
// what is scraped now goes on.
func (c *Controller) stay(want *artifact.Bundle, now time.Time) (reconcile.Published, error) {
	s := &c.config
	digest := s.staying()
	c.beginHistory()
	if digest == s.published {
		if err := c.output.Mend(); err != nil {
			return reconcile.Published{}, err
		}
	}
	staying := reconcile.Staying{Confirmed: s.confirmed == digest}
	var err error
	if staying.Config, err = c.output.ReadGeneration(digest); err != nil {
		return reconcile.Published{}, err
	}
	if staying.Scraped, err = c.output.Scraped(digest); err != nil {
		return reconcile.Published{}, err
	}
	done, err := reconcile.Stay(c.output, want, now, staying)
	if err != nil {
		return done, err
	}
	s.leaving = !staying.Confirmed
	if digest == s.published || !done.Due.IsZero() {
		return done, nil
	}
	if s.hold.held() {
		return done, c.follow(digest)
	}
	return done, c.goBack(digest)
}

// wanted is what was to be published last; nil if nothing was yet.
func (c *Controller) wanted() *artifact.Bundle {
	if c.published.Config == nil {
		return nil
	}
	return &c.published
}

// noteFound notes what the configuration that was found scrapes, where an earlier
// version has not done so.
func (c *Controller) noteFound(digest string) {
	known, err := c.output.Scraped(digest)
	if err == nil && known != nil {
		return
	}
	live, err := c.output.Live()
	if err != nil {
		return // the first pass says so
	}
	if err := c.scraped.Note(c.output, digest, reconcile.Loaded(live)); err != nil {
		c.options.Log.Warn("what the current configuration scrapes cannot be noted", "err", err)
	}
}

package controller

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// configState is where the configuration stands between the specs and Prometheus.
type configState struct {
	desired   string // what the specs ask for
	published string // what current/ is
	swapped   time.Time
	confirmed string // what Prometheus has loaded
	previous  string // confirmed before it: where a refused one goes back to
	collected string

	rejected map[string]rejection
	problem  error // why published is not confirmed
	// objects are the revisions that published is made of, and
	// confirmedObjects those of the confirmed one.
	objects, confirmedObjects map[spec.ID]string
}

// rejection is Prometheus's refusal of a configuration.
type rejection struct {
	at  time.Time
	err error
}

// allowed says whether a configuration may be published: it was not refused, or
// that was long enough ago.
func (s *configState) allowed(digest string, now time.Time) bool {
	r, refused := s.rejected[digest]
	return !refused || now.Sub(r.at) >= rejectedFor
}

// settled says that nothing about the configuration waits for a pass.
func (s *configState) settled(pass *reconcile.Pass) bool {
	if pass.Plan == nil {
		return true
	}
	digest := s.desired
	if digest == s.published {
		return s.collected == s.confirmed || s.confirmed != digest
	}
	return !s.allowed(digest, time.Now())
}

func (s *configState) publish(digest string, swapped time.Time) {
	if s.confirmed != "" && s.confirmed != digest {
		s.previous = s.confirmed
	}
	s.published, s.swapped, s.confirmed = digest, swapped, ""
	s.problem = nil
	delete(s.rejected, digest)
}

func (s *configState) confirm(digest string) {
	s.confirmed, s.problem = digest, nil
	s.confirmedObjects = s.objects
}

// changed names the objects that differ from the last confirmed configuration.
func (s *configState) changed() []string {
	var names []string
	for id, revision := range s.objects {
		if s.confirmedObjects[id] != revision {
			names = append(names, id.String())
		}
	}
	for id := range s.confirmedObjects {
		if _, ok := s.objects[id]; !ok {
			names = append(names, id.String()+" (deleted)")
		}
	}
	slices.Sort(names)
	return names
}

// outcome takes what Prometheus made of a configuration: a refused one is
// taken back.
func (c *Controller) outcome(o outcome) {
	s := &c.config
	if o.restarted {
		clear(s.rejected)
	}
	if o.want.Digest != s.published {
		return // overtaken
	}
	c.metrics.reloaded(o.err)
	if o.err == nil {
		if s.confirmed != s.published {
			c.options.Log.Info("Prometheus confirmed the configuration", "digest", s.published)
		}
		s.confirm(s.published)
		return
	}
	s.problem = o.err
	var rejected *target.RejectedError
	var missing *target.PoolsMissingError
	if errors.As(o.err, &rejected) || errors.As(o.err, &missing) {
		c.rollBack(o.err)
		return
	}
	c.options.Log.Warn("Prometheus has not confirmed the configuration", "digest", s.published, "err", o.err)
}

// rollBack returns to the configuration that Prometheus confirmed before.
func (c *Controller) rollBack(cause error) {
	s := &c.config
	digest := s.published
	err := fmt.Errorf("configuration %s was taken back: %w; changed since the last confirmed one: %s",
		digest, cause, strings.Join(s.changed(), ", "))
	if s.previous == "" || s.previous == digest {
		s.problem = fmt.Errorf("%w; there is no earlier configuration to go back to", cause)
		c.options.Log.Error("Prometheus refused the configuration", "digest", digest, "err", s.problem)
		return
	}
	s.rejected[digest] = rejection{at: time.Now(), err: err}
	c.options.Log.Error("Prometheus refused the configuration", "digest", digest, "back", s.previous, "err", err)
	if swapErr := c.output.Swap(s.previous); swapErr != nil {
		s.problem = errors.Join(err, fmt.Errorf("go back to %s: %w", s.previous, swapErr))
		return
	}
	back, swapped, currentErr := c.output.Current()
	if currentErr != nil {
		s.problem = errors.Join(err, currentErr)
		return
	}
	s.published, s.swapped, s.confirmed = back, swapped, ""
	s.objects = s.confirmedObjects
	c.confirmer.want(target.Want{Digest: back, Swapped: swapped, Path: c.options.ConfigPath})
}

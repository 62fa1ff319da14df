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

	rejected *rejection // of desired; nil where it was not refused
	problem  error      // why published is not confirmed
	// objects are the revisions that published is made of, and
	// confirmedObjects those of the confirmed one, nil if there was none yet.
	objects, confirmedObjects map[spec.ID]string
}

// rejection is Prometheus's refusal of a configuration.
type rejection struct {
	at  time.Time
	err error
}

// desire notes what the specs ask for. A change of it ends a refusal: what is
// asked for again later may have been mended elsewhere.
func (s *configState) desire(digest string) {
	if s.desired != digest {
		s.desired, s.rejected = digest, nil
	}
}

// allowed says whether what is desired may be published: it was not refused,
// or that was long enough ago.
func (s *configState) allowed(now time.Time) bool {
	return s.rejected == nil || now.Sub(s.rejected.at) >= rejectedFor
}

// standing is where what is desired stands with Prometheus.
func (s *configState) standing(now time.Time) reconcile.Standing {
	switch {
	case !s.allowed(now):
		return reconcile.Refused
	case s.confirmed != "" && s.confirmed == s.desired:
		return reconcile.Confirmed
	}
	return reconcile.Wanted
}

// settled says that nothing about the configuration waits for a pass.
func (s *configState) settled(pass *reconcile.Pass) bool {
	if pass.Plan == nil {
		return true
	}
	if s.stuck() {
		return false
	}
	if s.desired == s.published {
		return s.collected == s.confirmed || s.confirmed != s.desired
	}
	return !s.allowed(time.Now())
}

func (s *configState) publish(digest string, swapped time.Time) {
	if s.confirmed != "" && s.confirmed != digest {
		s.previous = s.confirmed
	}
	s.published, s.swapped, s.confirmed = digest, swapped, ""
	s.problem, s.rejected = nil, nil
}

// made notes the objects that what is desired is made of. Most changes of
// objects move targets and need no other configuration.
func (s *configState) made(objects map[spec.ID]string) {
	s.objects = objects
	if s.confirmed != "" && s.confirmed == s.desired {
		s.confirmedObjects = objects
	}
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

// culprits says in words what changed.
func (s *configState) culprits() string {
	if s.confirmedObjects == nil {
		return "none was confirmed before it since the controller started"
	}
	return "changed since the last confirmed one: " + strings.Join(s.changed(), ", ")
}

// outcome takes what Prometheus made of a configuration: a refused one is
// taken back.
func (c *Controller) outcome(o outcome) {
	s := &c.config
	if o.restarted {
		s.rejected = nil
	}
	if o.want.Digest != s.published || !o.want.Swapped.Equal(s.swapped) {
		return // overtaken, or only a restart
	}
	c.metrics.reloaded(o.err)
	switch {
	case o.err == nil:
		if s.confirmed != s.published {
			c.options.Log.Debug("Prometheus confirmed the configuration", "digest", s.published)
		}
		s.confirm(s.published)
	case refused(o.err):
		c.rollBack(o.err)
	default:
		s.problem = o.err
		c.options.Log.Warn("Prometheus has not confirmed the configuration", "digest", s.published, "err", o.err)
	}
}

// refused says that Prometheus will not run the configuration as it is.
func refused(err error) bool {
	var rejected *target.RejectedError
	var missing *target.PoolsMissingError
	return errors.As(err, &rejected) || errors.As(err, &missing)
}

// rollBack returns to the configuration that Prometheus confirmed before.
func (c *Controller) rollBack(cause error) {
	s := &c.config
	digest := s.published
	if s.previous == "" || s.previous == digest {
		s.confirmed = ""
		c.refuse(digest, fmt.Errorf("%w; there is no earlier configuration to go back to", cause))
		return
	}
	err := fmt.Errorf("configuration %s was taken back: %w; %s", digest, cause, s.culprits())
	c.refuse(digest, err)
	if digest == s.desired {
		s.rejected = &rejection{at: time.Now(), err: err}
	}
	_ = c.goBack() // else the pass that follows tries again, and tells
}

// goBack makes the configuration current that Prometheus confirmed before, and
// has Prometheus told.
func (c *Controller) goBack() error {
	s := &c.config
	if err := c.output.Swap(s.previous); err != nil {
		return fmt.Errorf("go back to configuration %s: %w", s.previous, err)
	}
	back, swapped, err := c.output.Current()
	if err != nil {
		return err
	}
	s.published, s.swapped, s.confirmed = back, swapped, ""
	s.objects = s.confirmedObjects
	c.confirmer.want(target.Want{Digest: back, Swapped: swapped, Path: c.options.ConfigPath})
	return nil
}

// stuck says that what is published was refused and could not be taken back.
func (s *configState) stuck() bool { return s.rejected != nil && s.published == s.desired }

// refuse notes and logs why Prometheus does not run a configuration, once.
func (c *Controller) refuse(digest string, err error) {
	if c.config.problem == nil || c.config.problem.Error() != err.Error() {
		c.options.Log.Error("Prometheus refused the configuration", "digest", digest, "err", err)
	}
	c.config.problem = err
}

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
	collected string // confirmed, and nothing else has been published since what it does not name was removed

	rejected *rejection // of desired; nil where it was not refused
	problem  error      // why published is not confirmed, or what it lacks
	lost     []string   // pools that Prometheus lacks though it confirmed the configuration
	// refused are the configurations refused since desired was asked for: none
	// of them is gone back to.
	refused map[string]bool
	hold    holding
	// leaving says that targets are kept where the configuration before the one that
	// stays has them, until Prometheus has loaded that.
	leaving bool
	// history are the objects that configurations were made of, by digest.
	history map[string]map[spec.ID]string
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
		s.desired, s.rejected, s.refused = digest, nil, nil
	}
}

// allowed says whether what is desired may be published: it was not refused,
// or that was long enough ago.
func (s *configState) allowed(now time.Time) bool {
	return s.rejected == nil || now.Sub(s.rejected.at) >= rejectedFor
}

// stays says that what is desired is not to be published: another configuration is
// held, or Prometheus has refused it.
func (s *configState) stays(now time.Time) bool {
	return s.instead() || s.stuck() || !s.allowed(now)
}

// standing is where what is desired, and may be published, stands with Prometheus.
func (s *configState) standing() reconcile.Standing {
	if s.confirmed != "" && s.confirmed == s.desired {
		return reconcile.Confirmed
	}
	return reconcile.Wanted
}

// settled says that nothing about the configuration waits for a pass.
func (s *configState) settled(pass *reconcile.Pass) bool {
	if pass.Plan == nil {
		return true
	}
	if s.leaving && s.confirmed == s.published {
		return false
	}
	if s.instead() {
		return s.published == s.hold.asked.Digest
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
	s.published, s.swapped, s.confirmed, s.collected = digest, swapped, "", ""
	s.problem, s.rejected = nil, nil
}

// made notes the objects that what is desired is made of. Most changes of
// objects move targets and need no other configuration.
func (s *configState) made(objects map[spec.ID]string) {
	s.objects = objects
	s.recall(objects)
	if s.confirmed != "" && s.confirmed == s.desired {
		s.confirmedObjects = objects
	}
}

func (s *configState) confirm(digest string) {
	s.confirmed, s.problem, s.lost = digest, nil, nil
	s.confirmedObjects = s.objects
}

// lack notes that Prometheus runs what is published without some pools.
func (s *configState) lack(pools []string, err error) {
	s.confirm(s.published)
	s.lost, s.problem = pools, err
}

// bearable says that going back would not mend that the pools are missing: the
// configuration has been confirmed, and they came to be missed later, or they
// were missing before it.
func (s *configState) bearable(missing []string) bool {
	if s.confirmed == s.published || s.holds() {
		return true
	}
	return !slices.ContainsFunc(missing, func(name string) bool { return !slices.Contains(s.lost, name) })
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
		s.rejected, s.refused = nil, nil
		c.reread(true)
	}
	if o.want.Digest != s.published || !o.want.Swapped.Equal(s.swapped) {
		return // overtaken, or only a restart
	}
	var missing *target.PoolsMissingError
	lacks := errors.As(o.err, &missing) && s.bearable(missing.Pools)
	switch {
	case s.confirmed == s.published && (lacks || o.err == nil): // only looked at again
	case lacks:
		c.metrics.reloaded(nil)
	default:
		c.metrics.reloaded(o.err)
	}
	switch {
	case o.err == nil:
		c.confirmed()
	case lacks:
		c.refusal(c.options.Log.Warn, "Prometheus lacks scrape pools", o.err)
		s.lack(missing.Pools, o.err)
		c.reread(false)
	case refused(o.err):
		c.rollBack(o.err)
	default:
		c.note(c.options.Log.Warn, "Prometheus has not confirmed the configuration", o.err)
	}
}

func (c *Controller) confirmed() {
	s := &c.config
	if len(s.lost) > 0 && s.confirmed == s.published {
		c.options.Log.Info("Prometheus has all scrape pools again")
	} else if s.confirmed != s.published {
		c.options.Log.Debug("Prometheus confirmed the configuration", "digest", s.published)
	}
	s.confirm(s.published)
	c.reread(false)
}

// refused says that Prometheus will not run the configuration as it is.
func refused(err error) bool {
	var rejected *target.RejectedError
	var missing *target.PoolsMissingError
	return errors.As(err, &rejected) || errors.As(err, &missing)
}

// rollBack returns to the configuration that Prometheus confirmed before, or
// to the one used last where that is not known.
func (c *Controller) rollBack(cause error) {
	s := &c.config
	if s.holds() {
		s.confirmed = ""
		c.note(c.options.Log.Error, refusal, fmt.Errorf("the held configuration is refused: %w; release it, or hold another one", cause))
		return
	}
	digest := s.published
	back := c.earlier(cause)
	if back == "" {
		s.confirmed = ""
		c.refusal(c.options.Log.Error, refusal, fmt.Errorf("%w; there is no earlier configuration to go back to", cause))
		return
	}
	s.previous = back
	err := fmt.Errorf("configuration %s was taken back: %w; %s", digest, cause, s.culprits())
	c.refusal(c.options.Log.Error, refusal, err)
	if digest == s.desired {
		s.rejected = &rejection{at: time.Now(), err: err}
	}
	if _, err := c.stay(c.wanted(), time.Now()); err != nil {
		c.passErr = err // the pass that follows tries again, and logs it
	}
}

// earlier is the configuration to go back to from the one that was refused; ""
// if there is none. What was found at the start may be what an earlier run had
// refused and could not take back. But a pool may also have gone missing long
// after that was confirmed, which is no reason to go back to who knows what.
func (c *Controller) earlier(cause error) string {
	s := &c.config
	if s.refused == nil {
		s.refused = map[string]bool{}
	}
	s.refused[s.published] = true
	if s.previous != "" && !s.refused[s.previous] {
		return s.previous
	}
	var missing *target.PoolsMissingError
	if errors.As(cause, &missing) {
		return ""
	}
	known, err := c.output.Earlier()
	if err != nil {
		c.options.Log.Warn("earlier configurations cannot be read", "err", err)
	}
	for _, digest := range known {
		if !s.refused[digest] {
			return digest
		}
	}
	return ""
}

// goBack makes the configuration current that Prometheus confirmed before, and
// has Prometheus told.
func (c *Controller) goBack(digest string) error {
	s := &c.config
	change := Change{At: time.Now(), Kind: ChangeRollback, Summary: fmt.Sprintf("configuration %s instead of %s", digest, s.published)}
	if err := c.output.Swap(digest); err != nil {
		return fmt.Errorf("go back to configuration %s: %w", digest, err)
	}
	back, swapped, err := c.output.Current()
	if err != nil {
		return err
	}
	s.published, s.swapped, s.confirmed = back, swapped, ""
	c.record(change)
	s.objects = s.confirmedObjects
	c.confirmer.need(nil)
	c.confirmer.want(target.Want{Digest: back, Swapped: swapped, Path: c.options.ConfigPath})
	return nil
}

// stuck says that what is published was refused and could not be taken back.
func (s *configState) stuck() bool { return s.rejected != nil && s.published == s.desired }

const refusal = "Prometheus refused the configuration"

// refusal is noted, and is part of the history.
func (c *Controller) refusal(log func(string, ...any), what string, err error) {
	if s := &c.config; s.problem == nil || s.problem.Error() != err.Error() {
		c.history.add(Change{At: time.Now(), Kind: ChangeReload, Summary: err.Error(), Objects: differing(s.confirmedObjects, s.objects)})
	}
	c.note(log, what, err)
}

// note keeps why Prometheus does not run what is published as it should, and
// logs it once.
func (c *Controller) note(log func(string, ...any), what string, err error) {
	s := &c.config
	if s.problem == nil || s.problem.Error() != err.Error() {
		log(what, "digest", s.published, "err", err)
	}
	s.problem = err
}

package controller

import (
	"fmt"
	"time"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// publish makes the pass live and has Prometheus told.
func (c *Controller) publish(pass *reconcile.Pass, now time.Time) (reconcile.Published, error) {
	c.config.desire(pass.Plan.Bundle.Digest())
	standing := c.config.standing(now)
	done, err := c.reconciler.Publish(pass, now, standing)
	c.metrics.written(done.Changed)
	if err != nil {
		return done, err
	}
	c.published = pass.Plan.Bundle
	if c.config.stuck() {
		if err := c.goBack(); err != nil {
			return done, err
		}
	}
	digest, swapped, err := c.output.Current()
	if err != nil {
		return done, err
	}
	c.need(standing)
	if standing != reconcile.Refused {
		c.config.made(revisions(pass))
	}
	if digest != c.config.published || !swapped.Equal(c.config.swapped) {
		c.config.publish(digest, swapped)
		c.options.Log.Info("published configuration", "digest", digest, "objects", len(pass.Objects), "targets", artifact.Found(pass.Plan.Bundle.Pools))
		c.tell()
	}
	c.expectReads(now)
	return done, c.remember(pass)
}

// need has the confirmer look for the pools that have targets by now. What was
// gone back to has other pools than the pass, and has been confirmed before.
func (c *Controller) need(standing reconcile.Standing) {
	switch {
	case c.confirmer == nil:
	case standing == reconcile.Refused:
		c.confirmer.need(nil)
	default:
		c.confirmer.need(withTargets(c.published.Pools))
	}
}

// tell has the confirmer see to it that Prometheus loads what is published.
func (c *Controller) tell() {
	if c.confirmer == nil {
		c.config.confirm(c.config.published)
		return
	}
	c.confirmer.want(target.Want{Digest: c.config.published, Swapped: c.config.swapped, Path: c.options.ConfigPath})
}

// remember keeps the accepted objects for the next start, and removes what the
// confirmed configuration no longer names.
func (c *Controller) remember(pass *reconcile.Pass) error {
	if pass.Set != c.remembered {
		data, err := c.reconciler.Accepted().Encode()
		if err != nil {
			return err
		}
		if err := c.output.WriteState(AcceptedFile, data); err != nil {
			return fmt.Errorf("keep the accepted objects: %w", err)
		}
		c.remembered = pass.Set
	}
	return c.collect(pass.Plan.Bundle)
}

// collect removes target files that the confirmed configuration does not name.
func (c *Controller) collect(b artifact.Bundle) error {
	if c.config.confirmed == "" || c.config.confirmed != b.Digest() || c.config.collected == c.config.confirmed {
		return nil
	}
	keep := map[string]bool{}
	for _, p := range b.Pools {
		keep[p.Path] = true
	}
	if err := c.output.Collect(keep, generations); err != nil {
		return fmt.Errorf("remove what is no longer named: %w", err)
	}
	c.config.collected = c.config.confirmed
	return nil
}

func revisions(pass *reconcile.Pass) map[spec.ID]string {
	out := map[spec.ID]string{}
	for _, o := range pass.Objects {
		out[o.ID] = o.Served
	}
	return out
}

// withTargets are the names of the pools that Prometheus must be seen to have.
func withTargets(pools []artifact.Pool) []string {
	var names []string
	for _, p := range pools {
		if len(p.Targets) > 0 && p.Scraped() {
			names = append(names, p.Name)
		}
	}
	return names
}

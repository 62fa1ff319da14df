package controller

import (
	"fmt"
	"slices"
	"time"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// publish makes the pass live and has Prometheus told.
func (c *Controller) publish(pass *reconcile.Pass, now time.Time) (reconcile.Published, error) {
	c.config.desire(pass.Plan.Bundle.Digest())
	stays := c.config.stays(now)
	c.beginHistory()
	done, err := c.write(pass, now, stays)
	if err != nil {
		return done, err
	}
	c.published = pass.Plan.Bundle
	c.memory.moved(c.history.targets(now, c.published.Pools), now)
	c.noteInterference(now)
	digest, swapped, err := c.output.Current()
	if err != nil {
		return done, err
	}
	c.need(stays)
	before := c.config.objects
	if !stays {
		c.config.made(revisions(pass))
	}
	if digest != c.config.published || !swapped.Equal(c.config.swapped) {
		c.config.publish(digest, swapped)
		c.record(Change{At: now, Kind: ChangeConfiguration, Summary: "configuration " + digest, Objects: differing(before, c.config.objects)})
		c.options.Log.Info("published configuration", "digest", digest, "objects", len(pass.Objects), "targets", artifact.Found(pass.Plan.Bundle.Pools))
		c.tell()
	}
	c.expectReads(now)
	return done, c.remember(pass)
}

// beginHistory takes up what an earlier process has published, before anything is.
func (c *Controller) beginHistory() {
	if c.history.begun {
		return
	}
	if live, err := c.output.Live(); err == nil {
		c.history.begin(live)
	}
}

// record notes in the history that another configuration is current.
func (c *Controller) record(change Change) {
	live, err := c.output.Live()
	if err != nil {
		return // whoever needs it will say so
	}
	c.history.configured(change, live.Config)
}

// write publishes the pass, or has its targets follow where another configuration
// stays.
func (c *Controller) write(pass *reconcile.Pass, now time.Time, stays bool) (reconcile.Published, error) {
	want := &pass.Plan.Bundle
	if stays {
		return c.stay(want, now)
	}
	c.config.leaving = false
	done, err := c.reconciler.Publish(pass, now, c.config.standing())
	if err != nil {
		return done, err
	}
	digest, _, err := c.output.Current()
	if err != nil || digest != want.Digest() {
		return done, err
	}
	return done, c.scraped.Note(c.output, digest, want.Pools)
}

// need has the confirmer look for the pools that have targets by now. What was
// gone back to has other pools than the pass, and has been confirmed before.
func (c *Controller) need(stays bool) {
	switch {
	case c.confirmer == nil:
	case stays:
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
	if err := c.output.Confirm(c.config.confirmed); err != nil {
		return fmt.Errorf("keep that a configuration was confirmed: %w", err)
	}
	if err := c.output.Collect(keep, c.options.Generations); err != nil {
		return fmt.Errorf("remove what is no longer named: %w", err)
	}
	c.config.collected = c.config.confirmed
	return nil
}

// differing are the objects whose revision is another, or that only one side has;
// none where it is not known what was before.
func differing(before, after map[spec.ID]string) []spec.ID {
	if before == nil {
		return nil
	}
	var out []spec.ID
	for id, revision := range after {
		if before[id] != revision {
			out = append(out, id)
		}
	}
	for id := range before {
		if _, ok := after[id]; !ok {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, spec.ID.Compare)
	return out
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

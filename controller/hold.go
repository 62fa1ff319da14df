package controller

import (
	"fmt"
	"strings"
	"time"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// holdEvery is how often the directory is looked at for a configuration that is
// to be held: whoever asks for one sees it live within a second.
const holdEvery = 500 * time.Millisecond

// holding is the configuration that is to be held, by the wish of an operator.
type holding struct {
	asked *target.Hold // nil if nothing is
	err   error        // why it is not followed
	// unreadable is why it cannot be seen whether another is asked for by now, as
	// logged.
	unreadable string
}

// held says that the configuration of that digest is to stay.
func (h *holding) held() bool { return h.asked != nil && h.err == nil }

// instead says that another configuration than the desired one is held.
func (s *configState) instead() bool { return s.hold.held() && s.hold.asked.Digest != s.desired }

// holds says that what is published is held.
func (s *configState) holds() bool { return s.hold.held() && s.hold.asked.Digest == s.published }

// status tells of it; nil if nothing is asked for.
func (h *holding) status() *Hold {
	if h.asked == nil && h.err == nil {
		return nil
	}
	out := &Hold{}
	if h.asked != nil {
		*out = Hold{Digest: h.asked.Digest, Since: h.asked.Since, Reason: h.asked.Reason}
	}
	if h.err != nil {
		out.Error = h.err.Error()
	}
	return out
}

// message says what is held, since when, why, and how that ends.
func (h *Hold) message(published string) string {
	switch {
	case h.Error != "":
		return "a configuration was to be held and is not: " + h.Error
	case h.Digest != published:
		return fmt.Sprintf("configuration %s is to be held, and becomes current when its target files are written", h.Digest)
	}
	text := fmt.Sprintf("configuration %s is held since %s", h.Digest, h.Since.UTC().Format(time.RFC3339))
	if h.Reason != "" {
		text += " (" + h.Reason + ")"
	}
	return text + "; targets follow; `ecs-scrape rollback --release` publishes what the specs ask for"
}

// holdChanged looks whether another configuration is to be held than before.
func (c *Controller) holdChanged() bool {
	h, err := c.output.Hold()
	before := c.config.hold
	switch {
	case err != nil && before.err != nil && before.err.Error() == err.Error():
		return false
	case err == nil && sameHold(before.asked, h) && (h != nil || before.err == nil):
		c.config.hold.unreadable = ""
		return false
	case err != nil && before.held(): // it stands until somebody can read what replaces it
		if c.config.hold.unreadable = err.Error(); before.unreadable != err.Error() {
			c.options.Log.Warn("what is to be held cannot be read; what was held stays", "digest", before.asked.Digest, "err", err)
		}
		return false
	case err == nil && h != nil:
		err = c.output.Sound(h.Digest)
	}
	c.config.hold = holding{asked: h, err: err}
	c.sayHold(before)
	return true
}

func sameHold(a, b *target.Hold) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Digest == b.Digest && a.Reason == b.Reason && a.Since.Equal(b.Since)
}

func (c *Controller) sayHold(before holding) {
	switch h := c.config.hold; {
	case h.err != nil:
		c.options.Log.Error("a configuration is to be held and is not", "err", h.err)
	case h.asked != nil:
		c.options.Log.Warn("configuration is held until it is released", "digest", h.asked.Digest, "reason", h.asked.Reason)
	case before.asked != nil:
		c.options.Log.Info("configuration is released", "digest", before.asked.Digest)
	}
}

// follow makes the held configuration current and has Prometheus told.
func (c *Controller) follow(held string) error {
	s := &c.config
	if err := c.output.Swap(held); err != nil {
		return fmt.Errorf("hold configuration %s: %w", held, err)
	}
	digest, swapped, err := c.output.Current()
	if err != nil {
		return err
	}
	s.publish(digest, swapped)
	s.leaving = true
	c.record(Change{At: time.Now(), Kind: ChangeRollback, Summary: strings.TrimSuffix("configuration "+digest+" is held: "+s.hold.asked.Reason, ": ")})
	s.objects = s.history[digest]
	c.options.Log.Info("published configuration", "digest", digest, "held", true)
	if c.confirmer != nil {
		c.confirmer.need(nil)
	}
	c.tell()
	return nil
}

// followHold follows what is to be held, whatever becomes of passes: who goes back
// may do so because of them.
func (c *Controller) followHold() error {
	s := &c.config
	if !s.hold.held() || s.published == s.hold.asked.Digest {
		return nil
	}
	done, err := c.stay(c.wanted(), time.Now())
	c.metrics.wrote(done, err)
	return err
}

// lookAtHold follows what is to be held, and has a pass run where that changed.
func (c *Controller) lookAtHold(next *alarm) {
	changed, before := c.holdChanged(), c.config.published
	err := c.followHold()
	if err != nil { // tried again at the next look
		c.note(c.options.Log.Error, "the held configuration is not live", err)
	}
	if changed || err != nil || c.config.published != before || time.Since(c.Status().Time) >= lookEvery {
		c.refresh()
	}
	if changed {
		next.at(time.Now())
	}
}

// maxHistory is how many configurations are known by the objects they are made of.
const maxHistory = 20

// recall notes what the desired configuration is made of, for when it is gone
// back to.
func (s *configState) recall(objects map[spec.ID]string) {
	if len(s.history) >= maxHistory || s.history == nil {
		s.history = map[string]map[spec.ID]string{}
	}
	s.history[s.desired] = objects
}

// Sound is nil where the configuration of that digest is on disk as it was once
// published, and valid.
func (d Directory) Sound(digest string) error {
	files, err := d.ReadGeneration(digest)
	switch {
	case err != nil:
		return fmt.Errorf("configuration %s cannot be read: %w", digest, err)
	case files.Digest() != digest:
		return fmt.Errorf("configuration %s is damaged: its files are not those that were published; hold another one", digest)
	}
	if _, errs := validate.Files(files, validate.Lenient()); len(errs) > 0 {
		return fmt.Errorf("configuration %s is not valid: %w", digest, errs[0])
	}
	return nil
}

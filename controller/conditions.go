package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// standing is what the conditions of an object are made of, as far as a pass
// tells; the rest is where the configuration stands with Prometheus.
type standing struct {
	id       spec.ID
	served   string // revision; "" where nothing is
	unserved string // why nothing is
	other    bool   // it is another Prometheus's
	observed string
	accepted reconcile.Condition
	judged   bool // there is a plan, so selected and targets are known
	selected bool
	targets  int
	finding  string // the first of the object
	pool     string // that its targets are in
	failed   string // why the source cannot be read
	unread   string // what of ECS it asks for and has not been read yet, so that more may be found
	stale    behind // the same, and what cannot be read now
}

// standings are those of a pass's objects, in their order.
func standings(pass *reconcile.Pass, p *plan.Plan) []standing {
	out := make([]standing, len(pass.Objects))
	horizon, selectors := newHorizon(pass.Snapshot), pass.Selectors()
	for i := range pass.Objects {
		o := &pass.Objects[i]
		s := standing{
			id: o.ID, served: o.Served, unserved: o.Unserved(), other: o.Other, observed: o.Observed, accepted: o.Accepted(),
			judged: pass.Plan != nil, selected: o.Selected, targets: o.Targets,
		}
		if pass.LoadError != nil {
			s.failed = pass.LoadError.Error()
		}
		if o.Kind == spec.KindScrapeTarget {
			s.found(p, horizon, selectors[o.Name], pass.Snapshot)
		}
		out[i] = s
	}
	return out
}

// found notes what the plan has for a ScrapeTarget, and what of ECS it lacks.
func (s *standing) found(p *plan.Plan, h *horizon, selector *spec.Selector, snapshot *inventory.Snapshot) {
	if selector != nil {
		s.stale = h.of(selector)
		s.unread = s.stale.text()
	}
	if p == nil {
		return
	}
	if at, ok := p.Places[s.id.Name]; ok {
		s.pool, s.stale = at.Pool, s.stale.with(selector, snapshot, at.Scopes)
	}
	s.finding = firstFinding(p, s.id)
}

// firstFinding is of a ScrapeTarget; without one, why it has no target.
func firstFinding(p *plan.Plan, id spec.ID) string {
	i := slices.IndexFunc(p.Findings, func(f plan.Finding) bool { return f.Object == id })
	if i < 0 {
		return p.WhyNone(id.Name)
	}
	return p.Findings[i].Code + ": " + p.Findings[i].Message
}

// conditions are the three of an object.
func (c *Controller) conditions(s *standing) []reconcile.Condition {
	return []reconcile.Condition{s.accepted, c.ready(s), s.staleness()}
}

// ready says whether what the object asks for is served, and taken by Prometheus.
func (c *Controller) ready(s *standing) reconcile.Condition {
	status, reason, message := s.untaken()
	if reason == "" {
		status, reason, message = c.taken(s)
	}
	return reconcile.Condition{Type: reconcile.ReadyType, Status: status, Reason: reason, Message: message}
}

// untaken is why there is nothing of the object for Prometheus to take; the
// reason is "" where there is something.
func (s *standing) untaken() (status, reason, message string) {
	switch {
	case s.other:
		return reconcile.False, reconcile.ReasonNotSelected, reconcile.NotSelected
	case s.served == "":
		return reconcile.False, reconcile.ReasonNotServed, s.unserved
	case !s.judged:
		return "", "", ""
	case !s.selected:
		return reconcile.False, reconcile.ReasonNotSelected, "the PrometheusConfig in use does not select it, or is an agent's, which takes no rules"
	case s.id.Kind != spec.KindScrapeTarget || s.targets > 0:
		return "", "", ""
	case s.unread != "":
		return reconcile.Unknown, reconcile.ReasonNotRead, s.unread
	}
	return reconcile.False, reconcile.ReasonNoTargets, s.finding
}

// taken says whether Prometheus has taken the version that is served.
func (c *Controller) taken(s *standing) (status, reason, message string) {
	config, w := &c.config, c.waiting.Load()
	confirmed := config.confirmedObjects[s.id] == s.served
	switch {
	case !confirmed && config.instead():
		return reconcile.Unknown, reconcile.ReasonHeld, "configuration " + config.hold.asked.Digest + " is held, and may have another version of it"
	case !confirmed && config.rejected != nil:
		return reconcile.False, reconcile.ReasonRefused, config.rejected.err.Error()
	case !confirmed:
		return reconcile.Unknown, reconcile.ReasonUnconfirmed, "Prometheus has not confirmed the configuration with it yet"
	case w.err != nil && !refused(w.err): // it went away
		return reconcile.Unknown, reconcile.ReasonUnconfirmed, w.err.Error()
	case slices.Contains(config.lost, s.pool):
		return reconcile.False, reconcile.ReasonPoolMissing, "Prometheus lacks scrape pools: " + strings.Join(config.lost, ", ")
	}
	if s.unread != "" {
		return reconcile.True, reconcile.ReasonServed, "targets may be missing: " + s.unread
	}
	return reconcile.True, reconcile.ReasonServed, ""
}

// staleness says whether what is served is behind the source or ECS.
func (s *standing) staleness() reconcile.Condition {
	c := reconcile.Condition{Type: reconcile.StaleType, Status: reconcile.True}
	switch {
	case s.served == "":
		c.Status, c.Reason = reconcile.False, reconcile.ReasonNotServed
	case s.failed != "":
		c.Reason, c.Message = reconcile.ReasonSourceFailed, s.failed
	case s.served != s.observed:
		c.Reason, c.Message = reconcile.ReasonOldVersion, fmt.Sprintf("revision %s is served: %s", s.served, s.accepted.Message)
	case len(s.stale.places) > 0:
		c.Reason, c.Message, c.Since = reconcile.ReasonStaleScopes, s.stale.text(), s.stale.since
	default:
		c.Status, c.Reason = reconcile.False, reconcile.ReasonFresh
	}
	return c
}

// restand gives the objects their conditions as of now. The objects of before are
// left as they are: whoever has the last status reads it.
func (c *Controller) restand(objects []ObjectStatus, now time.Time) []ObjectStatus {
	out := slices.Clone(objects)
	since := map[heading]time.Time{}
	for i := range out {
		if i >= len(c.standings) {
			break
		}
		out[i].Conditions = c.conditions(&c.standings[i])
		out[i].LastChange = c.memory.changed[c.standings[i].id]
		for k := range out[i].Conditions {
			cond := &out[i].Conditions[k]
			h := heading{c.standings[i].id, cond.Type, cond.Status, cond.Reason}
			if cond.Since.IsZero() {
				cond.Since = now
				if before, ok := c.since[h]; ok {
					cond.Since = before
				}
			}
			since[h] = cond.Since
		}
	}
	c.since = since
	return out
}

// heading is what a condition keeps its time by.
type heading struct {
	id                   spec.ID
	kind, status, reason string
}

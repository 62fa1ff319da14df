package controller

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// Overdue is a place that could not be read for longer than --ecs.stale-after. Its targets are served as last known, however long
// that takes; that nobody would notice is what this is for.
type Overdue struct {
	Account string    `json:"account,omitempty"`
	Region  string    `json:"region,omitempty"`
	Cluster string    `json:"cluster,omitempty"` // "": the clusters themselves cannot be listed
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason"`
}

func (o Overdue) place() string {
	if o.Cluster == "" {
		return "region " + cmp.Or(o.Account, "?") + "/" + cmp.Or(o.Region, "?")
	}
	return "cluster " + inventory.Scope{Account: o.Account, Region: o.Region, Cluster: o.Cluster}.String()
}

// unreadSince is since when a scope could not be read; zero while it can, or where
// there is nothing to read any more.
func unreadSince(sc *inventory.ScopeStatus) time.Time {
	switch sc.State {
	case inventory.Stale, inventory.Unsynced:
		return sc.Since
	}
	return time.Time{}
}

// overdue lists the places that have not been read for longer than that, the
// longest first. Where the clusters of a region cannot be listed, that stands for
// all of them.
func overdue(sources []inventory.SourceStatus, scopes []inventory.ScopeStatus, now time.Time, after time.Duration) []Overdue {
	out := []Overdue{}
	whole := map[inventory.Scope]bool{} // regions
	late := func(since time.Time) bool { return after > 0 && !since.IsZero() && now.Sub(since) >= after }
	for i := range sources {
		if src := &sources[i]; late(src.Since) {
			out = append(out, Overdue{Account: src.Account, Region: cmp.Or(src.Region, src.Source.Region), Since: src.Since, Reason: src.Reason})
			whole[inventory.Scope{Account: src.Account, Region: src.Region}] = true
		}
	}
	for i := range scopes {
		if sc := &scopes[i]; late(unreadSince(sc)) && !whole[inventory.Scope{Account: sc.Scope.Account, Region: sc.Scope.Region}] {
			out = append(out, Overdue{sc.Scope.Account, sc.Scope.Region, sc.Scope.Cluster, sc.Since, sc.Reason})
		}
	}
	slices.SortStableFunc(out, func(a, b Overdue) int { return a.Since.Compare(b.Since) })
	return out
}

// logOverdue logs each place when it becomes overdue, and when it is read again.
func (c *Controller) logOverdue(places []Overdue) {
	now := map[string]bool{}
	for _, o := range places {
		now[o.place()] = true
		if !c.overdue[o.place()] {
			c.options.Log.Error("not read for too long; its targets are served as last known", "place", o.place(),
				"since", o.Since.Format(time.RFC3339), "reason", o.Reason)
		}
	}
	for place := range c.overdue {
		if !now[place] {
			c.options.Log.Info("no longer overdue", "place", place)
		}
	}
	c.overdue = now
}

// failsFor is for how long a place may fail before that is logged: a call that is
// refused once is made again within seconds.
const failsFor = time.Minute

// logFailing logs each place that cannot be read, long before it is overdue, and
// when it can be again.
func (c *Controller) logFailing(s *Status, now time.Time) {
	failing := map[string]bool{}
	for _, o := range overdue(s.Sources, s.Scopes, now, failsFor) {
		if o.Reason == "" { // its turn has not come yet
			continue
		}
		failing[o.place()] = true
		if !c.failing[o.place()] {
			c.options.Log.Warn("cannot be read; its targets stay as last known", "place", o.place(), "since", o.Since.UTC().Format(time.RFC3339), "reason", o.Reason)
		}
	}
	for place := range c.failing {
		if !failing[place] {
			c.options.Log.Info("can be read again", "place", place)
		}
	}
	c.failing = failing
}

// logEvents logs when the events of a region no longer arrive, and when they do
// again.
func (c *Controller) logEvents(sources []inventory.SourceStatus) {
	now := map[string]string{}
	for i := range sources {
		src := &sources[i]
		if src.Events == nil || src.Events.Reason == "" && !src.Events.Working {
			continue
		}
		place := Overdue{Account: src.Account, Region: cmp.Or(src.Region, src.Source.Region)}.place() + " " + src.Source.EventsQueue
		reason := src.Events.Reason
		now[place] = reason
		switch before, known := c.events[place]; {
		case reason != "" && reason != before:
			c.options.Log.Warn("events do not arrive; clusters are polled", "place", place, "reason", reason)
		case reason == "" && known && before != "":
			c.options.Log.Info("events arrive again", "place", place)
		}
	}
	c.events = now
}

func (o Overdue) message() string {
	return fmt.Sprintf("%s has not been read since %s, its targets are as last known: %s", o.place(), o.Since.UTC().Format(time.RFC3339), o.Reason)
}

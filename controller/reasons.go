package controller

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// Kinds of a [Reason], the worst first, which is the order of [Status.Reasons].
const (
	ReasonPass         = "pass"         // a pass failed; what is published stays
	ReasonRefused      = "refused"      // Prometheus refused a configuration
	ReasonPrometheus   = "prometheus"   // Prometheus does not answer as it should
	ReasonPools        = "pools"        // Prometheus has the configuration and lacks pools of it
	ReasonOverdue      = "overdue"      // places have not been read for too long
	ReasonSpecs        = "specs"        // the specs cannot be loaded
	ReasonHold         = "hold"         // a configuration is held, or was to be
	ReasonObjects      = "objects"      // documents are refused
	ReasonWaiting      = "waiting"      // Prometheus has yet to confirm; no fault
	ReasonFiles        = "files"        // Prometheus does not read target files
	ReasonRegion       = "region"       // the clusters of regions cannot be listed
	ReasonCluster      = "cluster"      // clusters cannot be read
	ReasonFacts        = "facts"        // optional facts of clusters cannot be had
	ReasonEvents       = "events"       // events of regions do not arrive
	ReasonInterference = "interference" // somebody else wrote what is published; no fault
)

var reasonKinds = []string{
	ReasonPass, ReasonRefused, ReasonPrometheus, ReasonPools, ReasonOverdue, ReasonSpecs, ReasonHold, ReasonObjects, ReasonWaiting,
	ReasonFiles, ReasonRegion, ReasonCluster, ReasonFacts, ReasonEvents, ReasonInterference,
}

// Reason is why not everything is as it should be, of one kind.
type Reason struct {
	// Kind is pass, refused, prometheus, pools, overdue, specs, hold, objects,
	// waiting, files, region, cluster, facts, events or interference.
	Kind    string `json:"kind"`
	Message string `json:"message"` // of the first thing that it is so of
	// Count is of how many things it is so: objects, clusters, regions.
	Count int `json:"count"`
	// Since is when it began; of several things, with the first of them.
	Since time.Time `json:"since,omitzero"`
}

// Fault says that something is wrong: waiting for Prometheus, and what was undone,
// are none.
func (r *Reason) Fault() bool { return r.Kind != ReasonWaiting && r.Kind != ReasonInterference }

// reasons collects one of each kind.
type reasons map[string]*Reason

// add counts one more thing for a kind; the text of the first stays.
func (r reasons) add(kind, message string, since time.Time) {
	known := r[kind]
	if known == nil {
		r[kind] = &Reason{Kind: kind, Message: message, Count: 1, Since: since.UTC()}
		return
	}
	known.Count++
	if !since.IsZero() && (known.Since.IsZero() || since.Before(known.Since)) {
		known.Since = since.UTC()
	}
}

func (r reasons) addError(kind string, err error) {
	if err != nil {
		r.add(kind, err.Error(), time.Time{})
	}
}

// sorted are all of them, the worst first.
func (r reasons) sorted() []Reason {
	out := []Reason{}
	for _, kind := range reasonKinds {
		if known := r[kind]; known != nil {
			out = append(out, *known)
		}
	}
	return out
}

// faults are what the controller itself knows of: its passes, and what became of
// the configuration.
func (c *Controller) faults() reasons {
	r, s, away := reasons{}, &c.config, c.waiting.Load().err
	if refused(away) { // which is no absence, and is told as what became of the configuration
		away = nil
	}
	r.addError(ReasonPass, c.passErr)
	r.addError(ReasonPrometheus, away)
	switch {
	case s.rejected != nil:
		r.addError(ReasonRefused, s.rejected.err)
	case s.problem != nil && (away == nil || s.problem.Error() != away.Error()):
		r.addError(s.problemKind(), s.problem)
	}
	return r
}

// problemKind is whose problem it is that what is published is not confirmed.
func (s *configState) problemKind() string {
	var missing *target.PoolsMissingError
	switch {
	case errors.As(s.problem, &missing) && s.confirmed != "":
		return ReasonPools
	case refused(s.problem):
		return ReasonRefused
	case s.instead(): // and it could not be made current
		return ReasonPass
	}
	return ReasonPrometheus
}

// reasons adds what the status itself tells.
func (s *Status) reasons(r reasons) []Reason {
	for _, o := range s.Overdue {
		r.add(ReasonOverdue, o.message(), o.Since)
	}
	if s.Specs.Error != "" {
		r.add(ReasonSpecs, s.Specs.Error, s.Specs.Since)
	}
	if s.Hold != nil {
		r.add(ReasonHold, s.Hold.message(s.Config.Published), s.Hold.Since)
	}
	s.objectReasons(r)
	if s.awaited() && r[ReasonPass] == nil {
		r.add(ReasonWaiting, "waiting for Prometheus to load the configuration", time.Time{})
	}
	if s.Prometheus.late() {
		r.add(ReasonFiles, s.Prometheus.unreadText(), time.Time{})
	}
	s.sourceReasons(r)
	s.scopeReasons(r)
	for i := range s.Interference {
		r.add(ReasonInterference, s.Interference[i].message(), s.Interference[i].At)
	}
	return r.sorted()
}

// awaited says that Prometheus is expected to confirm what is published, or what
// the specs ask for.
func (s *Status) awaited() bool {
	c := &s.Config
	return !s.Ready && c.Error == "" && c.Desired != "" && (s.Hold == nil || c.Confirmed != c.Published)
}

// objectReasons counts objects, and documents that are none.
func (s *Status) objectReasons(r reasons) {
	seen := map[spec.ID]bool{}
	for _, p := range spec.Errors(s.Problems) {
		if p.Object != (spec.ID{}) && seen[p.Object] {
			continue
		}
		seen[p.Object] = true
		r.add(ReasonObjects, p.Error(), time.Time{})
	}
}

func (s *Status) sourceReasons(r reasons) {
	for i := range s.Sources {
		src := &s.Sources[i]
		region := "region " + cmp.Or(src.Region, src.Source.Region)
		if src.Reason != "" && !s.overdue(inventory.Scope{Account: src.Account, Region: cmp.Or(src.Region, src.Source.Region)}) {
			r.add(ReasonRegion, region+": "+src.Reason, src.Since)
		}
		if src.Events != nil && !src.Events.Working && src.Events.Reason != "" {
			r.add(ReasonEvents, region+" is polled, its events do not arrive: "+src.Events.Reason, src.Events.Since)
		}
	}
}

func (s *Status) scopeReasons(r reasons) {
	for i := range s.Scopes {
		sc := &s.Scopes[i]
		whole := inventory.Scope{Account: sc.Scope.Account, Region: sc.Scope.Region}
		if unreadable(sc) && !s.overdue(sc.Scope) && !s.overdue(whole) {
			r.add(ReasonCluster, "cluster "+sc.Scope.String()+": "+sc.Reason, sc.Since)
		}
		for _, fact := range slices.Sorted(maps.Keys(sc.Lacking)) {
			r.add(ReasonFacts, fmt.Sprintf("cluster %s: %s", sc.Scope, sc.Lacking[fact]), time.Time{})
			break // it is counted by cluster
		}
	}
}

// unreadable says that reading a cluster has failed.
func unreadable(sc *inventory.ScopeStatus) bool {
	return sc.State == inventory.Stale || sc.State == inventory.Unsynced && sc.Reason != ""
}

// overdue says that the place is among those.
func (s *Status) overdue(at inventory.Scope) bool {
	return slices.ContainsFunc(s.Overdue, func(o Overdue) bool {
		return o.Account == at.Account && o.Region == at.Region && o.Cluster == at.Cluster
	})
}

// judge sets the overall state: that of the worst reason, whose text is the message.
func (s *Status) judge(r reasons) {
	s.Ready = s.Config.Confirmed != "" && s.Config.Confirmed == s.Config.Desired && s.Config.Error == ""
	s.Reasons = s.reasons(r)
	s.State, s.Message = StateOK, ""
	if len(s.Reasons) == 0 {
		return
	}
	first := &s.Reasons[0]
	s.Message = first.Message
	switch {
	case first.Kind == ReasonWaiting:
		s.State = StatePending
	case first.Fault():
		s.State = StateDegraded
	}
}

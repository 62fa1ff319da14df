package controller

import (
	"errors"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// Overall states.
const (
	StateStarting = "starting" // nothing is published yet
	StateOK       = "ok"       // everything asked for is published and confirmed
	StateDegraded = "degraded" // something is not as asked for; what was valid is served
	StatePending  = "pending"  // published, and Prometheus has not confirmed it yet
)

// Status is how everything stands, after a pass. It is not changed once stored.
type Status struct {
	APIVersion string `json:"apiVersion"` // ecs-scrape/v1
	Kind       string `json:"kind"`       // Status
	// Version is the program's.
	Version  string   `json:"version"`
	Instance Instance `json:"instance"` // the controller

	State   string `json:"state"`             // starting, pending, ok or degraded
	Message string `json:"message,omitempty"` // why it is not ok: that of the first of reasons
	// Reasons are all that is not as it should be, one of each kind, the worst first.
	Reasons []Reason `json:"reasons"`
	// Healthy says that current/ is a set that passed validation: /healthz.
	Healthy bool `json:"healthy"`
	// Ready says that what the specs ask for is published and confirmed, and that
	// Prometheus answers and has every pool with targets: /readyz.
	Ready bool `json:"ready"`

	// Time is when the controller last looked, which is at least every half minute. A
	// document that is much older is of a controller that hangs, or is gone.
	Time time.Time `json:"time"`
	// LastError is the reason that came to be last. It stays when that is over,
	// until there is another one.
	LastError *ErrorStatus `json:"lastError,omitempty"`

	Specs   SpecsStatus   `json:"specs"`   // where the specs come from and which are in use
	Config  ConfigStatus  `json:"config"`  // the way of the configuration to Prometheus
	Targets TargetsStatus `json:"targets"` // how many there are
	// Hold is set while a configuration that was gone back to is held.
	Hold       *Hold            `json:"hold,omitempty"`
	Prometheus PrometheusStatus `json:"prometheus"` // the one that is told to reload

	Objects  []ObjectStatus           `json:"objects"`  // by kind and name
	Problems []spec.Problem           `json:"problems"` // of all documents, by place
	Findings []plan.Finding           `json:"findings"` // by object
	Sources  []inventory.SourceStatus `json:"sources"`  // what is watched: regions, each with its role and clusters
	Scopes   []inventory.ScopeStatus  `json:"scopes"`   // the clusters
	// Overdue are the places that have not been read for longer than
	// --ecs.stale-after, the longest first.
	Overdue []Overdue `json:"overdue"`
	// Pools have all targets; the list is empty where targets are left out.
	Pools []PoolStatus `json:"pools"`
	// Usage is what AWS has been asked, by account and region.
	Usage []Usage `json:"usage"`
	// Removals are tasks whose end nothing proves yet, the first hundred of them.
	Removals []Removal `json:"removals"`
	// Interference is what somebody else did to published files of late, the newest
	// first. It has been undone.
	Interference []Interference `json:"interference,omitempty"`
	// Changes are the last things published, the newest first.
	Changes []Change `json:"changes"`

	pools []artifact.Pool // that Pools are made from
}

// ConfigStatus follows prometheus.yml and rules from the specs to Prometheus.
type ConfigStatus struct {
	Desired   string    `json:"desired"`          // digest that the specs ask for
	Published string    `json:"published"`        // digest that current/ is
	Confirmed string    `json:"confirmed"`        // digest that Prometheus has loaded; "" if not the published one
	Swapped   time.Time `json:"swapped,omitzero"` // when the published one became current
	// Rejected says that Prometheus refused the desired one.
	Rejected bool `json:"rejected,omitempty"`
	// Prometheus is where its loading stands, such as "reloading" or "unreachable".
	Prometheus string `json:"prometheus,omitempty"`
	// Error is why it is not confirmed or was taken back, or what Prometheus lacks
	// though it has confirmed it.
	Error string `json:"error,omitempty"`
}

// TargetsStatus counts targets.
type TargetsStatus struct {
	Total int `json:"total"` // those that ScrapeTargets have found on ECS
	// Held are published only because their cluster could not be read yet.
	Held int `json:"held"`
	// Withheld are not published although Prometheus would take them: findings
	// say why.
	Withheld int `json:"withheld"`
	// OtherShards fall to other Prometheus of this configuration.
	OtherShards int `json:"otherShards,omitempty"`
	// Waiting are tasks that a listing omits and that nothing proves stopped.
	Waiting int `json:"waiting"`
}

// ObjectStatus is one object's line.
type ObjectStatus struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Place    string `json:"place"`              // file:line:column of the document, or of its first problem
	Observed string `json:"observed,omitempty"` // revision in the source
	Served   string `json:"served,omitempty"`   // revision in use
	// Accepted says that the version in the source is valid and in use. Whether
	// Prometheus has taken what is in use, the condition Ready tells.
	Accepted bool   `json:"accepted"`
	Message  string `json:"message,omitempty"`  // why it is not accepted
	Targets  int    `json:"targets"`            // of a ScrapeTarget, now
	Withheld int    `json:"withheld,omitempty"` // targets that findings keep from being published
	Findings int    `json:"findings"`           // how many; their texts are in findings of the document
	// Warnings are about what is served all the same.
	Warnings []string `json:"warnings,omitempty"`
	// LastChange is when another version of it was served, or its targets changed.
	LastChange time.Time `json:"lastChange,omitzero"`
	// Conditions are Accepted, Ready and Stale.
	Conditions []reconcile.Condition `json:"conditions"`

	// Other says that it is left to another Prometheus, as the conditions tell.
	Other bool `json:"-"`
}

// Condition is the one of that type; the zero one before it is known.
func (o ObjectStatus) Condition(kind string) reconcile.Condition {
	i := slices.IndexFunc(o.Conditions, func(c reconcile.Condition) bool { return c.Type == kind })
	if i < 0 {
		return reconcile.Condition{}
	}
	return o.Conditions[i]
}

// PoolStatus is one scrape pool with its targets.
type PoolStatus struct {
	Name    string         `json:"name"`    // as Prometheus names it
	Path    string         `json:"path"`    // of its target file, relative to the output directory
	Targets []TargetStatus `json:"targets"` // by address
}

// TargetStatus is one target with its labels as written.
type TargetStatus struct {
	Address string        `json:"address"`          // host and port
	Object  string        `json:"object,omitempty"` // name of the ScrapeTarget
	Labels  labels.Labels `json:"labels"`           // as written to the file
}

// Status is the newest status, without its pools. It may be called from any
// goroutine.
func (c *Controller) Status() *Status { return c.status.Load() }

// Detailed is the status with its pools and all their targets, which are listed
// only for who asks: of a large fleet they are 100,000.
func (s *Status) Detailed() *Status {
	if s.pools == nil {
		return s
	}
	out := *s
	out.Pools = poolStatuses(s.pools)
	return &out
}

// newStatus has empty lists where nothing is known: in JSON a list is never null.
func newStatus(state, message string) *Status {
	return &Status{
		APIVersion: spec.APIVersion, Kind: StatusKind, State: state, Message: message, Reasons: []Reason{}, Objects: []ObjectStatus{}, Problems: []spec.Problem{}, Findings: []plan.Finding{},
		Sources: []inventory.SourceStatus{}, Scopes: []inventory.ScopeStatus{}, Pools: []PoolStatus{},
		Overdue: []Overdue{}, Usage: []Usage{}, Removals: []Removal{}, Changes: []Change{},
	}
}

// NotRunning is the status while there is no controller yet, and why.
func NotRunning(state, message string) *Status {
	s := newStatus(state, message)
	s.Time = time.Now().UTC()
	return s
}

// report stores the status after a pass and logs problems that are new.
func (c *Controller) report(r result) {
	var s *Status
	if r.pass == c.reported {
		known := *c.Status()
		s = &known
	} else {
		s = c.survey(r.pass)
		c.logProblems(r.pass.Problems)
	}
	c.reported, c.passErr = r.pass, r.err
	if r.err != nil && errors.Is(r.pass.LoadError, r.err) { // that of the specs tells it
		c.passErr = nil
	}
	c.memory.loaded(r.pass, c.options.Specs.found(r.pass), time.Now().UTC())
	c.restate(s)
}

// refresh stores how the configuration stands with Prometheus by now. It takes
// no pass.
func (c *Controller) refresh() {
	if c.reported == nil {
		return // the first pass will tell
	}
	known := *c.Status()
	c.restate(&known)
}

func (c *Controller) restate(s *Status) {
	now := time.Now().UTC()
	c.history.tick(now)
	s.Config = c.configStatus()
	c.restatePrometheus(s, now)
	s.Hold, s.Interference = c.config.hold.status(), slices.Clone(c.interference)
	s.Overdue = overdue(s.Sources, s.Scopes, now, c.options.StaleAfter)
	c.logFailing(s, now)
	c.logOverdue(s.Overdue)
	c.logEvents(s.Sources)
	s.Objects = c.restand(s.Objects, now)
	s.Healthy = c.config.published != "" || c.config.previous != ""
	s.Specs = c.memory.specs
	s.judge(c.faults())
	c.memory.fail(s.Reasons, now)
	c.introduce(s)
	c.store(s)
}

// store makes the status the newest one. It is not changed any more.
func (c *Controller) store(s *Status) {
	c.status.Store(s)
	for _, w := range c.writers {
		w.nudge()
	}
}

// survey is what a pass found.
func (c *Controller) survey(pass *reconcile.Pass) *Status {
	s := newStatus("", "")
	s.Problems = emptyNotNil(pass.Problems)
	if snap := pass.Snapshot; snap != nil {
		s.Sources, s.Scopes, s.Targets.Waiting = emptyNotNil(snap.Sources), emptyNotNil(snap.Scopes), snap.Waiting
		s.Removals = removals(snap.Omitted)
	}
	p := pass.Plan
	if p == nil && c.last != nil {
		p = c.last.Plan
	}
	if p != nil {
		s.Findings, s.Targets.Held = emptyNotNil(p.Findings), p.Held
		s.Targets.Total, s.Targets.OtherShards = artifact.Found(p.Bundle.Pools), p.OtherShards
		for _, n := range p.Withheld {
			s.Targets.Withheld += n
		}
		s.pools = p.Bundle.Pools
	}
	s.Objects = objectStatuses(pass, p, s.Findings)
	c.memory.found(pass.Objects, time.Now().UTC())
	c.standings = standings(pass, p)
	return s
}

func (c *Controller) configStatus() ConfigStatus {
	s := &c.config
	out := ConfigStatus{Desired: s.desired, Published: s.published, Confirmed: s.confirmed, Swapped: s.swapped}
	w := c.waiting.Load()
	out.Prometheus, out.Rejected = w.state, s.rejected != nil
	switch {
	case s.rejected != nil:
		out.Error = s.rejected.err.Error()
	case w.err != nil && !refused(w.err): // also of a confirmed one: Prometheus went away
		out.Error = w.err.Error()
	case s.problem != nil:
		out.Error = s.problem.Error()
	}
	return out
}

func objectStatuses(pass *reconcile.Pass, p *plan.Plan, findings []plan.Finding) []ObjectStatus {
	found := map[spec.ID]int{}
	for _, f := range findings {
		found[f.Object]++
	}
	out := []ObjectStatus{}
	for _, o := range pass.Objects {
		s := ObjectStatus{
			Kind: o.Kind, Name: o.Name, Place: o.Position.String(), Observed: o.Observed, Served: o.Served,
			Accepted: o.Valid(), Targets: o.Targets, Findings: found[o.ID], Conditions: []reconcile.Condition{},
			Other: o.Other,
		}
		if p != nil && o.Kind == spec.KindScrapeTarget {
			s.Withheld = p.Withheld[o.Name]
		}
		if !s.Accepted {
			s.Message = o.Accepted().Message
		}
		for _, p := range o.Problems {
			if !p.IsError() {
				s.Warnings = append(s.Warnings, p.Error())
			}
		}
		out = append(out, s)
	}
	return out
}

func poolStatuses(pools []artifact.Pool) []PoolStatus {
	out := make([]PoolStatus, 0, len(pools))
	for _, p := range pools {
		s := PoolStatus{Name: p.Name, Path: p.Path, Targets: make([]TargetStatus, 0, len(p.Targets))}
		for _, t := range p.Targets {
			s.Targets = append(s.Targets, TargetStatus{Address: t.Address(), Object: t.Origin.Object, Labels: t.Labels})
		}
		out = append(out, s)
	}
	return out
}

// logProblems logs each problem when it appears, not at every pass.
func (c *Controller) logProblems(problems []spec.Problem) {
	now := map[string]bool{} // by text: whether it is an error
	for _, p := range problems {
		text := p.Error()
		now[text] = p.IsError()
		if _, known := c.problems[text]; known {
			continue
		}
		if p.IsError() {
			c.options.Log.Warn("document refused", "kind", p.Object.Kind, "name", p.Object.Name, "problem", text)
		} else {
			c.options.Log.Warn("document is served with a warning", "kind", p.Object.Kind, "name", p.Object.Name, "problem", text)
		}
	}
	if faulty(c.problems) && !faulty(now) {
		c.options.Log.Info("all objects are valid")
	}
	c.problems = now
}

func faulty(problems map[string]bool) bool {
	for _, isError := range problems {
		if isError {
			return true
		}
	}
	return false
}

// emptyNotNil makes an absent list an empty one in JSON.
func emptyNotNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

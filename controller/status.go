package controller

import (
	"cmp"
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
	State   string `json:"state"`
	Message string `json:"message,omitempty"`
	// Healthy says that current/ is a set that passed validation: /healthz.
	Healthy bool `json:"healthy"`
	// Ready says that what the specs ask for is published and confirmed: /readyz.
	Ready bool `json:"ready"`

	Time    time.Time     `json:"time"` // of the last pass that found something to do
	Config  ConfigStatus  `json:"config"`
	Targets TargetsStatus `json:"targets"`

	Objects  []ObjectStatus           `json:"objects"`
	Problems []spec.Problem           `json:"problems"` // of all documents, by place
	Findings []plan.Finding           `json:"findings"` // by object
	Sources  []inventory.SourceStatus `json:"sources"`
	Scopes   []inventory.ScopeStatus  `json:"scopes"`
	Pools    []PoolStatus             `json:"pools"`
}

// ConfigStatus follows prometheus.yml and rules from the specs to Prometheus.
type ConfigStatus struct {
	Desired   string    `json:"desired"`   // digest that the specs ask for
	Published string    `json:"published"` // digest that current/ is
	Confirmed string    `json:"confirmed"` // digest that Prometheus has loaded; "" if not the published one
	Swapped   time.Time `json:"swapped,omitzero"`
	// Prometheus is where its loading stands, such as "reloading" or "unreachable".
	Prometheus string `json:"prometheus,omitempty"`
	Error      string `json:"error,omitempty"` // why it is not confirmed, or was taken back
}

// TargetsStatus counts targets.
type TargetsStatus struct {
	Total int `json:"total"`
	// Held are published only because their cluster could not be read yet.
	Held int `json:"held"`
	// Waiting are tasks that a listing omits and that nothing proves stopped.
	Waiting int `json:"waiting"`
}

// ObjectStatus is one object's line.
type ObjectStatus struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Place    string `json:"place"`
	Observed string `json:"observed,omitempty"` // revision in the source
	Served   string `json:"served,omitempty"`   // revision in use
	Ready    bool   `json:"ready"`
	Message  string `json:"message,omitempty"`
	Targets  int    `json:"targets"`
	Findings int    `json:"findings"`
}

// PoolStatus is one scrape pool with its targets.
type PoolStatus struct {
	Name    string         `json:"name"`
	Path    string         `json:"path"`
	Targets []TargetStatus `json:"targets"`
}

// TargetStatus is one target with its labels as written.
type TargetStatus struct {
	Address string        `json:"address"`
	Object  string        `json:"object,omitempty"`
	Labels  labels.Labels `json:"labels"`
}

// Status is the newest status. It may be called from any goroutine.
func (c *Controller) Status() *Status { return c.status.Load() }

// report stores the status after a pass and logs problems that are new.
func (c *Controller) report(pass *reconcile.Pass, err error) {
	s := &Status{Time: time.Now().UTC(), Config: c.configStatus(), Problems: emptyNotNil(pass.Problems)}
	s.Healthy = c.config.published != "" || c.Status().Healthy
	if snap := pass.Snapshot; snap != nil {
		s.Sources, s.Scopes, s.Targets.Waiting = emptyNotNil(snap.Sources), emptyNotNil(snap.Scopes), snap.Waiting
	}
	p := pass.Plan
	if p == nil && c.last != nil {
		p = c.last.Plan
	}
	if p != nil {
		s.Findings, s.Targets.Held = emptyNotNil(p.Findings), p.Held
		s.Targets.Total = count(p.Bundle.Pools)
		s.Pools = poolStatuses(p.Bundle.Pools)
	}
	s.Objects = objectStatuses(pass, s.Findings)
	s.judge(cmp.Or(err, pass.LoadError))
	c.status.Store(s)
	c.logProblems(pass.Problems)
}

func (c *Controller) configStatus() ConfigStatus {
	s := &c.config
	out := ConfigStatus{Desired: s.desired, Published: s.published, Confirmed: s.confirmed, Swapped: s.swapped}
	w := c.waiting.Load()
	out.Prometheus = w.state
	if r, ok := s.rejected[s.desired]; ok {
		out.Error = r.err.Error()
	} else if s.problem != nil {
		out.Error = s.problem.Error()
	} else if w.err != nil && s.confirmed == "" {
		out.Error = w.err.Error()
	}
	return out
}

// judge sets the overall state.
func (s *Status) judge(err error) {
	s.Ready = s.Config.Confirmed != "" && s.Config.Confirmed == s.Config.Desired
	switch {
	case err != nil:
		s.State, s.Message = StateDegraded, err.Error()
	case s.Config.Error != "":
		s.State, s.Message = StateDegraded, s.Config.Error
	case len(s.Problems) > 0:
		s.State, s.Message = StateDegraded, s.Problems[0].Error()
	case !s.Ready:
		s.State, s.Message = StatePending, "waiting for Prometheus to load the configuration"
	default:
		s.State, s.Message = s.inventoryState()
	}
}

func (s *Status) inventoryState() (state, message string) {
	for _, src := range s.Sources {
		if src.Reason != "" {
			return StateDegraded, "region " + cmp.Or(src.Region, src.Source.Region) + ": " + src.Reason
		}
	}
	for _, sc := range s.Scopes {
		if sc.State == inventory.Stale || (sc.State == inventory.Unsynced && sc.Reason != "") {
			return StateDegraded, "cluster " + sc.Scope.String() + ": " + sc.Reason
		}
	}
	return StateOK, ""
}

func objectStatuses(pass *reconcile.Pass, findings []plan.Finding) []ObjectStatus {
	found := map[spec.ID]int{}
	for _, f := range findings {
		found[f.Object]++
	}
	out := []ObjectStatus{}
	for _, o := range pass.Objects {
		s := ObjectStatus{
			Kind: o.Kind, Name: o.Name, Place: o.Position.String(), Observed: o.Observed, Served: o.Served,
			Ready: o.Valid(), Targets: o.Targets, Findings: found[o.ID],
		}
		if !o.Valid() {
			s.Message = o.Problems[0].Error()
			if o.Served == "" {
				s.Message += " (never valid, so it is left out)"
			} else {
				s.Message += " (its last valid version is served)"
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
	now := map[string]bool{}
	for _, p := range problems {
		text := p.Error()
		now[text] = true
		if !c.problems[text] {
			c.options.Log.Warn("document refused", "kind", p.Object.Kind, "name", p.Object.Name, "problem", text)
		}
	}
	gone := slices.ContainsFunc(keys(c.problems), func(k string) bool { return !now[k] })
	if gone && len(now) == 0 {
		c.options.Log.Info("all objects are valid")
	}
	c.problems = now
}

func keys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// Healthy is nil when what is published passed validation.
func (s *Status) HealthError() error {
	if s.Healthy {
		return nil
	}
	return errors.New(cmp.Or(s.Message, "nothing is published yet"))
}

// emptyNotNil makes an absent list an empty one in JSON.
func emptyNotNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

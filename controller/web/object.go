package web

import (
	"net/http"
	"net/url"
	"slices"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// mostFindings is how many findings of an object are shown.
const mostFindings = 100

type object struct {
	frame
	Row         objectRow
	ID          spec.ID
	Conditions  []conditionRow
	Problems    []spec.Problem
	Funnel      []stage
	Held        []plan.Left
	Unexplained string // why there is no funnel
	Unsure      []string
	Targets     []targetRow
	Paging      paging
	Findings    []plan.Finding
	Hidden      int // more of those
	Changes     []changeRow
}

type conditionRow struct {
	reconcile.Condition
	Class string
	Since when
}

// OfClusters says that the message names clusters, whose page says more.
func (c conditionRow) OfClusters() bool { return c.Reason == reconcile.ReasonStaleScopes }

// stage is one stage of a funnel with the width of its bar.
type stage struct {
	plan.FunnelStage
	Percent int
}

// missing is a page about something that is not there.
type missing struct {
	frame
	Says string
}

func (p *pages) object(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	id := spec.ID{Kind: values.Get("kind"), Name: values.Get("name")}
	f := p.frame(r, "object", id.Name)
	i := slices.IndexFunc(f.Status.Objects, func(o controller.ObjectStatus) bool { return o.Kind == id.Kind && o.Name == id.Name })
	if i < 0 {
		f.Title, f.Query = "Not found", id.Name
		render(w, missingPage, http.StatusNotFound, missing{f, "There is no " + id.String() + " in the specs that are in use."})
		return
	}
	row := objectRow{&f.Status.Objects[i], standingOf(&f.Status.Objects[i])}
	o := object{frame: f, Row: row, ID: id, Conditions: conditionRows(f, row.ObjectStatus)}
	o.Problems = slices.DeleteFunc(slices.Clone(f.Status.Problems), func(p spec.Problem) bool { return p.Object != id })
	o.Findings = slices.DeleteFunc(slices.Clone(f.Status.Findings), func(f plan.Finding) bool { return f.Object != id })
	o.Hidden = max(0, len(o.Findings)-mostFindings)
	o.Findings = o.Findings[:len(o.Findings)-o.Hidden]
	of := about(f.Status.Changes, id)
	o.Changes = changeRows(of[:min(len(of), mostChanges)], 0)
	if id.Kind == spec.KindScrapeTarget {
		p.discovered(r, &o, values)
	}
	render(w, objectPage, http.StatusOK, o)
}

// discovered adds what a ScrapeTarget has found. The funnel is on the first page
// only: it is planned for.
func (p *pages) discovered(r *http.Request, o *object, values url.Values) {
	targets := o.Status.TargetsOf(o.ID.Name)
	o.Paging = newPaging("object", values, "targets", len(targets), mostRows)
	o.Targets = targetRows(onPage(targets, o.Paging))
	if o.Paging.Number > 1 {
		return
	}
	e, err := p.explain.ask(r.Context(), o.ID.String())
	if err != nil {
		o.Unexplained = err.Error()
		return
	}
	o.Unsure = e.Unsure
	for i := range e.Objects {
		if e.Objects[i].Object == o.ID {
			o.Funnel, o.Held = stages(e.Objects[i].Funnel), e.Objects[i].Held
		}
	}
}

func stages(funnel []plan.FunnelStage) []stage {
	out := make([]stage, 0, len(funnel))
	for _, s := range funnel {
		percent := 0
		if s.Seen > 0 {
			percent = max(s.Taken*100/s.Seen, min(s.Taken, 1))
		}
		out = append(out, stage{s, percent})
	}
	return out
}

func conditionRows(f frame, o *controller.ObjectStatus) []conditionRow {
	var out []conditionRow
	for _, c := range o.Conditions {
		out = append(out, conditionRow{c, conditionClass(c), f.When(c.Since)})
	}
	return out
}

// conditionClass says whether a condition is as it should be.
func conditionClass(c reconcile.Condition) string {
	good := reconcile.True
	if c.Type == reconcile.StaleType {
		good = reconcile.False
	}
	switch {
	case c.Reason == reconcile.ReasonNotSelected:
		return classOff
	case c.Status == reconcile.Unknown:
		return classWaiting
	case c.Status == good:
		return classOK
	case c.Type == reconcile.StaleType, c.Reason == reconcile.ReasonNoTargets:
		return classAttention
	}
	return classBroken
}

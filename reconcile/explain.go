package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// Explain tells why something is scraped or is not; the query is as in
// [plan.Explain]. It plans once more, which takes as long as a pass. It may be
// called from any goroutine.
func (p *Pass) Explain(query string) (*plan.Explanation, error) {
	if p == nil || p.Plan == nil {
		return nil, errors.New("nothing is planned yet, so nothing can be explained: see the status for what keeps it")
	}
	out := plan.Explain(p.input, query)
	for i := range p.Objects {
		if o := &p.Objects[i]; o.Kind == spec.KindScrapeTarget && (query == "" || query == o.Name || query == o.ID.String()) {
			p.complete(out, o)
		}
	}
	slices.SortFunc(out.Objects, func(a, b plan.ObjectExplanation) int { return a.Object.Compare(b.Object) })
	if len(out.Objects)+len(out.Tasks) == 0 && query != "" {
		return nil, p.unknown(query, out.Unsure)
	}
	return out, nil
}

// complete adds what is wrong with an object, and one that is not served.
func (p *Pass) complete(out *plan.Explanation, o *ObjectStatus) {
	i := slices.IndexFunc(out.Objects, func(e plan.ObjectExplanation) bool { return e.Object == o.ID })
	if i < 0 {
		i = len(out.Objects)
		out.Objects = append(out.Objects, plan.ObjectExplanation{Object: o.ID})
	}
	e := &out.Objects[i]
	e.Problems, e.Served, e.Observed, e.Unserved = o.Problems, o.Served, o.Observed, o.Unserved()
	if o.Other {
		e.Unserved = fmt.Sprintf("spec.scrapeTargetSelector of %s does not choose it, by its metadata.labels: change one of the two", p.input.Choice.Config.ID)
	}
}

func (p *Pass) unknown(query string, unsure []string) error {
	text := fmt.Sprintf("%q is neither a ScrapeTarget nor a task (ARN or id), a container (TASK/NAME or runtime id) or an address that is known", query)
	if len(unsure) > 0 {
		text += "; it may be in what is not: " + strings.Join(unsure, "; ")
	}
	return errors.New(text)
}

package web

import (
	"net/http"
	"slices"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// What the overview shows of long lists; the pages linked there have the rest.
const (
	mostClusters = 12
	mostChanges  = 8
	mostProblems = 50
)

// readUsually is how long Prometheus may take to read a target file without anything
// being wrong: it looks every five seconds for what changed, and every five for
// what to scrape, and the controller asks it every five.
const readUsually = 15 * time.Second

type overview struct {
	frame
	Headline headline
	// Earlier is the last error, where that is over.
	Earlier *controller.ErrorStatus
	Late    bool // target files have not been read for longer than is usual
	Steps   []step
	Choices []choice
	Rows    []objectRow
	Paging  paging
	// Orphans are problems of documents that are no object: their place is all
	// that is known.
	Orphans  []spec.Problem
	Hidden   int // more of those
	Clusters []clusterRow
	Synced   int
	Scopes   int
	Changes  []changeRow
}

// step is where a configuration is on its way from the specs to Prometheus.
type step struct {
	Name, Digest string
	Same         bool   // as the specs ask for
	State        string // "" where it is the same
}

func (p *pages) overview(w http.ResponseWriter, r *http.Request) {
	o := overview{frame: p.frame(r, "./", "Overview")}
	s, values := o.Status, r.URL.Query()
	all := rows(s.Objects)
	class := values.Get("state")
	if rank(class) < 0 {
		class = ""
	}
	shown := ofClass(all, class)
	o.Headline, o.Steps, o.Choices = headlineOf(o.frame, all), steps(&s.Config), choices(all, class)
	o.Paging = newPaging("./", values, "page", len(shown), mostRows)
	o.Rows = onPage(shown, o.Paging)
	if e := s.LastError; e != nil && !e.Until.IsZero() {
		o.Earlier = e // one that goes on is among the reasons
	}
	o.Late = s.Prometheus.Lag >= readUsually.Seconds()
	o.Orphans = orphans(s)
	o.Hidden = max(0, len(o.Orphans)-mostProblems)
	o.Orphans = o.Orphans[:len(o.Orphans)-o.Hidden]
	o.Clusters = clusterRows(o.frame)
	for _, c := range s.Scopes {
		if c.State != inventory.Gone {
			o.Scopes++
		}
		if c.State == inventory.Synced {
			o.Synced++
		}
	}
	o.Clusters = o.Clusters[:min(len(o.Clusters), mostClusters)]
	o.Changes = changeRows(s.Changes[:min(len(s.Changes), mostChanges)], 0)
	render(w, overviewPage, http.StatusOK, o)
}

func steps(c *controller.ConfigStatus) []step {
	out := []step{
		{Name: "Asked for", Digest: c.Desired, Same: c.Desired != ""},
		{Name: "Published", Digest: c.Published, Same: c.Published != "" && c.Published == c.Desired},
		{Name: "Confirmed", Digest: c.Confirmed, Same: c.Confirmed != "" && c.Confirmed == c.Desired},
	}
	for i := range out {
		if out[i].Digest == "" {
			out[i].State = "not yet"
		} else if !out[i].Same {
			out[i].State = "another one"
		}
	}
	switch {
	case c.Rejected:
		out[0].State, out[0].Same = "refused by Prometheus", false
	case c.Confirmed == "" && c.Prometheus != "":
		out[2].State = c.Prometheus
	}
	return out
}

// orphans are the problems that belong to no object of the status.
func orphans(s *controller.Status) []spec.Problem {
	known := map[spec.ID]bool{}
	for i := range s.Objects {
		known[spec.ID{Kind: s.Objects[i].Kind, Name: s.Objects[i].Name}] = true
	}
	return slices.DeleteFunc(slices.Clone(s.Problems), func(p spec.Problem) bool { return known[p.Object] })
}

package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// What a search shows at most.
const (
	mostTasks    = 20
	mostVerdicts = 50  // of objects that do not take a task
	longestQuery = 512 // bytes; an ARN has less
)

type search struct {
	frame
	Objects []objectRow // whose name contains the query
	More    int         // objects that are not shown
	Tasks   []taskRow
	Hidden  int // tasks that are not shown
	Unsure  []string
	Nothing string // why nothing was found
	Busy    bool   // nobody has looked
}

// taskRow is a task, or a container or an address of one, and what the
// ScrapeTargets make of it.
type taskRow struct {
	*plan.TaskExplanation
	Cluster string
	ID      string
	Taken   []verdictRow
	Left    []plan.Verdict
	Hidden  int // more of those that do not take it
}

type verdictRow struct {
	Object  spec.ID
	Targets []targetRow
}

func (p *pages) search(w http.ResponseWriter, r *http.Request) {
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	s := search{frame: p.frame(r, "search", "Search")}
	s.Refresh = 0 // nobody's words are taken away
	if len(query) > longestQuery {
		s.Nothing = "That is longer than any name that is known here."
		query = strings.ToValidUTF8(query[:longestQuery], "")
	}
	s.Query = query
	if query == "" || s.Nothing != "" {
		render(w, searchPage, http.StatusOK, s)
		return
	}
	exact, containing := byName(s.Status.Objects, query)
	if len(exact) == 1 {
		to := "object?" + url.Values{"kind": {exact[0].Kind}, "name": {exact[0].Name}}.Encode()
		w.Header().Set("Location", to) // relative, as http.Redirect would not leave it
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	s.Objects = rows(append(exact, containing...))
	s.More = max(0, len(s.Objects)-mostVerdicts)
	s.Objects = s.Objects[:len(s.Objects)-s.More]
	if len(exact) == 0 {
		p.lookUp(r, &s)
	}
	code := http.StatusOK
	if s.Busy {
		code = http.StatusServiceUnavailable
	}
	render(w, searchPage, code, s)
}

// lookUp asks for what runs under that name.
func (p *pages) lookUp(r *http.Request, s *search) {
	e, err := p.explain.ask(r.Context(), s.Query)
	switch {
	case errors.Is(err, errBusy):
		s.Busy = true
		return
	case err != nil:
		if len(s.Objects) == 0 {
			s.Nothing = err.Error()
		}
		return
	}
	s.Unsure = e.Unsure
	s.Hidden = max(0, len(e.Tasks)-mostTasks)
	for i := range e.Tasks[:len(e.Tasks)-s.Hidden] {
		s.Tasks = append(s.Tasks, taskRowOf(&e.Tasks[i], len(e.Tasks) == 1))
	}
	if len(s.Tasks)+len(s.Objects) == 0 {
		s.Nothing = "Nothing that is known here has that name."
	}
}

func taskRowOf(t *plan.TaskExplanation, whole bool) taskRow {
	row := taskRow{TaskExplanation: t, ID: t.Task[strings.LastIndexByte(t.Task, '/')+1:]}
	if parts := strings.Split(t.Task, "/"); len(parts) > 2 {
		row.Cluster = parts[len(parts)-2]
	}
	for i := range t.Verdicts {
		if v := &t.Verdicts[i]; len(v.Targets) > 0 {
			row.Taken = append(row.Taken, verdictRow{v.Object, targetRows(v.Targets)})
		} else {
			row.Left = append(row.Left, *v)
		}
	}
	slices.SortStableFunc(row.Left, func(a, b plan.Verdict) int { return closeness(a.Code) - closeness(b.Code) })
	if !whole {
		row.Hidden = max(0, len(row.Left)-mostVerdicts)
		row.Left = row.Left[:len(row.Left)-row.Hidden]
	}
	return row
}

// closeness puts first what nearly took a task: what failed at an endpoint comes
// before what asks for another cluster.
func closeness(code string) int {
	switch code {
	case "accounts", "regions", "clusters", "clusterTags":
		return 3
	case "services", "families", "serviceTags":
		return 2
	case "availabilityZones", "launchTypes", "taskTags", "healthStatus", "containers", "dockerLabels", "environment":
		return 1
	}
	return 0
}

// byName are the objects of that name, as KIND/NAME too, and those whose name
// contains it.
func byName(objects []controller.ObjectStatus, query string) (exact, containing []controller.ObjectStatus) {
	wanted := strings.ToLower(query)
	for i := range objects {
		o := &objects[i]
		switch {
		case o.Name == query, o.Kind+"/"+o.Name == query:
			exact = append(exact, *o)
		case strings.Contains(strings.ToLower(o.Name), wanted):
			containing = append(containing, *o)
		}
	}
	return exact, containing
}

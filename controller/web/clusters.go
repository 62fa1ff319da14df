package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/inventory"
)

type clusters struct {
	frame
	Rows     []clusterRow
	Paging   paging
	Sources  []sourceRow
	Usage    []controller.Usage
	Removals []controller.Removal
	Waiting  int
}

// clusterRow is a cluster's line.
type clusterRow struct {
	inventory.ScopeStatus
	Class    string
	Word     string
	Why      string
	Overdue  bool
	Synced   when
	Unread   when // since when it cannot be read
	Restored when // of what an earlier process left
}

// sourceRow is a region that is watched, with the queue of its events.
type sourceRow struct {
	*inventory.SourceStatus
	Place string
	Class string
	Word  string
	Fails when
	Queue string // its name
	Event when   // since when the events arrive, or do not
}

func (p *pages) clusters(w http.ResponseWriter, r *http.Request) {
	f := p.frame(r, "clusters", "Clusters")
	c := clusters{frame: f, Sources: sourceRows(f), Usage: f.Status.Usage, Removals: f.Status.Removals, Waiting: f.Status.Targets.Waiting}
	all := clusterRows(f)
	c.Paging = newPaging("clusters", r.URL.Query(), "page", len(all), mostRows)
	c.Rows = onPage(all, c.Paging)
	render(w, clustersPage, http.StatusOK, c)
}

// clusterRows are all clusters, those that cannot be read first.
func clusterRows(f frame) []clusterRow {
	overdue := map[inventory.Scope]bool{}
	for _, o := range f.Status.Overdue {
		overdue[inventory.Scope{Account: o.Account, Region: o.Region, Cluster: o.Cluster}] = true
	}
	out := make([]clusterRow, 0, len(f.Status.Scopes))
	for _, s := range f.Status.Scopes {
		whole := inventory.Scope{Account: s.Scope.Account, Region: s.Scope.Region}
		row := clusterRow{ScopeStatus: s, Overdue: overdue[s.Scope] || overdue[whole], Synced: f.When(s.SyncedAt), Unread: f.When(s.Since), Restored: f.When(s.Restored)}
		row.Class, row.Word = clusterWord(&row)
		row.Why = why(&s)
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b clusterRow) int { return cmp.Compare(rank(a.Class), rank(b.Class)) })
	return out
}

func clusterWord(row *clusterRow) (class, word string) {
	switch {
	case row.Overdue:
		return classBroken, "overdue"
	case row.State == inventory.Stale:
		return classAttention, "stale"
	case row.State == inventory.Unsynced && row.Reason == "":
		return classWaiting, "not read yet"
	case row.State == inventory.Unsynced:
		return classAttention, "not read"
	case row.State == inventory.Gone:
		return classOff, "gone"
	case len(row.Lacking) > 0:
		return classAttention, "lacks facts"
	}
	return classOK, "synced"
}

// why is the reason of a state, and what else is lacking.
func why(s *inventory.ScopeStatus) string {
	var parts []string
	if s.Reason != "" {
		parts = append(parts, s.Reason)
	}
	for _, fact := range slices.Sorted(maps.Keys(s.Lacking)) {
		parts = append(parts, fact+": "+s.Lacking[fact])
	}
	return strings.Join(parts, "; ")
}

func sourceRows(f frame) []sourceRow {
	var out []sourceRow
	for i := range f.Status.Sources {
		s := &f.Status.Sources[i]
		row := sourceRow{SourceStatus: s, Place: cmp.Or(s.Region, s.Source.Region, "this task's region"), Fails: f.When(s.Since)}
		switch {
		case s.Reason != "":
			row.Class, row.Word = classBroken, "failing"
		case !s.Listed:
			row.Class, row.Word = classWaiting, "not listed yet"
		default:
			row.Class, row.Word = classOK, "listed"
		}
		if s.Events != nil {
			row.Event = f.When(s.Events.Since)
			row.Queue = s.Source.EventsQueue[strings.LastIndexByte(s.Source.EventsQueue, '/')+1:]
		}
		out = append(out, row)
	}
	return out
}

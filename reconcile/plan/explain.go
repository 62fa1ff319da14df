package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// Codes of reasons that are no findings: nothing is wrong.
const (
	CodeNotRunning   = "not-running"
	CodeInjected     = "not-in-definition"
	CodeOtherAddress = "other-address"
	CodeNotAsked     = "nothing-asked"
	CodeNotKnown     = "not-known-yet"
)

// Explanation answers why something is scraped or is not.
type Explanation struct {
	Query string `json:"query,omitempty"`
	// Objects are those that the query names; all, where there is no query.
	Objects []ObjectExplanation `json:"objects,omitempty"`
	// Tasks are those that the query names, or that have the address.
	Tasks []TaskExplanation `json:"tasks,omitempty"`
	// Unsure are clusters of which less is known than should be, and why: what
	// runs there may be missing here.
	Unsure []string `json:"unsure,omitempty"`
}

// ObjectExplanation is the funnel of one ScrapeTarget: from all clusters to its
// targets.
type ObjectExplanation struct {
	Object spec.ID `json:"object"`
	// Served is the revision that the funnel and the targets are of, "" where none
	// is served; Observed is the one in the source, "" where it cannot be read.
	Served   string `json:"served,omitempty"`
	Observed string `json:"observed,omitempty"`
	// Unserved is why none is served.
	Unserved string `json:"unserved,omitempty"`
	// Problems say why the object, or its present version, is not served.
	Problems []spec.Problem      `json:"problems,omitempty"`
	Funnel   []FunnelStage       `json:"funnel,omitempty"`
	Targets  []TargetExplanation `json:"targets,omitempty"`
	// Held are those of the targets that are published only because nothing is
	// known of their tasks now, by reason. No stage before the last counts them.
	Held []Left `json:"held,omitempty"`
}

// FunnelStage counts what an object was asked about, and what it took on to the
// next stage.
type FunnelStage struct {
	Name  string `json:"name"` // clusters, services, tasks, containers, endpoints or targets
	Seen  int    `json:"seen"`
	Taken int    `json:"taken"`
	Left  []Left `json:"left,omitempty"` // why not the others, the most frequent first
}

// Left is a reason, of what is left out or is held, and how many things it
// concerns.
type Left struct {
	// Code is the part of the selector, or the code of a finding.
	Code    string `json:"code"`
	Message string `json:"message"`
	Count   int    `json:"count"`
	// Example is one of them: a cluster, a service, a task, or a container of it;
	// of held targets an address.
	Example string `json:"example"`
}

// TargetExplanation is a target and where it is from.
type TargetExplanation struct {
	Address string        `json:"address"`
	Task    string        `json:"task,omitempty"` // its id
	Labels  labels.Labels `json:"labels"`
}

// Explain plans once more and tells what became of what the query is about: a
// ScrapeTarget's name, a task's ARN or id or the beginning of one, a container
// as TASK/NAME or by its runtime id, or an address with or without a port: one
// that a task has, or that a target of it ends up with. An empty query is about
// every ScrapeTarget. Where nothing has that name, neither Objects nor Tasks are
// there.
func Explain(in Input, query string) *Explanation {
	out := &Explanation{Query: query, Unsure: unsure(in.Snapshot)}
	objects := in.Choice.Targets
	if query != "" {
		name := strings.TrimPrefix(query, spec.KindScrapeTarget+"/")
		objects = slices.DeleteFunc(slices.Clone(objects), func(o *spec.Object) bool { return o.Name != name })
	}
	if len(objects) > 0 || query == "" {
		out.Objects = explainObjects(in, objects)
		return out
	}
	found := find(in.Snapshot, query)
	if !slices.ContainsFunc(found, func(i inquiry) bool { return i.named }) {
		found = append(found, published(in, query, found)...)
	}
	out.Tasks = explainTasks(in, found)
	return out
}

// traced is a Build that tells what becomes of everything.
func traced(in Input, tr trace) {
	r := newRun(in)
	r.trace = tr
	r.build(in)
}

// unsure says of which clusters and regions not everything is known.
func unsure(s *inventory.Snapshot) []string {
	var out []string
	for _, src := range s.Sources {
		if !src.Listed {
			out = append(out, fmt.Sprintf("region %s: its clusters are not known: %s", orDefault(src.Region, src.Source.Region), orDefault(src.Reason, "not listed yet")))
		}
	}
	for _, st := range s.Scopes {
		switch st.State {
		case inventory.Unsynced, inventory.Stale:
			out = append(out, fmt.Sprintf("cluster %s is %s: %s", st.Scope, st.State, orDefault(st.Reason, "not read yet")))
		}
	}
	return out
}

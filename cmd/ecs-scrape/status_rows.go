package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

func (b *screen) objects(s *controller.Status) {
	var rows [][]string
	for i := range s.Objects {
		o := &s.Objects[i]
		rows = append(rows, []string{
			o.Kind, o.Name, o.Condition(reconcile.AcceptedType).Status, o.Condition(reconcile.ReadyType).Status, o.Condition(reconcile.StaleType).Status,
			fmt.Sprint(o.Targets), fmt.Sprint(o.Findings), b.ago(o.LastChange), objectMessage(o),
		})
	}
	b.table("KIND NAME ACCEPTED READY STALE TARGETS FINDINGS CHANGED MESSAGE", rows)
}

// objectMessage is why an object is not as it should be, of its conditions the first
// that says so; "" where all is well.
func objectMessage(o *controller.ObjectStatus) string {
	ready, stale := o.Condition(reconcile.ReadyType), o.Condition(reconcile.StaleType)
	message := cmp.Or(o.Message, ready.Message)
	if message == "" && ready.Status != reconcile.True {
		message = ready.Reason
	}
	if message == "" && stale.Status == reconcile.True {
		message = "stale: " + cmp.Or(stale.Message, stale.Reason)
	}
	return message
}

// mostDocuments is how many problems are shown that are of no object; all with -o
// wide.
const mostDocuments = 20

// documents are the problems that no object's row tells of, such as those of a file
// that is no YAML.
func (b *screen) documents(s *controller.Status, wide bool) {
	known := map[spec.ID]bool{}
	for i := range s.Objects {
		known[spec.ID{Kind: s.Objects[i].Kind, Name: s.Objects[i].Name}] = true
	}
	var rows [][]string
	for i := range s.Problems {
		if p := &s.Problems[i]; !known[p.Object] {
			rows = append(rows, []string{p.Severity.String(), p.Error()})
		}
	}
	rest := 0
	if !wide {
		rest = max(0, len(rows)-mostDocuments)
	}
	b.table("PROBLEM TEXT", rows[:len(rows)-rest])
	if rest > 0 {
		b.line("... and %d more", rest)
	}
}

// clusters are those that are read, and before them the regions whose clusters
// cannot be listed.
func (b *screen) clusters(s *controller.Status) {
	var rows [][]string
	for i := range s.Sources {
		if src := &s.Sources[i]; src.Reason != "" {
			reason := src.Reason
			if !src.Since.IsZero() {
				reason = "for " + b.ago(src.Since) + ": " + reason
			}
			rows = append(rows, []string{src.Account, regionOf(src), "", "failing", "", reason})
		}
	}
	for i := range s.Scopes {
		sc := &s.Scopes[i]
		reason := sc.Reason
		if sc.State != inventory.Synced && !sc.Since.IsZero() {
			reason = strings.TrimSuffix("for "+b.ago(sc.Since)+": "+reason, ": ")
		}
		reason = strings.Join(append(nonEmpty(reason), lacking(sc)...), "; ")
		rows = append(rows, []string{sc.Scope.Account, sc.Scope.Region, sc.Scope.Cluster, string(sc.State), b.ago(sc.SyncedAt), reason})
	}
	b.table("ACCOUNT REGION CLUSTER STATE SYNCED REASON", rows)
}

// lacking are the facts that cannot be had, and why.
func lacking(sc *inventory.ScopeStatus) []string {
	var out []string
	for _, fact := range slices.Sorted(maps.Keys(sc.Lacking)) {
		out = append(out, "lacks "+fact+": "+sc.Lacking[fact])
	}
	return out
}

// events are the queues that events arrive in. What is without one is polled.
func (b *screen) events(s *controller.Status) {
	var rows [][]string
	for i := range s.Sources {
		src := &s.Sources[i]
		if src.Events == nil {
			continue
		}
		state := "working"
		if !src.Events.Working {
			state = "polled"
		}
		rows = append(rows, []string{src.Account, regionOf(src), state, b.ago(src.Events.Since), src.Events.Reason, src.Source.EventsQueue})
	}
	b.table("ACCOUNT REGION EVENTS FOR REASON QUEUE", rows)
}

func regionOf(src *inventory.SourceStatus) string { return cmp.Or(src.Region, src.Source.Region) }

package main

import (
	"fmt"
	"io"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// mostFindings are printed of one object; a selector that is too wide can have
// one for every task.
const mostFindings = 5

// whereAll says where all findings of an object are told.
func whereAll(id spec.ID) string {
	const all = "/api/v1/status of a running controller has all"
	if id.Kind == spec.KindScrapeTarget {
		return fmt.Sprintf("`ecs-scrape explain %s`, with the same flags, tells of everything that is left out, and %s", id.Name, all)
	}
	return all
}

// printFindings tells what is served with a warning, what objects ask for and do
// not get, and which ones have no target at all.
func printFindings(w io.Writer, pass *reconcile.Pass) {
	for _, p := range pass.Problems {
		if !p.IsError() {
			say(w, "%s\n", p.Error())
		}
	}
	printed := map[spec.ID]int{}
	for _, f := range pass.Plan.Findings {
		if printed[f.Object]++; printed[f.Object] > mostFindings {
			continue
		}
		where := ""
		if at := f.Where(); at != "" {
			where = " (" + at + ")"
		}
		say(w, "%s: %s: %s%s\n", f.Object, f.Code, f.Message, where)
	}
	for _, o := range pass.Objects {
		switch accepted := o.Accepted(); {
		case accepted.Status != reconcile.False:
		case o.Served == "":
			say(w, "%s: no version of it that was valid is known here, so it is left out\n", o.ID)
		case o.Served != o.Observed:
			say(w, "%s: its last valid version is served\n", o.ID)
		}
		if more := printed[o.ID] - mostFindings; more > 0 {
			say(w, "%s: ... and %s more; %s\n", o.ID, plural(more, "finding"), whereAll(o.ID))
		}
		if o.Kind == spec.KindScrapeTarget && o.Served != "" && o.Targets == 0 && printed[o.ID] == 0 {
			say(w, "%s: %s\n", o.ID, pass.Plan.WhyNone(o.Name))
		}
	}
}

// say writes to standard error, where a failure cannot be told to anyone.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

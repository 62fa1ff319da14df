package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/spec"
)

func (b *screen) usage(all []controller.Usage) {
	var calls, budgets [][]string
	for _, u := range all {
		calls = append(calls, []string{u.Account, u.Region, fmt.Sprint(u.Calls), fmt.Sprint(u.Throttled), fmt.Sprint(u.Failed)})
		for _, g := range u.Budgets {
			budgets = append(budgets, []string{
				u.Account, u.Region, g.Category, fmt.Sprintf("%.1f", g.Rate), fmt.Sprintf("%.1f", g.Full), fmt.Sprint(g.Waiting),
			})
		}
	}
	b.table("ACCOUNT REGION CALLS THROTTLED FAILED", calls)
	b.table("ACCOUNT REGION BUDGET CALLS/S FULL WAITING", budgets)
}

func (b *screen) removals(s *controller.Status) {
	var rows [][]string
	for _, r := range s.Removals {
		rows = append(rows, []string{r.Account, r.Region, r.Cluster, r.Task, b.ago(r.Since)})
	}
	b.table("ACCOUNT REGION CLUSTER TASK UNLISTED", rows)
	if rest := s.Targets.Waiting - len(rows); len(rows) > 0 && rest > 0 {
		b.line("... and %d more", rest)
	}
}

// changes are one line each, or with their diffs.
func (b *screen) changes(all []controller.Change, whole bool) {
	if !whole {
		var rows [][]string
		for _, c := range all {
			rows = append(rows, []string{b.ago(c.At), c.Kind, c.Summary})
		}
		b.table("AGO CHANGE SUMMARY", rows)
		return
	}
	for _, c := range all {
		b.line("\n%s, %s: %s", c.At.Format(time.RFC3339), c.Kind, plain(c.Summary))
		b.indented(c.Diff)
	}
}

// indented writes lines that others have made.
func (b *screen) indented(text string) {
	for line := range strings.Lines(text) {
		b.line("  %s", plainLine(line))
	}
}

// plainLine keeps the indentation, which matters in a diff.
func plainLine(line string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r >= ' ' && r != 0x7f && r != '\u0085' {
			return r
		}
		return -1
	}, line)
}

// objectText tells all of the objects of a status.
func objectText(s *controller.Status, now time.Time) string {
	b := &screen{now: now}
	if old(s, now) {
		b.line("Old:       this is of %s, %s ago\n", s.Time.Format(time.RFC3339), b.ago(s.Time))
	}
	for i := range s.Objects {
		if i > 0 {
			b.line("")
		}
		b.object(&s.Objects[i], s)
	}
	b.changes(s.Changes, true)
	return b.String()
}

func (b *screen) object(o *controller.ObjectStatus, s *controller.Status) {
	b.line("%s", plain(o.Kind+"/"+o.Name))
	b.line("Place:     %s", plain(o.Place))
	b.line("Revision:  %s observed, %s served", cmp.Or(o.Observed, "none"), cmp.Or(o.Served, "none"))
	if o.Kind == spec.KindScrapeTarget {
		b.line("Targets:   %d, %d withheld", o.Targets, o.Withheld)
	}
	if !o.LastChange.IsZero() {
		b.line("Changed:   %s, %s ago", o.LastChange.Format(time.RFC3339), b.ago(o.LastChange))
	}
	var rows [][]string
	for _, c := range o.Conditions {
		rows = append(rows, []string{c.Type, c.Status, b.ago(c.Since), c.Reason, c.Message})
	}
	b.table("CONDITION STATUS FOR REASON MESSAGE", rows)
	id := spec.ID{Kind: o.Kind, Name: o.Name}
	rows = nil
	for _, f := range s.Findings {
		if f.Object == id {
			rows = append(rows, []string{f.Code, f.Where(), f.Message})
		}
	}
	b.table("FINDING WHERE MESSAGE", rows)
	rows = nil
	for _, p := range s.Problems {
		if p.Object == id {
			rows = append(rows, []string{p.Severity.String(), p.Error()})
		}
	}
	b.table("PROBLEM TEXT", rows)
}

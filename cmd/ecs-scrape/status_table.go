package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
)

// screen collects text in columns.
type screen struct {
	strings.Builder
	now time.Time
}

func statusText(s *controller.Status, now time.Time, wide bool) string {
	b := &screen{now: now}
	b.overall(s)
	b.objects(s)
	b.clusters(s)
	if wide {
		b.usage(s.Usage)
		b.removals(s)
		b.changes(s.Changes, false)
	}
	return b.String()
}

func (b *screen) line(format string, args ...any) { _, _ = fmt.Fprintf(b, format+"\n", args...) }

// table writes rows in columns, with a blank line before; nothing without a row.
func (b *screen) table(head string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	b.line("")
	w := tabwriter.NewWriter(b, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(w, strings.Join(strings.Fields(head), "\t"))
	for _, row := range rows {
		for i := range row {
			row[i] = cmp.Or(plain(row[i]), "-")
		}
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // into memory
}

// plain is a text without what could disturb a table or a terminal.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u0085' }), " ")
}

func (b *screen) ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := max(0, b.now.Sub(t))
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func (b *screen) overall(s *controller.Status) {
	b.line("State:          %s", plain(strings.TrimSuffix(s.State+": "+s.Message, ": ")))
	if old(s, b.now) {
		b.line("Old:            this is of %s, %s ago: its controller hangs, is gone, or cannot write", s.Time.Format(time.RFC3339), b.ago(s.Time))
	}
	b.line("Controller:     %s", plain(strings.Join(nonEmpty(s.Version, s.Instance.Host, s.Instance.Task), ", ")))
	b.specs(&s.Specs)
	b.configuration(s)
	targets := fmt.Sprintf("%d", s.Targets.Total)
	for _, t := range []struct {
		n    int
		what string
	}{{s.Targets.Held, "held, their cluster has not been read yet"}, {s.Targets.Withheld, "withheld"}, {s.Targets.OtherShards, "of other shards"}, {s.Targets.Waiting, "tasks whose end nothing proves"}} {
		if t.n > 0 {
			targets += fmt.Sprintf("; %d %s", t.n, t.what)
		}
	}
	b.line("Targets:        %s", targets)
	if e := s.LastError; e != nil {
		b.line("Last error:     %s ago: %s", b.ago(e.At), plain(e.Message))
	}
}

func (b *screen) specs(s *controller.SpecsStatus) {
	b.line("Specs:          %s", plain(strings.Join(nonEmpty(s.Location, "revision "+s.Revision, "loaded "+b.ago(s.LoadedAt)+" ago"), ", ")))
	if s.Error != "" {
		b.line("                not read for %s: %s", b.ago(s.Since), plain(s.Error))
	}
}

func (b *screen) configuration(s *controller.Status) {
	c := &s.Config
	text := cmp.Or(c.Published, "none")
	switch {
	case c.Confirmed != "" && c.Confirmed == c.Published:
		text += ", confirmed"
	case c.Published != "":
		text += ", not confirmed"
	}
	if c.Desired != "" && c.Desired != c.Published {
		text += ", desired " + c.Desired
	}
	b.line("Configuration:  %s", text)
	if h := s.Hold; h != nil {
		b.line("Held:           %s for %s: %s", h.Digest, b.ago(h.Since), plain(cmp.Or(h.Reason, "no reason given")))
	}
	p := &s.Prometheus
	if text := strings.Join(nonEmpty(p.URL, p.Version, c.Prometheus), ", "); text != "" {
		b.line("Prometheus:     %s", plain(text))
	}
	for _, d := range p.Differences {
		b.line("                %s", plain(d))
	}
}

func nonEmpty(parts ...string) []string {
	return those(parts, func(s string) bool { return s != "" && s != "revision " && s != "loaded  ago" })
}

func (b *screen) objects(s *controller.Status) {
	var rows [][]string
	for i := range s.Objects {
		o := &s.Objects[i]
		ready := o.Condition(reconcile.ReadyType)
		message := cmp.Or(o.Message, ready.Message)
		if message == "" && ready.Status != reconcile.True {
			message = ready.Reason
		}
		rows = append(rows, []string{
			o.Kind, o.Name, o.Condition(reconcile.AcceptedType).Status, ready.Status,
			fmt.Sprint(o.Targets), fmt.Sprint(o.Findings), b.ago(o.LastChange), message,
		})
	}
	b.table("KIND NAME ACCEPTED READY TARGETS FINDINGS CHANGED MESSAGE", rows)
}

// clusters are those that are read, and before them the regions whose clusters
// cannot be listed.
func (b *screen) clusters(s *controller.Status) {
	var rows [][]string
	for i := range s.Sources {
		if src := &s.Sources[i]; src.Reason != "" {
			rows = append(rows, []string{src.Account, cmp.Or(src.Region, src.Source.Region), "", "failing", "", src.Reason})
		}
	}
	for i := range s.Scopes {
		sc := &s.Scopes[i]
		reason := sc.Reason
		if sc.State != inventory.Synced && !sc.Since.IsZero() {
			reason = strings.TrimSuffix("for "+b.ago(sc.Since)+": "+reason, ": ")
		}
		rows = append(rows, []string{
			sc.Scope.Account, sc.Scope.Region, sc.Scope.Cluster, string(sc.State), b.ago(sc.SyncedAt), cmp.Or(reason, lacking(sc)),
		})
	}
	b.table("ACCOUNT REGION CLUSTER STATE SYNCED REASON", rows)
}

func lacking(sc *inventory.ScopeStatus) string {
	first := ""
	for fact := range sc.Lacking {
		if first == "" || fact < first {
			first = fact
		}
	}
	if first == "" {
		return ""
	}
	return "lacks " + first + ": " + sc.Lacking[first]
}

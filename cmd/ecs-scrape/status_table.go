package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"ecs-scrape/controller"
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
	b.documents(s, wide)
	b.clusters(s)
	b.events(s)
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
	return span(b.now.Sub(t))
}

// span is a length of time, rounded down to what matters of it.
func span(d time.Duration) string {
	d = max(0, d)
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
	b.state(s)
	b.notHeld(s.Hold)
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
	b.lastError(s.LastError)
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
	if h := s.Hold; h != nil && h.Error == "" {
		b.line("Held:           %s for %s: %s", plain(h.Digest), b.ago(h.Since), plain(cmp.Or(h.Reason, "no reason given")))
	}
	p := &s.Prometheus
	if text := strings.Join(nonEmpty(p.URL, p.Version, c.Prometheus), ", "); text != "" {
		b.line("Prometheus:     %s", plain(text))
	}
	for _, d := range p.Differences {
		b.line("                %s", plain(d))
	}
	b.unread(p)
}

// notHeld tells what was to be held and is not: who asked for it relies on it.
func (b *screen) notHeld(h *controller.Hold) {
	if h == nil || h.Error == "" {
		return
	}
	b.line("Not held:       %s", plain(h.Error))
	if h.Digest != "" {
		b.line("                %s was asked for %s ago: %s", plain(h.Digest), b.ago(h.Since), plain(cmp.Or(h.Reason, "no reason given")))
	}
}

// unread tells of target files that Prometheus has not read yet: for some seconds
// that is as it should be.
func (b *screen) unread(p *controller.PrometheusStatus) {
	if len(p.Unread) == 0 {
		return
	}
	b.line("Unread:         %d target files, the oldest for %s; Prometheus has not read them since they changed", len(p.Unread), span(time.Duration(p.Lag*float64(time.Second))))
	b.some("                %s", p.Unread, 5)
}

// some writes a line for each, but no more than most, and how many are left out.
func (b *screen) some(format string, all []string, most int) {
	shown := all[:min(len(all), most)]
	for _, text := range shown {
		b.line(format, plain(text))
	}
	if rest := len(all) - len(shown); rest > 0 {
		b.line(format, fmt.Sprintf("... and %d more", rest))
	}
}

func nonEmpty(parts ...string) []string {
	return those(parts, func(s string) bool { return s != "" && s != "revision " && s != "loaded  ago" })
}

package artifact

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

const defaultLimit = 20

// Text is the difference for a terminal or a log.
func (d *Difference) Text() string {
	if d.Empty() {
		return "no changes\n"
	}
	var b strings.Builder
	for _, f := range d.Config {
		fmt.Fprintf(&b, "%s: %s\n%s", f.Path, f.Change, f.Diff)
	}
	for _, p := range d.Pools {
		fmt.Fprintf(&b, "%s: %s\n", p.Name, p.summary())
		for _, line := range p.lines(d.limit()) {
			b.WriteString("  " + line + "\n")
		}
	}
	b.WriteString(d.summary() + "\n")
	return b.String()
}

// Markdown is the difference for a comment on a change.
func (d *Difference) Markdown() string {
	if d.Empty() {
		return "No changes.\n"
	}
	var b strings.Builder
	b.WriteString("**" + d.summary() + "**\n")
	for _, f := range d.Config {
		fmt.Fprintf(&b, "\n#### %s: %s\n", code(f.Path), f.Change)
		fence(&b, f.Diff)
	}
	for _, p := range d.Pools {
		fmt.Fprintf(&b, "\n#### %s: %s\n", code(p.Name), p.summary())
		fence(&b, strings.Join(p.lines(d.limit()), "\n"))
	}
	return b.String()
}

func (d *Difference) limit() int {
	if d.Limit == 0 {
		return defaultLimit
	}
	return d.Limit
}

func (d *Difference) summary() string {
	var added, removed, changed int
	for _, p := range d.Pools {
		added += len(p.Added)
		removed += len(p.Removed)
		changed += len(p.Changed)
	}
	return fmt.Sprintf("%s, %s: %d added, %d removed, %d changed", plural(len(d.Config), "file"),
		"targets", added, removed, changed)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *PoolDifference) summary() string {
	counts := fmt.Sprintf("%d added, %d removed, %d changed", len(p.Added), len(p.Removed), len(p.Changed))
	switch p.Change {
	case Added:
		return "new pool, " + counts
	case Removed:
		return "pool removed, " + counts
	}
	return counts
}

// lines are one per target, at most limit of them unless it is negative: first
// what goes, then what comes, then what differs.
func (p *PoolDifference) lines(limit int) []string {
	total := p.Size()
	shown := total
	if limit >= 0 {
		shown = min(total, limit)
	}
	lines := make([]string, 0, shown+1)
	for i := range shown {
		lines = append(lines, p.line(i))
	}
	if rest := total - shown; rest > 0 {
		lines = append(lines, fmt.Sprintf("... and %d more", rest))
	}
	return lines
}

func (p *PoolDifference) line(i int) string {
	if i < len(p.Removed) {
		return "- " + p.Removed[i].text()
	}
	if i -= len(p.Removed); i < len(p.Added) {
		return "+ " + p.Added[i].text()
	}
	return "! " + p.Changed[i-len(p.Added)].text()
}

func (e TargetEntry) text() string {
	rest := labels.NewBuilder(e.Labels).Del(addressLabel).Labels()
	return plain(e.Labels.Get(addressLabel)) + " " + rest.String()
}

// text is the address and each label that differs.
func (d TargetDifference) text() string {
	var parts []string
	note := func(name string) {
		if before, after := d.Before.Labels.Get(name), d.After.Labels.Get(name); before != after {
			parts = append(parts, fmt.Sprintf("%s: %q -> %q", plain(name), before, after))
		}
	}
	d.Before.Labels.Range(func(l labels.Label) { note(l.Name) })
	d.After.Labels.Range(func(l labels.Label) {
		if !d.Before.Labels.Has(l.Name) {
			note(l.Name)
		}
	})
	return plain(d.After.Labels.Get(addressLabel)) + " " + strings.Join(parts, ", ")
}

// plain is s itself, or s in quotes where it could disturb a line.
func plain(s string) string {
	if quoted := fmt.Sprintf("%q", s); s == "" || quoted != `"`+s+`"` || strings.ContainsAny(s, " ") {
		return quoted
	}
	return s
}

// fence writes a code block that no run of backticks in the text can close.
func fence(b *strings.Builder, text string) {
	if text == "" {
		return
	}
	marks := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	fmt.Fprintf(b, "%sdiff\n%s\n%s\n", marks, strings.TrimSuffix(text, "\n"), marks)
}

func code(s string) string {
	marks := strings.Repeat("`", longestRun(s, '`')+1)
	return marks + s + marks
}

func longestRun(s string, c rune) int {
	longest, run := 0, 0
	for _, r := range s {
		if r != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

package controller

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// headOpen and headClose enclose the line above the targets of one object, in a
// change of several.
const headOpen, headClose = "@@ ", " @@"

// targetLines are one line for each target, as many as are kept, by object. What
// tells a target from others comes first, for lines are cut where they are shown.
func targetLines(d []artifact.PoolDifference) string {
	const ending = 64 // bytes of the line that may end it
	by, all := byObject(d)
	var b strings.Builder
	told, heads := 0, 0
	for _, name := range slices.Sorted(maps.Keys(by)) {
		for i, line := range by[name] {
			text := line() + "\n"
			if i == 0 && len(by) > 1 {
				text = headOpen + name + headClose + "\n" + text
				heads++
			}
			if told+heads >= maxTargetLines || b.Len()+len(text) >= maxDiffBytes-ending {
				return b.String() + fmt.Sprintf("... and %d targets more\n", all-told)
			}
			b.WriteString(text)
			told++
		}
	}
	return b.String()
}

// byObject are the lines of each object, or of a pool that is no object's, and how
// many there are. Few of many are kept, so each is made when it is asked for.
func byObject(d []artifact.PoolDifference) (by map[string][]func() string, all int) {
	by = map[string][]func() string{}
	for i := range d {
		p := &d[i]
		all += p.Size()
		note := func(of artifact.Origin, line func() string) {
			name := strconv.Quote(p.Name)
			if of.Object != "" {
				name = spec.ID{Kind: spec.KindScrapeTarget, Name: of.Object}.String()
			}
			by[name] = append(by[name], line)
		}
		for i := range p.Removed {
			note(p.Removed[i].Origin, func() string { return "- " + entryText(&p.Removed[i]) })
		}
		for i := range p.Added {
			note(p.Added[i].Origin, func() string { return "+ " + entryText(&p.Added[i]) })
		}
		for i := range p.Changed {
			note(p.Changed[i].After.Origin, func() string { return "! " + changedText(&p.Changed[i]) })
		}
	}
	return by, all
}

// entryText is a target's address and labels, without the internal ones that are
// as they usually are, and without how often it is scraped.
func entryText(t *artifact.TargetEntry) string {
	var parts []string
	for _, l := range inOrder(t.Labels) {
		if !usual(l) {
			parts = append(parts, labelName(l.Name)+"="+strconv.Quote(l.Value))
		}
	}
	return address(t) + " {" + strings.Join(parts, ", ") + "}"
}

// changedText is a target's address and every label that differs.
func changedText(t *artifact.TargetDifference) string {
	both := labels.NewBuilder(t.Before.Labels)
	t.After.Labels.Range(func(l labels.Label) { both.Set(l.Name, l.Value) })
	var parts []string
	for _, l := range inOrder(both.Labels()) {
		if before, after := t.Before.Labels.Get(l.Name), t.After.Labels.Get(l.Name); before != after {
			parts = append(parts, fmt.Sprintf("%s: %q -> %q", labelName(l.Name), before, after))
		}
	}
	return address(&t.After) + " " + strings.Join(parts, ", ")
}

// address is in quotes where it could disturb a line.
func address(t *artifact.TargetEntry) string {
	text := t.Labels.Get("__address__")
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` || strings.Contains(text, " ") || text == "" {
		return quoted
	}
	return text
}

// labelName is in quotes where it is not one of those that need none.
func labelName(name string) string {
	odd := func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}
	if strings.ContainsFunc(name, odd) {
		return strconv.Quote(name)
	}
	return name
}

// inOrder are the labels but the address: what the target belongs to, the other
// public ones by name, and last the internal ones.
func inOrder(all labels.Labels) []labels.Label {
	var out []labels.Label
	all.Range(func(l labels.Label) {
		if l.Name != "__address__" {
			out = append(out, l)
		}
	})
	slices.SortStableFunc(out, func(a, b labels.Label) int { return cmp.Compare(rank(a.Name), rank(b.Name)) })
	return out
}

func rank(name string) int {
	first := []string{"job", "ecs_cluster", "ecs_service"}
	switch i := slices.Index(first, name); {
	case i >= 0:
		return i
	case strings.HasPrefix(name, "__"):
		return len(first) + 1
	}
	return len(first)
}

// usual says that an internal label tells nothing of a target.
func usual(l labels.Label) bool {
	switch l.Name {
	case "__scheme__":
		return l.Value == "http"
	case "__metrics_path__":
		return l.Value == "/metrics"
	}
	return l.Name == "__scrape_interval__" || l.Name == "__scrape_timeout__"
}

package web

import (
	"net/http"
	"slices"
	"strings"

	"ecs-scrape/controller"
	"ecs-scrape/spec"
)

// mostLines is how many lines of a difference are shown.
const mostLines = 400

// mostNamed is how many objects of a change are named.
const mostNamed = 12

type changes struct {
	frame
	Rows   []changeRow
	Paging paging
}

// changeRow is one change with its difference.
type changeRow struct {
	controller.Change
	Number int // its place in the list, for links
	Class  string
	Named  []spec.ID
	More   int // objects that are not named
	Lines  []diffLine
	Cut    int // lines that are not shown
}

// diffLine is a line of a difference: added, removed, head or same.
type diffLine struct{ Class, Text string }

func (p *pages) changes(w http.ResponseWriter, r *http.Request) {
	c := changes{frame: p.frame(r, "changes", "Changes")}
	all := c.Status.Changes
	c.Paging = newPaging("changes", r.URL.Query(), "page", len(all), mostDiffs)
	c.Rows = changeRows(onPage(all, c.Paging), c.Paging.From())
	render(w, changesPage, http.StatusOK, c)
}

func changeRows(all []controller.Change, from int) []changeRow {
	out := make([]changeRow, 0, len(all))
	for i, c := range all {
		row := changeRow{Change: c, Number: from + i + 1, Class: c.Kind}
		row.Named = c.Objects[:min(len(c.Objects), mostNamed)]
		row.More = len(c.Objects) - len(row.Named)
		row.Lines, row.Cut = diffLines(c.Diff)
		out = append(out, row)
	}
	return out
}

// about are the changes of an object, the newest first, with the lines that are
// about it.
func about(all []controller.Change, id spec.ID) []controller.Change {
	var out []controller.Change
	for _, c := range all {
		if slices.Contains(c.Objects, id) {
			out = append(out, c.About([]spec.ID{id}))
		}
	}
	return out
}

func diffLines(diff string) (lines []diffLine, cut int) {
	if diff == "" {
		return nil, 0
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(diff, "\n"), "\n") {
		if len(lines) == mostLines {
			cut++
			continue
		}
		lines = append(lines, diffLine{diffClass(line), line})
	}
	return lines, cut
}

func diffClass(line string) string {
	switch {
	case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"), strings.HasPrefix(line, "@@"):
		return "head"
	case strings.HasPrefix(line, "+"):
		return "added"
	case strings.HasPrefix(line, "-"):
		return "removed"
	}
	return "same"
}

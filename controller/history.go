package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// Bounds of the history: fifty changes of at most 20 KiB.
const (
	maxChanges     = 50
	maxDiffBytes   = 16 << 10
	maxConfigLines = 200
	maxTargetLines = 100
	maxSummary     = 1 << 10 // bytes
	maxObjects     = 30
	// joined is for how long changes of targets become one.
	joined = 5 * time.Second
)

// Kinds of a [Change].
const (
	ChangeConfiguration = "configuration" // another one was published
	ChangeTargets       = "targets"
	ChangeRollback      = "rollback" // an earlier configuration was gone back to
	ChangeReload        = "reload"   // Prometheus refused a configuration, or lacks pools of it
)

// history remembers what was published. It belongs to the loop's goroutine; the
// lists that it gives are not changed afterwards.
type history struct {
	changes []Change // the newest first
	begun   bool     // files and pools are what was published
	files   artifact.Files
	pools   []artifact.Pool

	// Of the newest change, while it is one of targets to which others may be added.
	open  bool
	since time.Time
	base  []artifact.Pool // before it
}

// begin takes up what an earlier process has published.
func (h *history) begin(live *artifact.Bundle) {
	if !h.begun && live != nil {
		h.begun, h.files, h.pools = true, live.Config, live.Pools
	}
}

// add notes a change; none is added to the one before any more.
func (h *history) add(c Change) {
	h.close()
	h.put(c, h.changes)
}

// put makes a change the newest one, before others.
func (h *history) put(c Change, others []Change) {
	c.At, c.Summary, c.Diff = c.At.UTC(), cut(c.Summary, 1, maxSummary), cut(c.Diff, maxConfigLines, maxDiffBytes)
	c.Objects = slices.Clip(c.Objects[:min(len(c.Objects), maxObjects)])
	h.changes = append([]Change{c}, others[:min(len(others), maxChanges-1)]...)
}

func (h *history) close() { h.open, h.base = false, nil }

// tick lets go of what is only needed while changes are joined.
func (h *history) tick(now time.Time) {
	if h.open && now.Sub(h.since) >= joined {
		h.close()
	}
}

// configured notes the configuration that is current now, if it is another one.
func (h *history) configured(c Change, files artifact.Files) {
	d := artifact.Diff(&artifact.Bundle{Config: h.files}, &artifact.Bundle{Config: files})
	h.files = files
	if len(d.Config) == 0 && c.Kind == ChangeConfiguration {
		return
	}
	var text strings.Builder
	var names []string
	for _, f := range d.Config {
		names = append(names, f.Path+" "+string(f.Change))
		text.WriteString(f.Diff)
	}
	if len(names) > 0 {
		c.Summary += ": " + listed(names, ", ")
	}
	c.Diff = text.String()
	h.add(c)
}

// targets notes how the targets of now differ from those before, and returns the
// ScrapeTargets that this concerns. What follows within [joined] is added to it;
// what has been taken back by then is no change.
func (h *history) targets(now time.Time, pools []artifact.Pool) []spec.ID {
	before := h.pools
	h.pools = pools
	h.tick(now)
	d := artifact.DiffTargets(before, pools)
	if len(d) == 0 {
		return nil
	}
	objects := objectsOf(d)
	others := h.changes
	if h.open {
		d, others = artifact.DiffTargets(h.base, pools), h.changes[1:]
	} else {
		h.open, h.since, h.base = true, now, before
	}
	if len(d) == 0 {
		h.changes = others
		h.close()
	} else {
		h.put(targetChange(now, d), others)
	}
	return objects
}

// listed is a list for people, cut.
func listed(parts []string, separator string) string {
	const most = 6
	if rest := len(parts) - most; rest > 1 {
		parts = append(slices.Clone(parts[:most]), fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(parts, separator)
}

// cut shortens a text to as many lines and bytes, and says so.
func cut(text string, lines, bytes int) string {
	end := 0
	for line := range strings.Lines(text) {
		if lines--; lines < 0 || end+len(line) > bytes {
			break
		}
		end += len(line)
	}
	if end == len(text) {
		return text
	}
	rest := strings.Count(strings.TrimSuffix(text[end:], "\n"), "\n") + 1
	if end == 0 { // one line that is too long
		return strings.ToValidUTF8(text[:min(len(text), bytes)], "") + "..."
	}
	return text[:end] + fmt.Sprintf("... and %d lines more\n", rest)
}

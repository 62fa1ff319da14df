package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// exampleSections are what the page of every example has, in this order.
func exampleSections() []string {
	return []string{"What it shows", "When to use it", "What runs", "Expected targets", "Try it"}
}

// checkReadme holds the page to its sections and to commands that are right.
func (e example) checkReadme(t *testing.T) {
	t.Helper()
	readme := string(readExampleFile(t, e.path("README.md")))
	if !strings.HasPrefix(readme, "# ") {
		t.Error("README.md does not begin with a title")
	}
	var got []string
	for line := range strings.Lines(readme) {
		if title, ok := strings.CutPrefix(strings.TrimSpace(line), "## "); ok && slices.Contains(exampleSections(), title) {
			got = append(got, title)
		}
	}
	if diff := cmp.Diff(exampleSections(), got); diff != "" {
		t.Errorf("sections of README.md: -want +got\n%s", diff)
	}
	for _, command := range []string{
		fmt.Sprintf("ecs-scrape validate examples/%s/specs\n", e.name),
		fmt.Sprintf("ecs-scrape render --specs examples/%[1]s/specs --snapshot examples/%[1]s/snapshot.json --output /tmp/%[1]s\n", e.name),
		fmt.Sprintf("promtool check config /tmp/%s/current/prometheus.yml\n", e.name),
	} {
		if !strings.Contains(sectionOf(readme, "Try it"), command) {
			t.Errorf("README.md does not say how to try it: %s", command)
		}
	}
}

// checkTable holds the table that a person has written against the wanted
// targets, in both directions. Columns after the fifth are named after labels;
// an empty cell says that the target lacks the label.
func (e example) checkTable(t *testing.T) {
	t.Helper()
	header, want := readTable(t, string(readExampleFile(t, e.path("README.md"))))
	fixed := []string{"Pool", "Address", "Path", "Job", "Container"}
	if len(header) < len(fixed) || !slices.Equal(header[:len(fixed)], fixed) {
		t.Fatalf("the table of expected targets begins with the columns %q, want %q", header, fixed)
	}
	var got []string
	for _, target := range e.targets(t) {
		l := target.labels
		row := []string{target.pool, target.address, l["__metrics_path__"], l["job"], l["ecs_container"]}
		for _, name := range header[len(fixed):] {
			row = append(row, l[name])
		}
		got = append(got, strings.Join(row, " | "))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of expected targets, and want/: -want +got\n%s", diff)
	}
}

// readTable reads the table below "Expected targets", without its marks.
func readTable(t *testing.T, readme string) (header, rows []string) {
	t.Helper()
	for line := range strings.Lines(sectionOf(readme, "Expected targets")) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-") || strings.HasPrefix(line, "| -") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i, c := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(c), "`")
		}
		switch {
		case header == nil:
			header = cells
		case len(cells) != len(header):
			t.Fatalf("a row of the table has %d cells, want %d: %s", len(cells), len(header), line)
		default:
			rows = append(rows, strings.Join(cells, " | "))
		}
	}
	return header, rows
}

// sectionOf is the text below a heading of the second level.
func sectionOf(readme, title string) string {
	_, text, _ := strings.Cut(readme, "\n## "+title+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

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

// checkFindings holds the page to telling what render complains of, in the same
// words, but for the ARN of the task.
func (e example) checkFindings(t *testing.T) {
	t.Helper()
	findings, ok := readTrees(t, e.path("want"), ".")[findingsFile]
	if !ok {
		return
	}
	readme := string(readExampleFile(t, e.path("README.md")))
	for line := range strings.Lines(findings) {
		if line, _, _ = strings.Cut(line, " ("); !strings.Contains(readme, line) {
			t.Errorf("README.md does not tell the finding: %s", line)
		}
	}
}

// checkExplained holds the page to the answers of the explain commands on it.
func (e example) checkExplained(t *testing.T) {
	t.Helper()
	readme := string(readExampleFile(t, e.path("README.md")))
	for line := range strings.Lines(readme) {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "ecs-scrape explain ")
		if !ok {
			continue
		}
		args := strings.Fields(strings.ReplaceAll(command, "examples/", moduleDir+"/examples/"))
		answer := runExampleCommand(t, append([]string{"explain"}, args...)...)
		if !strings.Contains(readme, string(answer)) {
			t.Errorf("README.md does not show what ecs-scrape explain %s says:\n%s", command, answer)
		}
	}
}

// checkTable holds the table that a person has written against the wanted
// targets, in both directions. Columns after the fourth are named after labels;
// an empty cell says that the target lacks the label, and a star that it has one
// which nobody would write down, such as a task's id.
func (e example) checkTable(t *testing.T) {
	t.Helper()
	header, want := readTable(t, string(readExampleFile(t, e.path("README.md"))))
	fixed := []string{"Pool", "Address", "Path", "Job"}
	if len(header) < len(fixed) || !slices.Equal(header[:len(fixed)], fixed) {
		t.Fatalf("the table of expected targets begins with the columns %q, want %q", header, fixed)
	}
	var got [][]string
	for _, target := range e.targets(t) {
		l := target.labels
		row := []string{target.pool, target.address, l["__metrics_path__"], l["job"]}
		for _, name := range header[len(fixed):] {
			row = append(row, l[labelOfColumn(name)])
		}
		got = append(got, withStars(row, want))
	}
	slices.SortFunc(got, slices.Compare)
	slices.SortFunc(want, slices.Compare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of expected targets, and want/: -want +got\n%s", diff)
	}
}

func labelOfColumn(name string) string {
	if name == "Container" {
		return "ecs_container"
	}
	return name
}

// withStars puts a star for every value in a column that is wanted to have stars.
func withStars(row []string, want [][]string) []string {
	for i, value := range row {
		if value != "" && slices.ContainsFunc(want, func(w []string) bool { return w[i] == "*" }) {
			row[i] = "*"
		}
	}
	return row
}

// readTable reads the table below "Expected targets", without its marks.
func readTable(t *testing.T, readme string) (header []string, rows [][]string) {
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
			rows = append(rows, cells)
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

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"ecs-scrape/spec"
)

// jsonReport is the document of --format json.
type jsonReport struct {
	Problems []jsonProblem `json:"problems"`
	Objects  int           `json:"objects"`
	Files    int           `json:"files"`
	Valid    bool          `json:"valid"`
}

// jsonProblem always says its severity and has the line that text shows.
type jsonProblem struct {
	spec.Problem
	Severity spec.Severity `json:"severity"`
	Text     string        `json:"text"`
}

func writeJSON(o *validateOptions, r *report) error {
	out := jsonReport{Problems: []jsonProblem{}, Objects: r.objects, Files: r.files, Valid: r.valid()}
	for _, p := range r.all() {
		out.Problems = append(out.Problems, jsonProblem{p, p.Severity, lineOf(p)})
	}
	enc := json.NewEncoder(o.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// lineOf is the problem in one line; one without a place is its message alone.
func lineOf(p spec.Problem) string {
	if p.File == "" {
		return p.Message
	}
	return p.Error()
}

// writeGitHub writes annotations, in the format of
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
func writeGitHub(o *validateOptions, r *report) error {
	for _, p := range r.all() {
		if _, err := io.WriteString(o.stdout, annotation(p)); err != nil {
			return err
		}
	}
	if !r.valid() {
		return nil
	}
	_, err := io.WriteString(o.stdout, r.summary())
	return err
}

func annotation(p spec.Problem) string {
	var properties []string
	add := func(name, value string) {
		properties = append(properties, name+"="+propertyEscapes.Replace(value))
	}
	if p.File != "" {
		add("file", p.File)
	}
	if p.Line > 0 {
		add("line", fmt.Sprint(p.Line))
	}
	if p.Column > 0 {
		add("col", fmt.Sprint(p.Column))
	}
	title := "ecs-scrape"
	if p.Object != (spec.ID{}) {
		title = p.Object.String()
	}
	add("title", title)
	return fmt.Sprintf("::%s %s::%s\n", p.Severity, strings.Join(properties, ","), messageEscapes.Replace(unplaced(p)))
}

// What a workflow command would read otherwise.
var (
	messageEscapes  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// unplaced is the problem's line without its place and its severity, which the
// annotation has already.
func unplaced(p spec.Problem) string {
	p.Position, p.Severity = spec.Position{}, spec.Error
	return strings.TrimLeft(strings.TrimPrefix(p.Error(), ":"), " ")
}

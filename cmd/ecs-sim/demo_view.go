package main

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// Styles, as terminals know them.
const (
	plain  = ""
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "36"
)

// demoProblemLines is how many lines a problem may take.
const demoProblemLines = 4

// demoSpan is a piece of a line in one style.
type demoSpan struct{ style, text string }

// demoLine is a line of the terminal.
type demoLine []demoSpan

// render cuts the line to a width in characters; 0 is no limit.
func (l demoLine) render(width int, colour bool) string {
	var b strings.Builder
	left := width
	for _, span := range l {
		text := span.text
		if n := utf8.RuneCountInString(text); width > 0 && n > left {
			text = string([]rune(text)[:max(0, left-1)]) + "…"
			left = 0
		} else {
			left -= n
		}
		if colour && span.style != plain && text != "" {
			text = "\x1b[" + span.style + "m" + text + "\x1b[0m"
		}
		b.WriteString(text)
		if width > 0 && left <= 0 {
			break
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func titled(title string, spans ...demoSpan) demoLine {
	return append(demoLine{{bold, fmt.Sprintf("%-10s", title)}}, spans...)
}

// lines are the live lines.
func (s *demoStanding) lines(width int) []demoLine {
	lines := []demoLine{s.targetsLine(), s.reloadLine(), s.callsLine()}
	return append(append(lines, s.specsLines(width)...), demoLine{})
}

func (s *demoStanding) targetsLine() demoLine {
	switch {
	case !s.answers && s.loaded.IsZero():
		return titled("targets", demoSpan{yellow, "Prometheus is starting"})
	case !s.answers:
		return titled("targets", demoSpan{red, "Prometheus does not answer"})
	}
	style := green
	if s.covered < s.endpoints {
		style = yellow
	}
	line := titled("targets", demoSpan{style, fmt.Sprintf("%d of %d", s.covered, s.endpoints)},
		demoSpan{plain, " metrics endpoints of the shop are up"},
		demoSpan{dim, fmt.Sprintf("   (%d targets: %d up", s.up+s.starting+s.down, s.up)})
	if s.starting > 0 {
		line = append(line, demoSpan{yellow, fmt.Sprintf(", %d not scraped yet", s.starting)})
	}
	if s.down > 0 {
		line = append(line, demoSpan{red, fmt.Sprintf(", %d down", s.down)})
	}
	return append(line, demoSpan{dim, ")"})
}

func (s *demoStanding) reloadLine() demoLine {
	if s.loaded.IsZero() {
		return titled("reload", demoSpan{dim, "-"})
	}
	return titled("reload", demoSpan{plain, "last at " + s.loaded.Format(time.TimeOnly)},
		demoSpan{dim, fmt.Sprintf("   (%s since the start, and %s of targets without)",
			counted(s.reloads, "reload"), counted(s.changes, "change"))})
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (s *demoStanding) callsLine() demoLine {
	c := s.calls
	line := titled("AWS calls", demoSpan{plain, fmt.Sprintf("%d in the last %.0f s", c.calls, c.window.Seconds())})
	if c.throttled > 0 {
		line = append(line, demoSpan{red, fmt.Sprintf(", %d throttled", c.throttled)})
	}
	return append(line, demoSpan{dim, fmt.Sprintf("   (%.1f%% of a quota, the budget is 50%%: %s)", 100*c.share, c.busiest)})
}

func (s *demoStanding) specsLines(width int) []demoLine {
	switch {
	case s.state == "":
		return []demoLine{titled("specs", demoSpan{red, "the controller does not answer"})}
	case s.problem == "":
		return []demoLine{titled("specs", demoSpan{green, fmt.Sprintf("%d objects, all served", s.objects)})}
	}
	head := "something is not as asked for"
	if s.refused > 0 {
		head = fmt.Sprintf("%d of %d objects refused; served as last valid: %d, left out: %d",
			s.refused, s.objects, s.kept, s.refused-s.kept)
	}
	lines := []demoLine{titled("specs", demoSpan{red, head})}
	for _, part := range wrap(s.problem, width-12, demoProblemLines) {
		lines = append(lines, titled("", demoSpan{red, part}))
	}
	return lines
}

// wrap breaks a text at spaces; the last of at most so many lines may be longer.
// A width of 0 or less is one line.
func wrap(text string, width, most int) []string {
	if width <= 0 {
		return []string{text}
	}
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) > width && len(lines) < most:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}

// eventLines are as many lines as asked for, the newest entry last.
func eventLines(events []demoEvent, n int) []demoLine {
	lines := make([]demoLine, 0, n)
	for _, e := range events {
		lines = append(lines, e.line())
	}
	for len(lines) < n {
		lines = append(lines, demoLine{})
	}
	return lines
}

func (e demoEvent) line() demoLine {
	style := map[string]string{kindShop: plain, kindYou: blue, kindTargets: green, kindReload: yellow, kindSpecs: red}[e.kind]
	return demoLine{{dim, e.at.Format(time.TimeOnly) + "  "}, {style, fmt.Sprintf("%-9s", e.kind)}, {plain, e.text}}
}

// introduction says where to look and what to try.
func (d *demo) introduction() []demoLine {
	here, err := os.Getwd()
	if err != nil {
		here = "any directory"
	}
	lines := []demoLine{{}, {{bold, "Look"}, {dim, "    (Ctrl-C ends all of this and cleans up)"}}}
	lines = append(lines, d.links()...)
	lines = append(lines, demoLine{}, demoLine{{bold, "Try"}, {dim, "     in another terminal, in " + here}})
	lines = append(lines, d.tips()...)
	return append(lines, demoLine{},
		demoLine{{bold, "Type"}, {dim, "    here, and press Enter"}},
		pair("stop checkout", "its targets go, and soon an alert fires; `start checkout` ends it"),
		pair("scale cart 6", "its targets come, without a reload"),
		pair("crash web", "ECS starts another task"),
		pair("pause", "the shop no longer changes by itself; `resume`, `help`, `quit`"),
		demoLine{})
}

// tips are commands to copy.
func (d *demo) tips() []demoLine {
	spec := d.folder.shown("specs", "applications.yaml")
	edit := "edit a spec"
	if n := d.lineOf("applications.yaml", "tier:"); n > 0 {
		edit += fmt.Sprintf(" (line %d)", n)
	}
	there, aside := d.folder.shown("specs", "cadvisor.yaml"), d.folder.shown("cadvisor.yaml")
	var lines []demoLine
	for _, tip := range []struct{ what, command string }{
		{edit + ": the targets get the label, without a reload", "sed -i.bak 's/tier: .*/tier: frontend/' " + spec},
		{"break it: it is refused, with its place, and nothing is lost", "sed -i.bak 's/endpoints:/endpoint:/' " + spec},
		{"mend it", "sed -i.bak 's/endpoint:/endpoints:/' " + spec},
		{"take a spec away: its targets go; then put it back", "mv " + there + " " + aside},
		{"", "mv " + aside + " " + there},
		{"ask why something is scraped, or is not", fromHere(d.o.scrape) + " explain applications --url " + base(d.ports.controller)},
	} {
		if tip.what != "" {
			lines = append(lines, demoLine{{plain, "  " + tip.what}})
		}
		lines = append(lines, demoLine{{blue, "    " + tip.command}})
	}
	return lines
}

func pair(what, why string) demoLine {
	return demoLine{{blue, fmt.Sprintf("  %-15s", what)}, {plain, " "}, {dim, why}}
}

// links leads only to what answers: without its pages Prometheus has an API.
func (d *demo) links() []demoLine {
	const rates = "job:shop_requests:rate1m" // a rule of rules.yaml
	at := base(d.ports.prometheus)
	links := [][2]string{
		{at + "/targets", "what is scraped"},
		{at + "/query?g0.expr=" + rates + "&g0.tab=graph&g0.range_input=5m", "requests per second"},
		{at + "/alerts", "alerts"},
	}
	if !d.hasPages() {
		links = [][2]string{
			{at + "/api/v1/targets?state=active", "what is scraped"},
			{at + "/api/v1/query?query=" + rates, "requests per second"},
			{at + "/api/v1/alerts", "alerts"},
		}
	}
	links = append(links,
		[2]string{base(d.ports.controller) + "/", "the controller"},
		[2]string{d.folder.shown("output", "current", "prometheus.yml"), "what it has written"})
	var lines []demoLine
	if !d.hasPages() {
		lines = append(lines, demoLine{{dim, "  This Prometheus has no web pages, which need Node.js to be built; its API answers as JSON."}})
	}
	for _, link := range links {
		lines = append(lines, demoLine{{plain, fmt.Sprintf("  %-20s", link[1])}, {plain, " "}, {blue, link[0]}})
	}
	return lines
}

// lineOf is the number of the first line of a spec that holds a text, or 0.
func (d *demo) lineOf(spec, text string) int {
	data, err := os.ReadFile(d.folder.path("specs", spec))
	if err != nil {
		return 0
	}
	before, _, found := strings.Cut(string(data), text)
	if !found {
		return 0
	}
	return 1 + strings.Count(before, "\n")
}

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// monitoringRules are the rules of examples/monitoring as they are published.
func monitoringRules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(moduleDir, "examples", "monitoring", "want", "current", "rules", "*.yml"))
	must(t, err)
	var out []rulefmt.Rule
	for _, name := range files {
		groups, errs := rulefmt.Parse(readExampleFile(t, name), false, model.UTF8Validation, promParser(), promslog.NewNopLogger())
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, g := range groups.Groups {
			out = append(out, g.Rules...)
		}
	}
	if len(out) == 0 {
		t.Fatal("there are no rules")
	}
	return out
}

func promParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// TestRunbooks: every alert has its section, with its severity, and every section
// of an alert has its alert.
func TestRunbooks(t *testing.T) {
	t.Parallel()
	sections := map[string]string{}
	for part := range strings.SplitSeq(read(t, filepath.Join(docs, "runbooks.md")), "\n### ") {
		name, text, _ := strings.Cut(part, "\n")
		if !strings.HasPrefix(name, "#") {
			sections[name] = text
		}
	}
	alerts := map[string]bool{}
	for _, r := range monitoringRules(t) {
		if r.Alert == "" {
			continue
		}
		if alerts[r.Alert] {
			t.Errorf("%s is there twice", r.Alert)
		}
		alerts[r.Alert] = true
		if !strings.HasSuffix(r.Annotations["runbook_url"], "/docs/runbooks.md#"+strings.ToLower(r.Alert)) ||
			r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks an annotation, or points elsewhere: %q", r.Alert, r.Annotations)
		}
		if !strings.Contains(sections[r.Alert], "Severity `"+r.Labels["severity"]+"`.") {
			t.Errorf("the section of %s does not tell its severity, %s", r.Alert, r.Labels["severity"])
		}
		for _, part := range []string{"**Impact.** ", "**Look.**\n\n```\n", "**Mend.** "} {
			if !strings.Contains(sections[r.Alert], part) {
				t.Errorf("the section of %s has no %q", r.Alert, part)
			}
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(alerts)), slices.Sorted(maps.Keys(sections))); diff != "" {
		t.Errorf("sections of docs/runbooks.md: -alerts +sections\n%s", diff)
	}
}

// ruleTest is a group of tests of `promtool test rules`, as far as it is judged here.
type ruleTest struct {
	Name  string
	Input []struct{ Series, Values string } `yaml:"input_series"`
	Tests []struct {
		Alert    string `yaml:"alertname"`
		Expected []any  `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

// stale says that the test is of a cluster that cannot be read in the end.
func (r ruleTest) stale() bool {
	return slices.ContainsFunc(r.Input, func(in struct{ Series, Values string }) bool {
		return strings.HasPrefix(in.Series, "ecs_scrape_cluster_synced{") && regexp.MustCompile(`(^| )0x\d+$`).MatchString(in.Values)
	})
}

// TestAlertTests: promtool sees every alert fire and be silent, and those about
// what runs be silent while its cluster cannot be read.
func TestAlertTests(t *testing.T) {
	t.Parallel()
	fires, silent, stale := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, group := range monitoringTests(t) {
		for _, test := range group.Tests {
			switch {
			case len(test.Expected) > 0:
				fires[test.Alert] = true
			case group.stale():
				stale[test.Alert] = true
			default:
				silent[test.Alert] = true
			}
		}
	}
	for _, r := range monitoringRules(t) {
		if r.Alert == "" {
			continue
		}
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s: a test sees it fire: %v, and one sees it silent: %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
		excludes := strings.Contains(r.Expr, "(ecs_scrape_cluster_synced == 0)")
		if strings.Contains(r.Expr, "ecs_scrape_service_task") != excludes && !strings.Contains(r.Expr, "ecs_scrape_object_targets") {
			t.Errorf("%s is about tasks, and does not leave out stale clusters", r.Alert)
		}
		if excludes != stale[r.Alert] {
			t.Errorf("%s leaves out stale clusters: %v, and a test sees that: %v", r.Alert, excludes, stale[r.Alert])
		}
	}
}

func monitoringTests(t *testing.T) []ruleTest {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(moduleDir, "examples", "monitoring", "rules*_test.yml"))
	must(t, err)
	var out []ruleTest
	for _, name := range files {
		var file struct{ Tests []ruleTest }
		must(t, yaml.Unmarshal(readExampleFile(t, name), &file))
		out = append(out, file.Tests...)
	}
	return out
}

// dashboard is a dashboard of Grafana, as far as it is judged here.
type dashboard struct {
	Title         string
	SchemaVersion int
	Panels        []struct {
		ID      int
		Type    string
		Title   string
		GridPos gridPos
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Name, Type string }
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
}

// gridPos is where a panel lies, in columns and rows.
type gridPos struct{ H, W, X, Y int }

func (g gridPos) cells() [][2]int {
	var out [][2]int
	for i := range g.W * g.H {
		out = append(out, [2]int{g.X + i%g.W, g.Y + i/g.W})
	}
	return out
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	must(t, json.Unmarshal(readExampleFile(t, filepath.Join(moduleDir, "examples", "monitoring", "dashboard.json")), &d))
	return d
}

// expressions are those of the panels, by where they are, with the variables as
// Grafana sets them for all.
func (d dashboard) expressions() map[string]string {
	variables := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".+", "$cluster", ".+")
	out := map[string]string{}
	for _, p := range d.Panels {
		for i, target := range p.Targets {
			out[fmt.Sprintf("panel %s, expression %d", p.Title, i+1)] = variables.Replace(target.Expr)
		}
	}
	return out
}

// TestDashboard: the panels lie beside each other within the width of the page,
// and every expression is one, with no variable that the dashboard does not have.
func TestDashboard(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	if d.Title == "" || d.SchemaVersion < 36 || len(d.Templating.List) == 0 || d.Templating.List[0].Type != "datasource" {
		t.Errorf("the dashboard begins with %q, schema %d, variables %+v", d.Title, d.SchemaVersion, d.Templating.List)
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d %s: %+v, %d expressions", p.ID, p.Title, p.GridPos, len(p.Targets))
		}
		ids[p.ID] = true
		for _, cell := range p.GridPos.cells() {
			if taken[cell] != "" {
				t.Fatalf("panel %s lies on panel %s", p.Title, taken[cell])
			}
			taken[cell] = p.Title
		}
	}
	for where, expr := range d.expressions() {
		if _, err := promParser().ParseExpr(expr); err != nil || strings.Contains(expr, "$") {
			t.Errorf("%s: %s: %v", where, expr, err)
		}
	}
}

package reconcile_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

const classFile, ownFile = "targets/class/default/targets.json", "targets/own/07/api.json"

func object(kind, name, body string) string {
	return fmt.Sprintf("apiVersion: ecs-scrape/v1\nkind: %s\nmetadata: {name: %s}\nspec:\n%s", kind, name, body)
}

func config(name, body string) string {
	if body == "" {
		body = "  {}\n"
	}
	return object("PrometheusConfig", name, body)
}

func scrape(name, job, more string) string {
	return object("ScrapeTarget", name, fmt.Sprintf("  selector: {services: [%s]}\n  endpoints: [{port: 8080}]\n  jobName: %s\n%s", name, job, more))
}

func rule(name, expr string) string {
	return object("PrometheusRule", name, "  groups:\n  - name: g\n    rules:\n    - record: a\n      expr: "+expr+"\n")
}

func good() map[string]string {
	return map[string]string{
		"main.yaml": config("main", ""), "api.yaml": scrape("api", "one", ""),
		"web.yaml": scrape("web", "two", ""), "rule.yaml": rule("r", "up"),
	}
}

func wantTargets(t *testing.T, w *world, want map[string][]string) {
	t.Helper()
	if diff := cmp.Diff(want, w.targets()); diff != "" {
		t.Errorf("published targets: -want +got\n%s", diff)
	}
}

func wantProblems(t *testing.T, p *reconcile.Pass, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, problems(p)); diff != "" {
		t.Errorf("problems: -want +got\n%s", diff)
	}
}

func TestPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	p := w.pass()
	wantProblems(t, p)
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 two"}})
	if got := w.output.config.Paths(); !slices.Equal(got, []string{"prometheus.yml", "rules/r.yml"}) {
		t.Errorf("files %v", got)
	}
	for _, o := range p.Objects {
		if !o.Valid() || o.Served == "" {
			t.Errorf("%s is not valid", o.ID)
		}
	}
	if s := status(p, "ScrapeTarget/api"); s == nil || s.Targets != 1 || s.Position.String() != "api.yaml:1:1" {
		t.Errorf("status %+v", s)
	}
}

// TestBadVersion: the last valid version of each kind stays, with the exact
// error and its place, and everything else follows what the specs say now.
func TestBadVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, text string
		problem          string
	}{
		{
			"field of a target", "api.yaml", scrape("api", "5", ""),
			`api.yaml:7:12: spec.jobName: must be a string, is a number; put it in quotes: "5"`,
		},
		{
			"class of a target", "api.yaml", scrape("api", "new", "  scrapeClass: gold\n"),
			`api.yaml:8:16: spec.scrapeClass: PrometheusConfig/main declares no scrape class "gold", but default: declare it in spec.scrapeClasses or name one of these`,
		},
		{
			"scrapeConfig", "api.yaml", scrape("api", "new", "  scrapeConfig: {honor_labels: true, sample_limit: many}\n"),
			"api.yaml:8:52: spec.scrapeConfig.sample_limit: cannot unmarshal !!str `many` into uint",
		},
		{
			"unknown field of scrapeConfig", "api.yaml", scrape("api", "new", "  scrapeConfig:\n    sample_limits: 5\n"),
			"api.yaml:9:20: spec.scrapeConfig.sample_limits: no Prometheus from 2.42 to 3.15 has the field sample_limits here; did you mean sample_limit? If yours is newer, declare its version and take a newer ecs-scrape",
		},
		{
			"a value of scrapeConfig without a line", "api.yaml", scrape("api", "new", "  scrapeConfig:\n    honor_labels: true\n    metric_relabel_configs:\n    - {regex: a, action: drop}\n    - {regex: '(', action: keep}\n"),
			"api.yaml:12:15: spec.scrapeConfig.metric_relabel_configs[1].regex: error parsing regexp: missing closing ): `^(?s:()$`",
		},
		{
			"expression of a rule", "rule.yaml", rule("r", "sum("),
			"rule.yaml:9:13: spec.groups[0].rules[0].expr: g/a: could not parse expression: 1:5: parse error: unclosed left parenthesis",
		},
		{
			"unknown field of a rule", "rule.yaml", rule("r", "up\n      lables: {}"),
			"rule.yaml:10:15: spec.groups[0].rules[0].lables: g/a: no Prometheus from 2.42 to 3.15 has the field lables here; did you mean labels? If yours is newer, declare its version and take a newer ecs-scrape",
		},
		{
			"duration of a rule", "rule.yaml", rule("r", "up\n    - {alert: b, expr: up, for: 5q}"),
			`rule.yaml:10:33: spec.groups[0].rules[1].for: g/b: unknown unit "q" in duration "5q"`,
		},
		{
			"group", "rule.yaml", object("PrometheusRule", "r", "  groups:\n  - {name: g, rules: []}\n  - {name: g, rules: []}\n"),
			`rule.yaml:7:12: spec.groups[1].name: g: groupname: "g" is repeated in the same file`,
		},
		{
			"configuration", "main.yaml", config("main", "  config:\n    global: {scrape_interval: 30s, nonsense: 1}\n"),
			"main.yaml:6:46: spec.config.global.nonsense: no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape",
		},
		{
			"a value of the configuration", "main.yaml", config("main", "  config:\n    global: {scrape_interval: 30q}\n"),
			`main.yaml:6:31: spec.config.global.scrape_interval: unknown unit "q" in duration "30q"`,
		},
		{
			"job", "main.yaml", config("main", "  config:\n    scrape_configs:\n    - {job_name: a, static_configs: []}\n    - job_name: b\n      static_configs: []\n      basic_auth: {username: x, password: y}\n      authorization: {credentials: z}\n"),
			"main.yaml:8:7: spec.config.scrape_configs[1]: at most one of basic_auth, oauth2 & authorization must be configured",
		},
		{
			"class", "main.yaml", config("main", "  scrapeClasses:\n  - {name: a}\n  - name: b\n    scrapeConfig: {sample_limit: 5, nonsense: 1}\n"),
			"main.yaml:8:47: spec.scrapeClasses[1].scrapeConfig.nonsense: no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape",
		},
		{
			"a value of a class", "main.yaml", config("main", "  scrapeClasses:\n  - {name: a}\n  - name: b\n    scrapeConfig: {sample_limit: 5, scrape_timeout: 2h}\n"),
			`main.yaml:8:53: spec.scrapeClasses[1].scrapeConfig.scrape_timeout: scrape timeout greater than scrape interval for scrape config with job name "ecs-scrape/class/b"`,
		},
		{
			"alertmanager", "main.yaml", config("main", "  config: {alerting: {alertmanagers: [{scheme: https}]}}\n  alertmanagers:\n  - {name: a, selector: {}, port: 9093}\n"+
				"  - {name: b, selector: {}, port: 9093, config: {api_version: v2, timeout: 5q}}\n"),
			`main.yaml:8:76: spec.alertmanagers[1].config.timeout: unknown unit "q" in duration "5q"`,
		},
		{
			"unknown field of a relabelling rule", "api.yaml", scrape("api", "one", "  relabelConfigs:\n  - {action: drop, regex: a}\n  - {action: drop, regexp: a}\n"),
			"api.yaml:10:28: spec.relabelConfigs[1].regexp: no Prometheus from 2.42 to 3.15 has the field regexp here; did you mean regex? If yours is newer, declare its version and take a newer ecs-scrape",
		},
		{
			"regular expression of a relabelling rule", "api.yaml", scrape("api", "one", "  relabelConfigs:\n  - {action: drop, source_labels: [job], regex: '('}\n"),
			"api.yaml:9:49: spec.relabelConfigs[0].regex: error parsing regexp: missing closing ): `^(?s:()$`",
		},
		{
			"relabelling rule without a target label", "api.yaml", scrape("api", "one", "  relabelConfigs:\n  - {action: drop, source_labels: [job], regex: a}\n  - {action: replace, source_labels: [a]}\n  scrapeConfig: {sample_limit: 1}\n"),
			"api.yaml:10:5: spec.relabelConfigs[1]: relabel configuration for replace action requires 'target_label' value",
		},
		{
			"label that no task has", "api.yaml", scrape("api", "one", "  labelsFrom: {vpc: {meta: __meta_ecs_vpc}}\n"),
			`api.yaml:8:28: spec.labelsFrom.vpc.meta: "__meta_ecs_vpc" does not exist; docs/labels.md lists those that do`,
		},
		{
			"discovery of an alertmanager", "main.yaml", config("main", "  alertmanagers:\n  - {name: b, selector: {}, port: 9093, config: {dns_sd_configs: []}}\n"),
			`main.yaml:6:50: spec.alertmanagers[0].config.dns_sd_configs: refused: these Alertmanagers are found by their selector; put others into spec.config.alerting.alertmanagers`,
		},
		{
			"selector", "main.yaml", config("main", "  ruleSelector: {matchExpressions: [{key: a, operator: Has}]}\n"),
			`main.yaml:5:56: spec.ruleSelector.matchExpressions[0].operator: "Has" is no operator; use one of In, NotIn, Exists, DoesNotExist`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, good())
			id := statusIn(w.pass(), c.file)
			before := w.output.config.Digest()
			w.source.Set(map[string]string{c.file: c.text, "web.yaml": scrape("web", "three", "")})
			check := func() {
				t.Helper()
				p := w.pass()
				wantProblems(t, p, c.problem)
				wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 three"}})
				if got := w.output.config.Digest(); got != before {
					t.Errorf("the configuration changed:\n%s", w.output.config[artifact.ConfigFile])
				}
				s := status(p, id.String())
				if s.Valid() || s.Served == "" || s.Served == s.Observed || len(s.Problems) != 1 {
					t.Errorf("status %+v", s)
				}
			}
			check()
			w.restart()
			check()
		})
	}
}

func statusIn(p *reconcile.Pass, file string) spec.ID {
	i := slices.IndexFunc(p.Objects, func(o reconcile.ObjectStatus) bool { return o.Position.File == file })
	return p.Objects[i].ID
}

// TestOwnPoolAfterClass: the class's metric_relabel_configs come first in the
// job, and do not shift the places of the object's own.
func TestOwnPoolAfterClass(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"] = config("main", "  scrapeClasses:\n  - name: default\n    scrapeConfig:\n      metric_relabel_configs: [{regex: a, action: drop}, {regex: b, action: drop}]\n")
	files["api.yaml"] = scrape("api", "one", "  scrapeConfig:\n    metric_relabel_configs:\n    - {regex: c, action: drop}\n    - {regex: d, actoin: drop}\n")
	w := newWorld(t, files)
	wantProblems(t, w.pass(), "api.yaml:11:26: spec.scrapeConfig.metric_relabel_configs[1].actoin: no Prometheus from 2.42 to 3.15 has the field actoin here; did you mean action? If yours is newer, declare its version and take a newer ecs-scrape")
}

// TestSeveralProblems: all that is wrong is told at once.
func TestSeveralProblems(t *testing.T) {
	t.Parallel()
	files := good()
	files["rule.yaml"] = object("PrometheusRule", "r", "  groups:\n  - name: g\n    rules:\n    - {record: a, expr: sum(}\n    - {record: b, expr: up, for: 5m}\n    - {alert: c, expr: up, labels: {'__name__': x, d: '{{'}}\n")
	files["api.yaml"] = scrape("api", "one", "  scrapeConfig: {a: 1, b: 2}\n")
	p := newWorld(t, files).pass()
	wantProblems(t, p,
		"api.yaml:8:21: spec.scrapeConfig.a: no Prometheus from 2.42 to 3.15 has the field a here; if yours is newer, declare its version and take a newer ecs-scrape",
		"api.yaml:8:27: spec.scrapeConfig.b: no Prometheus from 2.42 to 3.15 has the field b here; if yours is newer, declare its version and take a newer ecs-scrape",
		"rule.yaml:8:25: spec.groups[0].rules[0].expr: g/a: could not parse expression: 1:5: parse error: unclosed left parenthesis",
		"rule.yaml:9:7: spec.groups[0].rules[1]: g/b: invalid field 'for' in recording rule",
		"rule.yaml:10:7: spec.groups[0].rules[2]: g/c: invalid label name: __name__",
		`rule.yaml:10:7: spec.groups[0].rules[2]: g/c: label "d": template: __alert_c:1: unclosed action`)
	if err := p.Problem(); strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("as one error: %v", err)
	}
}

func TestNeverValid(t *testing.T) {
	t.Parallel()
	files := good()
	files["api.yaml"] = scrape("api", "one", "  nonsense: 1\n")
	w := newWorld(t, files)
	p := w.pass()
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.2:8080 two"}})
	if s := status(p, "ScrapeTarget/api"); s.Served != "" || s.Valid() || s.Position.String() != "api.yaml:8:3" {
		t.Errorf("status %+v", s)
	}
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	files := good()
	files["api.yaml"] += "---\n" + rule("second", "up")
	w := newWorld(t, files)
	w.pass()
	w.source.Set(map[string]string{"api.yaml": "kind: [", "web.yaml": scrape("web", "three", "")})
	for range 2 {
		p := w.pass()
		wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 three"}})
		if w.output.config["rules/second.yml"] == nil {
			t.Error("the rule of the unreadable file is gone")
		}
		s := status(p, "PrometheusRule/second")
		if s.Valid() || s.Served == "" || len(s.Problems) != 1 || s.Position.File != "api.yaml" {
			t.Errorf("status %+v", s)
		}
		w.restart()
	}
}

func TestDeletedGoesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	w.source.Set(map[string]string{"api.yaml": "", "rule.yaml": "", "broken.yaml": "kind: ["})
	p := w.pass()
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.2:8080 two"}})
	if w.output.config["rules/r.yml"] != nil || status(p, "ScrapeTarget/api") != nil {
		t.Error("a deleted object is still served")
	}
}

// TestClash: of two documents of one identity the one that is served stays,
// however their places change.
func TestClash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	served := func(job string, want ...string) {
		t.Helper()
		p := w.pass()
		wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 " + job, "10.0.0.2:8080 two"}})
		wantProblems(t, p, want...)
	}
	w.source.Set(map[string]string{"0.yaml": scrape("api", "thief", "")})
	served("one", "0.yaml:3:18: metadata.name: ScrapeTarget/api is also at api.yaml:1:1, which is the one in use: rename one of them")
	w.source.Set(map[string]string{"api.yaml": "", "zzz.yaml": scrape("api", "one", "")})
	served("one", "0.yaml:3:18: metadata.name: ScrapeTarget/api is also at zzz.yaml:1:1, which is the one in use: rename one of them")
	w.source.Set(map[string]string{"zzz.yaml": scrape("api", "changed", "")})
	served("changed", "0.yaml:3:18: metadata.name: ScrapeTarget/api is also at zzz.yaml:1:1, which is the one in use: rename one of them")
	w.source.Set(map[string]string{"zzz.yaml": scrape("api", "5", "")})
	served("changed", "0.yaml:3:18: metadata.name: ScrapeTarget/api is also at zzz.yaml, where it cannot be read now, which is the one in use: rename one of them",
		`zzz.yaml:7:12: spec.jobName: must be a string, is a number; put it in quotes: "5"`)
	w.restart()
	w.source.Set(map[string]string{"zzz.yaml": ""})
	served("thief")
}

func TestClashAtFirst(t *testing.T) {
	t.Parallel()
	files := good()
	files["zzz.yaml"] = scrape("api", "second", "")
	w := newWorld(t, files)
	p := w.pass()
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 two"}})
	if s := status(p, "ScrapeTarget/api"); s.Observed != s.Served || s.Position.File != "api.yaml" || s.Valid() {
		t.Errorf("status %+v", s)
	}
}

func TestEmptiedSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	for range 2 {
		w.source.Set(map[string]string{"main.yaml": "", "api.yaml": "", "web.yaml": "", "rule.yaml": ""})
		w.inventory.Run("api")
		p := w.pass()
		if !errors.Is(p.LoadError, reconcile.ErrInput) || !strings.Contains(p.LoadError.Error(), "would take away 4") || !strings.Contains(p.LoadError.Error(), "--specs.allow-empty") {
			t.Errorf("load error %v", p.LoadError)
		}
		wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one"}})
		w.restart()
	}
	w.options.AllowEmpty = true
	w.restart()
	if p := w.pass(); p.LoadError != nil || len(p.Objects) != 0 {
		t.Errorf("allowed to be empty: %v, %v", p.LoadError, p.Objects)
	}
	wantTargets(t, w, map[string][]string{})
	if got := w.output.config.Paths(); !slices.Equal(got, []string{"prometheus.yml"}) {
		t.Errorf("files %v", got)
	}
	w.source.Set(good())
	w.restart()
	w.pass()
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one"}})
}

// TestSourceFails: the last specs stay, and targets go on.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	w.source.Fail(errBroken)
	for range 2 {
		w.inventory.Run("web")
		p := w.pass()
		if !errors.Is(p.LoadError, errBroken) || p.LoadError.Error() != "load specs: broken on purpose" {
			t.Errorf("load error %v", p.LoadError)
		}
		wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 two"}})
		if s := status(p, "ScrapeTarget/web"); !s.Valid() || s.Targets != 1 {
			t.Errorf("status %+v", s)
		}
		w.restart()
	}
	w.start(reconcile.Accepted{})
	if p, err := w.fails(); !errors.Is(err, errBroken) || p.Set != nil {
		t.Errorf("nothing was ever loaded: %v", err)
	}
	w.source.Fail(nil)
	w.pass()
}

func TestConfigs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	published := w.output.config.Digest()
	refused := func(want string, files map[string]string) {
		t.Helper()
		w.source.Set(files)
		for range 2 {
			p, err := w.fails()
			if !errors.Is(err, reconcile.ErrInput) || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
			if s := status(p, "ScrapeTarget/api"); s == nil || s.Served == "" {
				t.Errorf("status %+v", s)
			}
			w.restart()
		}
	}
	refused("the specs hold 2 PrometheusConfigs (main, other): say which with --prometheus.name", map[string]string{"other.yaml": config("other", "")})
	refused("(main, other)", map[string]string{"other.yaml": config("other", "  nonsense: 1\n")})
	refused("the specs hold no valid PrometheusConfig", map[string]string{"other.yaml": "", "main.yaml": "", "api.yaml": scrape("api", "one", "  nonsense: 1\n")})
	if got := w.output.config.Digest(); got != published {
		t.Error("the configuration changed")
	}
	w.source.Set(map[string]string{"main.yaml": config("main", "")})
	w.pass()
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 two"}})
}

func TestConfigByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.source.Set(map[string]string{"other.yaml": config("other", "  scrapeTargetSelector: {matchLabels: {a: b}}\n")})
	w.options.Name = "other"
	w.restart()
	w.pass()
	wantTargets(t, w, map[string][]string{})
	w.options.Name = "third"
	w.restart()
	if _, err := w.fails(); !strings.Contains(err.Error(), `no PrometheusConfig named "third", but main, other: mend --prometheus.name`) {
		t.Error(err)
	}
}

// TestClassDisappears: a class that a served object names stays, with the
// PrometheusConfig that declares it, until nothing names it.
func TestClassDisappears(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"] = config("main", "  scrapeClasses: [{name: gold}]\n")
	files["api.yaml"] = scrape("api", "one", "  scrapeClass: gold\n")
	w := newWorld(t, files)
	w.pass()
	served := map[string][]string{classFile: {"10.0.0.2:8080 two"}, "targets/class/gold/targets.json": {"10.0.0.1:8080 one"}}
	wantTargets(t, w, served)
	w.source.Set(map[string]string{"main.yaml": config("main", "")})
	wantProblems(t, w.pass(), `main.yaml:5:3: spec.scrapeClasses: a class that is in use is no longer declared (ScrapeTarget/api names "gold"): declare it until nothing names it`)
	wantTargets(t, w, served)
	w.source.Set(map[string]string{"main.yaml": config("main", "  scrapeClasses: [{name: silver}]\n"), "api.yaml": scrape("api", "one", "  scrapeClass: silver\n")})
	wantProblems(t, w.pass())
	if got := w.targets()["targets/class/silver/targets.json"]; !slices.Equal(got, []string{"10.0.0.1:8080 one"}) {
		t.Errorf("a class renamed together with its user: %v", w.targets())
	}
}

func TestIdlePass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	first := w.pass()
	if again := w.pass(); again != first {
		t.Error("an idle pass is another pass")
	}
	w.source.Fail(errBroken)
	failed := w.pass()
	if failed == first || w.pass() != failed {
		t.Error("a failed load is no news, or news twice")
	}
	w.source.Fail(nil)
	w.inventory.Run("api")
	if w.pass() == failed {
		t.Error("a changed inventory is no news")
	}
}

func TestOutputFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.output.Fail("Live", errBroken)
	if _, err := w.fails(); !errors.Is(err, errBroken) || errors.Is(err, reconcile.ErrInput) {
		t.Error(err)
	}
	w.output.Fail("Live", nil)
	p, err := w.r.Evaluate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]string{
		"WriteTargets": "publish target files: broken on purpose", "WriteConfig": "publish configuration: broken on purpose",
	} {
		w.output.Fail(method, errBroken)
		if _, err := w.r.Publish(p, time.Time{}, reconcile.Confirmed); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
		w.output.Fail(method, nil)
	}
	w.output.Spoil()
	if _, err := w.r.Publish(p, time.Time{}, reconcile.Confirmed); err == nil || !strings.Contains(err.Error(), "prometheus.yml:1: no Prometheus from 2.42 to 3.15 has the field nonsense") {
		t.Errorf("a spoilt disk: %v", err)
	}
	if w.output.config != nil {
		t.Error("something is published")
	}
}

// TestMovingBetweenPools: until Prometheus has loaded a configuration, and while
// it refuses it, the targets of an object that moves to a new pool are also
// where they were scraped; all others follow, and what has stopped goes.
func TestMovingBetweenPools(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	before := w.output.config.Digest()
	w.source.Set(map[string]string{"api.yaml": scrape("api", "one", "  scrapeConfig: {sample_limit: 5}\n"), "web.yaml": scrape("web", "three", "")})
	publish := func(s reconcile.Standing) {
		t.Helper()
		p, err := w.r.Evaluate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.r.Publish(p, time.Time{}, s); err != nil {
			t.Fatal(err)
		}
	}
	both := map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 three"}, ownFile: {"10.0.0.1:8080 one"}}
	w.stay(w.output.config, false)
	if got := w.output.config.Digest(); got != before {
		t.Error("the configuration changed although it is refused")
	}
	wantTargets(t, w, both)
	publish(reconcile.Wanted)
	if got := w.output.config.Digest(); got == before {
		t.Error("the configuration did not change although it is wanted")
	}
	wantTargets(t, w, both)
	w.stay(w.output.config, false)
	wantTargets(t, w, both)
	publish(reconcile.Confirmed)
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.2:8080 three"}, ownFile: {"10.0.0.1:8080 one"}})
}

// TestRefusedAndWrong: what the operator forbids an object hides nothing of what
// Prometheus says of it.
func TestRefusedAndWrong(t *testing.T) {
	t.Parallel()
	files := good()
	files["api.yaml"] = scrape("api", "one", "  scrapeClass: gold\n  labels: {a.b: c}\n  relabelConfigs: [{action: zap}]\n  scrapeConfig: {sample_limit: x}\n")
	wantProblems(t, newWorld(t, files).pass(),
		`api.yaml:8:16: spec.scrapeClass: PrometheusConfig/main declares no scrape class "gold", but default: declare it in spec.scrapeClasses or name one of these`,
		`api.yaml:10:29: spec.relabelConfigs[0].action: unknown relabel action "zap"`,
		"api.yaml:11:32: spec.scrapeConfig.sample_limit: cannot unmarshal !!str `x` into uint")
}

// TestMovingFromCredentials: a target that was sent elsewhere by relabelling, or
// is of another scheme, does not stay, while it moves, in a class that has just
// been given credentials.
func TestMovingFromCredentials(t *testing.T) {
	t.Parallel()
	elsewhere := "  relabelConfigs: [{target_label: __address__, replacement: 'proxy.example:80'}]\n"
	movesFromCredentials(t, elsewhere, "http", "proxy.example:80 ")
	movesFromCredentials(t, "", "https", "10.0.0.1:8080 ")
}

func movesFromCredentials(t *testing.T, elsewhere, scheme, target string) {
	t.Helper()
	files := good()
	class := func(settings string) string {
		return config("main", "  scrapeClasses: [{name: other}, {name: default"+settings+"}]\n")
	}
	files["main.yaml"], files["api.yaml"] = class(""), scrape("api", "one", elsewhere)
	w := newWorld(t, files)
	w.pass()
	w.source.Set(map[string]string{
		"main.yaml": class(", scrapeConfig: {scheme: " + scheme + ", basic_auth: {username: u, password_file: /p}}"),
		"api.yaml":  scrape("api", "one", elsewhere+"  scrapeClass: other\n"),
	})
	p, err := w.r.Evaluate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.r.Publish(p, time.Time{}, reconcile.Wanted); err != nil {
		t.Fatal(err)
	}
	for path, targets := range w.targets() {
		for _, got := range targets {
			if strings.HasPrefix(got, target) && path == classFile {
				t.Errorf("%s still has %s", path, got)
			}
		}
	}
	if len(w.targets()["targets/class/other/targets.json"]) == 0 {
		t.Error("it is not in its new pool")
	}
}

// TestMovingAndStopped: a target that is moving goes from both pools when its
// task does.
func TestMovingAndStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	w.source.Set(map[string]string{"api.yaml": scrape("api", "one", "  scrapeConfig: {sample_limit: 5}\n"), "web.yaml": scrape("web", "three", "")})
	w.inventory.Run("web")
	w.stay(w.output.config, false)
	for path, targets := range w.targets() {
		for _, target := range targets {
			if strings.Contains(target, " one") {
				t.Errorf("%s still has %s", path, target)
			}
		}
	}
}

// TestOrderDoesNotMatter: the same documents in any files and order give the
// same bytes.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	documents := []string{config("main", "  scrapeClasses: [{name: b}, {name: a}]\n")}
	var services []string
	for _, n := range []string{"d", "a", "c", "b"} {
		services = append(services, n)
		documents = append(documents, scrape(n, "job-"+n, "  scrapeConfig: {sample_limit: 1}\n"), rule(n, "up"), scrape("x"+n, "y", "  nonsense: 1\n"))
	}
	var want []byte
	for range 20 {
		rand.Shuffle(len(documents), func(i, k int) { documents[i], documents[k] = documents[k], documents[i] })
		w := newWorld(t, map[string]string{"all.yaml": strings.Join(documents, "---\n")})
		w.inventory.Run("a", "b", "c", "d")
		tasks := w.inventory.snapshot.Tasks
		rand.Shuffle(len(tasks), func(i, k int) { tasks[i], tasks[k] = tasks[k], tasks[i] })
		var got []byte
		b := w.pass().Plan.Bundle
		got = fmt.Appendf(got, "%s\n%d targets of %v\n", b.Digest(), len(b.Pools), services)
		for _, p := range b.Pools {
			got = append(append(got, p.Path...), p.Encode()...)
		}
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	}
}

func TestDamagedAccepted(t *testing.T) {
	t.Parallel()
	if _, err := reconcile.DecodeAccepted([]byte("{")); err == nil {
		t.Error("no error")
	}
	got, err := reconcile.DecodeAccepted([]byte(`[{"file":"a.yaml","source":"a2luZDogTm9uc2Vuc2U="}]`))
	if err != nil || len(got) != 0 {
		t.Errorf("an object that is no longer taken: %v, %v", got, err)
	}
}

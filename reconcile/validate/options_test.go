package validate_test

import (
	"testing"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

func ruleFile(text string) artifact.Files { return artifact.Files{"rules/r.yml": []byte(text)} }

func declared(version string, features ...string) validate.Options {
	return validate.OptionsOf(&spec.PrometheusConfigSpec{Prometheus: spec.PrometheusVersion{Version: version, Features: features}})
}

// TestEveryField of a rule file of Prometheus 3.15 is accepted, an expression
// also where it is a number.
func TestEveryField(t *testing.T) {
	t.Parallel()
	wantTexts(t, validate.Rules(ruleFile(`groups:
- name: g
  interval: 30s
  query_offset: 1m
  limit: 10
  labels: {team: x}
  rules:
  - {record: a, expr: 1, labels: {b: c}}
  - {record: d, expr: 1.5e3}
  - {alert: e, expr: vector(1), for: 5m, keep_firing_for: 10m, labels: {f: g}, annotations: {h: i}}
`), validate.Options{}))
}

// TestFeatures: a rule is judged by the parser that the declared Prometheus has.
func TestFeatures(t *testing.T) {
	t.Parallel()
	const functions, fill = "promql-experimental-functions", "promql-binop-fill-modifiers"
	for _, c := range []struct {
		name, expr string
		features   []string
		refused    string
	}{
		{"experimental function", "mad_over_time(up[5m])", nil, `function "mad_over_time" is not enabled`},
		{"with its feature", "mad_over_time(up[5m])", []string{functions}, ""},
		{"in a list", "mad_over_time(up[5m])", []string{"old-ui," + functions}, ""},
		{"with another feature", "mad_over_time(up[5m])", []string{"old-ui"}, `function "mad_over_time" is not enabled`},
		{"fill modifier", "up + fill(0) down", nil, "binop fill modifiers are experimental and not enabled"},
		{"fill modifier with its feature", "up + fill(0) down", []string{fill}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			errs := validate.Rules(ruleFile("groups: [{name: g, rules: [{record: a, expr: '"+c.expr+"'}]}]\n"), declared("3.15", c.features...))
			if c.refused == "" {
				wantTexts(t, errs)
				return
			}
			wantTexts(t, errs, `rules/r.yml:1: group "g", rule 1, "a": could not parse expression: 1:1: parse error: `+c.refused)
		})
	}
}

// TestVersion: before 3, names are those of Prometheus 2.
func TestVersion(t *testing.T) {
	t.Parallel()
	files := ruleFile("groups: [{name: g, rules: [{record: a.b, expr: up}]}]\n")
	for _, version := range []string{"", "3", "3.15", "v3.0.1", "10.1"} {
		wantTexts(t, validate.Rules(files, declared(version)))
	}
	for _, version := range []string{"2", "2.53", "v2.53.1"} {
		wantTexts(t, validate.Rules(files, declared(version)), `rules/r.yml:1: group "g", rule 1, "a.b": invalid recording rule name: a.b`)
	}
}

// TestAgent holds the refusals of an agent to Prometheus's words.
func TestAgent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"rule_files: [a.yml]\n": "rule_files",
		"alerting: {alertmanagers: [{static_configs: [{targets: [a:1]}]}]}\n": "alerting",
		"alerting: {alert_relabel_configs: [{target_label: a}]}\n":            "alerting",
		"remote_read: [{url: http://a/}]\n":                                   "remote_read",
	} {
		files := artifact.Files{artifact.ConfigFile: []byte(text)}
		_, errs := validate.Files(files, validate.Options{})
		wantTexts(t, errs)
		_, errs = validate.Files(files, validate.Options{Agent: true})
		wantTexts(t, errs, "prometheus.yml: field "+want+" is not allowed in agent mode")
	}
}

// TestPlaceOfGroups: what Prometheus says of a group without its place is told
// with it.
func TestPlaceOfGroups(t *testing.T) {
	t.Parallel()
	errs := validate.Rules(ruleFile(`groups:
- {name: a, labels: {__name__: x}}
- {name: b}
- {name: a}
- {labels: {c: d}}
`), validate.Options{})
	got := map[string][2]any{}
	for _, e := range errs {
		got[e.Message] = [2]any{e.Index, e.Field}
	}
	for message, want := range map[string][2]any{
		"invalid label name: __name__":                {1, "labels"},
		`groupname: "a" is repeated in the same file`: {3, "name"},
		"Groupname must not be empty":                 {4, "name"},
	} {
		if got[message] != want {
			t.Errorf("%s: %v, want %v", message, got[message], want)
		}
	}
}

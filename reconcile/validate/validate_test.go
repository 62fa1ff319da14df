package validate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/config"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/validate"
)

func texts(errs []*validate.Error) []string {
	var out []string
	for _, e := range errs {
		out = append(out, e.Error())
	}
	return out
}

func wantTexts(t *testing.T, errs []*validate.Error, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, texts(errs)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestConfig holds each kind of refusal of prometheus.yml to Prometheus's words.
func TestConfig(t *testing.T) {
	t.Parallel()
	job := func(body string) string { return "scrape_configs:\n- job_name: a\n  " + body + "\n" }
	for _, c := range []struct{ name, text, want string }{
		{"no YAML", "a: [\n", "prometheus.yml:1: did not find expected node content"},
		{"unknown section", "nonsense: 1\n", "prometheus.yml:1: no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape"},
		{"two errors", "a: 1\nb: 2\n", "prometheus.yml:1: no Prometheus from 2.42 to 3.15 has the field a here; if yours is newer, declare its version and take a newer ecs-scrape\nprometheus.yml:2: no Prometheus from 2.42 to 3.15 has the field b here; if yours is newer, declare its version and take a newer ecs-scrape"},
		{"value with a line break", "global:\n  evaluation_interval: 1m\nscrape_configs: \"a\n\n  b\"\nx: 1\n", "prometheus.yml:3: cannot unmarshal !!str `a b` into []*config.ScrapeConfig\nprometheus.yml:6: no Prometheus from 2.42 to 3.15 has the field x here; if yours is newer, declare its version and take a newer ecs-scrape"},
		{"duration", "global: {scrape_interval: 5q}\n", `prometheus.yml: unknown unit "q" in duration "5q"`},
		{"validation scheme", "global: {metric_name_validation_scheme: none}\n", `prometheus.yml: unrecognized ValidationScheme: "none"`},
		{"unknown field of a job", job("nonsense: 1"), "prometheus.yml:3: no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape"},
		{"no number", job("sample_limit: x"), "prometheus.yml:3: cannot unmarshal !!str `x` into uint"},
		{"timeout", job("scrape_timeout: 1h"), `prometheus.yml: scrape timeout greater than scrape interval for scrape config with job name "a"`},
		{"two jobs of a name", job("honor_labels: true") + "- job_name: a\n", `prometheus.yml: found multiple scrape configs with job name "a"`},
		{"credentials", job("basic_auth: {username: a}\n  authorization: {credentials: x}"), "prometheus.yml: at most one of basic_auth, oauth2 & authorization must be configured"},
		{"expression of a relabelling", job("relabel_configs: [{regex: '('}]"), "prometheus.yml: error parsing regexp: missing closing ): `^(?s:()$`"},
		{"action of a relabelling", job("metric_relabel_configs: [{action: frob}]"), `prometheus.yml: unknown relabel action "frob"`},
		{"size", job("body_size_limit: 5XB"), "prometheus.yml: units: unknown unit XB in 5XB"},
		{"proxy", job("proxy_url: ':x'"), `prometheus.yml: parse ":x": missing protocol scheme`},
		{"unregistered discovery", job("kubernetes_sd_configs: [{role: pod}]"), "prometheus.yml:3: this version of ecs-scrape does not know the discovery kubernetes_sd_configs, so it cannot judge it; use one that it knows (aws_sd_configs, consul_sd_configs, dns_sd_configs, ec2_sd_configs, ecs_sd_configs, elasticache_sd_configs, file_sd_configs, http_sd_configs, lightsail_sd_configs, msk_sd_configs, rds_sd_configs, static_configs), such as file_sd_configs with a file that another program writes"},
		{"remote write", "remote_write: [{}]\n", "prometheus.yml: url for remote_write is empty"},
		{"alertmanager", "alerting: {alertmanagers: [{nonsense: 1}]}\n", "prometheus.yml:1: no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg, errs := validate.Files(artifact.Files{artifact.ConfigFile: []byte(c.text)}, validate.Options{})
			if cfg != nil {
				t.Error("a refused configuration is returned")
			}
			wantTexts(t, errs, strings.Split(c.want, "\n")...)
		})
	}
}

// TestRules holds each kind of refusal of a rule file to Prometheus's words.
func TestRules(t *testing.T) {
	t.Parallel()
	group := func(rules string) string { return "groups:\n- name: g\n  rules:\n" + rules }
	const at = "rules/r.yml"
	for _, c := range []struct{ name, text, want string }{
		{"no YAML", "groups: [\n", at + ":1: did not find expected node content"},
		{"no group", "groups: [1]\n", at + ":1: cannot unmarshal !!int `1` into rulefmt.RuleGroup"},
		{"unknown field of a group", "groups:\n- name: g\n  nonsense: 1\n", at + `:3: group "g": no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape`},
		{"unknown field of a rule", group("  - {record: a, expr: up, nonsense: 1}\n"), at + `:4: group "g", rule 1, "a": no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape`},
		{"interval", "groups: [{name: g, interval: x}]\n", at + `:1: group "g": not a valid duration string: "x"`},
		{"group without a name", "groups: [{rules: []}]\n", at + ": Groupname must not be empty"},
		{"group twice", "groups: [{name: g}, {name: g}]\n", at + `: group "g": groupname: "g" is repeated in the same file`},
		{"expression", group("  - record: a\n    expr: sum(\n"), at + `:5: group "g", rule 1, "a": could not parse expression: 1:5: parse error: unclosed left parenthesis`},
		{"no expression", group("  - record: a\n"), at + `: group "g", rule 1, "a": field 'expr' must be set in rule`},
		{"neither", group("  - expr: up\n"), at + `: group "g", rule 1: one of 'record' or 'alert' must be set`},
		{"both", group("  - {record: a, alert: b, expr: up}\n"), at + `:4: group "g", rule 1, "b": only one of 'record' and 'alert' must be set`},
		{"for of a record", group("  - {record: a, expr: up, for: 5m}\n"), at + `:4: group "g", rule 1, "a": invalid field 'for' in recording rule`},
		{"braces", group("  - {record: 'a{}', expr: up}\n"), at + `:4: group "g", rule 1, "a{}": braces present in the recording rule name; should it be in expr?: a{}`},
		{"label, template and order", group("  - {alert: a, expr: up, labels: {__name__: x, b: '{{ .A', c: '{{ .B'}, annotations: {d: '{{ nope }}'}}\n"), strings.Join([]string{
			at + `: group "g", rule 1, "a": annotation "d": template: __alert_a:1: function "nope" not defined`,
			at + `: group "g", rule 1, "a": invalid label name: __name__`,
			at + `: group "g", rule 1, "a": label "b": template: __alert_a:1: unclosed action`,
			at + `: group "g", rule 1, "a": label "c": template: __alert_a:1: unclosed action`,
		}, "\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for range 5 {
				_, errs := validate.Files(artifact.Files{artifact.ConfigFile: nil, at: []byte(c.text)}, validate.Options{})
				wantTexts(t, errs, strings.Split(c.want, "\n")...)
			}
		})
	}
}

// TestNameValidation: the scheme that the configuration names holds for rules.
func TestNameValidation(t *testing.T) {
	t.Parallel()
	files := func(global string) artifact.Files {
		return artifact.Files{
			artifact.ConfigFile: []byte("global: {" + global + "}\n"),
			"rules/r.yml":       []byte("groups: [{name: g, rules: [{record: a.b, expr: up, labels: {c.d: e}}]}]\n"),
		}
	}
	for _, scheme := range []string{"", "metric_name_validation_scheme: utf8"} {
		_, errs := validate.Files(files(scheme), validate.Options{})
		wantTexts(t, errs)
	}
	_, errs := validate.Files(files("metric_name_validation_scheme: legacy"), validate.Options{})
	wantTexts(t, errs,
		`rules/r.yml: group "g", rule 1, "a.b": invalid label name: c.d`,
		`rules/r.yml:1: group "g", rule 1, "a.b": invalid recording rule name: a.b`)
	_, errs = validate.Files(artifact.Files{artifact.ConfigFile: []byte("global: {external_labels: {a.b: c}, metric_name_validation_scheme: legacy}\n")}, validate.Options{})
	wantTexts(t, errs, `prometheus.yml: "a.b" is not a valid label name`)
}

// TestDiscovery: the discovery types that an operator on AWS may use are known.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	cfg, errs := validate.Files(artifact.Files{artifact.ConfigFile: []byte(`scrape_configs:
- job_name: a
  ec2_sd_configs: [{region: us-east-1}]
  ecs_sd_configs: [{region: us-east-1}]
  lightsail_sd_configs: [{region: us-east-1}]
  consul_sd_configs: [{server: "127.0.0.1:8500"}]
  dns_sd_configs: [{names: [a.example]}]
  http_sd_configs: [{url: "http://127.0.0.1/"}]
  file_sd_configs: [{files: [/etc/a.json]}]
  static_configs: [{targets: ["127.0.0.1:80"]}]
`)}, validate.Options{})
	wantTexts(t, errs)
	if n := len(cfg.ScrapeConfigs[0].ServiceDiscoveryConfigs); n != 8 {
		t.Errorf("%d discoveries", n)
	}
}

func TestPools(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{ScrapeConfigs: []*config.ScrapeConfig{{JobName: "ecs-scrape/class/default"}}}
	wantTexts(t, validate.Pools(cfg, []artifact.Pool{{Name: "ecs-scrape/class/default", Path: "a"}}))
	wantTexts(t, validate.Pools(cfg, []artifact.Pool{{Name: "ecs-scrape/target/b", Path: "b.json"}}),
		`b.json: prometheus.yml has no job "ecs-scrape/target/b" for it`)
}

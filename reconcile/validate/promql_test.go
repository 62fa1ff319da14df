package validate_test

import (
	"strings"
	"testing"

	"ecs-scrape/reconcile/validate"
)

const raise = "raise spec.prometheus.version and the Prometheus itself, or write it without"

// TestPromQL: an expression is judged by what the declared release has.
func TestPromQL(t *testing.T) {
	t.Parallel()
	const experiments = "promql-experimental-functions"
	for _, c := range []struct {
		version, expr string
		features      []string
		want          string // "" is valid
	}{
		{"2.42", `histogram_avg(x)`, nil, "Prometheus 2.42 has no function histogram_avg (since 2.51): " + raise},
		{"2.51", `histogram_avg(x)`, nil, ""},
		{"2.46", `sum by (a) (histogram_stddev(x) + histogram_stddev(y) / histogram_avg(z))`, nil, "Prometheus 2.46 has no function histogram_stddev (since 2.47): " + raise + "; Prometheus 2.46 has no function histogram_avg (since 2.51): " + raise},
		{"2.42", `{"my.metric"}`, nil, `Prometheus 2.42 has no names in quotes within braces, such as {"a"} (since 2.51): ` + raise},
		{"2.42", `{__name__="my.metric", a=~"b"}`, nil, ""},
		{"2.51", `{"my_metric"}`, nil, ""},
		{"2.54", `sum by ("a") (x)`, nil, `Prometheus 2.54 has no labels in quotes to group by, such as by ("a") (since 2.55): ` + raise},
		{"2.55", `sum by ("a") (x)`, nil, ""},
		{"2.55", `sum by ("a.b") (x)`, nil, `Prometheus 2.55 has no label "a.b" to group by (since 3.0): ` + raise},
		{"2.55", `sum by ("a.b") (x)`, []string{"utf8-names"}, ""},
		{"3.0", `x * on ("a.b") group_left ("c d") y`, nil, ""},
		{"2.53", `rate(x[300])`, nil, "Prometheus 2.53 has no numbers as durations, nor durations as numbers, such as a[300] and a > 5m (since 2.54): " + raise},
		{"2.54", `rate(x[300])`, nil, ""},
		{"2.53", `time() - x > 5m`, nil, "Prometheus 2.53 has no numbers as durations, nor durations as numbers, such as a[300] and a > 5m (since 2.54): " + raise},
		{"2.53", `x offset -300`, nil, "Prometheus 2.53 has no numbers as durations, nor durations as numbers, such as a[300] and a > 5m (since 2.54): " + raise},
		{"2.42", `x offset -5m @ start() + rate(x[5m:1m] offset 1h @ 3) + 1e3`, nil, ""},
		{"2.53", `limitk(5, x)`, nil, "Prometheus 2.53 has no aggregator limitk (since 2.54): " + raise},
		{"2.53", `LIMIT_RATIO by (a) (0.5, x)`, nil, "Prometheus 2.53 has no aggregator limit_ratio (since 2.54): " + raise},
		{"2.54", `limitk(5, x)`, []string{experiments}, ""},
		{"2.42", `limitk + step{start="histogram_avg(x)"} + sum by (range, end) (anchored)`, nil, ""},
		{"3.10", `x </ 5`, nil, "Prometheus 3.10 has no operator such as in a </ 5 (since 3.11): " + raise},
		{"2.48", `mad_over_time(x[5m])`, []string{experiments}, "Prometheus 2.48 has no function mad_over_time (since 2.49): " + raise},
		{"2.49", `mad_over_time(x[5m])`, []string{experiments}, ""},
		{"3.10", `first_over_time(x[5m])`, nil, "function first_over_time is experimental in Prometheus 3.10 (until 3.14): declare the feature " + experiments + " and give it to --enable-feature, or raise spec.prometheus.version and the Prometheus itself"},
		{"3.10", `first_over_time(x[5m])`, []string{experiments}, ""},
		{"3.14", `first_over_time(x[5m])`, nil, ""},
		{"2.55", `holt_winters(x[5m], 0.5, 0.5) + holt_winters(y[1h], 0.1, 0.1)`, nil, ""},
		{"2.55", `holt_winters(x[5m], 0.5, 0.5) + mad_over_time(y[1h])`, nil, "function mad_over_time is experimental in Prometheus 2.55: declare the feature " + experiments + " and give it to --enable-feature"},
		{"2.55", `holt_winters(x[5m], 0.5, 0.5) + 1 1`, nil, `could not parse expression: 1:35: parse error: unexpected number "1"`},
		{"3.0", `holt_winters(x[5m], 0.5, 0.5)`, []string{experiments}, "Prometheus 3.0 has no function holt_winters any more (gone since 3.0): write double_exponential_smoothing, its name since 3.0, which needs the feature " + experiments},
		{"", `holt_winters(x[5m], 0.5, 0.5)`, nil, "Prometheus 3.15, which is meant where no version is declared, has no function holt_winters any more (gone since 3.0): write double_exponential_smoothing, its name since 3.0, which needs the feature " + experiments + ", or declare an older Prometheus in spec.prometheus.version"},
		{"2.55", `double_exponential_smoothing(x[5m], 0.5, 0.5)`, []string{experiments}, "Prometheus 2.55 has no function double_exponential_smoothing (since 3.0): " + raise},
		{"3.13", `rate(x[5m * 2])`, nil, "could not parse expression: 1:8: parse error: experimental duration expression is not enabled"},
		{"3.13", `rate(x[5m * 2])`, []string{"promql-duration-expr"}, ""},
		{"3.14", `rate(x[5m * 2])`, nil, ""},
		{"3.5", `rate(x[5m] smoothed)`, []string{"promql-extended-range-selectors"}, "could not parse expression: 1:6: parse error: smoothed modifier is experimental and not enabled"},
		{"3.7", `rate(x[5m] smoothed)`, []string{"promql-extended-range-selectors"}, ""},
		{"2.42", `sums(x)`, nil, `could not parse expression: 1:1: parse error: unknown function with name "sums"; no Prometheus from 2.42 to 3.15 has it; if yours is newer, declare its version and take a newer ecs-scrape`},
		{"3.15", `rte(x[5m])`, nil, `could not parse expression: 1:1: parse error: unknown function with name "rte"; no Prometheus from 2.42 to 3.15 has it; did you mean rate? If yours is newer, declare its version and take a newer ecs-scrape`},
		{"3.16", `brand_new(x[5m])`, nil, `could not parse expression: 1:1: parse error: unknown function with name "brand_new"; no Prometheus from 2.42 to 3.15 has it, and 3.16 is declared: if it has it, take a newer ecs-scrape`},
	} {
		t.Run(c.version+" "+c.expr, func(t *testing.T) {
			t.Parallel()
			errs := validate.Rules(ruleFile("groups: [{name: g, rules: [{record: a, expr: '"+c.expr+"'}]}]\n"), declared(c.version, c.features...))
			if c.want == "" {
				wantTexts(t, errs)
				return
			}
			wantTexts(t, errs, `rules/r.yml:1: group "g", rule 1, "a": `+c.want)
			if len(errs) > 0 && errs[0].Field != "expr" {
				t.Errorf("the field is %q", errs[0].Field)
			}
		})
	}
}

// TestLenient: what was judged before may be of any release.
func TestLenient(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{"holt_winters(x[5m], 0.5, 0.5)", "mad_over_time(x[5m * 2])", "x + fill(0) y", "rate(x[5m] anchored)", `{"a"}`} {
		wantTexts(t, validate.Rules(ruleFile("groups: [{name: g, rules: [{record: a, expr: '"+expr+"'}]}]\n"), validate.Lenient()))
	}
}

// FuzzPromQL: no text makes the reader of expressions fail, and what is refused says why.
func FuzzPromQL(f *testing.F) {
	for _, seed := range []string{`sum by ("a") (x[5m:3])`, `{"a", b="c"`, `holt_winters(`, `x[`, `"`, `holt_winters(holt_winters(x[5m],1,1)`, `a offset`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		for _, version := range []string{"2.42", "2.55", "3.15"} {
			if _, err := validate.ParseExpr(declared(version), expr); err != nil && strings.TrimSpace(err.Error()) == "" {
				t.Errorf("%s: an error without words", version)
			}
		}
	})
}

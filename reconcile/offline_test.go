package reconcile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	const gold = "  scrapeClass: gold\n"
	noGold := func(config string) string {
		return `0:20:16: spec.scrapeClass: PrometheusConfig/` + config + ` declares no scrape class "gold", but default: declare it in spec.scrapeClasses or name one of these`
	}
	badRule := "0:9:13: spec.groups[0].rules[0].expr: g/a: could not parse expression: 1:5: parse error: unclosed left parenthesis"
	for _, c := range []struct {
		name, config string
		documents    []string
		problems     []string
		err          string
	}{
		{"valid", "", []string{config("main", ""), rule("r", "up")}, nil, ""},
		{"rules alone", "", []string{rule("r", "up")}, nil, ""},
		{"a bad rule alone", "", []string{rule("r", "sum(")}, []string{badRule}, ""},
		{"a target alone, of any class", "", []string{scrape("a", "b", gold)}, nil, ""},
		{"a target alone, with a bad pool", "x", []string{scrape("a", "b", gold+"  scrapeConfig: {nonsense: 1}\n")}, []string{
			"0:9:28: spec.scrapeConfig.nonsense: no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape",
		}, ""},
		{"two configurations, of which one lacks the class", "", []string{
			config("main", "  scrapeClasses: [{name: gold}]\n"), config("other", "  {}\n"), scrape("a", "b", gold),
		}, []string{noGold("other")}, ""},
		{"one of two", "main", []string{
			config("main", "  scrapeClasses: [{name: gold}]\n"), config("other", "  {}\n"), scrape("a", "b", gold),
		}, nil, ""},
		{"a broken one of two", "", []string{config("main", "  config: {nonsense: 1}\n"), config("other", ""), rule("r", "up")}, []string{
			"0:5:22: spec.config.nonsense: no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape",
		}, ""},
		{"another than there is", "third", []string{config("main", "")}, nil, `no PrometheusConfig named "third"`},
		{"a broken configuration alone", "", []string{config("main", "  config: {nonsense: 1}\n")}, []string{
			"0:5:22: spec.config.nonsense: no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape",
		}, ""},
		{"a configuration that does not decode, and a broken rule", "", []string{config("main", "  confg: {}\n"), rule("r", "sum(")}, []string{
			"0:5:3: spec.confg: unknown field; did you mean config?",
			"0:15:13: spec.groups[0].rules[0].expr: g/a: could not parse expression: 1:5: parse error: unclosed left parenthesis",
		}, ""},
		{"a broken configuration that is not meant", "third", []string{config("main", "  config: {nonsense: 1}\n")}, []string{
			"0:5:22: spec.config.nonsense: no Prometheus from 2.42 to 3.15 has the field nonsense here; if yours is newer, declare its version and take a newer ecs-scrape",
		}, "no valid PrometheusConfig"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set := spec.Decode([]spec.File{{Name: "0", Data: []byte(strings.Join(c.documents, "---\n"))}})
			found, err := reconcile.Validate(set, c.config)
			var got []string
			for _, p := range found {
				got = append(got, p.Error())
			}
			if diff := cmp.Diff(c.problems, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if text := fmt.Sprint(err); (err == nil) != (c.err == "") || !strings.Contains(text, c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

// TestValidateDrafts: what the only PrometheusConfig leaves out is judged.
func TestValidateDrafts(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]int{"up": 0, "sum(": 1} {
		set := spec.Decode([]spec.File{{Name: "0", Data: []byte(config("main", teamA) + "---\n" + rule("draft", expr))}})
		if found, err := reconcile.Validate(set, ""); len(found) != want || err != nil {
			t.Errorf("%s: %v, %s", expr, err, text(found))
		}
	}
}

// TestRulesOfARefusedDocument: a word too many does not hide what is wrong with
// the rules, with or without a PrometheusConfig that selects them.
func TestRulesOfARefusedDocument(t *testing.T) {
	t.Parallel()
	const file = "name: x\ngroups:\n- name: g\n  rules:\n  - {record: a, expr: 'sum('}\n  - {record: b, expr: up, for: 5m}\n"
	for name, documents := range map[string][]string{
		"alone":        {file},
		"selected":     {config("main", ""), file},
		"not selected": {config("main", teamA), file},
		"of ours":      {config("main", ""), rule("r", "sum(") + "  nonsense: 1\n"},
	} {
		set := spec.Decode([]spec.File{{Name: "f.yaml", Data: []byte(strings.Join(documents, "---\n"))}})
		found, err := reconcile.Validate(set, "")
		if want := 3 - strings.Count(name, "ours"); len(found) != want || err != nil || !strings.Contains(text(found), "unclosed left parenthesis") {
			t.Errorf("%s: %v\n%s", name, err, text(found))
		}
	}
	w := newWorld(t, good())
	w.pass()
	w.source.Set(map[string]string{"rule.yaml": rule("r", "sum(") + "  nonsense: 1\n"})
	if s := status(w.pass(), "PrometheusRule/r"); len(s.Problems) != 2 || s.Served == "" || s.Observed != "" {
		t.Errorf("%+v", s)
	}
}

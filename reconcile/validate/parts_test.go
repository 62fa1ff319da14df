package validate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/validate"
)

// TestEveryRule: a value that the decoder stops at hides nothing that follows.
func TestEveryRule(t *testing.T) {
	t.Parallel()
	_, errs := validate.Files(artifact.Files{artifact.ConfigFile: nil, "rules/r.yml": []byte(`groups:
- name: g
  interval: 5x
  rules:
  - alert: a
    expr: sum(
    for: 5x
  - {record: b, expr: up}
  - record: c
    expr: sum(
  - 7
- rules: 5
- name: g
  rules:
  - alert: d
    expr: up
    keep_firing_for: 5x
`)}, validate.Options{})
	type row struct {
		Line, Index, Rule int
		Name, Field       string
	}
	var got []row
	for _, e := range errs {
		got = append(got, row{e.Line, e.Index, e.Rule, e.Name, e.Field})
	}
	want := []row{
		{3, 1, 0, "", "interval"},
		{7, 1, 1, "a", "for"},
		{6, 1, 1, "a", "expr"},
		{10, 1, 3, "c", "expr"},
		{11, 1, 4, "", ""},
		{12, 2, 0, "", "rules"},
		{12, 2, 0, "", ""},
		{13, 3, 0, "", "name"},
		{17, 3, 1, "d", "keep_firing_for"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s\n%s", diff, strings.Join(texts(errs), "\n"))
	}
}

func TestEveryRuleOfMany(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("groups:\n- name: g\n  rules:\n")
	for i := range 800 {
		fmt.Fprintf(&b, "  - {alert: a%d, expr: sum(, for: 5x}\n", i)
	}
	_, errs := validate.Files(artifact.Files{artifact.ConfigFile: nil, "rules/r.yml": []byte(b.String())}, validate.Options{})
	if len(errs) < 800 {
		t.Errorf("%d errors", len(errs))
	}
}

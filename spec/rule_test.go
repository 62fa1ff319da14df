package spec

import (
	"strings"
	"testing"
)

func decodeOne(t *testing.T, name, text string) (*Object, []Problem) {
	t.Helper()
	set := Decode([]File{{Name: name, Data: []byte(text)}})
	if len(set.Objects) > 1 {
		t.Fatalf("%d objects, want one", len(set.Objects))
	}
	if len(set.Objects) == 0 {
		return nil, set.Problems
	}
	return set.Objects[0], set.Problems
}

func TestOperatorRule(t *testing.T) {
	o := Decode([]File{read(t, "testdata/operator-rule.good.yml")}).Objects[0]
	if o.RuleFile() != "rules/monitoring.shop.rules.yml" || o.Metadata.Name != "shop.rules" || o.Metadata.Labels["release"] != "monitoring" {
		t.Errorf("file %q, metadata %+v", o.RuleFile(), o.Metadata)
	}
	checkYAML(t, o.PrometheusRule.Groups, `- name: shop
  interval: 30s
  rules:
    - record: shop:constant
      expr: 1
    - alert: ShopDown
      expr: up{job="shop"} == 0
      for: 5m
`)
	nowhere := Decode([]File{read(t, "testdata/operator-rule.good.yml")}).Objects[1]
	if nowhere.RuleFile() != "rules/nowhere.yml" {
		t.Errorf("file %q of a rule without a namespace", nowhere.RuleFile())
	}
	checkYAML(t, nowhere.PrometheusRule.Groups, "[]\n")
}

// TestPartialResponse: the strategy is Thanos's; the group is served without it.
func TestPartialResponse(t *testing.T) {
	set := Decode([]File{read(t, "testdata/partial-response.many.yml")})
	if len(set.Problems) != 1 || set.Problems[0].Severity != Warning || set.Problems[0].Code != CodePartialResponse {
		t.Fatalf("problems %v, want one warning", set.Problems)
	}
	checkYAML(t, set.Objects[0].PrometheusRule.Groups, "- name: a\n  rules: []\n- {name: b, rules: []}\n")
	ours := "apiVersion: ecs-scrape/v1\nkind: PrometheusRule\nmetadata: {name: a}\nspec: {groups: [{name: a, partial_response_strategy: warn}]}\n"
	if o, problems := decodeOne(t, "a.yml", ours); len(problems) > 0 || Field(o.PrometheusRule.Groups.Node.Content[0], "partial_response_strategy") == nil {
		t.Errorf("what is written for Prometheus was changed: %v", problems)
	}
}

func TestRuleFileNames(t *testing.T) {
	const text = "groups: []\n"
	for name, want := range map[string]string{
		"a.yml":                       "a.yml",
		"team/a/rules.yaml":           "team/a/rules.yaml",
		"prod rules/\u00e9.yml":       "prod rules/\u00e9.yml",
		"/etc/a.yml":                  "",
		"../a.yml":                    "",
		"a/../b.yml":                  "",
		"a//b.yml":                    "",
		"a/./b.yml":                   "",
		"a[1].yml":                    "",
		"a*.yml":                      "",
		"a?.yml":                      "",
		`a\b.yml`:                     "",
		"a\nb.yml":                    "",
		"a.yml/b.yml":                 "",
		strings.Repeat("a", 251):      "",
		"":                            "",
		"x/" + strings.Repeat("y", 9): "x/yyyyyyyyy",
	} {
		o, problems := decodeOne(t, name, text)
		switch {
		case want == "" && (o != nil || len(problems) != 1 || problems[0].Object != ID{}):
			t.Errorf("%q: object %v, problems %v; want it refused", name, o, problems)
		case want != "" && o == nil:
			t.Errorf("%q: %v", name, problems)
		case want != "" && (o.ID != ID{KindPrometheusRule, want} || o.RuleFile() != "rules/files/"+want):
			t.Errorf("%q is %v in %q", name, o.ID, o.RuleFile())
		}
	}
}

// TestRuleFileRoot: what leads to the source is no part of an identity.
func TestRuleFileRoot(t *testing.T) {
	set := Decode([]File{{Name: "/srv/specs/a.yml", Root: "/srv/specs/", Data: []byte("groups: []\n")}})
	if len(set.Problems) > 0 || set.Objects[0].Name != "a.yml" || set.Objects[0].Position.File != "/srv/specs/a.yml" {
		t.Errorf("objects %v, problems %v", set.Objects, set.Problems)
	}
}

// TestEmptyRuleFile: Prometheus takes a rule file whose groups are empty.
func TestEmptyRuleFile(t *testing.T) {
	o, problems := decodeOne(t, "a.yml", "# none yet\ngroups:\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	checkYAML(t, o.PrometheusRule.Groups, "[]\n")
}

// TestForeignFiles: what is neither ours nor a rule file says what is expected.
func TestForeignFiles(t *testing.T) {
	for name, text := range map[string]string{
		"kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n",
		"values.yaml":        "image: {tag: 1.2.3}\n",
		"kind.yaml":          "kind: PrometheusRule\ngroups: []\n",
	} {
		o, problems := decodeOne(t, name, text)
		if o != nil || len(problems) == 0 {
			t.Errorf("%s: object %v, problems %v", name, o, problems)
			continue
		}
		all := ""
		for _, p := range problems {
			all += p.Error() + "\n"
		}
		if !strings.Contains(all, "ecs-scrape/v1") {
			t.Errorf("%s does not hear what apiVersion is expected:\n%s", name, all)
		}
	}
}

func TestRuleFileOfOthers(t *testing.T) {
	for _, o := range Decode(fixtures(t, "*.good.*")).Objects {
		if file := o.RuleFile(); (file != "") != (o.Kind == KindPrometheusRule) {
			t.Errorf("%s has the rule file %q", o, file)
		}
	}
}

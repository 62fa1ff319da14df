package spec

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/units"
	"github.com/google/go-cmp/cmp"
)

func FuzzDecode(f *testing.F) {
	for _, file := range slices.Concat(fixtures(f, "*.good.*"), fixtures(f, "*.bad.yml"), fixtures(f, "*.many.yml")) {
		f.Add(file.Data, []byte("groups: []\n"))
	}
	f.Add([]byte("%YAML 1.1\n---\na: b\n... # c\n--- |\n x\n"), []byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		files := []File{{Name: "dir/a.yml", Data: a}, {Name: "b.yml", Data: b}}
		set := Decode(files)
		for _, p := range set.Problems {
			if p.Line < 1 || p.Message == "" {
				t.Errorf("problem without a place or a message: %+v", p)
			}
		}
		for _, o := range set.Objects {
			o.Secrets()
			if file := o.RuleFile(); file != "" && !strings.HasPrefix(file, "rules/") {
				t.Errorf("%s is written to %q", o, file)
			}
		}
		checkSources(t, set)
		slices.Reverse(files)
		if diff := cmp.Diff(set, Decode(files)); diff != "" {
			t.Errorf("another order of files gives another set:\n%s", diff)
		}
	})
}

// FuzzLabelSelector holds the operators against each other.
func FuzzLabelSelector(f *testing.F) {
	f.Add("Cost Center", "R&D", "aws:x", "", "In", "R&D")
	f.Add("", "", "", "", "Exists", "")
	f.Add("/metrics", "5m:/a,30s:/b", "a", "b", "NotIn", "c")
	f.Fuzz(func(t *testing.T, key, value, otherKey, otherValue, operator, wanted string) {
		labels := map[string]string{otherKey: otherValue, key: value}
		matches := func(r Requirement) bool {
			return (&LabelSelector{MatchExpressions: []Requirement{r}}).Matches(labels)
		}
		matches(Requirement{Key: key, Operator: operator, Values: []string{wanted}})
		for _, k := range []string{key, otherKey, wanted} {
			for _, values := range [][]string{{wanted}, {wanted, value}, nil} {
				if matches(Requirement{k, OperatorIn, values}) == matches(Requirement{k, OperatorNotIn, values}) {
					t.Errorf("%q In and NotIn %q agree on %q", k, values, labels)
				}
			}
			_, has := labels[k]
			if matches(Requirement{Key: k, Operator: OperatorExists}) != has || matches(Requirement{Key: k, Operator: OperatorDoesNotExist}) == has {
				t.Errorf("Exists and DoesNotExist are wrong about %q in %q", k, labels)
			}
			equal := &LabelSelector{MatchLabels: map[string]string{k: wanted}}
			if equal.Matches(labels) != matches(Requirement{k, OperatorIn, []string{wanted}}) {
				t.Errorf("matchLabels and In differ on %q: %q in %q", k, wanted, labels)
			}
		}
		if !(&LabelSelector{}).Matches(labels) || !(*LabelSelector)(nil).Matches(labels) {
			t.Error("an empty selector does not match")
		}
	})
}

func FuzzParsePort(f *testing.F) {
	for _, s := range []string{"", "0", "1", "65535", "65536", "0080", "-1", "metrics", "99999999999999999999", "1e3", "\u0663"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		port, err := ParsePort(s)
		if err != nil {
			if (port != Port{}) {
				t.Errorf("%q: %+v beside %v", s, port, err)
			}
			return
		}
		if (port.Name == "") == (port.Number == 0) {
			t.Errorf("%q is %+v, want exactly one of name and number", s, port)
		}
		if port.String() != s {
			t.Errorf("%q is written %q", s, port)
		}
		data, err := json.Marshal(port)
		var again Port
		if err != nil || json.Unmarshal(data, &again) != nil || again.Number != port.Number {
			t.Errorf("%q as JSON is %s, %v, and then %+v", s, data, err, again)
		}
	})
}

// FuzzSize: what is taken is what Prometheus's own parser takes, and not negative.
func FuzzSize(f *testing.F) {
	for _, s := range []string{"0", "10MB", "1.5GiB", "-1MB", "10", "1KB1B", "\"10MB\"", "9999999999999EB", "1e3", "~", "[]", "0x10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, problems := decodeOne(t, "a.yml", "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: a}\nspec:\n  enforced:\n    body_size_limit: "+strings.ReplaceAll(s, "\n", "")+"\n")
		if o == nil {
			if len(problems) == 0 {
				t.Errorf("%q gives neither an object nor a problem", s)
			}
			return
		}
		size := o.PrometheusConfig.Enforced.BodySizeLimit
		if size == "" {
			return // null, or a comment
		}
		var bytes units.Base2Bytes
		if err := bytes.UnmarshalText([]byte(size)); err != nil || bytes < 0 {
			t.Errorf("%q is taken, and is %d, %v", size, bytes, err)
		}
	})
}

package spec

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

func TestLabelSelectorMatches(t *testing.T) {
	labels := map[string]string{"env": "prod", "Cost Center": "/a", "empty": ""}
	one := func(key, operator string, values ...string) *LabelSelector {
		return &LabelSelector{MatchExpressions: []Requirement{{Key: key, Operator: operator, Values: values}}}
	}
	tests := []struct {
		selector *LabelSelector
		want     bool
	}{
		{nil, true},
		{&LabelSelector{}, true},
		{&LabelSelector{MatchLabels: map[string]string{"env": "prod", "Cost Center": "/a"}}, true},
		{&LabelSelector{MatchLabels: map[string]string{"env": "prod", "no": ""}}, false},
		{&LabelSelector{MatchLabels: map[string]string{"empty": ""}}, true},
		{&LabelSelector{MatchLabels: map[string]string{"env": "test"}}, false},
		{one("env", "In", "test", "prod"), true},
		{one("env", "In", "test"), false},
		{one("no", "In", ""), false},
		{one("env", "NotIn", "prod"), false},
		{one("env", "NotIn", "test"), true},
		{one("no", "NotIn", "x"), true},
		{one("empty", "Exists"), true},
		{one("no", "Exists"), false},
		{one("no", "DoesNotExist"), true},
		{one("empty", "DoesNotExist"), false},
		{one("env", "Is", "prod"), false},
	}
	for _, tt := range tests {
		if got := tt.selector.Matches(labels); got != tt.want {
			t.Errorf("%+v matches %v, want %v", tt.selector, got, tt.want)
		}
	}
}

// TestMatchesAnyText: keys and values are AWS's, not Kubernetes's.
func TestMatchesAnyText(t *testing.T) {
	target := Decode([]File{read(t, "testdata/tags.good.yml")}).Objects[0].ScrapeTarget
	long := strings.Repeat("x", 200)
	tags := map[string]string{"aws:cloudformation:stack-name": "shop", "Cost Center": "R&D", "/metrics": "5m:/a,30s:/b", "other": long}
	if !target.Selector.TaskTags.Matches(tags) {
		t.Error("the tags that are asked for do not match")
	}
	tags["/metrics"] = "5m:/a"
	if target.Selector.TaskTags.Matches(tags) {
		t.Error("another value matches")
	}
	services := target.Selector.ServiceTags
	for _, tt := range []struct {
		tags map[string]string
		want bool
	}{
		{map[string]string{"R&D": long}, true},
		{map[string]string{"R&D": ""}, true},
		{map[string]string{"R&D": long[1:]}, false},
		{map[string]string{"R&D": long, "Kostentr\u00e4ger 7": "x=y"}, false},
		{map[string]string{"R&D": long, " ": ""}, false},
		{nil, false},
	} {
		if got := services.Matches(tt.tags); got != tt.want {
			t.Errorf("%v match %v, want %v", tt.tags, got, tt.want)
		}
	}
}

func TestDefaults(t *testing.T) {
	var target ScrapeTargetSpec
	if target.Class() != "default" || target.Selector.Environment.Keys() != nil {
		t.Errorf("defaults of an empty ScrapeTarget: %q, %v", target.Class(), target.Selector.Environment.Keys())
	}
	target.ScrapeClass = "tls"
	target.Selector.Environment = &LabelSelector{
		MatchLabels:      map[string]string{"B": "", "A": ""},
		MatchExpressions: []Requirement{{Key: "C", Operator: "Exists"}, {Key: "A", Operator: "Exists"}},
	}
	if diff := cmp.Diff([]string{"A", "B", "C"}, target.Selector.Environment.Keys()); diff != "" {
		t.Errorf("environment names (-want +got):\n%s", diff)
	}
	if target.Class() != "tls" {
		t.Error("what is given is not taken")
	}
}

func TestClass(t *testing.T) {
	config := PrometheusConfigSpec{ScrapeClasses: []ScrapeClass{{Name: "tls"}}}
	for name, want := range map[string]bool{"default": true, "tls": true, "other": false, "": false} {
		if class, ok := config.Class(name); ok != want || ok && class.Name != name {
			t.Errorf("class %q: %v, %v", name, class, ok)
		}
	}
	if class, _ := config.Class("tls"); class != &config.ScrapeClasses[0] {
		t.Error("a declared class is not the one declared")
	}
}

func TestPortJSON(t *testing.T) {
	for text, want := range map[string]Port{
		`"metrics"`: {Name: "metrics"}, `8080`: {Number: 8080}, `"8080"`: {Number: 8080}, `65535`: {Number: 65535}, `"a1"`: {Name: "a1"},
	} {
		var got, again Port
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
		data, err := json.Marshal(got)
		if err != nil || json.Unmarshal(data, &again) != nil || again != want {
			t.Errorf("%+v is written %s, %v", want, data, err)
		}
	}
	for _, text := range []string{`0`, `-1`, `65536`, `1.5`, `""`, `"0"`, `true`, `[1]`, `"99999999999999999999"`} {
		if err := json.Unmarshal([]byte(text), new(Port)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

func TestVerbatimJSON(t *testing.T) {
	for _, text := range []string{`null`, `1`, `"on"`, `{"a":[1,"x",{"b":true}]}`, `[]`} {
		var v Verbatim
		if err := v.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(v)
		if err != nil || string(got) != text {
			t.Errorf("%s comes back as %s, %v", text, got, err)
		}
	}
	if got, err := json.Marshal(ScrapeClass{Name: "a"}); err != nil || string(got) != `{"name":"a"}` {
		t.Errorf("an absent field is written: %s, %v", got, err)
	}
}

// TestJSONEscapes holds JSON's escapes that YAML 1.1 lacks against encoding/json.
func TestJSONEscapes(t *testing.T) {
	value := `"\/ \\/ \\\/ \u00e9 \ud83d\ude00 \uD83D\uDE00 \\ud83d\\ude00 \""`
	var want string
	if err := json.Unmarshal([]byte(value), &want); err != nil {
		t.Fatal(err)
	}
	set := Decode([]File{{Name: "a.json", Data: []byte(`{"apiVersion": "ecs-scrape/v1", "kind": "PrometheusConfig",
		"metadata": {"name": "a", "annotations": {"note": ` + value + `}}, "spec": {}}`)}})
	if len(set.Problems) > 0 {
		t.Fatal(set.Problems)
	}
	if got := set.Objects[0].Metadata.Annotations["note"]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestDecodeAgrees holds the decoder against another one, sigs.k8s.io/yaml, for
// texts that both YAML 1.1 and 1.2 read alike.
func TestDecodeAgrees(t *testing.T) {
	for _, f := range fixtures(t, "config.good.yml") {
		for _, o := range Decode([]File{f}).Objects {
			var want struct {
				APIVersion, Kind string
				Metadata         Metadata
				Spec             PrometheusConfigSpec
			}
			if err := sigsyaml.UnmarshalStrict(o.Source, &want); err != nil {
				t.Fatal(err)
			}
			ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[*yaml.Node]() }, cmp.Ignore())
			if diff := cmp.Diff(want.Spec, *o.PrometheusConfig, ignore); diff != "" {
				t.Errorf("%s (-sigs +ours):\n%s", f.Name, diff)
			}
			if diff := cmp.Diff(want.Metadata, o.Metadata); diff != "" {
				t.Errorf("%s (-sigs +ours):\n%s", f.Name, diff)
			}
		}
	}
}

// TestTypesAreKnown walks all types, so that no field can be added that decode
// cannot read.
func TestTypesAreKnown(t *testing.T) {
	special := map[reflect.Type]bool{
		reflect.TypeFor[*yaml.Node](): true, reflect.TypeFor[Verbatim](): true, reflect.TypeFor[Port](): true,
		reflect.TypeFor[Size](): true,
	}
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		if special[typ] {
			return
		}
		switch typ.Kind() {
		case reflect.String, reflect.Bool, reflect.Int, reflect.Uint64:
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(typ.Elem(), path+"[]")
		case reflect.Struct:
			for i := range typ.NumField() {
				field := typ.Field(i)
				if field.Tag.Get("json") == "" {
					t.Errorf("%s.%s has no JSON name", path, field.Name)
				}
				walk(field.Type, path+"."+field.Name)
			}
		default:
			t.Errorf("%s: decode cannot read %s", path, typ)
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[envelope](), reflect.TypeFor[ScrapeTargetSpec](), reflect.TypeFor[PrometheusConfigSpec](), reflect.TypeFor[PrometheusRuleSpec](),
	} {
		walk(typ, typ.Name())
	}
}

func TestBefore3(t *testing.T) {
	for version, want := range map[string]bool{"": false, "3": false, "3.15": false, "v3.0.1": false, "10.1": false, "2": true, "2.53": true, "v2.53.1": true} {
		if got := (&PrometheusVersion{Version: version}).Before3(); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}

func TestPlainLabel(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "_a9": true, "A_b": true, "": false, "9a": false, "a.b": false, "a-b": false, "é": false, "a\n": false} {
		if got := PlainLabel(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

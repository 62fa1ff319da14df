package spec

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the .want files of testdata anew; read the difference")

// sameButPlace compares objects without their places.
var sameButPlace = cmp.Options{
	cmpopts.IgnoreTypes(Position{}),
	cmpopts.IgnoreFields(yaml.Node{}, "Line", "Column"),
}

func read(t testing.TB, name string) File {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: filepath.Base(name), Data: data}
}

func fixtures(t testing.TB, pattern string) []File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("fixtures %s: %v, %v", pattern, names, err)
	}
	var files []File
	for _, name := range names {
		files = append(files, read(t, name))
	}
	return files
}

// TestBad: what is wrong with each fixture. A .bad.yml has one fault, for which
// it is named; a .many.yml has several, or good documents beside bad ones.
func TestBad(t *testing.T) {
	for _, f := range append(fixtures(t, "*.bad.yml"), fixtures(t, "*.many.yml")...) {
		t.Run(f.Name, func(t *testing.T) {
			var got strings.Builder
			set := Decode([]File{f})
			for _, o := range set.Objects {
				fmt.Fprintf(&got, "object %s\n", o.ID)
			}
			for _, p := range set.Problems {
				fmt.Fprintln(&got, p.Error())
			}
			name := filepath.Join("testdata", strings.TrimSuffix(f.Name, ".yml")+".want")
			if *update {
				if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, name).Data), got.String()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if len(set.Problems) == 0 {
				t.Error("no problem in a bad fixture")
			}
		})
	}
}

// TestOneFaultOneMessage: every fault has a message that no other has.
func TestOneFaultOneMessage(t *testing.T) {
	files := fixtures(t, "*.bad.yml")
	if len(files) < 80 {
		t.Errorf("%d faults have a fixture, want 80 or more", len(files))
	}
	first := make(map[string]string)
	for _, f := range files {
		problems := Decode([]File{f}).Problems
		if len(problems) != 1 {
			t.Errorf("%s has %d problems, want 1: %v", f.Name, len(problems), problems)
			continue
		}
		message := problems[0].Message
		if other := first[message]; other != "" {
			t.Errorf("%s and %s both say: %s", other, f.Name, message)
		}
		first[message] = f.Name
	}
}

func TestGood(t *testing.T) {
	want := map[string][]string{
		"full.good.yml":            {"ScrapeTarget/checkout"},
		"config.good.yml":          {"PrometheusConfig/main"},
		"empty-documents.good.yml": {"PrometheusConfig/a", "PrometheusRule/b"},
		"byte-order-mark.good.yml": {"ScrapeTarget/web"},
		"json.good.json":           {"ScrapeTarget/json"},
		"tags.good.yml":            {"ScrapeTarget/tags"},
		"from.good.yml":            {"ScrapeTarget/from"},
		"whole-config.good.yml":    {"PrometheusConfig/whole"},
		"operator-rule.good.yml":   {"PrometheusRule/monitoring.shop.rules", "PrometheusRule/nowhere"},
		"rule-file.good.yml":       {"PrometheusRule/beside", "PrometheusRule/rule-file.good.yml"},
	}
	for _, f := range fixtures(t, "*.good.*") {
		t.Run(f.Name, func(t *testing.T) {
			set := Decode([]File{f})
			var got []string
			for _, o := range set.Objects {
				got = append(got, o.String())
			}
			if diff := cmp.Diff(want[f.Name], got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			for _, p := range set.Problems {
				t.Error(p)
			}
			checkSources(t, set)
		})
	}
}

// checkSources checks the law of Object.Source.
func checkSources(t *testing.T, set *Set) {
	t.Helper()
	for _, o := range set.Objects {
		again := Decode([]File{{Name: o.Position.File, Data: o.Source}})
		if len(again.Objects) != 1 {
			t.Fatalf("source of %s gives %d objects and %v", o, len(again.Objects), again.Problems)
		}
		if diff := cmp.Diff(o, again.Objects[0], sameButPlace); diff != "" {
			t.Fatalf("source of %s gives another object:\n%s", o, diff)
		}
	}
}

func TestDecodeFull(t *testing.T) {
	got := Decode([]File{read(t, "testdata/full.good.yml")}).Objects[0]
	if want := (Position{File: "full.good.yml", Line: 2, Column: 1}); got.Position != want {
		t.Errorf("position %v, want %v", got.Position, want)
	}
	want := &ScrapeTargetSpec{
		Selector: Selector{
			Accounts: []string{"123456789012"}, Regions: []string{"eu-west-1"}, AvailabilityZones: []string{},
			Clusters: []string{"prod-*"}, Services: []string{"checkout-?", "[a-c]*"}, Families: []string{}, Containers: []string{"app"},
			LaunchTypes:  []string{"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"},
			HealthStatus: []string{"HEALTHY", "UNHEALTHY", "UNKNOWN"},
			DockerLabels: &LabelSelector{MatchExpressions: []Requirement{
				{Key: "Cost Center", Operator: "In", Values: []string{"/a", ""}},
				{Key: "b", Operator: "NotIn", Values: []string{"c"}},
				{Key: "d", Operator: "Exists"},
				{Key: "e", Operator: "DoesNotExist", Values: []string{}},
			}},
			Environment: &LabelSelector{MatchLabels: map[string]string{"PROMETHEUS": "true", "switch": "on"}},
		},
		Endpoints: []Endpoint{
			{Port: Port{Name: "metrics"}, Path: "/metrics", Scheme: "http", Interval: "30s", Timeout: "10s"},
			{Port: Port{Number: 9090}},
			{Port: Port{Number: 8080}, Scheme: "https"},
		},
		Labels: map[string]string{"tier": "web", "ecs_task_id": ""},
	}
	if diff := cmp.Diff(want, got.ScrapeTarget, cmpopts.IgnoreTypes(Verbatim{})); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	checkYAML(t, got.ScrapeTarget.ScrapeConfig, `sample_limit: 100
metric_relabel_configs:
    - {source_labels: [__name__], regex: 'go_.*', action: drop}
`)
}

func checkYAML(t *testing.T, v Verbatim, want string) {
	t.Helper()
	got, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("as YAML (-want +got):\n%s", diff)
	}
}

func TestVerbatimAliases(t *testing.T) {
	config := Decode([]File{read(t, "testdata/config.good.yml")}).Objects[0].PrometheusConfig.Config
	checkYAML(t, config, `global: {scrape_interval: 30s, external_labels: {region: us-east-1}}
scrape_configs:
    - job_name: static
      tls_config: {ca_file: /etc/ca.pem}
      static_configs: [{targets: ["a:80"]}]
    - job_name: other
      tls_config: {ca_file: /etc/ca.pem}
    - job_name: third
      tls_config: {cert_file: /etc/cert.pem, ca_file: /etc/ca.pem}
`)
	if line := config.Node.Line; line != 10 {
		t.Errorf("config is on line %d of the file, want 10", line)
	}
}

func TestProblemsKnowTheirObject(t *testing.T) {
	for file, want := range map[string]ID{
		"wrong-type.many.yml":   {Kind: KindScrapeTarget, Name: "web"},
		"config.many.yml":       {Kind: KindPrometheusConfig, Name: "main"},
		"api-version.bad.yml":   {Kind: KindScrapeTarget, Name: "web"},
		"name-not-dns.bad.yml":  {},
		"kind-misspelt.bad.yml": {},
		"syntax-tab.bad.yml":    {},

		"partial-response.many.yml":       {Kind: KindPrometheusRule, Name: "monitoring.thanos"},
		"rule-operator-field.bad.yml":     {Kind: KindPrometheusRule, Name: "web"},
		"rule-operator-name.bad.yml":      {},
		"rule-operator-namespace.bad.yml": {},
		"rule-operator-long-name.bad.yml": {},
		"rule-service-monitor.bad.yml":    {},
		"rule-file-groups.bad.yml":        {Kind: KindPrometheusRule, Name: "rule-file-groups.bad.yml"},
		"rule-file-twice.bad.yml":         {Kind: KindPrometheusRule, Name: "rule-file-twice.bad.yml"},
	} {
		set := Decode([]File{read(t, filepath.Join("testdata", file))})
		for _, p := range set.Problems {
			if p.Object != want {
				t.Errorf("%s: problem of %v, want %v", p, p.Object, want)
			}
		}
	}
}

func TestDecodeIgnoresOrder(t *testing.T) {
	files := append(fixtures(t, "*.good.*"), fixtures(t, "*.bad.yml")...)
	want := Decode(files)
	for range 10 {
		rand.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		if diff := cmp.Diff(want, Decode(files)); diff != "" {
			t.Fatalf("another order of files gives another set:\n%s", diff)
		}
	}
}

func TestRevisions(t *testing.T) {
	doc := func(name string) string {
		return "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: " + name + "}\nspec: {}\n"
	}
	one := Decode([]File{{Name: "a", Data: []byte(doc("x") + "---\n" + doc("y"))}})
	two := Decode([]File{{Name: "b", Data: []byte("# moved\n---\n" + doc("y"))}})
	if one.Objects[1].Revision != two.Objects[0].Revision {
		t.Error("a document that moved has another revision")
	}
	if one.Revision == two.Revision || one.Objects[0].Revision == one.Objects[1].Revision {
		t.Error("different contents have one revision")
	}
	if len(one.Revision) != 16 || len(one.Objects[0].Revision) != 16 {
		t.Errorf("revisions %q and %q, want 16 digits", one.Revision, one.Objects[0].Revision)
	}
	if Decode(nil).Revision == "" {
		t.Error("the empty set has no revision")
	}
	shifted := Decode([]File{{Name: "ab", Data: []byte("# c")}}).Revision
	if shifted == Decode([]File{{Name: "a", Data: []byte("b# c")}}).Revision {
		t.Error("names and contents run together in the revision")
	}
}

// thousand is a file of 1000 ordinary documents.
func thousand() []File {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "---\napiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata:\n  name: t%d\n  labels: {team: a}\nspec:\n  selector:\n    clusters: [\"prod-*\"]\n    services: [svc-%d]\n    environment: {matchLabels: {A: b}}\n  endpoints:\n  - port: metrics\n    interval: 30s\n  scrapeConfig:\n    sample_limit: 10\n", i, i)
	}
	return []File{{Name: "many.yml", Data: []byte(b.String())}}
}

func BenchmarkDecode1000(b *testing.B) {
	files := thousand()
	for b.Loop() {
		if set := Decode(files); len(set.Objects) != 1000 {
			b.Fatal(set.Problems)
		}
	}
}

// TestDecodeIsBounded gives each hostile text a time far above what it takes.
func TestDecodeIsBounded(t *testing.T) {
	for name, text := range map[string]string{
		"thousand":  string(thousand()[0].Data),
		"brackets":  strings.Repeat("[", 1<<20),
		"mappings":  strings.Repeat("{a: ", 200_000),
		"documents": strings.Repeat("---\n", 200_000),
		"keys":      "a: {" + strings.Repeat("a: 1, ", 100_000) + "}",
		"scalar":    "a: &a " + strings.Repeat("x", 900_000) + "\nb: [" + strings.Repeat("*a, ", 20_000) + "]",
		"bom":       strings.Repeat("\ufeff", 300_000),
	} {
		start := time.Now()
		Decode([]File{{Name: name, Data: []byte(text)}})
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

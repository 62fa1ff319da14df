package releases_test

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/aws"
	"github.com/prometheus/prometheus/discovery/consul"
	"github.com/prometheus/prometheus/discovery/dns"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	promconfig "github.com/prometheus/common/config"

	"ecs-scrape/reconcile/validate/releases"
)

// TestNewest holds the newest column of the table against the Prometheus that this
// program is built with, field by field.
func TestNewest(t *testing.T) {
	t.Parallel()
	table := releases.Known()
	for root, of := range map[string]reflect.Type{
		releases.Config: reflect.TypeFor[config.Config](), releases.RuleFile: reflect.TypeFor[rulefmt.RuleGroups](),
	} {
		want := map[string]bool{}
		reflected(want, of, "")
		got := slices.Sorted(table.Paths(table.Newest(), root))
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
			t.Errorf("%s: run `make releases`: -Prometheus +table\n%s", root, diff)
		}
	}
}

// reflected collects the paths of all fields of a type.
func reflected(out map[string]bool, t reflect.Type, at string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || isLeaf(t) {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case f.Type == reflect.TypeFor[discovery.Configs]():
			discoveries(out, at)
		case name == "-" || !f.IsExported():
		case options == "inline" && f.Type.Kind() == reflect.Map:
			out[at+".*"] = true
			reflected(out, f.Type, at+".*")
		case options == "inline":
			reflected(out, f.Type, at)
		default:
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			out[at+"."+name] = true
			reflected(out, f.Type, at+"."+name)
		}
	}
}

// isLeaf says that the struct is decoded by code of its own, from what has no fields.
func isLeaf(t reflect.Type) bool {
	return slices.Contains([]reflect.Type{
		reflect.TypeFor[promconfig.URL](), reflect.TypeFor[relabel.Regexp](), reflect.TypeFor[labels.Labels](), reflect.TypeFor[yaml.Node](),
	}, t)
}

// discoveries collects those that this program is built with.
func discoveries(out map[string]bool, at string) {
	for _, d := range []discovery.Config{
		&aws.SDConfig{}, &aws.EC2SDConfig{}, &aws.ECSSDConfig{}, &aws.ElasticacheSDConfig{}, &aws.LightsailSDConfig{}, &aws.MSKSDConfig{}, &aws.RDSSDConfig{},
		&consul.SDConfig{}, &dns.SDConfig{}, &file.SDConfig{}, &http.SDConfig{},
	} {
		path := at + "." + d.Name() + "_sd_configs"
		out[path] = true
		reflected(out, reflect.TypeOf(d), path)
	}
	path := at + ".static_configs"
	for _, name := range []string{"", ".targets", ".labels"} { // decoded by its own code
		out[path+name] = true
	}
	if reflect.TypeFor[targetgroup.Group]().NumField() != 3 {
		panic("targetgroup.Group has another field")
	}
}

// TestSince: a field or a value passes from the release on that the table says, and
// not in the one before.
func TestSince(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, text, path, before, since string }{
		{releases.Config, "scrape_config_files: [a]", "scrape_config_files", "2.42", "2.43"},
		{releases.Job, "native_histogram_bucket_limit: 1", "native_histogram_bucket_limit", "2.44", "2.45"},
		{releases.Job, "keep_dropped_targets: 1", "keep_dropped_targets", "2.46", "2.47"},
		{releases.Job, "track_timestamps_staleness: true", "track_timestamps_staleness", "2.47", "2.48"},
		{releases.Job, "scrape_protocols: [PrometheusProto]", "scrape_protocols", "2.48", "2.49"},
		{releases.Config, "remote_write: [{url: a, queue_config: {sample_age_limit: 1m}}]", "remote_write[0].queue_config.sample_age_limit", "2.49", "2.50"},
		{releases.Alertmanager, "alert_relabel_configs: []", "alert_relabel_configs", "2.50", "2.51"},
		{releases.Group, "[{name: a}, {query_offset: 1m}]", "[1].query_offset", "2.52", "2.53"},
		{releases.Config, "global: {scrape_failure_log_file: a}", "global.scrape_failure_log_file", "2.54", "2.55"},
		{releases.Job, "fallback_scrape_protocol: PrometheusProto", "fallback_scrape_protocol", "2.55", "3.0"},
		{releases.Group, "[{labels: {a: b}}]", "[0].labels", "2.55", "3.0"},
		{releases.Job, "scrape_protocols: [PrometheusProto, PrometheusText1.0.0]", "scrape_protocols[1]", "2.55", "3.0"},
		{releases.Job, "ecs_sd_configs: [{region: a, port: 1}]", "ecs_sd_configs", "3.7", "3.8"},
		{releases.Job, "ecs_sd_configs: [{external_id: a}]", "ecs_sd_configs[0].external_id", "3.11", "3.12"},
		{releases.Config, "runtime: {log_level: debug}", "runtime.log_level", "3.14", "3.15"},
	} {
		t.Run(c.path+" "+c.since, func(t *testing.T) {
			t.Parallel()
			if got := lacking(t, c.before, c.kind, c.text); got != c.path+" since "+c.since {
				t.Errorf("in %s: %q", c.before, got)
			}
			for _, v := range []string{c.since, "3.15", "3.16", "4.0"} {
				if got := lacking(t, v, c.kind, c.text); got != "" {
					t.Errorf("in %s: %q", v, got)
				}
			}
		})
	}
}

// TestGone: what a release took out is known before, and not from it on.
func TestGone(t *testing.T) {
	t.Parallel()
	const text, path = "{scrape_classic_histograms: true}", "scrape_classic_histograms"
	for version, want := range map[string]string{
		"2.42": path + " since 2.45", "2.44": path + " since 2.45", "2.45": "", "2.55": "", "3.0": path + " gone 3.0", "3.16": path + " gone 3.0",
	} {
		if got := lacking(t, version, releases.Job, text); got != want {
			t.Errorf("in %s: %q, want %q", version, got, want)
		}
	}
}

// TestUnjudged: what no release knows, what is of another shape and what has names
// of the user's own is left to Prometheus.
func TestUnjudged(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"nonsense: 1", "[]", "text", "", "global: [{scrape_protocol: a}]", "global: {external_labels: {scrape_protocols: a}}",
		"scrape_configs: {job_name: a}", "remote_write: [{headers: {http_headers: a}}]", "scrape_configs: [{params: {scrape_protocols: [a]}}]",
		"scrape_configs: [{relabel_configs: [{action: frob}, {action: [keep]}, {action: KEEP}]}]",
	} {
		if got := lacking(t, "2.42", releases.Config, text); got != "" {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// lacking is what a release does not know of a text, one finding a line.
func lacking(t *testing.T, version, kind, text string) string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	v, ok := releases.ParseVersion(version)
	if !ok {
		t.Fatalf("%q is no version", version)
	}
	var root *yaml.Node
	if len(doc.Content) > 0 {
		root = doc.Content[0]
	}
	var lines []string
	for _, f := range releases.Known().Lacking(v, kind, root, "") {
		line := f.Path + " since " + f.Since.String()
		if f.Over(v) {
			line = f.Path + " gone " + f.Gone.String()
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// TestBuiltWith: the newest release of the table is the Prometheus in go.mod, also
// where no field came with it.
func TestBuiltWith(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	v := releases.Known().Newest()
	if want := fmt.Sprintf("\tgithub.com/prometheus/prometheus v0.%d%02d.", v.Major, v.Minor); !strings.Contains(string(mod), want) {
		t.Errorf("go.mod has another Prometheus than the newest of the table, %s: add the release to cmd/releases and run `make releases`", v)
	}
}

// TestBuiltWithPromQL: the functions and aggregators of the newest release are those
// of the parser that this program is built with, experimental where they are there.
func TestBuiltWithPromQL(t *testing.T) {
	t.Parallel()
	table := releases.Known()
	has := func(list, name string) bool {
		span, known := table.PromQL(list, name)
		return known && span.Has(table.Newest())
	}
	for _, name := range table.FunctionNames() {
		f, ok := parser.Functions[name]
		if has(releases.Functions, name) != ok || ok && has(releases.Experimental, name) != f.Experimental {
			t.Errorf("%s: the parser has it: %t", name, ok)
		}
	}
	for name := range parser.Functions {
		if !has(releases.Functions, name) {
			t.Errorf("the table lacks %s", name)
		}
	}
	for name, item := range parser.ItemTypeStr {
		if name.IsAggregator() && !has(releases.Aggregators, item) {
			t.Errorf("the table lacks %s", item)
		}
	}
}

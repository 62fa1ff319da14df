package artifact

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffOfEqualBundlesIsEmpty(t *testing.T) {
	bundle := &Bundle{Config: Files{ConfigFile: []byte("global: {}\n")}, Pools: []Pool{manyTargets(10), {Path: "targets/own/00/x.json"}}}
	for name, d := range map[string]Difference{
		"equal":     Diff(bundle, bundle),
		"nil":       Diff(nil, nil),
		"nil/empty": Diff(nil, &Bundle{}),
	} {
		if !d.Empty() || d.Text() != "no changes\n" || d.Markdown() != "No changes.\n" {
			t.Errorf("%s: %s", name, d.Text())
		}
	}
}

func exampleBundles() (live, want *Bundle) {
	live = &Bundle{
		Config: Files{
			ConfigFile:        []byte("global:\n  scrape_interval: 30s\n"),
			"rules/gone.yml":  []byte("groups: []\n"),
			"rules/other.yml": []byte("groups: []\n"),
		},
		Pools: []Pool{
			{Name: "ecs-scrape/class/default", Path: "targets/class/default/targets.json", Targets: []Target{
				target("10.0.0.1:80", "job", "a"),
				target("10.0.0.2:80", "job", "a"),
				target("10.0.0.3:80", "job", "a", "env", "dev"),
			}},
			{Name: "ecs-scrape/target/old", Path: "targets/own/03/old.json"},
		},
	}
	want = &Bundle{
		Config: Files{
			ConfigFile:        []byte("global:\n  scrape_interval: 15s\n"),
			"rules/new.yml":   []byte("groups: []\n"),
			"rules/other.yml": []byte("groups: []\n"),
		},
		Pools: []Pool{
			{Name: "ecs-scrape/class/default", Path: "targets/class/default/targets.json", Targets: []Target{
				target("10.0.0.4:80", "job", "a"),
				target("10.0.0.3:80", "job", "a", "env", "prod", "team", "x\ny"),
				target("10.0.0.1:80", "job", "a"),
			}},
			{Name: "ecs-scrape/target/new", Path: "targets/own/07/new.json", Targets: []Target{target("10.0.0.9:80")}},
		},
	}
	return live, want
}

func TestText(t *testing.T) {
	d := Diff(exampleBundles())
	want := `prometheus.yml: changed
--- live/prometheus.yml
+++ want/prometheus.yml
@@ -1,2 +1,2 @@
 global:
-  scrape_interval: 30s
+  scrape_interval: 15s
rules/gone.yml: removed
--- live/rules/gone.yml
+++ /dev/null
@@ -1,1 +0,0 @@
-groups: []
rules/new.yml: added
--- /dev/null
+++ want/rules/new.yml
@@ -0,0 +1,1 @@
+groups: []
ecs-scrape/class/default: 1 added, 1 removed, 1 changed
  - 10.0.0.2:80 {job="a"}
  + 10.0.0.4:80 {job="a"}
  ! 10.0.0.3:80 env: "dev" -> "prod", team: "" -> "x\ny"
ecs-scrape/target/old: pool removed, 0 added, 0 removed, 0 changed
ecs-scrape/target/new: new pool, 1 added, 0 removed, 0 changed
  + 10.0.0.9:80 {}
3 files, targets: 2 added, 1 removed, 1 changed
`
	if diff := cmp.Diff(want, d.Text()); diff != "" {
		t.Errorf("Text() (-want +got):\n%s", diff)
	}
}

func TestMarkdownFencesHold(t *testing.T) {
	d := Diff(nil, &Bundle{
		Config: Files{"rules/x.yml": []byte("a: |\n  ```\n  ````\n")},
		Pools:  []Pool{{Name: "ecs-scrape/target/a", Path: "p.json", Targets: []Target{target("a:1", "x", "```")}}},
	})
	want := "**1 file, targets: 1 added, 0 removed, 0 changed**\n" +
		"\n#### `rules/x.yml`: added\n" +
		"`````diff\n--- /dev/null\n+++ want/rules/x.yml\n@@ -0,0 +1,3 @@\n+a: |\n+  ```\n+  ````\n`````\n" +
		"\n#### `ecs-scrape/target/a`: new pool, 1 added, 0 removed, 0 changed\n" +
		"````diff\n+ a:1 {x=\"```\"}\n````\n"
	if diff := cmp.Diff(want, d.Markdown()); diff != "" {
		t.Errorf("Markdown() (-want +got):\n%s", diff)
	}
}

func TestLimit(t *testing.T) {
	want := &Bundle{Pools: []Pool{manyTargets(57)}}
	for limit, more := range map[int]string{0: "... and 37 more", 5: "... and 52 more", 57: "", -1: ""} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			d := Diff(nil, want)
			d.Limit = limit
			for _, text := range []string{d.Text(), d.Markdown()} {
				if more != "" && !strings.Contains(text, more+"\n") || more == "" && strings.Contains(text, "more\n") {
					t.Errorf("want %q in:\n%s", more, text)
				}
			}
		})
	}
}

// TestEndpointsArePaired: two targets of one endpoint, one of which changes.
func TestEndpointsArePaired(t *testing.T) {
	pool := func(targets ...Target) *Bundle {
		return &Bundle{Pools: []Pool{{Path: "p.json", Targets: targets}}}
	}
	tests := map[string]struct {
		live, want              []Target
		added, removed, changed int
	}{
		"other label":    {[]Target{target("a:1", "x", "1")}, []Target{target("a:1", "x", "2")}, 0, 0, 1},
		"other path":     {[]Target{target("a:1", "__metrics_path__", "/1")}, []Target{target("a:1", "__metrics_path__", "/2")}, 1, 1, 0},
		"other scheme":   {[]Target{target("a:1")}, []Target{target("a:1", "__scheme__", "https")}, 1, 1, 0},
		"other param":    {[]Target{target("a:1", "__param_x", "1")}, []Target{target("a:1", "__param_x", "2")}, 1, 1, 0},
		"other interval": {[]Target{target("a:1")}, []Target{target("a:1", "__scrape_interval__", "1m")}, 0, 0, 1},
		"one became two": {[]Target{target("a:1", "x", "1")}, []Target{target("a:1", "x", "2"), target("a:1", "x", "3")}, 1, 0, 1},
		"two became one": {[]Target{target("a:1", "x", "1"), target("a:1", "x", "2")}, []Target{target("a:1", "x", "3")}, 0, 1, 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := Diff(pool(tc.live...), pool(tc.want...))
			if len(d.Pools) != 1 {
				t.Fatalf("%d pools", len(d.Pools))
			}
			p := d.Pools[0]
			got := []int{len(p.Added), len(p.Removed), len(p.Changed)}
			if diff := cmp.Diff([]int{tc.added, tc.removed, tc.changed}, got); diff != "" {
				t.Errorf("added, removed, changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDifferenceAsJSON(t *testing.T) {
	live := &Bundle{Pools: []Pool{{Name: "n", Path: "p.json"}}}
	want := &Bundle{Pools: []Pool{{Name: "n", Path: "p.json", Targets: []Target{
		{Labels: target("a:1", "x", "1").Labels, Origin: Origin{Object: "checkout"}},
	}}}}
	d := Diff(live, want)
	got, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	const golden = `{"pools":[{"name":"n","path":"p.json","change":"changed","added":[` +
		`{"labels":{"__address__":"a:1","x":"1"},"origin":{"object":"checkout"}}]}]}`
	if diff := cmp.Diff(golden, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestOriginsAreNoDifference(t *testing.T) {
	live := &Bundle{Pools: []Pool{{Path: "p.json", Targets: []Target{target("a:1")}}}}
	want := &Bundle{Pools: []Pool{{Path: "p.json", Targets: []Target{{Labels: target("a:1").Labels, Origin: Origin{Object: "x"}}}}}}
	if d := Diff(live, want); !d.Empty() {
		t.Error(d.Text())
	}
}

func BenchmarkDiff(b *testing.B) {
	live, want := manyTargets(100_000), manyTargets(100_000)
	want.Targets = want.Targets[100:]
	for b.Loop() {
		if d := Diff(&Bundle{Pools: []Pool{live}}, &Bundle{Pools: []Pool{want}}); len(d.Pools[0].Removed) != 100 {
			b.Fatal("wrong difference")
		}
	}
}

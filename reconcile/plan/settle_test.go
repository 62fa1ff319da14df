package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"ecs-scrape/reconcile/artifact"
)

// replicas is a world of n tasks t1, t2, ... at 10.0.0.1, 10.0.0.2, ...
func replicas(n int) *world {
	w := newWorld()
	def := w.define("web", "awsvpc", container("app"))
	for i := range n {
		w.run(fmt.Sprintf("t%d", i+1), "web", def, at(fmt.Sprintf("10.0.0.%d", i+1)))
	}
	return w
}

func told(p *Plan) []string {
	out := []string{}
	for _, f := range p.Findings {
		out = append(out, f.Object.Name+" "+f.Code+": "+f.Message)
	}
	return out
}

// urls are "object url" of all targets.
func urls(p *Plan) []string {
	out := []string{}
	for _, pool := range p.Bundle.Pools {
		for _, t := range pool.Targets {
			out = append(out, t.Origin.Object+" "+urlOf(t.Labels))
		}
	}
	return out
}

const anyPort = "  selector: {}\n  endpoints: [{port: 9090}]\n"

func TestSameLabels(t *testing.T) {
	w := replicas(2)
	first := scrapeTarget("a", anyPort)
	other := scrapeTarget("b", "  selector: {}\n  endpoints: [{port: 9090, path: /b}]\n")
	words := func(object, kept, path string) string {
		return fmt.Sprintf("%s same-labels: 2 targets withheld: all labels are those of a target of ScrapeTarget/%s, and both would write into the same series: "+
			"give one of them a label that tells them apart, or narrow a selector (such as http://10.0.0.1:9090%s)", object, kept, path)
	}
	a := []string{"a http://10.0.0.1:9090/metrics", "a http://10.0.0.2:9090/metrics"}
	b := []string{"b http://10.0.0.1:9090/b", "b http://10.0.0.2:9090/b"}
	live := build(t, &w.Snapshot, nil, bareConfig, other).Bundle.Pools
	tests := []struct {
		name     string
		live     []artifact.Pool
		docs     []string
		urls     []string
		findings []string
		withheld map[string]int
	}{
		{"the first by name stays", nil, []string{first, other}, a, []string{words("b", "a", "/b")}, map[string]int{"b": 2}},
		{"the one that is published stays", live, []string{first, other}, b, []string{words("a", "b", "/metrics")}, map[string]int{"a": 2}},
		{"across pools", nil, []string{first, other + "  scrapeConfig: {sample_limit: 5}\n"}, a, []string{words("b", "a", "/b")}, map[string]int{"b": 2}},
		{"published, and moving to a pool of its own", live, []string{first, other + "  scrapeConfig: {sample_limit: 5}\n"}, b, []string{words("a", "b", "/metrics")}, map[string]int{"a": 2}},
		{
			"within one object", nil,
			[]string{scrapeTarget("a", "  selector: {}\n  endpoints: [{port: 9090, path: /z}, {port: 9090, path: /b}]\n")},
			[]string{"a http://10.0.0.1:9090/b", "a http://10.0.0.2:9090/b"},
			[]string{words("a", "a", "/z")},
			map[string]int{"a": 2},
		},
		{
			"the interval alone tells nothing apart", nil,
			[]string{first, scrapeTarget("b", "  selector: {}\n  endpoints: [{port: 9090, interval: 30s}]\n")},
			a,
			[]string{words("b", "a", "/metrics")},
			map[string]int{"b": 2},
		},
		{"a label tells them apart", nil, []string{first, other + "  labels: {part: b}\n"}, []string{b[0], a[0], b[1], a[1]}, []string{}, map[string]int{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 3 {
				rand.Shuffle(len(w.Tasks), func(i, j int) { w.Tasks[i], w.Tasks[j] = w.Tasks[j], w.Tasks[i] })
				p := build(t, &w.Snapshot, tt.live, append([]string{bareConfig}, tt.docs...)...)
				if len(p.Findings) > 0 || len(tt.findings) > 0 {
					if diff := cmp.Diff(tt.findings, told(p)); diff != "" {
						t.Errorf("findings (-want +got):\n%s", diff)
					}
				}
				if diff := cmp.Diff(tt.withheld, p.Withheld); diff != "" {
					t.Errorf("withheld (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.urls, urls(p)); diff != "" {
					t.Errorf("targets (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestSameAddress: two endpoints of an object are never one without a word.
func TestSameAddress(t *testing.T) {
	const same = "web same-address: spec.endpoints[1] asks for the address and path that spec.endpoints[0] asks for already, with the same parameters: remove one of them, or give it another path"
	for endpoints, want := range map[string][]string{
		"{port: 9090}, {port: 9090, interval: 30s}":                       {same},
		"{port: 9090}, {port: 9090}":                                      {same},
		"{port: 9090}, {port: 9090, path: /b, params: {a: [b]}}":          {},
		"{port: 9090, params: {a: [b]}}, {port: 9090, params: {a: [b]}}":  {same},
		"{port: 9090, scheme: http}, {port: 9090}":                        {same},
		"{port: 9091}, {port: 9090}":                                      {},
		"{portFrom: {dockerLabel: none}, port: 9090}, {port: 9091}":       {},
		"{port: 9090, params: {a: [b]}}, {port: 9090, params: {a: [c]}}":  {},
		"{port: 9090, scheme: http}, {port: 9090, scheme: https}":         {},
		"{port: 9090, scheme: http}, {port: 9090, interval: 15s}":         {same},
		"{port: 9090, path: /metrics}, {port: 9090, path: /metrics/more}": {},
	} {
		body := "  selector: {}\n  labelsFrom: {scheme: {meta: __meta_ecs_task_arn}}\n  relabelConfigs:\n" +
			"  - {source_labels: [__scheme__, __param_a, __metrics_path__], target_label: part}\n  endpoints: [" + endpoints + "]\n"
		p := build(t, &replicas(1).Snapshot, nil, bareConfig, scrapeTarget("web", body))
		if diff := cmp.Diff(want, told(p)); diff != "" || p.Targets["web"]+len(want) != 2 {
			t.Errorf("%s: %d targets; findings (-want +got):\n%s", endpoints, p.Targets["web"], diff)
		}
	}
}

func TestOverlap(t *testing.T) {
	w := replicas(2)
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("a", anyPort+"  labels: {x: '1'}\n"), scrapeTarget("b", anyPort), scrapeTarget("c", anyPort+"  labels: {x: '3'}\n"))
	words := "overlap: 2 targets scraped twice, with other labels for ScrapeTarget/a: narrow one of the selectors (such as http://10.0.0.1:9090/metrics)"
	if diff := cmp.Diff([]string{"b " + words, "c " + words}, told(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"a": 2, "b": 2, "c": 2}, p.Targets); diff != "" || len(p.Withheld) > 0 {
		t.Errorf("targets, withheld %v (-want +got):\n%s", p.Withheld, diff)
	}
}

// TestNoOverlap: parameters, paths and tasks tell endpoints apart.
func TestNoOverlap(t *testing.T) {
	w := replicas(1)
	w.run("elsewhere", "other", w.Tasks[0].Definition, at("10.0.0.1")).Interface.SubnetID = "subnet-of-another-vpc"
	p := build(t, &w.Snapshot, nil, bareConfig,
		scrapeTarget("a", "  selector: {services: [web]}\n  endpoints: [{port: 9090, params: {m: [a]}}]\n  labels: {x: '1'}\n"),
		scrapeTarget("b", "  selector: {services: [web]}\n  endpoints: [{port: 9090, params: {m: [b]}}]\n"),
		scrapeTarget("c", "  selector: {services: [other]}\n  endpoints: [{port: 9090, params: {m: [b]}}]\n"))
	if len(p.Findings) > 0 || len(urls(p)) != 3 {
		t.Errorf("%v, targets %v", told(p), urls(p))
	}
}

func TestTargetsPerObject(t *testing.T) {
	w := replicas(5)
	p := build(t, &w.Snapshot, nil, configWith("  enforced: {targets_per_object: 3}\n"), scrapeTarget("a", anyPort),
		scrapeTarget("b", "  selector: {}\n  endpoints: [{port: 80}]\n"), scrapeTarget("few", "  selector: {services: [none]}\n  endpoints: [{port: 80}]\n"))
	words := "too-many-targets: it has 5 targets and may have 3, so 2 are withheld: narrow the selector, or raise spec.enforced.targets_per_object of PrometheusConfig/main"
	if diff := cmp.Diff([]string{"a " + words, "b " + words}, told(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []string{
		"b http://10.0.0.1:80/metrics", "a http://10.0.0.1:9090/metrics", "b http://10.0.0.2:80/metrics",
		"a http://10.0.0.2:9090/metrics", "b http://10.0.0.3:80/metrics", "a http://10.0.0.3:9090/metrics",
	}
	if diff := cmp.Diff(want, urls(p)); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"a": 2, "b": 2}, p.Withheld); diff != "" {
		t.Errorf("withheld (-want +got):\n%s", diff)
	}
}

func TestShardOf(t *testing.T) {
	for shards := 1; shards <= 7; shards++ {
		mod := &relabel.Config{
			SourceLabels: model.LabelNames{model.AddressLabel}, Separator: ";", Regex: relabel.DefaultRelabelConfig.Regex,
			Modulus: uint64(shards), TargetLabel: "shard", Action: relabel.HashMod, NameValidationScheme: model.UTF8Validation,
		}
		for i := range 50 {
			address := fmt.Sprintf("10.0.%d.%d:9090", i%3, i)
			lb := labels.NewBuilder(labels.FromStrings(model.AddressLabel, address))
			relabel.ProcessBuilder(lb, mod)
			if got, want := fmt.Sprint(shardOf(address, shards)), lb.Get("shard"); got != want {
				t.Errorf("%s falls to shard %s of %d, by Prometheus to %s", address, got, shards, want)
			}
		}
	}
}

// TestShards: each target is in one shard, by its final address, and each shard
// withholds the same.
func TestShards(t *testing.T) {
	w := replicas(20)
	cfg := configWith("  shards: 3\n  enforced: {targets_per_object: 18}\n")
	body := anyPort + "  relabelConfigs: [{source_labels: [__meta_ecs_task_id], target_label: __address__, replacement: '$1.internal:80'}]\n"
	seen := map[string]int{}
	for shard := range 3 {
		in := input(t, &w.Snapshot, nil, cfg, scrapeTarget("a", body))
		in.Shard = shard
		p := Build(in)
		for _, target := range p.Bundle.Pools[0].Targets {
			seen[target.Address()]++
			if got := shardOf(target.Address(), 3); got != shard || !strings.HasSuffix(target.Address(), ".internal:80") {
				t.Errorf("%s is in shard %d, not %d", target.Address(), shard, got)
			}
		}
		if p.Targets["a"] == 0 || p.Targets["a"]+p.OtherShards != 18 || p.Withheld["a"] != 2 {
			t.Errorf("shard %d: %d targets, %d in others, %d withheld", shard, p.Targets["a"], p.OtherShards, p.Withheld["a"])
		}
	}
	if len(seen) != 18 {
		t.Errorf("%d targets in all shards, want 18: %v", len(seen), seen)
	}
}

// TestLeftTargets: whoever asks is told of each target that is left out, and why.
func TestLeftTargets(t *testing.T) {
	w := replicas(4)
	in := input(t, &w.Snapshot, nil, configWith("  shards: 2\n  enforced: {targets_per_object: 3}\n"), scrapeTarget("a", anyPort),
		scrapeTarget("b", "  selector: {}\n  endpoints: [{port: 9090, path: /b}]\n"))
	got, found := map[string]int{}, []string(nil)
	p := Build(in)
	traced(in, func(s step) {
		if s.stage == stageTargets && !s.taken() {
			got[s.object.Name+" "+s.fault.code+": "+s.fault.message]++
			if s.found != "" {
				found = append(found, s.found)
			}
		}
	})
	want := map[string]int{
		"a too-many-targets: its object has more targets than the 3 it may have":       1,
		"a other-shard: it falls to shard 1 of 2":                                      p.OtherShards,
		"b same-labels: all its labels are those of another target, of ScrapeTarget/a": 4,
	}
	var clashing []string
	for i := range 4 {
		clashing = append(clashing, fmt.Sprintf("http://10.0.0.%d:9090/metrics", i+1))
	}
	if slices.Sort(found); !slices.Equal(clashing, found) {
		t.Errorf("what is in the way: %v", found)
	}
	if diff := cmp.Diff(want, got); diff != "" || p.OtherShards == 0 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHeldTargetsStayInTheirShard: what is held is published by nobody else yet.
func TestHeldTargetsStayInTheirShard(t *testing.T) {
	w := replicas(10)
	live := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("a", anyPort)).Bundle.Pools
	w.Scopes[0].State, w.Tasks = "unsynced", nil
	in := input(t, &w.Snapshot, live, configWith("  shards: 2\n"), scrapeTarget("a", anyPort))
	in.Shard = 1
	if p := Build(in); p.Targets["a"] != 10 || p.OtherShards != 0 {
		t.Errorf("%d targets, %d in other shards", p.Targets["a"], p.OtherShards)
	}
}

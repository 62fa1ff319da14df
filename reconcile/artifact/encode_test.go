package artifact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
)

func target(address string, pairs ...string) Target {
	return Target{Labels: labels.FromStrings(append([]string{"__address__", address}, pairs...)...)}
}

func TestEncode(t *testing.T) {
	tests := map[string]struct {
		targets []Target
		want    string
	}{
		"empty": {nil, "[]\n"},
		"sorted by address, labels by name": {
			[]Target{
				target("10.0.0.2:80", "job", "b"),
				target("10.0.0.1:80", "job", "a", "__metrics_path__", "/metrics"),
			},
			"[\n" +
				`{"targets":["10.0.0.1:80"],"labels":{"__metrics_path__":"/metrics","job":"a"}},` + "\n" +
				`{"targets":["10.0.0.2:80"],"labels":{"job":"b"}}` + "\n]\n",
		},
		"no labels":   {[]Target{target("a:1")}, "[\n" + `{"targets":["a:1"],"labels":{}}` + "\n]\n"},
		"empty value": {[]Target{target("a:1", "x", "", "y", "1")}, "[\n" + `{"targets":["a:1"],"labels":{"y":"1"}}` + "\n]\n"},
		"markup is kept": {
			[]Target{target("a:1", "x", "<b>&\u2028")},
			"[\n" + `{"targets":["a:1"],"labels":{"x":"<b>&\u2028"}}` + "\n]\n",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := Pool{Targets: tc.targets}.Encode()
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("Encode() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncodeDoesNotDependOnOrder(t *testing.T) {
	pool := manyTargets(200)
	want := pool.Encode()
	before := slices.Clone(pool.Targets)
	for range 20 {
		shuffled := Pool{Targets: slices.Clone(pool.Targets)}
		rand.Shuffle(len(shuffled.Targets), func(i, j int) {
			shuffled.Targets[i], shuffled.Targets[j] = shuffled.Targets[j], shuffled.Targets[i]
		})
		if got := shuffled.Encode(); !bytes.Equal(got, want) {
			t.Fatalf("another order gave other bytes:\n%s", got)
		}
	}
	for i := range before {
		if before[i].Compare(pool.Targets[i]) != 0 {
			t.Fatal("Encode changed the pool")
		}
	}
}

func TestSortedBreaksTiesByOrigin(t *testing.T) {
	a := Target{Labels: target("a:1").Labels, Origin: Origin{Object: "a"}}
	b := Target{Labels: target("a:1").Labels, Origin: Origin{Object: "b"}}
	got := Pool{Targets: []Target{b, a}}.Sorted()
	if got[0].Origin.Object != "a" {
		t.Errorf("Sorted() = %v", got)
	}
}

func TestPrometheusReadsWhatEncodeWrites(t *testing.T) {
	pool := manyTargets(50)
	pool.Targets = append(pool.Targets, target("[::1]:80", "odd name", "a\"b\\c\n\u2028é\x01"))
	var groups []targetgroup.Group
	if err := json.Unmarshal(pool.Encode(), &groups); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groups {
		set := g.Labels.Clone().Merge(g.Targets[0])
		got = append(got, set.String())
	}
	var want []string
	for _, tg := range pool.Sorted() {
		set := model.LabelSet{}
		tg.Labels.Range(func(l labels.Label) { set[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
		want = append(want, set.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets as Prometheus reads them (-want +got):\n%s", diff)
	}
}

func TestDecodePool(t *testing.T) {
	tests := map[string]struct {
		data string
		want []string
		err  string
	}{
		"several targets in a group": {
			data: ` [ {"targets": ["b:1", "a:1"], "labels": {"x": "1"}}, {"targets": []} ] `,
			want: []string{`{__address__="b:1", x="1"}`, `{__address__="a:1", x="1"}`},
		},
		"the address is the target's": {
			data: `[{"targets":["a:1"],"labels":{"__address__":"b:1"}}]`,
			want: []string{`{__address__="a:1"}`},
		},
		"no groups":      {data: "[]\n"},
		"null":           {data: "null"},
		"empty file":     {data: "", err: "unexpected EOF"},
		"truncated":      {data: `[{"targets":["a:1"]`, err: "unexpected EOF"},
		"unknown field":  {data: `[{"target":["a:1"]}]`, err: `unknown field "target"`},
		"null group":     {data: `[null]`, err: "group 0 is null"},
		"trailing data":  {data: `[][]`, err: "data after the list"},
		"an object":      {data: `{}`, err: "cannot unmarshal object"},
		"number as text": {data: `[{"targets":[1]}]`, err: "cannot unmarshal number"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			targets, err := DecodePool([]byte(tc.data))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want one with %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, tg := range targets {
				got = append(got, tg.Labels.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("DecodePool() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	pool := manyTargets(300)
	got, err := DecodePool(pool.Encode())
	if err != nil {
		t.Fatal(err)
	}
	want := pool.Sorted()
	if len(got) != len(want) {
		t.Fatalf("%d targets, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Compare(want[i]) != 0 {
			t.Errorf("target %d: %s, want %s", i, got[i].Labels, want[i].Labels)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\xff\x00\x1f\x7f", "a\"\\\b\f\n\r\t", "\u2028\u2029\ufffdé😀", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		if got := string(AppendString(nil, s)) + "\n"; got != want.String() {
			t.Errorf("AppendString(%q) = %s, encoding/json says %s", s, got, want.String())
		}
	})
}

// FuzzDecodePool: Prometheus accepts what we accept and nothing else, and what
// was read is written so that it reads the same.
func FuzzDecodePool(f *testing.F) {
	f.Add([]byte(`[{"targets":["a:1","b:2"],"labels":{"x":"1","__param_y":"\u00e9"}}]`))
	f.Add([]byte(`[{"targets":null,"labels":null},null]`))
	f.Add([]byte(`[{"Targets":[""],"labels":{"":"1"}}]`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		targets, err := DecodePool(data)
		if theirs := prometheusAccepts(data); theirs != (err == nil) {
			t.Fatalf("Prometheus accepts: %v, our error: %v", theirs, err)
		}
		if err != nil {
			return
		}
		pool := Pool{Targets: targets}
		again, err := DecodePool(pool.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if d := Diff(&Bundle{Pools: []Pool{pool}}, &Bundle{Pools: []Pool{{Targets: again}}}); !d.Empty() {
			t.Errorf("read again:\n%s", d.Text())
		}
	})
}

func prometheusAccepts(data []byte) bool {
	var groups []*targetgroup.Group
	if json.Unmarshal(data, &groups) != nil {
		return false
	}
	return !slices.Contains(groups, nil)
}

func manyTargets(n int) Pool {
	pool := Pool{Name: "ecs-scrape/class/default", Path: "targets/class/default/targets.json"}
	for i := range n {
		pool.Targets = append(pool.Targets, target(fmt.Sprintf("10.%d.%d.%d:8080", i>>16&255, i>>8&255, i&255),
			"__metrics_path__", "/metrics", "__scheme__", "http", "__scrape_interval__", "30s",
			"__scrape_timeout__", "10s", "ecs_cluster", "production", "ecs_container", "app",
			"ecs_service", fmt.Sprintf("service-%d", i%300), "ecs_task_family", "family",
			"ecs_task_id", fmt.Sprintf("%032x", i), "instance", "task", "job", "checkout"))
	}
	return pool
}

func BenchmarkEncode(b *testing.B) {
	pool := manyTargets(100_000)
	pool.Targets = pool.Sorted()
	b.SetBytes(int64(len(pool.Encode())))
	for b.Loop() {
		if err := pool.EncodeTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := manyTargets(100_000).Encode()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := DecodePool(data); err != nil {
			b.Fatal(err)
		}
	}
}

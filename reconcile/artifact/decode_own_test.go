package artifact

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
)

// slowly reads a target file as any JSON.
func slowly(data []byte) ([]Target, error) {
	return DecodePool(append([]byte(" "), data...)) // which Encode never writes
}

// FuzzDecodeOwn: what is read quickly is what it is as JSON.
func FuzzDecodeOwn(f *testing.F) {
	f.Add("10.0.0.1:80", "job", "web", "ZONE", "a")
	f.Add("", "a", "", "b", "é\"\\")
	f.Fuzz(func(t *testing.T, address, name, value, other, text string) {
		all := []Target{
			{Labels: labels.FromStrings("__address__", address, name, value)},
			{Labels: labels.FromMap(map[string]string{"__address__": address, name: value, other: text})},
		}
		for n := range len(all) + 1 {
			data := Pool{Targets: all[:n]}.Encode()
			for cut := range data {
				if targets, ok := decodeOwn(string(data[:cut])); ok {
					t.Errorf("%q is read as %v", data[:cut], targets)
				}
			}
			quick, err := DecodePool(data)
			slow, slowErr := slowly(data)
			if diff := cmp.Diff(slow, quick, cmp.Comparer(labels.Equal)); diff != "" || (err == nil) != (slowErr == nil) {
				t.Errorf("%q: %v, %v\n%s", data, err, slowErr, diff)
			}
		}
	})
}

func TestDecodeOwn(t *testing.T) {
	const good = "[\n" + `{"targets":["a:1"],"labels":{"b":"1","c":"2"}},` + "\n" + `{"targets":["a:2"],"labels":{}}` + "\n]\n"
	for text, want := range map[string]int{
		good:   2,
		"[]\n": 0,
		"[]":   -1,
		"[\n" + `{"targets":["a:1","a:2"],"labels":{}}` + "\n]\n":            -1,
		"[\n" + `{"targets":["a:1"],"labels":{"c":"1","b":"2"}}` + "\n]\n":   -1,
		"[\n" + `{"targets":["a:1"],"labels":{"b":"1","b":"2"}}` + "\n]\n":   -1,
		"[\n" + `{"targets":["a:1"],"labels":{"__address__":"1"}}` + "\n]\n": -1,
		"[\n" + `{"targets":["a:1"],"labels":{"b":""}}` + "\n]\n":            -1,
		"[\n" + `{"targets":["a:1"],"labels":{"b":"\u0041"}}` + "\n]\n":      -1,
		"[\n" + `{"targets":["a:1"],"labels":{"b":"é"}}` + "\n]\n":           -1,
		"[\n" + `{"targets":["a:1"],"labels":{"":"x"}}` + "\n]\n":            -1,
		"[\n" + `{"targets":["a:1"],"labels":{"b":"1"},"more":1}` + "\n]\n":  -1,
		good + "x": -1,
	} {
		targets, ok := decodeOwn(text)
		if ok != (want >= 0) || ok && len(targets) != want {
			t.Errorf("%q: %v, %v", text, targets, ok)
		}
	}
}

func BenchmarkDecodePool(b *testing.B) {
	var p Pool
	for i := range 10000 {
		p.Targets = append(p.Targets, Target{Labels: labels.FromStrings(
			"__address__", fmt.Sprintf("10.0.%d.%d:9090", i>>8, i&255), "__metrics_path__", "/metrics", "__scheme__", "http", "__scrape_interval__", "1m", "__scrape_timeout__", "10s",
			"ecs_cluster", "prod", "ecs_container", "app", "ecs_service", fmt.Sprintf("service-%04d", i/50), "ecs_task_family", "web", "ecs_task_id", fmt.Sprintf("%032x", i),
			"instance", fmt.Sprintf("10.0.%d.%d:9090", i>>8, i&255), "job", "web",
		)})
	}
	data := p.Encode()
	for name, decode := range map[string]func([]byte) ([]Target, error){"own": DecodePool, "other": slowly} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if targets, err := decode(data); err != nil || len(targets) != len(p.Targets) {
					b.Fatal(len(targets), err)
				}
			}
		})
	}
}

package plan

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

// TestJudgeForgetsNothing: whatever was accepted before, a target is judged as one
// that comes first.
func TestJudgeForgetsNothing(t *testing.T) {
	t.Parallel()
	choices := map[string][]string{
		"__address__":                  {"a:1", "b:2", "c:3", "a/b:1", "\xff:1"},
		"__scheme__":                   {"http", "http", "https", "ftp"},
		"__metrics_path__":             {"/metrics", "/metrics", "/other", "/\xff"},
		"__scrape_interval__":          {"1m", "1m", "30s", "0s", "x"},
		"__scrape_timeout__":           {"10s", "10s", "2m", "y"},
		"__param_a":                    {"", "", "1"},
		"instance":                     {"", "a:1", "b:2", "\xff"},
		"job":                          {"a", "b", ""},
		"ecs_task_id":                  {"", "1", "2", "\xff"},
		"drop":                         {"", "", "", "yes"},
		"__scrape_native_histograms__": {"", "", "true", "maybe"},
	}
	names := slices.Sorted(maps.Keys(choices))
	drop := &relabel.Config{
		SourceLabels: model.LabelNames{"drop"}, Regex: relabel.MustNewRegexp("yes"), Action: relabel.Drop, NameValidationScheme: model.UTF8Validation,
	}
	for name, rules := range map[string][]*relabel.Config{"plain": nil, "with rules": {drop}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := config.DefaultScrapeConfig
			settings.RelabelConfigs = rules
			random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // reproducible
			known := newJudge(&settings)
			accepted, alike := 0, 0
			set := map[string]string{}
			for range 20_000 { // each differs from the one before in one label
				name := names[random.IntN(len(names))]
				set[name] = choices[name][random.IntN(len(choices[name]))]
				l := labels.FromMap(set).WithoutEmpty()
				if known.likeAccepted(l) {
					alike++
				}
				want := newJudge(&settings).refuse(l)
				if diff := cmp.Diff(want, known.refuse(l), cmp.AllowUnexported(fault{})); diff != "" {
					t.Fatalf("%s: %s", l, diff)
				}
				if want == nil {
					accepted++
				}
			}
			if accepted == 0 || (alike == 0) != (rules != nil) {
				t.Errorf("%d accepted, %d of them like the one before", accepted, alike)
			}
		})
	}
}

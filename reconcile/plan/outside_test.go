package plan

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLabelsOfOthers: what ECS tells has no labels in common with what this
// Prometheus scrapes otherwise.
func TestLabelsOfOthers(t *testing.T) {
	const bare = "  defaultLabels: []\n"
	statics := func(more string) string {
		return bare + "  config:\n    scrape_configs:\n    - job_name: " + more + "\n"
	}
	const words = "web same-labels: 1 target withheld: all labels are those of a target of %s, and both would write into the same series: " +
		"give one of them a label that tells them apart, or narrow a selector (such as http://10.0.0.1:9090/metrics)"
	static := fmt.Sprintf(words, `job "web" of spec.config.scrape_configs`)
	self := Self{Prometheus: SelfTarget{"http", "prom:9090", "/metrics"}, Controller: SelfTarget{"http", "10.0.0.1:9090", "/metrics"}}
	const web2, prom, control = "web http://10.0.0.2:9090/metrics", " http://prom:9090/metrics", " http://10.0.0.1:9090/metrics"
	all := []string{control, prom, "web http://10.0.0.1:9090/metrics", web2}
	without := []string{control, prom, web2}
	for _, tt := range []struct {
		name, config, object string
		urls, findings       []string
	}{
		{"none", bare, "", all, []string{}},
		{"the same", statics("web\n      static_configs: [{targets: ['10.0.0.1:9090']}]"), "", without, []string{static}},
		{"the same by relabelling", statics("web\n      static_configs: [{targets: ['x:1']}]\n      relabel_configs: [{target_label: instance, replacement: '10.0.0.1:9090'}]"), "", without, []string{static}},
		{"told apart", statics("web\n      static_configs: [{targets: ['10.0.0.1:9090'], labels: {a: b}}]"), "", all, []string{}},
		{"dropped", statics("web\n      static_configs: [{targets: ['10.0.0.1:9090']}]\n      relabel_configs: [{action: drop, regex: .*}]"), "", all, []string{}},
		{"the controller's", bare, "  jobName: ecs-scrape\n", without, []string{fmt.Sprintf(words, "spec.selfScrape")}},
		{
			"of Prometheus itself", statics("prometheus\n      static_configs: [{targets: ['prom:9090']}]"), "",
			[]string{control, "web http://10.0.0.1:9090/metrics", web2},
			[]string{"main same-labels: the target http://prom:9090/metrics of selfScrape is withheld: all its labels are those of a target of job \"prometheus\" of spec.config.scrape_configs, " +
				"and both would write into the same series: give that one another label, remove it, or set spec.selfScrape to false"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := input(t, &replicas(2).Snapshot, nil, configWith(tt.config), scrapeTarget("web", anyPort+tt.object))
			in.Self = self
			p := Build(in)
			if diff := cmp.Diff(tt.findings, told(p)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			got := urls(p)
			slices.Sort(got)
			if diff := cmp.Diff(tt.urls, got); diff != "" {
				t.Errorf("published (-want +got):\n%s", diff)
			}
			if want := len(all) - len(tt.urls); p.Targets["web"]+p.Withheld["web"] != 2 || want > 1 {
				t.Errorf("targets %v, withheld %v", p.Targets, p.Withheld)
			}
		})
	}
}

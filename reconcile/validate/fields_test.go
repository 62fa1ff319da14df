package validate_test

import (
	"bytes"
	"testing"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// TestFit: what is rendered beside the objects' own words is held against the
// declared release too, and the judge passes over what only older ones know.
func TestFit(t *testing.T) {
	t.Parallel()
	files := artifact.Files{artifact.ConfigFile: []byte("scrape_configs:\n- job_name: a\n  scrape_classic_histograms: true\n  scrape_protocols: [PrometheusProto]\n")}
	const raise = `: raise spec.prometheus.version of PrometheusConfig "main" and the Prometheus itself, or remove it`
	for version, want := range map[string][]string{
		"2.44": {
			"prometheus.yml:3: scrape_configs[0].scrape_classic_histograms: Prometheus 2.44 does not know it (since 2.45)" + raise,
			"prometheus.yml:4: scrape_configs[0].scrape_protocols: Prometheus 2.44 does not know it (since 2.49)" + raise,
		},
		"2.49": nil,
		"3.2":  {"prometheus.yml:3: scrape_configs[0].scrape_classic_histograms: Prometheus 3.2 does not know it any more (gone since 3.0): remove it"},
	} {
		config := &spec.Object{
			ID:               spec.ID{Kind: spec.KindPrometheusConfig, Name: "main"},
			PrometheusConfig: &spec.PrometheusConfigSpec{Prometheus: spec.PrometheusVersion{Version: version}},
		}
		wantTexts(t, validate.Fit(files, config), want...)
		if _, errs := validate.Files(files, validate.OptionsOf(config.PrometheusConfig)); len(errs) > 0 {
			t.Errorf("%s: %v", version, errs)
		}
	}
	if got := validate.Outlived(files); bytes.Equal(files[artifact.ConfigFile], got[artifact.ConfigFile]) {
		t.Error("nothing is passed over")
	}
}

package reconcile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/validate/releases"
	"ecs-scrape/spec"
)

// TestReleases: testdata/releases holds specs that ask for more than the declared
// Prometheus knows, or for what it no longer knows, and beside them what is said
// of them; nothing of those that end in .good.yaml.
func TestReleases(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/releases/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("fixtures: %v, %v", paths, err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := reconcile.Validate(spec.Decode([]spec.File{{Name: name, Data: []byte(read(t, path))}}), "")
			if strings.HasSuffix(name, ".good.yaml") {
				if len(found) > 0 || err != nil {
					t.Errorf("%v: %s", err, text(found))
				}
				return
			}
			got := text(found)
			if want := strings.TrimSuffix(path, "yaml") + "want"; os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(want, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(read(t, want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// declares is a PrometheusConfig for a version, with what else is in its spec.
func declares(version, more string) string {
	return config("main", "  prometheus: {version: \""+version+"\"}\n"+more)
}

const protocols = "  scrapeConfig: {scrape_protocols: [PrometheusText0.0.4]}\n"

// TestReleaseOfOneObject: an object that needs more than the declared release
// keeps its last valid version, one that never was valid is left out, and the
// others follow. With a newer release declared, both are served.
func TestReleaseOfOneObject(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"] = declares("2.45", "")
	w := newWorld(t, files)
	w.pass()
	files["api.yaml"] = scrape("api", "five", protocols)
	files["new.yaml"] = scrape("new", "six", protocols)
	files["web.yaml"] = scrape("web", "three", "")
	w.source.Set(files)
	p := w.pass()
	const says = "spec.scrapeConfig.scrape_protocols: Prometheus 2.45 does not know it (since 2.49): " +
		`raise spec.prometheus.version of PrometheusConfig "main" and the Prometheus itself, or remove it`
	wantProblems(t, p, "api.yaml:8:18: "+says, "new.yaml:8:18: "+says)
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 three"}})

	files["main.yaml"] = declares("2.49", "")
	delete(files, "new.yaml")
	w.source.Set(files)
	wantProblems(t, w.pass())
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.2:8080 three"}, ownFile: {"10.0.0.1:8080 five"}})
}

// TestReleaseLowered: an object that needs more than the release declared from now
// on is left out, alone, since the whole would be refused with it; it comes back by
// itself.
func TestReleaseLowered(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"], files["api.yaml"] = declares("3.15", ""), scrape("api", "one", protocols)
	w := newWorld(t, files)
	wantProblems(t, w.pass())
	for _, c := range []struct {
		version string
		served  bool
	}{{"2.45", false}, {"3.0", true}} {
		files["main.yaml"] = declares(c.version, "")
		w.source.Set(files)
		if p := w.pass(); len(p.Problems) == 0 != c.served {
			t.Errorf("%s: %q", c.version, problems(p))
		}
		if served := strings.Contains(string(w.output.config["prometheus.yml"]), "scrape_protocols"); served != c.served {
			t.Errorf("%s: served is %t", c.version, served)
		}
	}
}

// TestReleaseOfConfig: a PrometheusConfig that needs more than it declares keeps
// its last valid version.
func TestReleaseOfConfig(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"] = declares("2.45", "  config: {global: {scrape_interval: 20s}}\n")
	w := newWorld(t, files)
	w.pass()
	files["main.yaml"] = declares("2.45", "  config: {global: {scrape_interval: 30s, scrape_failure_log_file: /a}}\n")
	w.source.Set(files)
	wantProblems(t, w.pass(), "main.yaml:6:43: spec.config.global.scrape_failure_log_file: Prometheus 2.45 does not know it (since 2.55): "+
		`raise spec.prometheus.version of PrometheusConfig "main" and the Prometheus itself, or remove it`)
	if got := string(w.output.config["prometheus.yml"]); !strings.Contains(got, "scrape_interval: 20s") {
		t.Errorf("published:\n%s", got)
	}
}

// TestReleaseKeepsOld: what only an older Prometheus than ours knows is written for
// one that does.
func TestReleaseKeepsOld(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"] = declares("2.53", "  scrapeClasses: [{name: default, scrapeConfig: {scrape_classic_histograms: true, sample_limit: 5}}]\n")
	w := newWorld(t, files)
	wantProblems(t, w.pass())
	if got := string(w.output.config["prometheus.yml"]); !strings.Contains(got, "scrape_classic_histograms: true") {
		t.Errorf("published:\n%s", got)
	}
}

// TestReleaseOfOurs: all that is written beside the user's own settings is as old
// as the oldest release that is known.
func TestReleaseOfOurs(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"] = declares(releases.Known().Oldest().String(), `  config: {alerting: {alertmanagers: [{static_configs: [{targets: ["a:1"]}]}]}}
  enforced: {sample_limit: 1, label_limit: 2, body_size_limit: 3MB, min_interval: 10s, targets_per_object: 4}
  alertmanagers: [{name: am, selector: {}, port: 80, config: {basic_auth: {username: a, password_file: "secret:AM"}}}]
  scrapeClasses:
  - {name: gold, scrapeConfig: {tls_config: {key_file: "secret:KEY", cert_file: /a}, metric_relabel_configs: [{action: drop, regex: a}]}}
`)
	files["api.yaml"] = scrape("api", "one", "  scrapeClass: gold\n  scrapeConfig: {sample_limit: 7}\n  relabelConfigs: [{action: keepequal, source_labels: [a], target_label: b}]\n")
	w := newWorld(t, files)
	wantProblems(t, w.pass())
	for _, want := range []string{"alertmanager/am", "self/prometheus", "own/", "rule_files", "label_limit: 2"} {
		if got := string(w.output.config["prometheus.yml"]); !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// TestPrometheusComesAndGoes: it starts late, and restarts.
func TestPrometheusComesAndGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed, recordingRule}, "---\n"))
	w.startController()
	w.healthy()
	w.eventually("the status says that Prometheus is away", func() error { return w.says("prometheus is unreachable") })
	w.eventually("targets are published all the same", func() error { return w.publishedMatches(isNamed) })
	must(t, w.sim.Scale("prod", "api", 1))
	w.eventually("and follow", func() error { return w.publishedMatches(isNamed) })

	w.startPrometheus(current(t))
	w.ready()
	w.scraped(isNamed)
	w.prometheus.stop()
	w.prometheus = nil
	w.write("rules.yaml", strings.NewReplacer("name: up}", "name: later}", "job:up:sum", "job:up:later").Replace(recordingRule))
	w.eventually("the status says that Prometheus is away", func() error { return w.says("prometheus is unreachable") })
	w.startPrometheus(current(t))
	w.ready()
	w.eventually("the rule added meanwhile is loaded", func() error { return w.hasSeries("job:up:later") })
	if n := w.reloads(); n > 1 {
		t.Errorf("a Prometheus that started with the newest configuration was reloaded %d times", n)
	}
}

// TestPrometheusWithoutLifecycle: a clear message, and a restart counts.
func TestPrometheusWithoutLifecycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed}, "---\n"))
	w.startController()
	w.healthy()
	file := filepath.Join(w.output, "current", "prometheus.yml")
	w.startPrometheusOn(current(t), file)
	w.scraped(isNamed)
	w.write("rules.yaml", recordingRule)
	w.eventually("the status names the missing flag", func() error { return w.says("--web.enable-lifecycle") })
	w.prometheus.stop()
	w.startPrometheusOn(current(t), file)
	w.ready()
	w.eventually("the rule is evaluated", func() error { return w.hasSeries("job:up:sum") })
}

// TestPrometheusReadsAnotherFile: both paths are in the message.
func TestPrometheusReadsAnotherFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.write("main.yaml", w.prometheusConfig(""))
	other := filepath.Join(t.TempDir(), "other.yml")
	must(t, os.WriteFile(other, []byte("global: {}\n"), 0o600))
	w.startController()
	w.healthy()
	w.startPrometheusOn(current(t), other, "--web.enable-lifecycle")
	w.eventually("the status names both files", func() error {
		if err := w.says(other); err != nil {
			return err
		}
		return w.says(filepath.Join(w.output, "current", "prometheus.yml"))
	})
}

// TestRejectedConfigurationIsTakenBack: an older Prometheus refuses a field
// that our parser knows. What it had before is restored, its words are told,
// and targets go on.
func TestRejectedConfigurationIsTakenBack(t *testing.T) {
	t.Parallel()
	old := debian(t)
	if old == nil {
		t.Skip("needs Debian's prometheus")
	}
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed, scrapeDaemon}, "---\n"))
	w.startAll(*old)
	expected := func(l awssim.Listener) bool { return isNamed(l) || isDaemon(l) }
	w.scraped(expected)
	w.ready()
	before, err := os.Readlink(filepath.Join(w.output, "current"))
	must(t, err)

	w.write("new.yaml", strings.NewReplacer("name: bridge", "name: newer").Replace(scrapeBridge)+"  scrapeConfig: {fallback_scrape_protocol: PrometheusText0.0.4}\n")
	w.eventually("the refusal is told in Prometheus's words", func() error { return w.says("fallback_scrape_protocol") })
	w.eventually("and names the object", func() error { return w.says("ScrapeTarget/newer") })
	w.eventually("the configuration is taken back", func() error {
		after, err := os.Readlink(filepath.Join(w.output, "current"))
		if err == nil && after != before {
			err = fmt.Errorf("current is %s, not %s", after, before)
		}
		return err
	})
	w.scraped(expected)
	must(t, w.sim.Scale("prod", "api", 5))
	w.scraped(expected)
	w.remove("new.yaml")
	w.ready()
	w.scraped(expected)

	// An object that was good is given a pool of its own that is refused: it is
	// scraped on where it was.
	refused := scrapeNamed + "  scrapeConfig: {fallback_scrape_protocol: PrometheusText0.0.4}\n"
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), refused, scrapeDaemon}, "---\n"))
	w.eventually("the object is named", func() error { return w.says("ScrapeTarget/named") })
	w.scraped(expected)
	must(t, w.sim.Scale("prod", "api", 2))
	w.scraped(expected)
}

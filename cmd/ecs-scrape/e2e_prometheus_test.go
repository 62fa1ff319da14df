package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	w.eventually("the status says that Prometheus is away again", func() error { return w.says("prometheus is unreachable") })
	if status, _, err := fetch("http://" + w.web + "/readyz"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("ready without Prometheus: %d, %v", status, err)
	}
	w.write("rules.yaml", strings.NewReplacer("name: up}", "name: later}", "job:up:sum", "job:up:later").Replace(recordingRule))
	w.eventually("the new rule is published", func() error { return w.publishedRule("later") })
	w.startPrometheus(current(t))
	w.ready()
	w.eventually("the rule added meanwhile is loaded", func() error { return w.hasSeries("job:up:later") })
	if n := w.reloads(); n > 0 {
		t.Errorf("a Prometheus that started with the newest configuration was reloaded %d times", n)
	}
}

// publishedRule waits for a rule file in what is current.
func (w *world) publishedRule(name string) error {
	_, err := os.Stat(filepath.Join(w.output, "current", "rules", name+".yml"))
	return err
}

// TestRestartWithEmptyPool: a pool without targets is not missed by a Prometheus
// that starts anew, also by one that lists no empty pools.
func TestRestartWithEmptyPool(t *testing.T) {
	t.Parallel()
	old := debian(t)
	if old == nil {
		t.Skip("needs Debian's prometheus")
	}
	w := newWorld(t, awssim.Options{})
	w.populate()
	own := scrapeNamed + "  scrapeConfig: {sample_limit: 5000}\n"
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), own, scrapeBridge}, "---\n"))
	w.startAll(*old)
	w.scraped(func(l awssim.Listener) bool { return isNamed(l) || isBridge(l) })
	w.ready()
	before, err := os.Readlink(filepath.Join(w.output, "current"))
	must(t, err)
	must(t, w.sim.Scale("prod", "api", 0))
	must(t, w.sim.Scale("prod", "managed", 0))
	w.scraped(isBridge)

	w.prometheus.stop()
	w.startPrometheus(*old)
	w.scraped(isBridge)
	for until := time.Now().Add(25 * time.Second); time.Now().Before(until); <-time.After(200 * time.Millisecond) {
		if after, err := os.Readlink(filepath.Join(w.output, "current")); err != nil || after != before {
			t.Fatalf("current is %s, not %s: %v", after, before, err)
		}
	}
	w.ready()
	must(t, w.sim.Scale("prod", "api", 2))
	w.scraped(func(l awssim.Listener) bool { return isNamed(l) || isBridge(l) })
	w.ready()
}

// TestClassWithoutCAFile: Prometheus takes such a configuration while it has no
// targets, and then scrapes none of them. The status says so until it is mended.
func TestClassWithoutCAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	secure := fmt.Sprintf("  - name: secure\n    scrapeConfig: {tls_config: {ca_file: %q}}\n", ca)
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(secure), scrapeNamed + "  scrapeClass: secure\n", scrapeBridge}, "---\n"))
	release := w.sim.Deny(awssim.Match{Service: "ecs"})
	w.startAll(current(t))
	w.ready()
	release()
	w.eventually("the status names the pool", func() error { return w.says("no scrape pool ecs-scrape/class/secure") })
	w.eventually("and what may be missing", func() error { return w.says("ca_file") })
	if status, _, err := fetch("http://" + w.web + "/readyz"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("ready without a pool: %d, %v", status, err)
	}
	w.scraped(isBridge)

	// A change elsewhere is taken all the same.
	w.write("rules.yaml", recordingRule)
	w.eventually("the rule is evaluated", func() error { return w.hasSeries("job:up:sum") })
	w.eventually("the pool is still named", func() error { return w.says("no scrape pool ecs-scrape/class/secure") })
	must(t, w.publishedRule("up"))
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
	for until := time.Now().Add(8 * time.Second); time.Now().Before(until); <-time.After(100 * time.Millisecond) {
		if err := w.says("--web.enable-lifecycle"); err != nil {
			t.Fatalf("it does not go on to: %v", err)
		}
	}
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

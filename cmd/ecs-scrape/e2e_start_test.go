package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/awssim"
)

// TestStartWithoutAWS: configuration does not wait for ECS; targets do.
func TestStartWithoutAWS(t *testing.T) {
	t.Parallel()
	account := awssim.Options{ListenAddress: freeAddress(t), ProxyListenAddress: freeAddress(t)}
	w := newWorld(t, account)
	w.sim.Close()
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed, scrapeBridge, scrapeDaemon, recordingRule}, "---\n"))
	w.startAll(current(t))
	w.ready()
	w.eventually("the static job is scraped", func() error { return w.hasSeries(`up{job="static"} == 1`) })
	w.eventually("the rule is evaluated", func() error { return w.hasSeries("job:up:sum") })
	w.eventually("the status says that AWS cannot be reached", func() error { return w.says("connection refused") })
	var err error
	w.sim, err = awssim.Start(account)
	must(t, err)
	t.Cleanup(w.sim.Close)
	w.populate()
	w.scraped(isAny)
}

// says looks for a text in the reasons of the status.
func (w *world) says(text string) error {
	s, err := w.status()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(s.Reasons, func(r controller.Reason) bool { return strings.Contains(r.Message, text) }) {
		return fmt.Errorf("the status is %s, %+v, and does not say %q", s.State, s.Reasons, text)
	}
	return nil
}

// TestOneRegionDenied: a region that is denied leaves the other alone, and
// keeps what it had, across a restart too.
func TestOneRegionDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	ireland := w.sim.Region(w.sim.Scope().Account, "eu-west-1")
	populate(t, ireland)
	release := w.sim.Deny(awssim.Match{Service: "ecs", Region: "eu-west-1"})
	w.write("all.yaml", strings.Join([]string{
		w.prometheusConfig("  ecs: [{region: us-east-1}, {region: eu-west-1}]\n"), scrapeNamed, scrapeBridge, scrapeDaemon,
	}, "---\n"))
	w.startAll(current(t))
	virginia := func(l awssim.Listener) bool { return isAny(l) && l.Region == "us-east-1" }
	w.scraped(virginia)
	w.eventually("the status says which region is denied", func() error { return w.says("eu-west-1") })
	w.eventually("and why", func() error { return w.says("AccessDenied") })
	release()
	w.scraped(isAny)

	defer w.sim.Deny(awssim.Match{Service: "ecs", Region: "eu-west-1"})()
	w.controller.stop()
	w.startController()
	w.ready()
	must(t, w.sim.Scale("prod", "api", 5))
	w.scraped(isAny)
	w.eventually("the targets of the denied region are held", func() error {
		s, err := w.status()
		if err == nil && s.Targets.Held == 0 {
			err = fmt.Errorf("no target is held: %+v", s.Targets)
		}
		return err
	})
}

// TestStartOnEarlierDirectory: a directory left by an earlier run serves at
// once, without its caches and without AWS, and no target goes.
func TestStartOnEarlierDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed, scrapeBridge, scrapeDaemon}, "---\n"))
	w.startAll(current(t))
	w.scraped(isAny)
	w.controller.stop()
	must(t, os.RemoveAll(filepath.Join(w.output, ".state")))
	release := w.sim.Deny(awssim.Match{})
	w.startController()
	w.ready()
	before := w.sim.Scrapes()
	w.scraped(isAny)
	release()
	must(t, w.sim.Scale("prod", "web", 1))
	w.scraped(isAny)
	for _, u := range w.listening(isAny) {
		if w.sim.Scrapes()[u] <= before[u] {
			t.Errorf("%s was not scraped on", u)
		}
	}
}

// TestHealthDependsOnNothingElse: unhealthy only until the first valid set is
// published.
func TestHealthDependsOnNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.sim.Close()
	w.startController()
	w.eventually("the controller answers, unhealthy", func() error {
		status, _, err := fetch("http://" + w.web + "/healthz")
		if err == nil && status != http.StatusServiceUnavailable {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	if code, out := w.command("healthcheck", "--web.listen-address", w.web); code != 1 || !strings.Contains(out, "PrometheusConfig") {
		t.Errorf("healthcheck ends with %d: %s", code, out)
	}
	w.write("main.yaml", w.prometheusConfig(""))
	w.healthy()
	w.write("broken.yaml", "nonsense: [")
	w.eventually("the broken file is reported", func() error { return w.reports("broken.yaml") })
	w.healthy()
	w.remove("main.yaml")
	w.remove("broken.yaml")
	w.eventually("an emptied source is reported", func() error { return w.says("--specs.allow-empty") })
	w.healthy()
	w.controller.stop()
	if code, out := w.command("healthcheck", "--web.listen-address", w.web); code != 1 {
		t.Errorf("healthcheck without a controller ends with %d: %s", code, out)
	}
}

// TestSpecsFromS3 edits specs in a bucket.
func TestSpecsFromS3(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	must(t, w.sim.CreateBucket("specs"))
	put := func(key, text string) { must(t, w.sim.PutObject("specs", key, []byte(text))) }
	put("team/main.yaml", w.prometheusConfig(""))
	put("team/named.yaml", scrapeNamed)
	put("elsewhere/bridge.yaml", scrapeBridge)
	w.specs = "s3://specs/team"
	w.startAll(current(t))
	w.scraped(isNamed)
	put("team/bridge.yaml", scrapeBridge)
	w.scraped(func(l awssim.Listener) bool { return isNamed(l) || isBridge(l) })
	must(t, w.sim.DeleteObject("specs", "team/named.yaml"))
	w.scraped(isBridge)
	defer w.sim.Deny(awssim.Match{Service: "s3"})()
	w.eventually("the status says that the specs cannot be read", func() error { return w.says("load specs") })
	must(t, w.sim.Scale("prod", "web", 6))
	w.scraped(isBridge)
}

// TestHangingS3: while the bucket does not answer, targets go on, also after a
// restart, on what was accepted before.
func TestHangingS3(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	must(t, w.sim.CreateBucket("specs"))
	must(t, w.sim.PutObject("specs", "main.yaml", []byte(w.prometheusConfig("")+"---\n"+scrapeBridge)))
	w.specs = "s3://specs"
	w.startAll(current(t))
	w.scraped(isBridge)
	release := w.sim.Hang(awssim.Match{Service: "s3"})
	defer release()
	must(t, w.sim.Scale("prod", "web", 2))
	w.scraped(isBridge)
	if took := w.controller.stop(); took > time.Second {
		t.Errorf("SIGTERM ended the controller after %v, not within a second", took)
	}
	w.startController()
	must(t, w.sim.Scale("prod", "web", 5))
	w.scraped(isBridge)
	w.eventually("the status says that the specs cannot be read", func() error { return w.says("load specs") })
	must(t, w.sim.PutObject("specs", "named.yaml", []byte(scrapeNamed)))
	release()
	w.scraped(func(l awssim.Listener) bool { return isNamed(l) || isBridge(l) })
}

// TestOneBadFile: a file that cannot be read keeps its objects, and does not
// hold up changes of the others.
func TestOneBadFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("main.yaml", w.prometheusConfig(""))
	w.write("named.yaml", scrapeNamed)
	w.startAll(current(t))
	w.scraped(isNamed)
	w.write("named.yaml", strings.Repeat("#", 1<<20+1))
	must(t, os.Symlink("nowhere", filepath.Join(w.specs, "x.yaml")))
	must(t, os.Symlink(t.TempDir(), filepath.Join(w.specs, "team")))
	w.write("bridge.yaml", scrapeBridge)
	w.scraped(func(l awssim.Listener) bool { return isNamed(l) || isBridge(l) })
	for _, says := range []string{"named.yaml: has 1048577 bytes", "x.yaml: links to what does not exist", "team/: links to a directory"} {
		w.eventually("each is reported", func() error { return w.reports(says) })
	}
	w.remove("bridge.yaml")
	w.scraped(isNamed)
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// TestRollback: a configuration that is valid, and a mistake, is taken back by
// hand. Rules and jobs are those of before, targets follow, a restart changes
// nothing, until it is released.
func TestRollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed, recordingRule}, "---\n"))
	w.startAll(current(t))
	w.scraped(isNamed)
	w.ready()
	before := w.digest()
	mistake := strings.Replace(recordingRule, "job:up:sum", "job:up:mistake", 1)
	own := scrapeNamed + "  scrapeConfig: {sample_limit: 1}\n"
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), own, mistake}, "---\n"))
	w.eventually("the mistake is live", func() error { return w.hasSeries("job:up:mistake") })
	w.ready()
	after := w.digest()

	if code, out := w.command("rollback", "0123456789abcdef", "--output", w.output); code != 2 || !strings.Contains(out, before) || !strings.Contains(out, after) {
		t.Errorf("an unknown digest: %d: %s", code, out)
	}
	if code, out := w.command("rollback", "--output", w.output, "--reason", "sample limit"); code != 0 || !strings.Contains(out, before) {
		t.Fatalf("rollback ends with %d: %s", code, out)
	}
	w.eventually("it is held", func() error { return w.says("configuration " + before + " is held since ") })
	w.eventually("with the reason", func() error { return w.says("(sample limit); targets follow; `ecs-scrape rollback --release`") })
	if got := w.digest(); got != before { // the status says that it is held when it is current
		t.Errorf("current is %s, not %s", got, before)
	}
	w.scraped(isNamed) // which a sample limit of 1 would not let
	must(t, w.sim.Scale("prod", "api", 5))
	w.scraped(isNamed)
	must(t, w.sim.Scale("prod", "api", 1))
	w.scraped(isNamed)
	w.eventually("the old rule is evaluated", func() error { return w.hasSeries("job:up:sum") })
	if code, out := w.command("rollback", "--list", "--output", w.output); code != 0 || !strings.Contains(out, "current, held, confirmed") || !strings.Contains(out, "sample limit") {
		t.Errorf("rollback --list ends with %d: %s", code, out)
	}
	if err := w.answers("/readyz", 503, "is held since"); err != nil {
		t.Error(err)
	}

	w.controller.stop()
	w.startController()
	w.healthy()
	w.eventually("it is held after a restart", func() error { return w.says("configuration " + before + " is held since ") })
	w.scraped(isNamed)

	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed, mistake}, "---\n"))
	if code, out := w.command("rollback", "--release", "--output", w.output); code != 0 || !strings.Contains(out, "released configuration "+before) {
		t.Errorf("release ends with %d: %s", code, out)
	}
	w.eventually("what the specs ask for is live", func() error { return w.hasSeries("job:up:mistake") })
	w.ready()
	w.scraped(isNamed)
}

// digest is of the configuration that is current.
func (w *world) digest() string {
	w.t.Helper()
	to, err := os.Readlink(filepath.Join(w.output, "current"))
	must(w.t, err)
	return strings.TrimPrefix(to, "generation-")
}

// TestRollbackWithoutController swaps by itself, and the next controller holds on.
func TestRollbackWithoutController(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	render := func(rule string) string {
		w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), rule}, "---\n"))
		_, _ = w.command("render", "--specs", w.specs, "--output", w.output, "--ecs.region", "us-east-1")
		return w.digest()
	}
	if code, out := w.command("rollback", "--output", w.output); code != 2 || !strings.Contains(out, "no configuration") {
		t.Errorf("nothing is published: %d: %s", code, out)
	}
	first := render(recordingRule)
	second := render(strings.Replace(recordingRule, "job:up:sum", "job:up:second", 1))
	code, out := w.command("rollback", "--output", w.output)
	if code != 0 || !strings.Contains(out, "no controller runs on ") || w.digest() != first || first == second {
		t.Fatalf("rollback ends with %d, current is %s: %s", code, w.digest(), out)
	}
	if got := render(strings.Replace(recordingRule, "job:up:sum", "job:up:third", 1)); got != first {
		t.Errorf("render published %s although %s is held", got, first)
	}
	must(t, os.WriteFile(filepath.Join(w.output, "generation-"+second, "rules", "up.yml"), nil, 0o600))
	if code, out := w.command("rollback", second, "--output", w.output); code != 2 || !strings.Contains(out, "is damaged") {
		t.Errorf("a damaged one: %d: %s", code, out)
	}
	for _, want := range []string{"released", "nothing is held"} {
		if code, out := w.command("rollback", "--release", "--output", w.output); code != 0 || !strings.Contains(out, want) {
			t.Errorf("release: %d: %s", code, out)
		}
	}
	if got := render(recordingRule); got != first {
		t.Errorf("published %s", got)
	}
	if got := fmt.Sprint(w.digest()); got == second {
		t.Error("the damaged one is current")
	}
}

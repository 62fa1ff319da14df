package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
)

// TestMainJob is the main job with real parts: what ECS runs and the specs ask
// for is scraped, and nothing else; changes of either arrive; what is wrong
// changes nothing that was served and says why.
func TestMainJob(t *testing.T) {
	eachPrometheus(t, func(t *testing.T, p prometheusBinary) {
		w := newWorld(t, awssim.Options{})
		w.populate()
		w.write("prometheus.yaml", w.prometheusConfig(""))
		w.write("named.yaml", scrapeNamed)
		w.write("bridge.yaml", scrapeBridge)
		w.write("daemon.yaml", scrapeDaemon)
		w.write("rules.yaml", recordingRule)
		w.startAll(p)
		w.ready()
		w.scraped(isAny)
		w.nothingElse(isAny)
		w.everythingIsExplained()
		w.noReloadForTargets()
		w.nothingAnswers502()
		w.oneReloadForConfiguration()
		w.badSpecsChangeNothing()
		w.noSecrets()
		if took := w.controller.stop(); took > time.Second {
			t.Errorf("SIGTERM ended the controller after %v, not within a second", took)
		}
		if code := w.controller.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
	})
}

// noReloadForTargets scales, deploys, and adds a ScrapeTarget.
func (w *world) noReloadForTargets() {
	w.t.Helper()
	before := w.reloads()
	must(w.t, w.sim.Scale("prod", "api", 6))
	w.scraped(isAny)
	must(w.t, w.sim.Scale("prod", "web", 2))
	w.scraped(isAny)
	w.write("quiet.yaml", strings.NewReplacer("named", "quiet", "[api, managed]", "[quiet]").Replace(scrapeNamed))
	more := func(l awssim.Listener) bool { return isAny(l) || (l.Service == "quiet" && portOf(l) == "9090") }
	w.scraped(more)
	w.remove("quiet.yaml")
	w.scraped(isAny)
	if after := w.reloads(); after != before {
		w.t.Errorf("targets cost %d reloads", after-before)
	}
}

// nothingAnswers502 stops a task: scrapes of its address may fail only until
// the next pass has been taken up.
func (w *world) nothingAnswers502() {
	w.t.Helper()
	tasks, err := w.sim.RunningTasks("prod", "api")
	must(w.t, err)
	must(w.t, w.sim.StopTask(tasks[0], "test"))
	w.eventually("the published targets are those that listen", func() error { return w.publishedMatches(isAny) })
	w.scraped(isAny)
	taken := time.Now()
	w.scraped(isAny) // another round of scrapes of everything
	for _, m := range w.sim.BadGateways() {
		if m.Time.After(taken) {
			w.t.Errorf("%s was scraped at %v although nothing listens there since before %v", m.URL, m.Time, taken)
		}
	}
}

// publishedMatches compares the target files with the simulator's listeners.
func (w *world) publishedMatches(expected func(awssim.Listener) bool) error {
	s, err := w.status()
	if err != nil {
		return err
	}
	if want := len(w.listening(expected)); s.Targets.Total != want {
		return fmt.Errorf("%d targets are published, %d endpoints listen", s.Targets.Total, want)
	}
	return nil
}

// oneReloadForConfiguration changes a rule, then a job-level setting.
func (w *world) oneReloadForConfiguration() {
	w.t.Helper()
	before := w.reloads()
	w.write("rules.yaml", strings.Replace(recordingRule, "job:up:sum", "job:up:total", 1))
	w.eventually("the new rule gives series", func() error { return w.hasSeries("job:up:total") })
	w.ready()
	if got := w.reloads() - before; got != 1 {
		w.t.Errorf("a changed rule cost %d reloads, want 1", got)
	}
	w.write("daemon.yaml", strings.Replace(scrapeDaemon, "5000", "6000", 1))
	w.eventually("the second reload", func() error {
		if got := w.reloads() - before; got != 2 {
			return fmt.Errorf("%d reloads", got)
		}
		return nil
	})
	w.ready()
	w.scraped(isAny)
	if got := w.reloads() - before; got != 2 {
		w.t.Errorf("a rule and a job-level setting cost %d reloads, want 2", got)
	}
}

func (w *world) hasSeries(expr string) error {
	n, err := w.query(expr)
	if err == nil && n == 0 {
		err = fmt.Errorf("%s has no series", expr)
	}
	return err
}

// badSpecsChangeNothing breaks one file at a time in each way, and mends it.
func (w *world) badSpecsChangeNothing() {
	w.t.Helper()
	rule := strings.Replace(recordingRule, "job:up:sum", "job:up:total", 1)
	daemon := strings.Replace(scrapeDaemon, "5000", "6000", 1)
	faults := []struct{ name, file, good, bad, says string }{
		{"rule expression", "rules.yaml", rule, strings.Replace(rule, "sum by (job) (up)", "sum by (job (up)", 1), "parse error"},
		{
			"relabel expression", "daemon.yaml", daemon,
			strings.Replace(daemon, "{sample_limit: 6000}", "{metric_relabel_configs: [{source_labels: [a], regex: '(', target_label: b}]}", 1), "error parsing regexp",
		},
		{"YAML", "bridge.yaml", scrapeBridge, strings.Replace(scrapeBridge, "spec:", "spec: [", 1), "bridge.yaml:"},
		{"unknown field", "named.yaml", scrapeNamed, strings.Replace(scrapeNamed, "endpoints:", "endpoint:", 1), "endpoints"},
	}
	for _, f := range faults {
		before, reloads := w.published(), w.reloads()
		w.write(f.file, f.bad)
		w.eventually(f.name+" is reported", func() error { return w.reports(f.says) })
		if code, out := w.command("validate", w.specs); code != 1 || !strings.Contains(out, f.says) {
			w.t.Errorf("%s: validate ends with %d: %s", f.name, code, out)
		}
		if after := w.published(); !slices.Equal(before, after) {
			w.t.Errorf("%s changed what is published:\nbefore %v\nafter  %v", f.name, before, after)
		}
		w.scraped(isAny)
		w.write(f.file, f.good)
		w.ready()
		w.eventually(f.name+" is mended", func() error {
			s, err := w.status()
			if err == nil && len(s.Problems) > 0 {
				err = s.Problems[0]
			}
			return err
		})
		if got := w.reloads(); got != reloads {
			w.t.Errorf("%s: %d reloads", f.name, got-reloads)
		}
	}
}

// reports says whether the status names a problem that contains the text.
func (w *world) reports(text string) error {
	s, err := w.status()
	if err != nil {
		return err
	}
	for _, p := range s.Problems {
		if strings.Contains(p.Error(), text) {
			return nil
		}
	}
	return fmt.Errorf("no problem says %q: %v", text, s.Problems)
}

// published are all live files with their content.
func (w *world) published() []string {
	var out []string
	current, err := filepath.EvalSymlinks(filepath.Join(w.output, "current"))
	must(w.t, err)
	for _, root := range []string{current, filepath.Join(w.output, "targets")} {
		must(w.t, filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			out = append(out, path+"\n"+string(data))
			return err
		}))
	}
	return out
}

// noSecrets looks for the planted value in everything that comes out.
func (w *world) noSecrets() {
	w.t.Helper()
	const secret = "planted-secret"
	must(w.t, filepath.WalkDir(w.output, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), secret) {
			w.t.Errorf("%s holds the value of an environment variable", path)
		}
		return err
	}))
	for _, page := range []string{"/", "/api/v1/status", "/metrics"} {
		body, err := get("http://" + w.web + page)
		must(w.t, err)
		if strings.Contains(string(body), secret) {
			w.t.Errorf("%s shows the value of an environment variable", page)
		}
	}
	if strings.Contains(w.controller.log.String(), secret) {
		w.t.Error("the log holds the value of an environment variable")
	}
}

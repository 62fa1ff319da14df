package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// soakCounts are what has been done to the processes, and how long it took them.
type soakCounts struct {
	kills, stops                  int // of the controller
	promKills, promStops, reloads int
	refused                       int // changes of what had gone before
	slowest                       time.Duration
}

// soakLogs are the lines that no controller should have logged.
type soakLogs struct{ bad []string }

// startSoaked runs the controller with quotas that leave it free to look often.
func (s *soak) startSoaked() {
	s.t.Helper()
	self, err := os.Executable()
	must(s.t, err)
	args := []string{
		"run", "--specs", s.specs, "--specs.interval", "500ms", "--output", s.output, "--prometheus.url", "http://" + s.prom,
		"--web.listen-address", s.web, "--ecs.poll-interval", "2s", "--ecs.quota-share", "1",
	}
	for _, category := range []string{
		"cluster-read", "cluster-resource-read", "task-definition-read", "service-read",
		"ec2-describe-instances", "ec2-describe-network-interfaces", "ssm-read", "sts",
	} {
		args = append(args, "--ecs.quota", category+"=1000/500")
	}
	s.journal.note("the controller starts")
	s.controller = s.start("ecs-scrape", self, s.environment(), args...)
}

// startScraper runs Prometheus on the data that it left.
func (s *soak) startScraper() {
	s.t.Helper()
	s.journal.note("Prometheus starts")
	args := append([]string{
		"--config.file=" + filepath.Join(s.output, "current", "prometheus.yml"), "--web.listen-address=" + s.prom,
		"--storage.tsdb.path=" + s.data, "--web.enable-lifecycle",
	}, s.binary.flags...)
	s.prometheus = s.start("prometheus", s.binary.path, []string{"PATH=" + os.Getenv("PATH")}, args...)
}

// killController ends the controller at this instant, or sometimes as ECS does,
// and starts another at once or after a while.
func (s *soak) killController() {
	s.t.Helper()
	if s.controller == nil {
		return // it has not been started again
	}
	s.draw()
	if s.random.IntN(4) == 0 {
		s.counts.stops++
		s.controller.stop()
		s.journal.note("the controller is stopped")
	} else {
		s.counts.kills++
		s.controller.kill()
		s.journal.note("the controller is killed")
	}
	s.judge.killed()
	s.readLog()
	s.controller = nil
	if s.random.IntN(2) == 0 {
		s.startSoaked()
		return
	}
	s.later(s.random.IntN(15), s.startSoaked)
}

// kill ends the process without a word.
func (p *process) kill() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Kill())
	<-p.done
}

func (s *soak) restartScraper() {
	s.t.Helper()
	if s.prometheus == nil {
		return
	}
	s.draw()
	s.journal.note("Prometheus ends")
	if s.random.IntN(2) == 0 {
		s.counts.promStops++
		s.prometheus.stop()
	} else {
		s.counts.promKills++
		s.prometheus.kill()
	}
	s.readScraperLog()
	s.prometheus = nil
	s.later(s.random.IntN(20), s.startScraper)
}

// watchProcesses fails early where one has ended that should not.
func (s *soak) watchProcesses() {
	s.t.Helper()
	s.alive()
}

// readLog takes note of what the controller should not have logged.
func (s *soak) readLog() {
	for line := range strings.Lines(s.controller.log.String()) {
		for _, bad := range []string{"level=ERROR", "panic", "DATA RACE", "fatal error", "goroutine "} {
			if strings.Contains(line, bad) {
				s.seen.bad = append(s.seen.bad, strings.TrimSpace(line))
				break
			}
		}
	}
}

// readScraperLog counts reloads, and takes note of errors. That targets of a job
// arrive which a reload has just taken away Prometheus calls an error too.
func (s *soak) readScraperLog() {
	text := s.prometheus.log.String()
	s.counts.reloads += max(0, strings.Count(text, "Completed loading of configuration file")-1)
	for line := range strings.Lines(text) {
		if strings.Contains(line, "level=ERROR") && !strings.Contains(line, "invalid config id:") {
			s.seen.bad = append(s.seen.bad, "prometheus: "+strings.TrimSpace(line))
		}
	}
}

// wanted are the URLs of what runs and is selected, by the key of its target.
func (s *soak) wanted() map[string]string {
	out := map[string]string{}
	for key, l := range s.truth() {
		if s.objects.has(l.Container) {
			out[key] = l.URL()
		}
	}
	return out
}

// agree waits until what is published is the truth, Prometheus has confirmed it,
// and has exactly that.
func (s *soak) agree(what string) {
	s.t.Helper()
	began := time.Now()
	for told := began; ; {
		err := s.agreed()
		took := time.Since(began)
		if err != nil && time.Since(told) > 20*time.Second {
			told = time.Now()
			s.t.Logf("%6.1fs  still waiting for %s: %v\n%s", time.Since(s.began).Seconds(), what, err, s.unread())
		}
		switch {
		case err == nil:
			s.counts.slowest = max(s.counts.slowest, took)
			s.t.Logf("%6.1fs  %s, after %.1fs", time.Since(s.began).Seconds(), what, took.Seconds())
			return
		case took > s.plan.timeout:
			s.t.Fatalf("waited in vain for %s: %v", what, err)
		}
		s.alive()
		<-time.After(300 * time.Millisecond)
	}
}

// unread is what the controller says that it could not read.
func (s *soak) unread() string {
	status, err := s.status()
	if err != nil {
		return err.Error()
	}
	out := []string{status.State + " " + status.Message}
	for _, source := range status.Sources {
		out = append(out, fmt.Sprintf("%+v", source))
	}
	for _, scope := range status.Scopes {
		if !scope.Listed() || scope.Reason != "" {
			out = append(out, fmt.Sprintf("%+v", scope))
		}
	}
	return strings.Join(out, "\n")
}

func (s *soak) agreed() error {
	if err := s.judge.disagree(); err != nil {
		return err
	}
	if status, body, err := fetch("http://" + s.web + "/readyz"); err != nil || status != http.StatusOK {
		return fmt.Errorf("not ready: %d %s: %w", status, body, err)
	}
	rules, err := filepath.Glob(filepath.Join(s.output, "current", "rules", "*.yml"))
	if err != nil || len(rules) != len(s.ruleFiles()) {
		return fmt.Errorf("the rule files are %v, not %v: %w", rules, s.ruleFiles(), err)
	}
	return s.active()
}

// active is an error unless Prometheus has exactly the wanted targets, itself and
// the controller.
func (s *soak) active() error {
	targets, err := s.targets()
	if err != nil {
		return err
	}
	want := append(slices.Sorted(maps.Values(s.wanted())), "http://"+s.prom+"/metrics", "http://"+s.web+"/metrics")
	slices.Sort(want)
	got := make([]string, 0, len(targets))
	for _, t := range targets {
		got = append(got, t.ScrapeURL)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("Prometheus has %d targets, %d are wanted", len(got), len(want))
	}
	return nil
}

// polls is an error until the controller says that events do not arrive.
func (s *soak) polls() error {
	status, err := s.status()
	if err != nil {
		return err
	}
	for _, source := range status.Sources {
		if source.Events != nil && !source.Events.Working {
			return nil
		}
	}
	return errors.New("events arrive")
}

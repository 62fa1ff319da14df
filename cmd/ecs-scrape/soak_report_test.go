package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// soakSample is what the controller holds in a quiet window: medians.
type soakSample struct {
	targets                    int
	goroutines, fds, heap, rss float64 // the last two in MiB
	uptime                     time.Duration
	files, generations, staged int
	surplus                    []string // target files that no job reads
}

// sample watches for the window of the plan.
func (s *soak) sample() soakSample {
	s.t.Helper()
	metrics := map[string][]float64{}
	until := time.Now().Add(s.plan.window)
	for time.Now().Before(until) {
		text, err := get("http://" + s.web + "/metrics")
		must(s.t, err)
		for _, name := range []string{"go_goroutines", "process_open_fds", "go_memstats_heap_inuse_bytes", "process_resident_memory_bytes", "process_start_time_seconds"} {
			metrics[name] = append(metrics[name], metricOf(string(text), name))
		}
		s.alive()
		<-time.After(200 * time.Millisecond)
	}
	median := func(name string) float64 { return quantile(metrics[name], 0.5) }
	out := soakSample{
		targets: len(s.wanted()), goroutines: median("go_goroutines"), fds: median("process_open_fds"),
		heap: median("go_memstats_heap_inuse_bytes") / (1 << 20), rss: median("process_resident_memory_bytes") / (1 << 20),
	}
	out.uptime = time.Since(time.UnixMilli(int64(1000 * median("process_start_time_seconds")))).Round(time.Second)
	s.eventually("nothing is staged, and every target file is read", func() error {
		out.files, out.generations, out.staged, out.surplus = 0, 0, 0, nil
		s.countFiles(&out)
		if out.staged+len(out.surplus) > 0 {
			return fmt.Errorf("%d files are staged, and no job reads %v", out.staged, out.surplus)
		}
		return nil
	})
	return out
}

// metricOf is the value of a metric without labels; -1 if there is none.
func metricOf(text, name string) float64 {
	_, after, ok := strings.Cut(text, "\n"+name+" ")
	value, _, _ := strings.Cut(after, "\n")
	if f, err := strconv.ParseFloat(value, 64); ok && err == nil {
		return f
	}
	return -1
}

func (s *soak) countFiles(out *soakSample) {
	s.t.Helper()
	state, err := s.judge.reader.state()
	must(s.t, err)
	read := s.judge.filesRead(state)
	for path := range state {
		if path != "current" && !read[path] {
			out.surplus = append(out.surplus, path)
		}
	}
	slices.Sort(out.surplus)
	must(s.t, filepath.WalkDir(s.output, func(path string, e os.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // it was staged
		case err != nil:
			return err
		case e.IsDir() && filepath.Dir(path) == s.output && strings.HasPrefix(e.Name(), "generation-"):
			out.generations++
		case e.Type().IsRegular():
			out.files++
			if strings.HasPrefix(path, filepath.Join(s.output, ".state", "stage")+"/") {
				out.staged++
			}
		}
		return nil
	}))
}

// filesRead are the target files that a job reads and that some target of it is in,
// or that may be empty.
func (j *soakJudge) filesRead(state map[string]string) map[string]bool {
	j.looking.Lock()
	defer j.looking.Unlock()
	out := map[string]bool{}
	for _, job := range j.reader.jobs {
		for _, path := range job.files(state) {
			pool := job.JobName[strings.LastIndexByte(job.JobName, '/')+1:]
			if own := strings.HasPrefix(job.JobName, "ecs-scrape/target/"); !own || filepath.Base(path) == pool+".json" {
				out[path] = true
			}
		}
	}
	return out
}

// Tolerances of growth, from the early to the late window. Each open connection
// has two goroutines, which are left out of the count of goroutines: up to ten
// connections to a host are kept for 90 seconds, and so come and go. A heap that
// is in use swings by half between two collections, and memory goes back to the
// system late.
const (
	moreGoroutines = 8
	moreFDs        = 24
	moreHeap       = 1.5
	moreHeapMiB    = 16
	moreRSS        = 1.5
	moreRSSMiB     = 48
	// generationsKept is the most that may lie in the directory.
	generationsKept = 6
)

// grown says what has grown beyond its tolerance.
func (s *soak) grown() []string {
	var out []string
	say := func(what string, early, late, limit float64) {
		if early <= 0 || late > limit {
			out = append(out, fmt.Sprintf("%s: %.1f early, %.1f late, at most %.1f", what, early, late, limit))
		}
	}
	e, l := s.early, s.late
	scale := max(1, float64(l.targets)/float64(max(1, e.targets)))
	say("goroutines but those of connections", max(1, e.goroutines-2*e.fds), l.goroutines-2*l.fds, max(1, e.goroutines-2*e.fds)+moreGoroutines)
	say("open files", e.fds, l.fds, e.fds+moreFDs)
	say("heap in use, MiB", e.heap, l.heap, scale*e.heap*moreHeap+moreHeapMiB)
	say("resident memory, MiB", e.rss, l.rss, scale*e.rss*moreRSS+moreRSSMiB)
	for i, w := range []soakSample{e, l} {
		name := []string{"early", "late"}[i]
		if w.generations > generationsKept {
			out = append(out, fmt.Sprintf("%s: %d generations, at most %d", name, w.generations, generationsKept))
		}
	}
	return out
}

// end takes everything down in order, reports and judges.
func (s *soak) end() {
	s.t.Helper()
	s.judge.check()
	s.judge.stop()
	s.controller.stop()
	if code := s.controller.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("exit code %d after SIGTERM", code)
	}
	s.readLog()
	s.prometheus.stop()
	s.readScraperLog()
	for i, line := range s.seen.bad {
		if i < soakFaultsShown {
			s.t.Errorf("logged: %s", line)
		}
	}
	for _, what := range s.grown() {
		s.t.Errorf("grown: %s", what)
	}
	text := s.report()
	s.t.Log("\n" + text)
	if s.plan.report != "" {
		must(s.t, os.WriteFile(s.plan.report, []byte(text), 0o644))
	}
}

// report is what came of it, for people.
func (s *soak) report() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-16s %s\n", name, fmt.Sprintf(format, args...))
	}
	f, c := s.judge.totals(), s.counts
	verdict := "passed"
	if s.t.Failed() {
		verdict = "FAILED"
	}
	line("soak", "%s: %s, %s=%d", verdict, time.Since(s.began).Round(time.Second), soakSeed, s.plan.seed)
	line("targets", "%d early, %d late, in %d objects; %d spells, the slowest healed in %s", s.early.targets, s.late.targets, len(s.groups), s.spells, c.slowest.Round(100*time.Millisecond))
	line("changes", "%d: %s", s.lives.total(), listOf(s.lives.done))
	line("edits", "%d: %s", s.edits.total(), listOf(s.edits.done))
	armed, met, kinds, kindsMet := 0, 0, 0, 0
	var faults []string
	counts := s.sim.FaultCounts()
	for _, verb := range slices.Sorted(maps.Keys(counts)) {
		n := counts[verb]
		armed, met, kinds = armed+n.Armed, met+n.Met, kinds+1
		kindsMet += min(1, n.Met)
		faults = append(faults, fmt.Sprintf("%s %d/%d", verb, n.Armed, n.Met))
	}
	line("faults", "%d armed of %d kinds, %d kinds met, %d times: %s", armed, kinds, kindsMet, met, strings.Join(faults, ", "))
	line("controller", "%d kills, %d restarts", c.kills, c.stops)
	line("prometheus", "%d kills, %d restarts, %d reloads", c.promKills, c.promStops, c.reloads)
	line("publications", "%d states seen in %d looks, %d configurations, %d judged by promtool", f.states, f.looks, f.configurations, f.promtool)
	line("violations", "%d lost, %d resurrected, %d addresses twice, %d invalid, %d log lines", f.lost, f.resurrected, f.twice, f.invalid, len(s.seen.bad))
	for i, w := range []soakSample{s.early, s.late} {
		name := []string{"early", "late"}[i]
		line(name, "after %s: %.0f goroutines, %.0f open files, %.1f MiB heap in use, %.1f MiB resident, %d files, %d generations",
			w.uptime, w.goroutines, w.fds, w.heap, w.rss, w.files, w.generations)
	}
	return b.String()
}

// listOf is counts by name, in one line.
func listOf(counts map[string]int) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(out, ", ")
}

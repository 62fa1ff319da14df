package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// soakObject is a ScrapeTarget as its file has it.
type soakObject struct {
	name    string
	version int
	own     int  // a limit of its own, which gives it its own pool; 0 for none
	special bool // in the second class
	broken  bool
}

// soakObjects are the ScrapeTargets. One that is broken still serves its last
// valid version, so its targets are expected all the same.
type soakObjects struct {
	all []*soakObject // of the test's goroutine alone

	mu      sync.Mutex
	present map[string]bool // has a file, valid or not
}

func newSoakObjects(groups []*soakGroup) *soakObjects {
	out := &soakObjects{present: map[string]bool{}}
	for _, g := range groups {
		out.all = append(out.all, &soakObject{name: g.name})
		out.present[g.name] = true
	}
	return out
}

func (o *soakObjects) has(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.present[name]
}

func (o *soakObjects) set(name string, present bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.present[name] = present
}

// text is the object's file.
func (o *soakObject) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: %s}
spec:
  selector: {containers: [%s]}
  endpoints: [{port: metrics}]
  labels: {soaked: %s, version: "%d"}
  labelsFrom: {ecs_task_id: {meta: __meta_ecs_task_id}}
`, o.name, o.name, o.name, o.version)
	if o.special {
		b.WriteString("  scrapeClass: special\n")
	}
	if o.own > 0 {
		fmt.Fprintf(&b, "  scrapeConfig: {sample_limit: %d}\n", o.own)
	}
	return b.String()
}

// soakDocument is a document of which there is one.
type soakDocument struct {
	version int
	broken  bool
	absent  bool
}

func (s *soak) configText() string {
	interval, timeout := "2m", "10s"
	if s.plan.tasks < 1000 {
		interval, timeout = "5s", "4s"
	}
	return fmt.Sprintf(`apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec:
  ecs:
  - {region: %s, eventsQueue: %q}
  - {region: %s}
  config:
    global: {scrape_interval: %s, scrape_timeout: %s, evaluation_interval: 5s}
  scrapeClasses:
  - name: default
    scrapeConfig: {proxy_url: %q}
  - name: special
    scrapeConfig: {proxy_url: %q, sample_limit: %d}
`, s.places[0].Scope().Region, s.queue, soakPolled, interval, timeout,
		s.sim.ProxyURL(), s.sim.ProxyURL(), 5000+s.config.version)
}

func (s *soak) rulesText() string {
	return strings.Replace(recordingRule, "job:up:sum", fmt.Sprintf("job:up:version%d", s.rules.version), 1)
}

// breakText spoils a document in one of several ways.
func (s *soak) breakText(text string) string {
	return []func() string{
		func() string { return strings.Replace(text, "spec:", "spec: [", 1) },
		func() string { return text + "  unknown: field\n" },
		func() string { return text[:len(text)*2/3] + "\n}" },
		func() string { return "\x00\xff" + text },
		func() string { return strings.Replace(text, "spec:", "Spec:", 1) },
	}[s.random.IntN(5)]()
}

// put writes a file as an editor or a deployment does: by rename.
func (s *soak) put(name, text string) {
	s.t.Helper()
	staged := filepath.Join(filepath.Dir(s.specs), "staged")
	must(s.t, os.WriteFile(staged, []byte(text), 0o600))
	must(s.t, os.Rename(staged, filepath.Join(s.specs, name)))
	s.journal.note("%s is written", name)
}

func (s *soak) putObject(o *soakObject) { s.put(o.name+".yaml", o.text()) }

// writeAll writes every document, and mends what is broken.
func (s *soak) writeAll() {
	s.config.broken, s.rules.broken, s.rules.absent = false, false, false
	s.put("prometheus.yaml", s.configText())
	s.put("rules.yaml", s.rulesText())
	for _, o := range s.objects.all {
		if s.objects.has(o.name) {
			o.broken = false
			s.putObject(o)
		}
	}
}

func (s *soak) mendAll() {
	s.t.Helper()
	s.writeAll()
	s.eventually("the status is in order", func() error {
		status, err := s.status()
		if err == nil && (status.State != "ok" || len(status.Problems) > 0) {
			err = fmt.Errorf("%s: %s %v", status.State, status.Message, status.Problems)
		}
		return err
	})
}

// soakEdits are what is done to the specs.
func soakEdits() []soakAction {
	valid := func(o *soakObject) bool { return !o.broken }
	all := []soakAction{
		{"add an object", (*soak).addObject},
		{"remove an object", (*soak).removeObject},
		{"change labels", onObject(valid, func(*soak, *soakObject) {})},
		{"change labels", onObject(valid, func(*soak, *soakObject) {})},
		{"change an own pool", onObject(valid, func(_ *soak, o *soakObject) { o.own = 1000 + o.version })},
		{"leave an own pool", onObject(func(o *soakObject) bool { return valid(o) && o.own > 0 }, func(_ *soak, o *soakObject) { o.own = 0 })},
		{"change the class", onObject(valid, func(_ *soak, o *soakObject) { o.special = !o.special })},
		{"break an object", (*soak).breakObject},
		{"break an object", (*soak).breakObject},
		{"mend an object", onObject(func(o *soakObject) bool { return o.broken }, func(_ *soak, o *soakObject) { o.broken = false })},
		{"mend an object", onObject(func(o *soakObject) bool { return o.broken }, func(_ *soak, o *soakObject) { o.broken = false })},
		{"change rules", func(s *soak) bool { return s.editRules(soakDocument{version: s.rules.version + 1}) }},
		{"break rules", func(s *soak) bool { return s.editRules(soakDocument{version: s.rules.version, broken: true}) }},
		{"remove rules", func(s *soak) bool { return s.editRules(soakDocument{version: s.rules.version, absent: true}) }},
		{"change a class", func(s *soak) bool { return s.editConfig(soakDocument{version: s.config.version + 1}) }},
		{"change a class", func(s *soak) bool { return s.editConfig(soakDocument{version: s.config.version + 1}) }},
		{"break the configuration", func(s *soak) bool { return s.editConfig(soakDocument{version: s.config.version, broken: true}) }},
	}
	return all
}

// pick is one of the objects that have a file and are as asked; nil if none is.
func (s *soak) pick(is func(*soakObject) bool) *soakObject {
	var all []*soakObject
	for _, o := range s.objects.all {
		if s.objects.has(o.name) && is(o) {
			all = append(all, o)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[s.random.IntN(len(all))]
}

// onObject changes one of the objects that are as asked, and its labels.
func onObject(is func(*soakObject) bool, change func(*soak, *soakObject)) func(*soak) bool {
	return func(s *soak) bool {
		o := s.pick(is)
		if o == nil {
			return false
		}
		o.version++
		change(s, o)
		s.putObject(o)
		return true
	}
}

// addObject: one that was removed comes back once nothing of it is published.
// Until then a late publication would seem to be a loss.
func (s *soak) addObject() bool {
	for _, o := range s.objects.all {
		if !s.objects.has(o.name) && s.judge.targetsOf(o.name) == 0 {
			o.version++
			s.objects.set(o.name, true)
			s.putObject(o)
			return true
		}
	}
	return false
}

// removeObject leaves at least three of four.
func (s *soak) removeObject() bool {
	absent := 0
	for _, o := range s.objects.all {
		if !s.objects.has(o.name) {
			absent++
		}
	}
	o := s.pick(func(o *soakObject) bool { return !o.broken })
	if o == nil || absent*4 >= len(s.objects.all) {
		return false
	}
	s.objects.set(o.name, false) // first: from now on its targets may go
	s.remove(o.name + ".yaml")
	s.journal.note("%s is removed", o.name)
	return true
}

// breakObject breaks one of which a valid version is served.
func (s *soak) breakObject() bool {
	o := s.pick(func(o *soakObject) bool { return !o.broken && s.judge.targetsOf(o.name) > 0 })
	if o == nil {
		return false
	}
	o.broken = true
	s.put(o.name+".yaml", s.breakText(o.text()))
	return true
}

func (s *soak) editRules(next soakDocument) bool {
	if s.rules.absent && (next.absent || next.broken) {
		return false // what was removed is not served, so there is nothing to break
	}
	s.rules = next
	switch {
	case next.absent:
		s.remove("rules.yaml")
	case next.broken:
		s.put("rules.yaml", s.breakText(s.rulesText()))
	default:
		s.put("rules.yaml", s.rulesText())
	}
	return true
}

func (s *soak) editConfig(next soakDocument) bool {
	s.config = next
	text := s.configText()
	if next.broken {
		text = s.breakText(text)
	}
	s.put("prometheus.yaml", text)
	return true
}

// ruleFiles are those that should be in force. A broken version leaves the last
// valid one.
func (s *soak) ruleFiles() []string {
	if s.rules.absent {
		return []string{}
	}
	return []string{"up.yml"}
}

func sortActions(all []soakAction) {
	slices.SortFunc(all, func(a, b soakAction) int { return strings.Compare(a.name, b.name) })
}

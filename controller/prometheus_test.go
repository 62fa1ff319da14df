package controller

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/target"
	"ecs-scrape/spec"
)

// watched is a Prometheus that reads the files of an output, and tells of itself.
type watched struct {
	mu      sync.Mutex
	output  *output
	about   target.About
	away    error
	blind   error // instead of what it has read
	deaf    map[string]bool
	read    map[string]int64
	problem error
	asked   int // for what it has read
}

func (w *watched) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// Ignore makes it read a file no more, and Blind tell nothing of files.
func (w *watched) Ignore(file string) { w.set(func() { w.deaf[file] = true }) }
func (w *watched) Heed(file string)   { w.set(func() { delete(w.deaf, file) }) }
func (w *watched) Blind(err error)    { w.set(func() { w.blind = err }) }

func (w *watched) Asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

func (w *watched) Address() string { return "http://prometheus.test" }

func (w *watched) Problem() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problem
}

func (w *watched) About(_ context.Context, known target.About) (target.About, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away != nil {
		return known, w.away
	}
	return w.about, nil
}

func (w *watched) FileTimes(context.Context) (target.FileTimes, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if w.blind != nil {
		return target.FileTimes{}, w.blind
	}
	for file, at := range w.output.Modified() {
		if !w.deaf[file] {
			w.read[file] = at.Unix()
		}
	}
	out := target.FileTimes{Modified: map[string]int64{}}
	for file, at := range w.read {
		out.Modified[file] = at
	}
	return out, nil
}

const (
	defaultFile = "targets/class/default/targets.json"
	ownFile     = "targets/own/15/own.json"
)

// observing runs a test against a controller whose Prometheus tells of itself.
func observing(t *testing.T, test func(t *testing.T, w *world, p *watched)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := &watched{output: w.output, deaf: map[string]bool{}, read: map[string]int64{}, about: target.About{Version: "3.15.0", Lifecycle: true, Started: time.Now()}}
		w.options.Observed = p
		w.start(w.server)
		w.wait(window + 2*readSoon)
		test(t, w, p)
		w.stop()
	})
}

func (w *world) scale(n int) {
	w.inventory.Scale(n)
	w.wait(window)
}

// gauge is a metric by its name; false where there is none.
func (w *world) gauge(name string) (float64, bool) {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

func TestWhatIsReadIsAskedOnlyWhileSomethingIsUnread(t *testing.T) {
	observing(t, func(t *testing.T, w *world, p *watched) {
		before := p.Asked()
		if before == 0 {
			t.Error("it was not asked after the first confirmation")
		}
		w.wait(time.Hour)
		if n := p.Asked(); n != before {
			t.Errorf("asked %d times in an idle hour", n-before)
		}
		w.scale(3)
		w.wait(readSoon)
		if n := p.Asked(); n != before+1 {
			t.Errorf("asked %d times after a change", n-before)
		}
		if n, _ := w.gauge("ecs_scrape_target_file_read_seconds"); n != 1 {
			t.Errorf("%v changes observed", n)
		}
		if n, ok := w.gauge("ecs_scrape_target_files_unread"); n != 0 || !ok {
			t.Errorf("%v, %v unread", n, ok)
		}
		for n := range 60 {
			w.scale(n%5 + 1)
		}
		if n := p.Asked() - before - 1; n < 10 || n > 13 {
			t.Errorf("asked %d times in a minute of changes", n)
		}
		if s := w.c.Status().Prometheus; len(s.Unread) > 0 || s.Lag > 0 {
			t.Errorf("while files keep changing: %+v", s)
		}
	})
}

// TestUnreadFile: it is told in the status and by metrics at once, and in the log
// and the state when it has lasted.
func TestUnreadFile(t *testing.T) {
	observing(t, func(t *testing.T, w *world, p *watched) {
		w.log.Take()
		p.Ignore(defaultFile)
		w.scale(3)
		w.wait(2 * readEvery)
		s := w.c.Status()
		if !slices.Equal(s.Prometheus.Unread, []string{defaultFile}) || s.Prometheus.Lag < 1 || s.State != StateOK {
			t.Errorf("soon: %s, %+v", s.State, s.Prometheus)
		}
		w.scale(4) // a newer version does not begin the time anew
		w.wait(readLate + readSlow)
		s = w.c.Status()
		if s.Prometheus.Lag < readLate.Seconds() || s.State != StateDegraded || !strings.Contains(s.Message, defaultFile) || !s.Ready {
			t.Errorf("late: %s %q, ready %v, %+v", s.State, s.Message, s.Ready, s.Prometheus)
		}
		if lag, _ := w.gauge("ecs_scrape_target_files_lag_seconds"); lag < readLate.Seconds() {
			t.Errorf("lag %v", lag)
		}
		w.wait(time.Hour)
		lines := w.log.Take()
		if n := len(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.Contains(l, "does not read target files") })); n != 1 {
			t.Errorf("logged %d times: %q", n, lines)
		}
		p.Heed(defaultFile)
		w.wait(readSlow)
		if s := w.c.Status(); len(s.Prometheus.Unread) > 0 || s.State != StateOK {
			t.Errorf("read: %s, %+v", s.State, s.Prometheus)
		}
		if lines := w.log.Take(); !slices.Contains(lines, "INFO Prometheus has read all target files again") {
			t.Errorf("logged %q", lines)
		}
	})
}

// TestPrometheusThatDoesNotTell: it is unknown what is read, which is no alarm,
// and it is asked seldom.
func TestPrometheusThatDoesNotTell(t *testing.T) {
	observing(t, func(t *testing.T, w *world, p *watched) {
		p.Blind(target.ErrNoFileTimes)
		w.scale(3)
		before := p.Asked()
		w.wait(time.Hour)
		if n := p.Asked() - before; n > 65 {
			t.Errorf("asked %d times in an hour", n)
		}
		s := w.c.Status()
		if len(s.Prometheus.Unread) > 0 || s.Prometheus.Lag > 0 || s.State != StateOK {
			t.Errorf("%s, %+v", s.State, s.Prometheus)
		}
		if _, ok := w.gauge("ecs_scrape_target_files_unread"); ok {
			t.Error("a metric of what is not known")
		}
		p.Blind(nil)
		w.wait(readBlind + readSoon)
		if n, ok := w.gauge("ecs_scrape_target_files_unread"); n != 0 || !ok {
			t.Errorf("%v, %v unread when it tells again", n, ok)
		}
	})
}

// TestFilesAreLookedAtAgainAfterARestart: a new process may be refused what the
// old one had.
func TestFilesAreLookedAtAgainAfterARestart(t *testing.T) {
	observing(t, func(t *testing.T, w *world, p *watched) {
		p.Ignore(defaultFile)
		p.set(func() { p.read = map[string]int64{} })
		w.server.Restart()
		w.wait(2*checkEvery + 2*readEvery)
		if s := w.c.Status().Prometheus; !slices.Equal(s.Unread, []string{defaultFile}) {
			t.Errorf("%+v", s)
		}
	})
}

// TestFilesOfARefusedConfigurationAreNotMissed: Prometheus does not know of a
// pool that it has refused, but it reads those that it had before.
func TestFilesOfARefusedConfigurationAreNotMissed(t *testing.T) {
	observing(t, func(t *testing.T, w *world, p *watched) {
		w.server.Refuse(w.rejects())
		p.Ignore(ownFile)
		w.write(map[string]string{"own.yaml": strings.Replace(targetText, "name: api", "name: own", 1) + "  scrapeConfig: {sample_limit: 5}\n"})
		if _, ok := w.output.Modified()[ownFile]; !ok {
			t.Fatalf("%s is not published: %v", ownFile, w.output.Modified())
		}
		w.wait(time.Hour)
		if s := w.c.Status().Prometheus; len(s.Unread) > 0 {
			t.Errorf("missed: %+v", s)
		}
		p.Ignore(defaultFile)
		w.scale(3)
		w.wait(2 * readEvery)
		if s := w.c.Status().Prometheus; !slices.Equal(s.Unread, []string{defaultFile}) {
			t.Errorf("a file that it has read before: %+v", s)
		}
	})
}

func TestDifferencesAreTold(t *testing.T) {
	observing(t, func(t *testing.T, w *world, p *watched) {
		s := w.c.Status().Prometheus
		if s.URL != "http://prometheus.test" || s.Version != "3.15.0" || len(s.Differences) > 0 || s.Started.IsZero() {
			t.Errorf("%+v", s)
		}
		w.log.Take()
		w.write(map[string]string{"main.yaml": strings.Replace(configText, "spec: {}", `spec: {prometheus: {version: "3.16", features: [promql-experimental-functions]}}`, 1)})
		s = w.c.Status().Prometheus
		if len(s.Differences) != 2 || !strings.Contains(s.Differences[0], "declares version 3.16, but Prometheus 3.15.0 answers") {
			t.Errorf("%q", s.Differences)
		}
		w.wait(time.Hour)
		if n, _ := w.gauge("ecs_scrape_prometheus_differences"); n != 2 {
			t.Errorf("%v differences", n)
		}
		lines := w.log.Take()
		if n := len(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.Contains(l, "not as declared") })); n != 2 {
			t.Errorf("logged %d: %q", n, lines)
		}
		// It is upgraded, and the file with its password is spoilt.
		p.set(func() {
			p.about = target.About{Version: "3.16.1", Features: []string{"promql-experimental-functions"}, Lifecycle: true, Started: time.Now()}
			p.problem = errors.New("http.yml: no")
		})
		w.wait(aboutEvery)
		s = w.c.Status().Prometheus
		if len(s.Differences) != 1 || !strings.Contains(s.Differences[0], "http.yml: no") || s.Version != "3.16.1" {
			t.Errorf("%+v", s)
		}
		p.set(func() { p.problem, p.away = nil, errBroken })
		w.wait(aboutEvery)
		if s := w.c.Status().Prometheus; len(s.Differences) > 0 || s.Version != "3.16.1" {
			t.Errorf("%+v", s)
		}
	})
}

func TestDifferences(t *testing.T) {
	plain := target.About{Version: "3.15.0", Lifecycle: true}
	with := func(change func(*target.About)) target.About {
		a := plain
		change(&a)
		return a
	}
	tests := map[string]struct {
		declared *spec.PrometheusVersion
		about    target.About
		want     []string // beginnings or parts, "!" before the grave ones
	}{
		"nothing declared":  {&spec.PrometheusVersion{}, plain, nil},
		"no configuration":  {nil, with(func(a *target.About) { a.Agent = true }), nil},
		"the same":          {&spec.PrometheusVersion{Version: "3.15"}, plain, nil},
		"the same, in full": {&spec.PrometheusVersion{Version: "v3.15.0"}, plain, nil},
		"the major alone":   {&spec.PrometheusVersion{Version: "3"}, plain, nil},
		"no version known":  {&spec.PrometheusVersion{Version: "3.15"}, with(func(a *target.About) { a.Version = "" }), nil},
		"nonsense":          {&spec.PrometheusVersion{Version: "3.15"}, with(func(a *target.About) { a.Version = "main" }), nil},
		"older": {
			&spec.PrometheusVersion{Version: "3.15"},
			with(func(a *target.About) { a.Version = "2.42.0+ds" }),
			[]string{`!declares version 3.15, but Prometheus 2.42.0+ds answers: it may refuse what is newer than itself; upgrade it, or declare "2.42"`},
		},
		"older by a patch": {&spec.PrometheusVersion{Version: "3.15.1"}, plain, []string{"!declares version 3.15.1"}},
		"newer":            {&spec.PrometheusVersion{Version: "3.9"}, plain, []string{`declares version 3.9, but Prometheus 3.15.0 answers: objects may not use what it knows beyond that until spec.prometheus.version is "3.15"`}},
		"no agent":         {&spec.PrometheusVersion{Agent: true}, plain, []string{"!declares an agent"}},
		"an agent":         {&spec.PrometheusVersion{}, with(func(a *target.About) { a.Agent, a.Features = true, []string{"agent"} }), []string{"!started with --agent"}},
		"features": {
			&spec.PrometheusVersion{Features: []string{"a,b", "c"}},
			with(func(a *target.About) { a.Features = []string{"b", "d"} }),
			[]string{"!add a, c to --enable-feature", "--enable-feature=d, which the PrometheusConfig does not declare"},
		},
		"auto-reload, declared as a feature": {
			&spec.PrometheusVersion{Features: []string{"auto-reload-config"}},
			with(func(a *target.About) { a.AutoReload = "30s" }),
			[]string{"(--config.auto-reload, every 30s)"},
		},
		"lifecycle off": {&spec.PrometheusVersion{}, with(func(a *target.About) { a.Lifecycle = false }), []string{"--web.enable-lifecycle"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := differences(tc.declared, tc.about)
			ok := len(got) == len(tc.want)
			for i := range min(len(got), len(tc.want)) {
				text, grave := strings.CutPrefix(tc.want[i], "!")
				ok = ok && got[i].grave == grave && strings.Contains(got[i].text, text)
			}
			if !ok {
				t.Errorf("%+v, want %q", got, tc.want)
			}
		})
	}
}

func TestNumbersOfAVersion(t *testing.T) {
	for version, want := range map[string][]int{
		"": nil, "3": {3}, "v3.15": {3, 15}, "2.42.0+ds": {2, 42, 0}, "3.0.0-rc.1": {3, 0, 0}, "x.1": nil, "1.2.3.4": {1, 2, 3},
		"99999999999999999999": nil,
	} {
		if diff := cmp.Diff(want, numbers(version)); diff != "" {
			t.Errorf("%q: -want +got\n%s", version, diff)
		}
	}
}

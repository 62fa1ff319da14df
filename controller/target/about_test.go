package target

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRealPrometheusTellsAboutItself: also without the version, as one does that
// was built from the module alone.
func TestRealPrometheusTellsAboutItself(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	p := newPublished(t, address)
	publish(t, p.Directory, realConfig("", "groups: []\n"))
	startPrometheus(t, p.ConfigPath(), t.TempDir(), address, "--enable-feature=promql-experimental-functions,exemplar-storage",
		"--enable-feature=exemplar-storage", "--config.auto-reload", "--config.auto-reload-interval=7s")
	waitReady(t, p.reloader.Prometheus)
	got, err := p.reloader.Prometheus.About(t.Context(), About{})
	if err != nil {
		t.Fatal(err)
	}
	want := About{
		Version: got.Version, Started: got.Started, AutoReload: "7s",
		Features: []string{"exemplar-storage", "promql-experimental-functions"},
	}
	if diff := cmp.Diff(want, got); diff != "" || time.Since(got.Started) > time.Hour {
		t.Errorf("About() (-want +got):\n%s", diff)
	}
	if again, err := p.reloader.Prometheus.About(t.Context(), got); err != nil || !again.Equal(got) {
		t.Errorf("asked again: %+v, %v", again, err)
	}
}

func TestRealPrometheusStartedPlainly(t *testing.T) {
	t.Parallel()
	eachBinary(t, func(t *testing.T, binary string) {
		address := freeAddress(t)
		p := newPublished(t, address)
		publish(t, p.Directory, realConfig("", "groups: []\n"))
		startBinary(t, binary, p.ConfigPath(), t.TempDir(), address, "--web.enable-lifecycle")
		waitReady(t, p.reloader.Prometheus)
		got, err := p.reloader.Prometheus.About(t.Context(), About{})
		if err != nil || !got.Lifecycle || got.Agent || got.AutoReload != "" || len(got.Features) > 0 {
			t.Errorf("About() = %+v, %v", got, err)
		}
	})
}

func TestAboutOfFlags(t *testing.T) {
	tests := map[string]struct {
		flags map[string]string
		want  About
	}{
		"none":                 {nil, About{}},
		"agent of 3":           {map[string]string{"agent": "true"}, About{Agent: true}},
		"agent of 2":           {map[string]string{"enable-feature": "agent"}, About{Agent: true, Features: []string{"agent"}}},
		"auto-reload of 3.0":   {map[string]string{"enable-feature": "auto-reload-config", "config.auto-reload-interval": "30s"}, About{AutoReload: "30s", Features: []string{"auto-reload-config"}}},
		"auto-reload, off":     {map[string]string{"config.auto-reload": "false", "config.auto-reload-interval": "30s"}, About{}},
		"auto-reload, unclear": {map[string]string{"config.auto-reload": "true"}, About{AutoReload: "an unknown time"}},
		"endless":              {map[string]string{"enable-feature": strings.Repeat("x", 1<<20)}, About{Features: []string{strings.Repeat("x", maxVersion)}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, aboutOf(tc.flags)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestRealPrometheusTellsWhatItHasRead: the file of a pool as it is now.
func TestRealPrometheusTellsWhatItHasRead(t *testing.T) {
	t.Parallel()
	eachBinary(t, func(t *testing.T, binary string) {
		const notified = "targets/alertmanager/main/targets.json"
		address := freeAddress(t)
		p := newPublished(t, address)
		write(t, p.Directory, time.Now(), pool(notified, "127.0.0.1:9093"))
		publish(t, p.Directory, realConfig("alerting: {alertmanagers: [{file_sd_configs: [{files: [../"+notified+"]}]}]}\n", "groups: []\n"))
		startBinary(t, binary, p.ConfigPath(), t.TempDir(), address, "--web.enable-lifecycle")
		p.confirmed(t)
		p.waitRead(t)
		first := p.Modified()[classPath]
		for !time.Now().Truncate(time.Second).After(first) {
			<-time.After(20 * time.Millisecond)
		}
		write(t, p.Directory, time.Now().Add(time.Minute), pool(classPath, "127.0.0.1:2"))
		if again := p.Modified()[classPath]; again.Unix() <= first.Unix() {
			t.Fatalf("modified %s, and then %s", first, again)
		}
		p.waitRead(t)
	})
}

// waitRead blocks until Prometheus has read every target file as it is.
func (p *published) waitRead(t *testing.T) {
	t.Helper()
	want := map[string]int64{}
	for file, at := range p.Modified() {
		want[file] = at.Unix()
	}
	limit := time.Now().Add(time.Minute)
	for {
		got, err := p.reloader.Prometheus.FileTimes(t.Context())
		if err == nil && len(want) > 0 && maps.Equal(got.Modified, want) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("read %v, %v; want %v", got, err, want)
		}
		<-time.After(50 * time.Millisecond)
	}
}

const somePage = `# HELP go_goroutines Number.
# TYPE go_goroutines gauge
go_goroutines 12
# HELP prometheus_sd_file_mtime_seconds Timestamp (mtime) of files read by FileSD.
# TYPE prometheus_sd_file_mtime_seconds gauge
prometheus_sd_file_mtime_seconds{filename="/elsewhere/targets/class/default/targets.json"} 1.763893593e+09
prometheus_sd_file_mtime_seconds{filename="/elsewhere/targets/own/07/a.json"} 1.7e+09
prometheus_sd_file_mtime_seconds{filename="/etc/prometheus/mine.json"} 1.7e+09
prometheus_sd_file_mtime_seconds{filename="/a/targets/b.json"} NaN
# HELP prometheus_sd_file_read_errors_total The number.
# TYPE prometheus_sd_file_read_errors_total counter
prometheus_sd_file_read_errors_total 2
# HELP prometheus_sd_file_watcher_errors_total The number.
# TYPE prometheus_sd_file_watcher_errors_total counter
prometheus_sd_file_watcher_errors_total 1
# HELP prometheus_z Z.
# TYPE prometheus_z gauge
prometheus_z 1
prometheus_sd_file_mtime_seconds{filename="/elsewhere/targets/own/07/late.json"} 1
`

func TestFileTimes(t *testing.T) {
	tests := map[string]struct {
		page string
		want map[string]int64
		err  string
	}{
		"prometheus": {somePage, map[string]int64{"targets/class/default/targets.json": 1763893593, "targets/own/07/a.json": 1700000000}, ""},
		"none read":  {"a 1\nprometheus_sd_file_read_errors_total 0\nz 1\n", map[string]int64{}, ""},
		"cut off":    {`prometheus_sd_file_mtime_seconds{filename="/x/targets/class/a/targets.json"} 5`, map[string]int64{"targets/class/a/targets.json": 5}, ""},
		"a long line before it": {
			"a{x=\"" + strings.Repeat("y", 200<<10) + "\"} 1\nprometheus_sd_file_mtime_seconds{filename=\"/x/targets/class/a/targets.json\"} 5\n",
			map[string]int64{"targets/class/a/targets.json": 5},
			"",
		},
		"another program's": {"go_goroutines 12\n", nil, "says nothing of file discovery"},
		"empty":             {"", nil, "says nothing of file discovery"},
		"nonsense":          {"prometheus_sd_file_mtime_seconds{filename=} x\n", nil, "not Prometheus's"},
		"too much":          {strings.Repeat("prometheus_sd_file_mtime_seconds{filename=\"x\"} 5\n", maxFileTimes/40), nil, "more than 8 MiB"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := NewPrometheus("http://prometheus.test", PrometheusOptions{Transport: fixed(tc.page)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.FileTimes(t.Context())
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("error %v, want one with %q", err, tc.err)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got.Modified); diff != "" || err != nil {
				t.Errorf("%v; -want +got\n%s", err, diff)
			}
			if name == "prometheus" && (!got.WatchFailed || got.ReadFailed != 2) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// FuzzAnswers: whatever a program answers in Prometheus's place, it is an error
// or a bounded value.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		somePage, "", "{}", "null", `{"status":"success"}`, `{"status":"success","data":null}`, `{"status":"success","data":[]}`,
		`{"status":"success","data":{"startTime":"2026-01-02T03:04:05.6Z","CWD":"/","reloadConfigSuccess":true,"lastConfigTime":"2026-01-02T03:04:05Z"}}`,
		`{"status":"success","data":{"config.file":"/a","enable-feature":"a,,b,agent","config.auto-reload":"true"}}`,
		`{"status":"success","data":{"scrapePools":["a",null]}}`, `{"status":"success","data":{"version":"3.15.0"}}`,
		`{"status":"error","error":"x"}`, `{"status":1}`, "\xff\xfe", "prometheus_sd_file_mtime_seconds{filename=\"/x/targets/class/a/targets.json\"} +Inf\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		p, err := NewPrometheus("http://prometheus.test", PrometheusOptions{Transport: fixed(answer)})
		if err != nil {
			t.Fatal(err)
		}
		r := &Reloader{Prometheus: p}
		_, _, _ = r.Check(t.Context(), Want{})
		_, _ = r.Missing(t.Context(), Want{Pools: func() []string { return []string{"a"} }})
		if flags, err := p.Flags(t.Context()); err == nil {
			checkAbout(t, aboutOf(flags))
		}
		if a, err := p.About(t.Context(), About{}); err == nil {
			checkAbout(t, a)
		}
		times, err := p.FileTimes(t.Context())
		for file, at := range times.Modified {
			if checkPoolPath(file) != nil || at < 0 {
				t.Errorf("%q was read at %d", file, at)
			}
		}
		if err == nil && times.Modified == nil && !errors.Is(err, ErrNoFileTimes) {
			t.Error("nothing, and no error")
		}
	})
}

func checkAbout(t *testing.T, a About) {
	t.Helper()
	if len(a.Version) > 3*maxVersion || len(a.Features) > maxFeatures || !slices.IsSorted(a.Features) {
		t.Errorf("%+v", a)
	}
}

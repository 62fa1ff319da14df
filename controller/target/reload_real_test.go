package target

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ecs-scrape/reconcile/artifact"
)

// before passes requests on to a Prometheus, each after it was shown.
func before(t *testing.T, address string, look func(w http.ResponseWriter, r *http.Request) (pass bool)) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if look(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/prefix"
}

// TestRealPrometheusRestartsDuringAReload: the reload is never answered, and what
// it asked for is what the new process starts with.
func TestRealPrometheusRestartsDuringAReload(t *testing.T) {
	t.Parallel()
	address, storage := freeAddress(t), t.TempDir()
	var restart atomic.Pointer[func()] // at the next reload
	p := newPublishedAt(t, before(t, address, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return true
		}
		now := restart.Swap(nil)
		if now == nil {
			return true
		}
		(*now)()
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
		return false
	}), PrometheusOptions{})
	publish(t, p.Directory, realConfig("", "groups: []\n"))
	server := startPrometheus(t, p.ConfigPath(), storage, address, "--web.enable-lifecycle")
	first := p.confirmed(t)
	again := func() {
		_ = server.cmd.Process.Kill()
		_ = server.cmd.Wait()
		startPrometheus(t, p.ConfigPath(), storage, address, "--web.enable-lifecycle")
	}
	restart.Store(&again)
	publish(t, p.Directory, realConfig("  scrape_interval: 7s\n", "groups: []\n"))
	if got := p.confirmed(t); got.Reloaded || !got.Started.After(first.Started) {
		t.Errorf("after its restart: %+v\n%s", got, strings.Join(p.states, "\n"))
	}
	if !slices.ContainsFunc(p.states, func(s string) bool { return strings.HasPrefix(s, StateUnreachable) }) {
		t.Errorf("nothing was told of the broken reload: %q", p.states)
	}
}

// TestNothingIsPostedBeforePrometheusIsReady: while the WAL is replayed a reload
// would hang.
func TestNothingIsPostedBeforePrometheusIsReady(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	var asked, early atomic.Int64
	p := newPublishedAt(t, before(t, address, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case asked.Load() > 5:
			return true
		case r.Method == http.MethodPost:
			early.Add(1)
			<-r.Context().Done()
		default:
			asked.Add(1)
			http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
		}
		return false
	}), PrometheusOptions{})
	publish(t, p.Directory, realConfig("", "groups: []\n"))
	startPrometheus(t, p.ConfigPath(), t.TempDir(), address, "--web.enable-lifecycle")
	publish(t, p.Directory, realConfig("  scrape_interval: 7s\n", "groups: []\n"))
	p.confirmed(t)
	if n := early.Load(); n > 0 || !strings.HasPrefix(p.states[0], StateStarting) {
		t.Errorf("%d early reloads; %q", n, p.states)
	}
}

// TestRealPrometheusReloadsByItself: what it loads before it is asked to, and
// what it refuses meanwhile, changes nothing about the outcome.
func TestRealPrometheusReloadsByItself(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	p := newPublished(t, address)
	good := realConfig("", "groups: []\n")
	publish(t, p.Directory, good)
	server := startPrometheus(t, p.ConfigPath(), t.TempDir(), address, "--web.enable-lifecycle", "--config.auto-reload", "--config.auto-reload-interval=1s")
	p.confirmed(t)

	loads := server.loads()
	publish(t, p.Directory, realConfig("  scrape_interval: 7s\n", "groups: []\n"))
	server.waitLoads(t, loads+1) // by itself
	p.confirmed(t)

	publish(t, p.Directory, realConfig("nonsense: 1\n", "groups: []\n"))
	server.waitLog(t, "Error reloading config")
	if _, err := p.ensure(t); !isA[*RejectedError](err) || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("refused by both: %v", err)
	}
	publish(t, p.Directory, good)
	p.confirmed(t)
}

// loads counts the configurations that were loaded, at the start too.
func (p *realPrometheus) loads() int {
	return strings.Count(p.log.String(), "Completed loading of configuration file")
}

func (p *realPrometheus) waitLoads(t *testing.T, n int) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); p.loads() < n; <-time.After(20 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d loads, want %d", p.loads(), n)
		}
	}
}

func (p *realPrometheus) waitLog(t *testing.T, words string) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !strings.Contains(p.log.String(), words); <-time.After(20 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("not logged: %q", words)
		}
	}
}

// TestRealPrometheusReadsAnotherFile: both paths are told, from its own flags.
func TestRealPrometheusReadsAnotherFile(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	p := newPublished(t, address)
	publish(t, p.Directory, realConfig("", "groups: []\n"))
	other := filepath.Join(t.TempDir(), artifact.ConfigFile)
	put(t, other, "global: {}\n")
	startPrometheus(t, other, t.TempDir(), address, "--web.enable-lifecycle")
	err := p.until(t, isA[*OtherConfigError])
	for _, name := range []string{other, p.ConfigPath()} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/awssim"
)

// patience is how long a test waits for a state of the world: well above what
// Prometheus needs to take up a target (10 s), on a slow and busy machine.
const patience = 90 * time.Second

// prometheusBinary is a Prometheus to run against.
type prometheusBinary struct {
	name  string
	path  string
	flags []string
}

// current is the Prometheus that the project pins.
func current(t testing.TB) prometheusBinary {
	t.Helper()
	return prometheusBinary{
		name: "3.15", path: binary(t, "PROMETHEUS_BIN", "../../bin/tools/prometheus"),
		flags: []string{"--scrape.discovery-reload-interval=1s"},
	}
}

// debian is the older Prometheus of Debian; nil where it is not installed,
// which CI does not allow.
func debian(t *testing.T) *prometheusBinary {
	t.Helper()
	path := os.Getenv("DEBIAN_PROMETHEUS_BIN")
	if path == "" {
		path = "/usr/bin/prometheus"
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("Debian's prometheus is missing: %v", err)
		}
		t.Log("Debian's prometheus is not installed: the compatibility run is left to CI")
		return nil
	}
	return &prometheusBinary{name: "debian", path: path}
}

// eachPrometheus runs a test with every Prometheus there is.
func eachPrometheus(t *testing.T, run func(t *testing.T, p prometheusBinary)) {
	all := []prometheusBinary{current(t)}
	if d := debian(t); d != nil {
		all = append(all, *d)
	}
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			run(t, p)
		})
	}
}

// binary finds a tool by its environment variable, else where make puts it.
func binary(t testing.TB, env, otherwise string) string {
	t.Helper()
	path := os.Getenv(env)
	if path == "" {
		path = otherwise
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s: %v", env, err)
		}
		t.Skipf("no %s: run `make test`", env)
	}
	return path
}

// world is a simulated account, specs, an output directory, and the processes
// of one test.
type world struct {
	t      testing.TB
	sim    *awssim.Sim
	specs  string
	output string
	web    string   // host:port of the controller
	prom   string   // host:port of Prometheus
	env    []string // of the controller, besides the account's
	// interval is --specs.interval; "" is a second.
	interval string

	controller *process
	prometheus *process
}

func newWorld(t testing.TB, o awssim.Options) *world {
	t.Helper()
	sim, err := awssim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	dir := t.TempDir()
	w := &world{
		t: t, sim: sim, specs: filepath.Join(dir, "specs"), output: filepath.Join(dir, "output"),
		web: freeAddress(t), prom: freeAddress(t),
	}
	if err := os.Mkdir(w.specs, 0o755); err != nil {
		t.Fatal(err)
	}
	return w
}

// process is a child process with what it has logged.
type process struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	log  lockedBuffer
	done chan struct{}
	err  error // valid once done is closed
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs a program until stop, or until the test ends.
func (w *world) start(name, path string, env []string, args ...string) *process {
	w.t.Helper()
	// Not the test's context: it ends before the clean-ups that stop processes in order.
	cmd := exec.CommandContext(context.Background(), path, args...)
	p := &process{t: w.t, name: name, cmd: cmd, done: make(chan struct{})}
	p.cmd.Env = env
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	w.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if w.t.Failed() {
			w.t.Logf("log of %s:\n%s", name, tail(p.log.String(), 6000))
		}
	})
	return p
}

// stop ends the process as ECS does, and returns how long that took.
func (p *process) stop() time.Duration {
	p.t.Helper()
	start := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end at SIGTERM", p.name)
	}
	return time.Since(start)
}

// environment is the simulated account's, without what this machine has set.
func (w *world) environment() []string {
	// The race detector would sleep for a second at the end of the process.
	env := append(w.sim.Env(), asProgram+"=1", "GORACE=atexit_sleep_ms=0", "PATH="+os.Getenv("PATH"), "HOME="+w.t.TempDir())
	return append(env, w.env...)
}

// startController runs `ecs-scrape run` on the world.
func (w *world) startController() {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	w.controller = w.start("ecs-scrape", self, w.environment(),
		"run", "--specs", w.specs, "--specs.interval", cmp.Or(w.interval, "1s"), "--output", w.output, "--prometheus.url", "http://"+w.prom,
		"--web.listen-address", w.web, "--ecs.poll-interval", "1s", "--log.level", "debug")
}

// startPrometheus runs Prometheus on the published directory as the docs tell.
func (w *world) startPrometheus(p prometheusBinary) {
	w.t.Helper()
	w.startPrometheusOn(p, filepath.Join(w.output, "current", "prometheus.yml"), "--web.enable-lifecycle")
}

// startPrometheusOn runs Prometheus on a configuration file.
func (w *world) startPrometheusOn(p prometheusBinary, config string, args ...string) {
	w.t.Helper()
	all := append([]string{
		"--config.file=" + config, "--web.listen-address=" + w.prom,
		"--storage.tsdb.path=" + filepath.Join(w.t.TempDir(), "data"), "--log.level=debug",
	}, p.flags...)
	w.prometheus = w.start("prometheus", p.path, []string{"PATH=" + os.Getenv("PATH")}, append(all, args...)...)
}

// startAll starts both in the order of ECS: Prometheus waits for the first
// healthy check.
func (w *world) startAll(p prometheusBinary) {
	w.t.Helper()
	w.startController()
	w.healthy()
	w.startPrometheus(p)
}

// healthy waits until `ecs-scrape healthcheck` succeeds.
func (w *world) healthy() {
	w.t.Helper()
	w.eventually("healthcheck succeeds", func() error {
		code, out := w.command("healthcheck", "--web.listen-address", w.web)
		if code != 0 {
			return fmt.Errorf("exit %d: %s", code, out)
		}
		return nil
	})
}

// command runs a subcommand to its end.
func (w *world) command(args ...string) (code int, output string) {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.t.Context(), self, args...)
	cmd.Env = w.environment()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// write writes a spec file as an editor or a deployment does: by rename.
func (w *world) write(name, text string) {
	w.t.Helper()
	staged := filepath.Join(w.t.TempDir(), "staged")
	if err := os.WriteFile(staged, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(staged, filepath.Join(w.specs, name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(name string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.specs, name)); err != nil {
		w.t.Fatal(err)
	}
}

// eventually waits until a state of the world holds.
func (w *world) eventually(what string, check func() error) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain until %s: %v", what, err)
		}
		w.alive()
		<-time.After(100 * time.Millisecond)
	}
}

// alive fails early where a process has ended that should not.
func (w *world) alive() {
	w.t.Helper()
	for _, p := range []*process{w.controller, w.prometheus} {
		if p == nil {
			continue
		}
		select {
		case <-p.done:
			w.t.Fatalf("%s has ended: %v", p.name, p.err)
		default:
		}
	}
}

// get reads a page; a status other than 200 is an error with the body.
func get(u string) ([]byte, error) {
	status, body, err := fetch(u)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: %d: %s", u, status, tail(string(body), 400))
	}
	return body, err
}

func fetch(u string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, u, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, errors.Join(err, response.Body.Close())
}

// status is the controller's own.
func (w *world) status() (*controller.Status, error) {
	body, err := get("http://" + w.web + "/api/v1/status")
	if err != nil {
		return nil, err
	}
	s := &controller.Status{}
	return s, json.Unmarshal(body, s)
}

// ready waits until what the specs ask for is published and confirmed.
func (w *world) ready() {
	w.t.Helper()
	w.eventually("the controller is ready", func() error {
		_, err := get("http://" + w.web + "/readyz")
		return err
	})
}

// activeTarget is a target as Prometheus reports it.
type activeTarget struct {
	ScrapePool string            `json:"scrapePool"`
	ScrapeURL  string            `json:"scrapeUrl"`
	Health     string            `json:"health"`
	LastError  string            `json:"lastError"`
	Labels     map[string]string `json:"labels"`

	ScrapeInterval string `json:"scrapeInterval"`
	ScrapeTimeout  string `json:"scrapeTimeout"`
}

func (w *world) targets() ([]activeTarget, error) {
	body, err := get("http://" + w.prom + "/api/v1/targets?state=active")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			ActiveTargets []activeTarget `json:"activeTargets"`
		} `json:"data"`
	}
	return answer.Data.ActiveTargets, json.Unmarshal(body, &answer)
}

// query evaluates an instant query and returns the number of series.
func (w *world) query(expr string) (series int, err error) {
	body, err := get("http://" + w.prom + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct{ Result []json.RawMessage }
	}
	err = json.Unmarshal(body, &answer)
	return len(answer.Data.Result), err
}

// reloads counts how often Prometheus has loaded its configuration, as its log
// tells: once at its start, and once per reload.
func (w *world) reloads() int {
	return strings.Count(w.prometheus.log.String(), "Completed loading of configuration file") - 1
}

// listening are the URLs that the simulator's running tasks answer and that the
// test expects to be scraped.
func (w *world) listening(expected func(awssim.Listener) bool) []string {
	var urls []string
	for _, l := range w.sim.Listeners() {
		if expected(l) {
			urls = append(urls, l.URL())
		}
	}
	slices.Sort(urls)
	return urls
}

// scraped waits until exactly the expected listeners, Prometheus itself and the
// controller are targets of Prometheus, all up, and until each of them counts another scrape.
func (w *world) scraped(expected func(awssim.Listener) bool) {
	w.t.Helper()
	w.eventually("exactly the expected endpoints are up", func() error { return w.exactlyUp(expected) })
	before := w.sim.Scrapes()
	w.eventually("every endpoint counts another scrape", func() error {
		now := w.sim.Scrapes()
		for _, u := range w.listening(expected) {
			if now[u] <= before[u] {
				return fmt.Errorf("%s stays at %d scrapes", u, now[u])
			}
		}
		return nil
	})
}

func (w *world) exactlyUp(expected func(awssim.Listener) bool) error {
	want := append(w.listening(expected), "http://"+w.prom+"/metrics", "http://"+w.web+"/metrics")
	slices.Sort(want)
	active, err := w.targets()
	if err != nil {
		return err
	}
	var got, down []string
	for _, a := range active {
		if !strings.HasPrefix(a.ScrapePool, "ecs-scrape/") {
			continue
		}
		got = append(got, a.ScrapeURL)
		if a.Health != "up" {
			down = append(down, a.ScrapeURL+" "+a.LastError)
		}
	}
	slices.Sort(got)
	if !slices.Equal(want, got) {
		return fmt.Errorf("%d expected, %d active\nexpected %v\nactive   %v", len(want), len(got), short(want), short(got))
	}
	if len(down) > 0 {
		return fmt.Errorf("%d of %d are not up: %v", len(down), len(want), short(down))
	}
	return nil
}

// nothingElse asserts that no endpoint but the expected ones was ever scraped.
func (w *world) nothingElse(expected func(awssim.Listener) bool) {
	w.t.Helper()
	allowed := w.listening(expected)
	for u, n := range w.sim.Scrapes() {
		if n > 0 && !slices.Contains(allowed, u) {
			w.t.Errorf("%s was scraped %d times and should not be", u, n)
		}
	}
}

func short(s []string) []string {
	if len(s) > 12 {
		return append(slices.Clone(s[:12]), "...")
	}
	return s
}

func tail(s string, n int) string {
	if len(s) > n {
		return "..." + s[len(s)-n:]
	}
	return s
}

func freeAddress(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	must(t, l.Close())
	return address
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

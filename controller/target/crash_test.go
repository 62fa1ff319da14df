package target_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/targetgroup"
)

const (
	// crashSeed is the environment variable that plays a run again, and crashRounds
	// the number of rounds in which every kind of step is met, in another
	// publication each.
	crashSeed   = "ECS_SCRAPE_CRASH_SEED"
	crashRounds = "ECS_SCRAPE_CRASH_ROUNDS"
	// lead is how many publications a child makes before that in which it is killed.
	lead = 18
	// atRandom is how many kills of a round are at random moments and times.
	atRandom = 40
)

// kill is where a child ends: at a kind of step, else at a moment, else at a time.
type kill struct {
	publication  int
	kind         string
	opening      bool // the step is of the start of a process
	moment       int
	milliseconds int
}

// TestCrash kills processes that publish with SIGKILL: before and after every
// step of every kind of publication, and at random. After each the directory
// loads, and the next start makes of it what it would have been.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of processes")
	}
	seed := number(t, crashSeed, time.Now().UnixNano())
	t.Logf("%s=%d plays this again", crashSeed, seed)
	c := &crashes{t: t, prometheus: fakeServer(t), golden: []map[string]string{{}}, judged: map[string]bool{}}
	kills := c.rehearse(rand.New(rand.NewPCG(uint64(seed), 0)), int(number(t, crashRounds, 1)))
	work := make(chan kill)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for k := range work {
				c.crash(k)
			}
		})
	}
	start := time.Now()
	for _, k := range kills {
		work <- k
	}
	close(work)
	workers.Wait()
	t.Logf("%d processes killed, %d at the step that was meant, over %d publications in %s; promtool judged %d of them",
		len(kills), c.met.Load(), c.published.Load(), time.Since(start).Round(time.Second), len(c.judged))
	if n := c.published.Load(); n < 2000 {
		t.Errorf("only %d publications were killed over", n)
	}
}

func number(t *testing.T, env string, otherwise int64) int64 {
	text := os.Getenv(env)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fakeServer is a Prometheus that takes everything.
func fakeServer(t *testing.T) string {
	var loaded atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data := map[string]any{}
		switch r.URL.Path {
		case "/-/reload":
			loaded.Store(time.Now().Unix())
		case "/api/v1/status/runtimeinfo":
			data = map[string]any{"startTime": time.Unix(0, 0), "CWD": "/", "reloadConfigSuccess": true, "lastConfigTime": time.Unix(loaded.Load(), 0)}
		case "/api/v1/status/flags":
			data = map[string]any{"config.file": "/current/prometheus.yml", "web.enable-lifecycle": "true"}
		case "/api/v1/status/buildinfo":
			data = map[string]any{"version": "3.15.0"}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// crashes is one run of TestCrash.
type crashes struct {
	t          *testing.T
	prometheus string
	golden     []map[string]string // the directory after so many publications
	starts     []string            // copies of it, to start from
	published  atomic.Int64
	met        atomic.Int64 // kills at the very step, or moment, that was meant

	failures atomic.Int64

	mu     sync.Mutex
	judged map[string]bool // by promtool: the steps
}

// rehearse publishes undisturbed, three rounds of the script, and says where to kill.
func (c *crashes) rehearse(random *rand.Rand, rounds int) (kills []kill) {
	dir := scratch(c.t)
	met := map[string][]kill{}
	all := script()
	for g := range 3 * len(all) {
		opening := true
		hook := func(step, path string, after bool) error {
			kind := kindOf(dir, step, path, after)
			met[kind] = append(met[kind], kill{publication: g, kind: kind, opening: opening})
			return nil
		}
		c.starts = append(c.starts, copyOf(c.t, dir))
		p, err := newPublisher(dir, c.prometheus, hook)
		opening = false
		if err == nil {
			err = p.publish(all[g%len(all)])
		}
		if err != nil {
			c.t.Fatal(all[g%len(all)].name, err)
		}
		c.golden = append(c.golden, snapshot(c.t, dir))
	}
	for range rounds {
		for _, kind := range slices.Sorted(maps.Keys(met)) {
			kills = append(kills, met[kind][random.IntN(len(met[kind]))])
		}
		for range atRandom / 2 {
			kills = append(kills,
				kill{publication: random.IntN(3 * len(all)), moment: 1 + random.IntN(150)},
				kill{publication: random.IntN(3 * len(all)), milliseconds: 1 + random.IntN(60)})
		}
	}
	random.Shuffle(len(kills), func(i, j int) { kills[i], kills[j] = kills[j], kills[i] })
	return kills
}

// crash has one child killed, and looks at what it leaves.
func (c *crashes) crash(k kill) {
	if c.failures.Load() > 5 {
		return
	}
	first := max(0, k.publication-lead)
	if k.opening {
		first = k.publication
	}
	dir := copyOf(c.t, c.starts[first])
	defer func() { _ = os.RemoveAll(dir) }()
	g, out := c.child(dir, first, k)
	if g < 0 {
		c.failures.Add(1)
		c.t.Errorf("%+v: the child failed: %s", k, out)
		return
	}
	c.published.Add(int64(g - first + 1))
	if err := errors.Join(c.loads(dir, g), c.judge(dir, k)); err != nil {
		c.failures.Add(1)
		c.t.Errorf("%+v, killed in publication %d (%s): %v", k, g, script()[g%len(script())].name, err)
	}
	c.repaired(dir, g, k)
}

// child runs one, and says in which publication it ended; -1 where it failed.
func (c *crashes) child(dir string, first int, k kill) (last int, output string) {
	cmd := exec.CommandContext(c.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashURL+"="+c.prometheus, "GORACE=atexit_sleep_ms=0",
		crashKind+"="+k.kind, fmt.Sprintf("%s=%d %d %d", crashPlan, first, k.publication, k.moment))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return -1, err.Error()
	}
	last = first
	timer := time.AfterFunc(time.Hour, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if lines.Text() == "met" {
			c.met.Add(1)
		} else if n, err := strconv.Atoi(lines.Text()); err == nil {
			last = n
			if k.milliseconds > 0 && n == k.publication {
				timer.Reset(time.Duration(k.milliseconds) * time.Millisecond)
			}
		}
	}
	err = cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		return -1, fmt.Sprint(err, errs.String())
	}
	return last, ""
}

// loads says that Prometheus's own parsers take what is there, and that no
// target is lost that runs before and after.
func (c *crashes) loads(dir string, g int) error {
	before, after := c.golden[g], c.golden[g+1]
	to, err := os.Readlink(filepath.Join(dir, "current"))
	if err != nil {
		if _, had := before["current"]; had {
			return err
		}
		return nil // nothing was published yet
	}
	if filepath.Dir(to) != "." {
		return fmt.Errorf("current leads to %s", to)
	}
	main := filepath.Join(dir, "current", "prometheus.yml")
	loaded, err := config.LoadFile(main, false, promslog.NewNopLogger())
	if err != nil {
		return err
	}
	for _, job := range loaded.ScrapeConfigs {
		for _, sd := range job.ServiceDiscoveryConfigs {
			if err := readable(sd.(*file.SDConfig).Files); err != nil {
				return fmt.Errorf("job %s: %w", job.JobName, err)
			}
		}
		if auth := job.HTTPClientConfig.Authorization; auth != nil && auth.CredentialsFile != "" {
			if data, err := os.ReadFile(auth.CredentialsFile); err != nil || len(data) == 0 {
				return fmt.Errorf("secret %q: %w", data, err)
			}
		}
	}
	return c.targetsStay(dir, before, after)
}

func readable(patterns []string) error {
	for _, pattern := range patterns {
		if _, err := os.Stat(filepath.Dir(pattern)); err != nil {
			return err // Prometheus would never watch it
		}
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, name := range found {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			var groups []*targetgroup.Group
			if err := json.Unmarshal(data, &groups); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

var address = regexp.MustCompile(`10\.0\.0\.[0-9]+:[0-9]+`)

func (c *crashes) targetsStay(dir string, before, after map[string]string) error {
	for path, text := range before {
		later, stays := after[path]
		if !strings.HasPrefix(path, "targets/") || !stays || !strings.HasSuffix(path, ".json") {
			continue
		}
		now, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return err
		}
		for _, a := range address.FindAllString(text, -1) {
			if strings.Contains(later, `"`+a+`"`) && !strings.Contains(string(now), `"`+a+`"`) {
				return fmt.Errorf("%s has lost %s: %s", path, a, now)
			}
		}
	}
	return nil
}

// judge asks promtool once for each step, before and after it.
func (c *crashes) judge(dir string, k kill) error {
	words := strings.Fields(k.kind + " at random")
	step := strings.Join(words[:2], " ")
	_, missing := os.Lstat(filepath.Join(dir, "current"))
	c.mu.Lock()
	known := c.judged[step]
	c.judged[step] = known || missing == nil
	c.mu.Unlock()
	tool := os.Getenv("PROMTOOL_BIN")
	if known || tool == "" {
		return nil
	}
	if missing != nil {
		return nil //nolint:nilerr // nothing is published yet, which is sound
	}
	out, err := exec.CommandContext(c.t.Context(), tool, "check", "config", filepath.Join(dir, "current", "prometheus.yml")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("promtool: %w\n%s", err, out)
	}
	return nil
}

// repaired starts on what is left, and compares with an undisturbed run.
func (c *crashes) repaired(dir string, g int, k kill) {
	p, err := newPublisher(dir, c.prometheus, nil)
	if err == nil {
		err = p.publish(script()[g%len(script())])
	}
	if err != nil {
		c.t.Errorf("%+v: the next start: %v", k, err)
		return
	}
	if diff := cmp.Diff(c.golden[g+1], snapshot(c.t, dir)); diff != "" {
		c.failures.Add(1)
		c.t.Errorf("%+v, killed in publication %d: the next start does not repair (-want +got):\n%s", k, g, diff)
	}
	if intact := p.out.Intact(); !intact {
		c.t.Errorf("%+v: not intact", k)
	}
}

// scratch is a directory in memory, where the system has such: tens of thousands
// of files are synced.
func scratch(t *testing.T) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "ecs-scrape-crash"); err == nil { //nolint:usetesting // of no test's directory, but in memory
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

// copyOf copies a directory with its modes and times.
func copyOf(t *testing.T, from string) string {
	t.Helper()
	to := scratch(t)
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	return to
}

// snapshot is every path with its mode and content, but for the lock.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		info, err := e.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String() + " "
		switch {
		case info.Mode().Type() == fs.ModeSymlink:
			to, err := os.Readlink(name)
			out[rel] = text + to
			return err
		case info.Mode().IsRegular():
			data, err := os.ReadFile(name)
			out[rel] = text + string(data)
			return err
		}
		out[rel] = text
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

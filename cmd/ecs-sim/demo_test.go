package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// demoWithin bounds every wait for the demo. Prometheus takes up to ten
// seconds to notice targets, and a shared machine some more.
const demoWithin = time.Minute

// runningDemo is `ecs-sim demo` as a process of its own, with all of its
// children.
type runningDemo struct {
	t          *testing.T
	cmd        *exec.Cmd
	in         io.Writer
	dir        string
	printed    string // path of what it prints
	ended      chan error
	prometheus string // URLs
	controller string
	account    string
}

// TestDemo goes through what a newcomer is told to try.
func TestDemo(t *testing.T) {
	d := launchDemo(t)
	d.await("everything is up", func() bool { return strings.Contains(d.output(), " endpoints of the shop are up, ") })
	d.addresses()

	at := regexp.MustCompile(`all (\d+) endpoints`).FindStringSubmatch(d.output())
	endpoints, err := strconv.Atoi(at[1])
	if err != nil || endpoints < 50 {
		t.Fatalf("the shop has %v endpoints, which is not all of it", at)
	}
	before := d.targets()
	if len(before) != endpoints {
		t.Errorf("Prometheus scrapes %d targets, the shop has %d endpoints", len(before), endpoints)
	}
	for url, target := range before {
		if target.Health != "up" {
			t.Errorf("%s is %s", url, target.Health)
		}
	}

	d.edit("applications.yaml", "tier: apps", "tier: frontend")
	d.await("the edited label", func() bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(d.targets())), func(t activeTarget) bool { return t.Labels["tier"] == "frontend" })
	})
	d.edit("applications.yaml", "endpoints:", "endpoint:")
	d.await("the refusal", func() bool { return strings.Contains(d.output(), "refused: applications.yaml:") })
	if diff := cmp.Diff(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(d.targets()))); diff != "" {
		t.Errorf("a broken spec changed the targets (-before +after):\n%s", diff)
	}

	if _, err := io.WriteString(d.in, "stop checkout\n"); err != nil {
		t.Fatal(err)
	}
	d.await("the stopped service to go", func() bool {
		return !slices.ContainsFunc(slices.Collect(maps.Values(d.targets())), func(t activeTarget) bool {
			return t.Labels["job"] == "checkout" && t.Labels["ecs_cluster"] == "shop-prod"
		})
	})
	if strings.Contains(d.output(), kindReload+"   Prometheus") {
		t.Errorf("none of this needs a reload:\n%s", d.output())
	}
	d.interrupt()
}

// launchDemo starts the demo at free ports, with a shop that only changes when
// told.
func launchDemo(t *testing.T) *runningDemo {
	t.Helper()
	prometheus := prometheusBinary(t)
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "ecs-scrape/cmd/ecs-scrape", "ecs-scrape/cmd/ecs-sim")
	if words, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, words)
	}
	d := &runningDemo{t: t, dir: filepath.Join(dir, "demo"), printed: filepath.Join(dir, "printed"), ended: make(chan error, 1)}
	d.cmd = exec.CommandContext(t.Context(), filepath.Join(dir, "ecs-sim"), "demo", "--prometheus="+prometheus, "--every=0",
		"--port.prometheus=0", "--port.controller=0", "--port.aws=0", "--port.proxy=0")
	printed, err := os.Create(d.printed)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = printed.Close() }()
	d.cmd.Stdout, d.cmd.Stderr = printed, printed
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(os.Interrupt) }
	d.cmd.WaitDelay = 2 * demoStopWithin
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		d.ended <- d.cmd.Wait()
	}()
	t.Cleanup(func() {
		<-waited // the test's context interrupts it
		http.DefaultClient.CloseIdleConnections()
	})
	return d
}

// prometheusBinary is the real Prometheus that `make test` builds.
func prometheusBinary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PROMETHEUS_BIN")
	if path == "" {
		path = filepath.Join("..", "..", "bin", "tools", "prometheus")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no Prometheus: %v; `make test` builds it", err)
		}
		t.Skipf("no Prometheus: %v; `make test` builds it", err)
	}
	return path
}

func (d *runningDemo) output() string {
	data, err := os.ReadFile(d.printed)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(data)
}

func (d *runningDemo) await(what string, holds func() bool) {
	d.t.Helper()
	deadline := time.After(demoWithin)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case err := <-d.ended:
			d.ended <- err
			d.t.Fatalf("the demo ended (%v) while waiting for %s:\n%s", err, what, d.output())
		case <-deadline:
			d.t.Fatalf("waited in vain for %s:\n%s", what, d.output())
		case <-tick.C:
		}
	}
}

// addresses reads the URLs that the demo prints.
func (d *runningDemo) addresses() {
	d.t.Helper()
	for pattern, into := range map[string]*string{
		`(http://127\.0\.0\.1:\d+)/api/v1/targets|(http://127\.0\.0\.1:\d+)/targets`: &d.prometheus,
		`the controller +(http://127\.0\.0\.1:\d+)/`:                                 &d.controller,
		`account .* at (http://127\.0\.0\.1:\d+)`:                                    &d.account,
	} {
		found := regexp.MustCompile(pattern).FindStringSubmatch(d.output())
		if found == nil {
			d.t.Fatalf("nothing printed matches %s:\n%s", pattern, d.output())
		}
		*into = strings.Join(found[1:], "")
	}
}

// targets are what Prometheus scrapes of the shop, by URL.
func (d *runningDemo) targets() map[string]activeTarget {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.prometheus+"/api/v1/targets?state=active", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Data struct{ ActiveTargets []activeTarget }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		d.t.Fatal(err)
	}
	targets := map[string]activeTarget{}
	for _, target := range answer.Data.ActiveTargets {
		if ofShop(target.ScrapePool) {
			targets[target.ScrapeURL] = target
		}
	}
	return targets
}

func (d *runningDemo) edit(spec, old, replacement string) {
	d.t.Helper()
	path := filepath.Join(d.dir, "specs", spec)
	data, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(old)) {
		d.t.Fatalf("%s holds no %q", spec, old)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(replacement), 1), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// interrupt ends the demo as Ctrl-C does, and looks for what it leaves.
func (d *runningDemo) interrupt() {
	d.t.Helper()
	held, err := os.ReadFile(filepath.Join(d.dir, demoLock))
	if err != nil {
		d.t.Fatal(err)
	}
	processes := strings.Fields(string(held)) // name, id, name, id
	if len(processes) != 6 {
		d.t.Fatalf("the lock names %q, want three processes", held)
	}
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.t.Fatal(err)
	}
	select {
	case err := <-d.ended:
		if err != nil {
			d.t.Errorf("ended with %v:\n%s", err, d.output())
		}
	case <-time.After(demoWithin):
		d.t.Fatalf("it does not end:\n%s", d.output())
	}
	for i := 1; i < len(processes); i += 2 {
		pid, err := strconv.Atoi(processes[i])
		if err != nil {
			d.t.Fatal(err)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			d.t.Errorf("%s is left: %v", processes[i-1], err)
		}
	}
	for _, address := range []string{d.prometheus, d.controller, d.account} {
		u, err := url.Parse(address)
		if err != nil {
			d.t.Fatal(err)
		}
		if c, err := (&net.Dialer{}).DialContext(d.t.Context(), "tcp", u.Host); err == nil {
			_ = c.Close()
			d.t.Errorf("something still listens on %s", u.Host)
		}
	}
	if diff := cmp.Diff([]string{demoLock, "specs"}, names(d.t, d.dir)); diff != "" {
		d.t.Errorf("the folder (-want +got):\n%s", diff)
	}
}

// names lists a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

package target

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ecs-scrape/reconcile/artifact"
)

// prometheusBinary is PROMETHEUS_BIN, else what make builds. In CI it must be
// there.
func prometheusBinary(t *testing.T) string {
	t.Helper()
	if name := os.Getenv("PROMETHEUS_BIN"); name != "" {
		return name
	}
	name, err := filepath.Abs("../../bin/tools/prometheus")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no Prometheus to test with: %v", err)
		}
		t.Skipf("no Prometheus to test with: %v", err)
	}
	return name
}

// eachBinary runs a test with the Prometheus that the project pins, and with
// Debian's, which is older, where it is installed. In CI it must be.
func eachBinary(t *testing.T, test func(t *testing.T, binary string)) {
	t.Run("current", func(t *testing.T) {
		t.Parallel()
		test(t, prometheusBinary(t))
	})
	t.Run("debian", func(t *testing.T) {
		t.Parallel()
		binary := cmp.Or(os.Getenv("DEBIAN_PROMETHEUS_BIN"), "/usr/bin/prometheus")
		if _, err := os.Stat(binary); err != nil && os.Getenv("CI") == "" {
			t.Skipf("Debian's prometheus is not installed: %v", err)
		}
		test(t, binary)
	})
}

// realPrometheus is a process; its log is shown if the test fails.
type realPrometheus struct {
	address string
	cmd     *exec.Cmd
	log     lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // not embedded: a copy would go around the lock
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

func startPrometheus(t *testing.T, config, storage, address string, flags ...string) *realPrometheus {
	t.Helper()
	return startBinary(t, prometheusBinary(t), config, storage, address, flags...)
}

func startBinary(t *testing.T, binary, config, storage, address string, flags ...string) *realPrometheus {
	t.Helper()
	p := &realPrometheus{address: address}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), binary, append(flags, "--config.file="+config, "--storage.tsdb.path="+storage,
		"--web.listen-address="+address, "--web.route-prefix=/prefix")...)
	p.cmd.Stderr, p.cmd.Stdout = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Log(p.log.String())
		}
	})
	return p
}

func (p *realPrometheus) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// freeAddress is below the ports that the kernel gives to others in the meantime.
func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	for {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(12000+rand.IntN(20000)))
		if l, err := config.Listen(t.Context(), "tcp", address); err == nil {
			_ = l.Close()
			return address
		} else if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

// published is a directory and the reloader of a real Prometheus that reads it.
type published struct {
	*Directory
	reloader *Reloader
	states   []string
}

func newPublished(t *testing.T, address string) *published {
	t.Helper()
	return newPublishedAt(t, "http://"+address+"/prefix", PrometheusOptions{})
}

func newPublishedAt(t *testing.T, url string, o PrometheusOptions) *published {
	t.Helper()
	client, err := NewPrometheus(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p := &published{Directory: open(t, t.TempDir())}
	p.reloader = &Reloader{Prometheus: client, Report: func(state string, err error) {
		p.states = append(p.states, fmt.Sprint(state, " ", err))
	}}
	write(t, p.Directory, time.Now(), pool(classPath, "127.0.0.1:1"))
	return p
}

func (p *published) want(t *testing.T) Want {
	t.Helper()
	digest, swapped, err := p.Current()
	if err != nil {
		t.Fatal(err)
	}
	return Want{Digest: digest, Swapped: swapped, Pools: func() []string { return []string{"ecs-scrape/class/default"} }, Path: p.ConfigPath()}
}

func (p *published) ensure(t *testing.T) (Confirmation, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return p.reloader.Ensure(ctx, p.want(t))
}

func (p *published) confirmed(t *testing.T) Confirmation {
	t.Helper()
	got, err := p.ensure(t)
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(p.states, "\n"))
	}
	if ok, started, err := p.reloader.Check(t.Context(), p.want(t)); !ok || err != nil || !started.Equal(got.Started) {
		t.Fatalf("Check() = %v, %s, %v", ok, started, err)
	}
	return got
}

func realConfig(extra, rules string) artifact.Files {
	return artifact.Files{
		artifact.ConfigFile: []byte(`rule_files: [rules/a.yml]
scrape_configs:
- job_name: ecs-scrape/class/default
  file_sd_configs:
  - files: [../targets/class/default/targets.json]
` + extra),
		"rules/a.yml": []byte(rules),
	}
}

func TestRealPrometheus(t *testing.T) {
	address := freeAddress(t)
	p := newPublished(t, address)
	storage := t.TempDir()
	good := realConfig("", "groups: []\n")
	publish(t, p.Directory, good)
	server := startPrometheus(t, p.ConfigPath(), storage, address, "--web.enable-lifecycle")

	first := p.confirmed(t)
	if _, err := p.reloader.Prometheus.BuildInfo(t.Context()); err != nil {
		t.Error(err)
	}
	publish(t, p.Directory, realConfig("  scrape_interval: 7s\n", "groups: []\n"))
	if got := p.confirmed(t); !got.Reloaded || !got.Started.Equal(first.Started) {
		t.Errorf("second configuration: %+v", got)
	}

	publish(t, p.Directory, realConfig("", "groups: [{name: a, rules: [{record: x, expr: '(('}]}]\n"))
	_, err := p.ensure(t)
	if !isA[*RejectedError](err) || !strings.Contains(err.Error(), "Prometheus's log") {
		t.Errorf("broken rules: %v", err)
	}
	publish(t, p.Directory, realConfig("nonsense: 1\n", "groups: []\n"))
	_, err = p.ensure(t)
	if !isA[*RejectedError](err) || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("broken main file: %v", err)
	}
	publish(t, p.Directory, good)
	if got := p.confirmed(t); !got.Reloaded {
		t.Errorf("after going back: %+v", got)
	}

	// A process that starts after the swap has loaded it, in the same second too.
	server.stop()
	publish(t, p.Directory, realConfig("  scrape_interval: 8s\n", "groups: []\n"))
	<-time.After(swapSlack)
	p.reloader.accepted = swapID{}
	startPrometheus(t, p.ConfigPath(), storage, address, "--web.enable-lifecycle")
	if got := p.confirmed(t); got.Reloaded || !got.Started.After(first.Started) {
		t.Errorf("after its restart: %+v", got)
	}
}

func TestRealPrometheusLosesPool(t *testing.T) {
	if testing.Short() {
		t.Skip("waits 15 s for a pool")
	}
	address := freeAddress(t)
	p := newPublished(t, address)
	publish(t, p.Directory, realConfig("  tls_config: {ca_file: missing.pem}\n", "groups: []\n"))
	startPrometheus(t, p.ConfigPath(), t.TempDir(), address, "--web.enable-lifecycle")
	_, err := p.ensure(t)
	if !isA[*PoolsMissingError](err) || !strings.Contains(err.Error(), "ecs-scrape/class/default") {
		t.Errorf("error %v", err)
	}
}

func TestRealPrometheusWithoutLifecycle(t *testing.T) {
	address := freeAddress(t)
	p := newPublished(t, address)
	publish(t, p.Directory, realConfig("", "groups: []\n"))
	storage := t.TempDir()
	server := startPrometheus(t, p.ConfigPath(), storage, address)
	waitReady(t, p.reloader.Prometheus)
	publish(t, p.Directory, realConfig("  scrape_interval: 7s\n", "groups: []\n"))
	told := make(chan struct{})
	var once sync.Once
	p.reloader.Report = func(_ string, err error) {
		if isA[*LifecycleDisabledError](err) {
			once.Do(func() { close(told) })
		}
	}
	done := make(chan error, 1)
	want := p.want(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		_, err := p.reloader.Ensure(ctx, want)
		done <- err
	}()
	select {
	case <-told:
	case err := <-done:
		t.Fatal(err)
	}
	server.stop()
	startPrometheus(t, p.ConfigPath(), storage, address)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// waitReady blocks until the process has loaded what is published.
func waitReady(t *testing.T, client *Prometheus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if ready, _ := client.Ready(ctx); ready {
			return
		}
		if !sleep(ctx, 20*time.Millisecond) {
			t.Fatal(ctx.Err())
		}
	}
}

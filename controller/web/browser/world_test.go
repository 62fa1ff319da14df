package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/awssim"
)

const root = "../../.."

// hostile is what somebody has put into a tag.
const hostile = `"><img src=x onerror=alert(1)><script>alert(2)</script>`

// world is a simulated account with a shop, and the program on it.
type world struct {
	t      *testing.T
	sim    *awssim.Sim
	specs  string
	output string
	web    string // host:port
	prom   string // host:port of Prometheus; "" where there is none
}

// newWorld has everything running, with one object that was valid and is broken.
func newWorld(t *testing.T) *world {
	t.Helper()
	sim, err := awssim.Start(awssim.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	if _, err := awssim.Shop(sim); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := &world{t: t, sim: sim, specs: filepath.Join(dir, "specs"), output: filepath.Join(dir, "output"), web: freeAddress(t)}
	w.plant()
	if err := os.CopyFS(w.specs, os.DirFS(root+"/cmd/ecs-sim/demospecs")); err != nil {
		t.Fatal(err)
	}
	w.write("tagged.yaml", tagged)
	w.write("checkout.yaml", fmt.Sprintf(checkout, "metrics"))
	prometheus := os.Getenv("PROMETHEUS_BIN")
	if *screenshots == "" {
		prometheus = "" // it takes seconds, and the pages are the same
	}
	args := []string{
		"run", "--specs=specs", "--output=" + w.output, "--web.listen-address=" + w.web, "--ecs.poll-interval=2s", "--prometheus.url=",
	}
	if prometheus != "" {
		w.prom = freeAddress(t)
		args[len(args)-1] = "--prometheus.url=http://" + w.prom
	}
	w.start("ecs-scrape", build(t), append(sim.Env(), "PATH="+os.Getenv("PATH"), "HOME="+dir), args...)
	w.eventually("a configuration is published", func(s *controller.Status) bool { return s.Healthy && s.Targets.Total > 20 })
	if w.prom != "" {
		w.start("prometheus", prometheus, nil, "--config.file="+filepath.Join(w.output, "current", "prometheus.yml"), "--web.enable-lifecycle",
			"--web.listen-address="+w.prom, "--storage.tsdb.path="+filepath.Join(dir, "data"))
	}
	w.eventually("it is confirmed", func(s *controller.Status) bool { return s.Ready })
	w.write("checkout.yaml", fmt.Sprintf(checkout, "metrics, intervall: 15s"))
	w.write("never.yaml", "apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: never}\nspec: {endpoints: [{port: 99999}]}\n")
	w.eventually("the object is broken", func(s *controller.Status) bool {
		refused := 0
		for _, o := range s.Objects {
			if !o.Accepted {
				refused++
			}
		}
		return refused == 2
	})
	return w
}

const (
	checkout = `apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: checkout, labels: {team: payments}}
spec:
  selector: {clusters: ["shop-*"], services: [checkout]}
  endpoints:
  - {port: %s}
  labels: {tier: web}
`
	tagged = `apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: tagged}
spec:
  selector: {clusters: [planted]}
  endpoints: [{port: 9090}]
  labelsFrom: {planted: {taskTag: note}, seen: {dockerLabel: note}}
`
)

// plant adds a service whose tags and docker labels hold markup.
func (w *world) plant() {
	w.t.Helper()
	w.sim.CreateCluster("planted", nil)
	definition := awssim.TaskDefinition{Family: "planted", NetworkMode: awssim.ModeAWSVPC, Containers: []awssim.Container{
		{Name: "app", Ports: []awssim.Port{{Container: 9090}}, DockerLabels: map[string]string{"note": hostile}},
	}}
	if _, err := w.sim.RegisterTaskDefinition(definition); err != nil {
		w.t.Fatal(err)
	}
	service := awssim.Service{Name: "planted", TaskDefinition: "planted", Desired: 1, Launch: awssim.LaunchFargate, Tags: map[string]string{"note": hostile}}
	if err := w.sim.CreateService("planted", service); err != nil {
		w.t.Fatal(err)
	}
}

// build is the program as it is released.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ecs-scrape")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/ecs-scrape")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build ecs-scrape: %v\n%s", err, out)
	}
	return path
}

// start runs a program until the test ends.
func (w *world) start(name, path string, env []string, args ...string) {
	w.t.Helper()
	// Not the test's context: it ends before the clean-ups that stop processes in order.
	cmd := exec.CommandContext(context.Background(), path, args...)
	var out lockedBuffer
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = env, &out, &out, filepath.Dir(w.specs)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("log of %s:\n%s", name, out.String())
		}
	})
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

// write writes a spec file by rename.
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

// eventually waits until the status is so.
func (w *world) eventually(what string, is func(*controller.Status) bool) {
	w.t.Helper()
	var last string
	for until := time.Now().Add(patience); time.Now().Before(until); <-time.After(50 * time.Millisecond) {
		s, err := w.status()
		if err == nil && is(s) {
			return
		}
		if last = fmt.Sprint(err); s != nil {
			last = s.State + ": " + s.Message
		}
	}
	w.t.Fatalf("waited in vain until %s: %s", what, last)
}

func (w *world) status() (*controller.Status, error) {
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.web+"/api/v1/status", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	s := &controller.Status{}
	return s, errors.Join(json.NewDecoder(response.Body).Decode(s), response.Body.Close())
}

// freeAddress is a loopback address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

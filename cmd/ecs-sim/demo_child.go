package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// demoStopWithin is how long a child may take to end before it is killed.
	// Both take well under a second.
	demoStopWithin = 5 * time.Second
	// demoTail is how many lines of a dead child's log are shown.
	demoTail = 15
)

// demoChild is a program that the demo runs, in a process group of its own, so
// that Ctrl-C reaches only the demo, which ends them in order.
type demoChild struct {
	name string
	log  string // path
	pid  int
	done chan struct{}
	err  error // how it ended; to be read once done is closed
}

// startChild runs cmd with its output in a log file. The child holds the
// folder's lock with the demo: should the demo be killed, the next one sees
// that its children are still there.
func (d *demo) startChild(name string, cmd *exec.Cmd) error {
	c := &demoChild{name: name, log: d.folder.path(name + ".log"), done: make(chan struct{})}
	log, err := os.Create(c.log)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{d.folder.lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	c.pid = cmd.Process.Pid
	go func() {
		defer close(c.done)
		c.err = cmd.Wait()
	}()
	d.children = append(d.children, c)
	return d.folder.note(fmt.Sprintf("%s %d", name, c.pid))
}

// stop ends the child and whatever it started, and waits for it.
func (c *demoChild) stop() {
	timer := time.NewTimer(demoStopWithin)
	defer timer.Stop()
	c.signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-timer.C:
		c.signal(syscall.SIGKILL)
		<-c.done
	}
}

func (c *demoChild) signal(s syscall.Signal) {
	select {
	case <-c.done: // its id may be another's by now
	default:
		_ = syscall.Kill(-c.pid, s)
	}
}

// childDied is an error when a child has ended by itself, with its last words.
func (d *demo) childDied() error {
	for _, c := range d.children {
		select {
		case <-c.done:
			return fmt.Errorf("%s ended (%w); the end of %s:\n%s", c.name, endOf(c.err), c.log, tail(c.log))
		default:
		}
	}
	return nil
}

func endOf(err error) error {
	if err == nil {
		return fmt.Errorf("exit status 0")
	}
	return err
}

func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-demoTail):], "\n  ")
}

func (d *demo) startController(ctx context.Context) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), d.o.scrape, "run",
		"--specs="+d.folder.path("specs"), "--output="+d.folder.path("output"),
		"--prometheus.url="+base(d.ports.prometheus), "--web.listen-address="+address(d.ports.controller),
		"--ecs.events-queue="+d.queue, "--ecs.poll-interval=5s", "--ecs.service-metrics")
	cmd.Env = simulatedOnly(os.Environ(), d.sim.Env())
	return d.startChild("controller", cmd)
}

// simulatedOnly takes out of an environment everything that could lead to a
// real AWS account, or change the controller's flags.
func simulatedOnly(environment, simulated []string) []string {
	out := []string{"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "AWS_") && !strings.HasPrefix(variable, "ECS_SCRAPE_") {
			out = append(out, variable)
		}
	}
	return append(out, simulated...)
}

// awaitHealthy asks the health check until it succeeds: this is what ECS lets
// Prometheus wait for.
func (d *demo) awaitHealthy(ctx context.Context) error {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, demoHealthyWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		check := exec.CommandContext(limited, d.o.scrape, "healthcheck", "--web.listen-address="+address(d.ports.controller))
		words, err := check.CombinedOutput()
		if err == nil {
			d.screen.say("controller  healthy after %.1f s, so Prometheus may start", time.Since(began).Seconds())
			return nil
		}
		if died := d.childDied(); died != nil {
			return died
		}
		select {
		case <-limited.Done():
			return fmt.Errorf("the controller is not healthy after %s: %s", demoHealthyWithin, strings.TrimSpace(string(words)))
		case <-tick.C:
		}
	}
}

func (d *demo) startPrometheus(ctx context.Context) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), d.o.prometheus,
		"--config.file="+d.folder.path("output", "current", "prometheus.yml"), "--web.enable-lifecycle",
		"--web.listen-address="+address(d.ports.prometheus),
		"--storage.tsdb.path="+d.folder.path("prometheus-data"), "--storage.tsdb.retention.time=6h",
		// Not in --help: new targets are scraped after one second instead of five.
		"--scrape.discovery-reload-interval=1s")
	if d.hasPages() {
		cmd.Dir = d.o.ui // where Prometheus looks for static/mantine-ui
	}
	return d.startChild("prometheus", cmd)
}

// hasPages says whether Prometheus's web pages are there.
func (d *demo) hasPages() bool {
	_, err := os.Stat(filepath.Join(d.o.ui, "static", "mantine-ui", "index.html"))
	return err == nil
}

// demoPorts are the ports of 127.0.0.1 that the demo listens on.
type demoPorts struct {
	prometheus, controller, aws, proxy int
}

// choose replaces the ports that are taken by free ones.
func (p demoPorts) choose(ctx context.Context) (demoPorts, error) {
	var held []net.Listener // until all are chosen, lest one is chosen twice
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for _, port := range []*int{&p.prometheus, &p.controller, &p.aws, &p.proxy} {
		l, err := listenAt(ctx, *port)
		if err != nil {
			return p, fmt.Errorf("find a free port: %w", err)
		}
		held = append(held, l)
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

func listenAt(ctx context.Context, port int) (net.Listener, error) {
	// Some systems let a second listener in where the first holds all
	// addresses, so first see whether anybody answers.
	dialer := net.Dialer{Timeout: time.Second}
	if c, err := dialer.DialContext(ctx, "tcp", address(port)); err == nil {
		_ = c.Close()
		port = 0
	}
	var lc net.ListenConfig
	if l, err := lc.Listen(ctx, "tcp", address(port)); err == nil {
		return l, nil
	}
	return lc.Listen(ctx, "tcp", address(0))
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func base(port int) string { return "http://" + address(port) }

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// another is a second controller on the same output directory.
func (w *world) another() *world {
	other := *w
	other.web = freeAddress(w.t)
	other.startController()
	return &other
}

func (w *world) answers(path string, status int, words string) error {
	got, body, err := fetch("http://" + w.web + path)
	if err == nil && (got != status || !strings.Contains(string(body), words)) {
		err = fmt.Errorf("%s answers %d: %s", path, got, tail(string(body), 400))
	}
	return err
}

// TestSecondController waits, says for whom, and takes over: from one that ends,
// and from one that is killed.
func TestSecondController(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.write("all.yaml", w.prometheusConfig(""))
	w.startController()
	w.healthy()
	first := w.controller
	for name, end := range map[string]func(*process){
		"ends": func(p *process) { p.stop() },
		"is killed": func(p *process) {
			_ = p.cmd.Process.Kill()
			<-p.done
		},
	} {
		next := w.another()
		holder := fmt.Sprintf("process %d on ", first.cmd.Process.Pid)
		for _, path := range []string{"/healthz", "/readyz"} {
			next.eventually(path+" names the holder", func() error {
				return next.answers(path, http.StatusServiceUnavailable, holder)
			})
		}
		next.eventually("the status names the holder", func() error { return next.answers("/api/v1/status", http.StatusOK, "("+w.web+") since ") })
		next.eventually("the page is there", func() error { return next.answers("/", http.StatusOK, "waiting for another controller") })
		if code, out := w.command("render", "--specs", w.specs, "--output", w.output); code != 2 || !strings.Contains(out, holder) {
			t.Errorf("render ends with %d: %s", code, out)
		}
		if code, out := w.command("rollback", "--list", "--output", w.output); code != 0 || !strings.Contains(out, "current") {
			t.Errorf("rollback --list ends with %d: %s", code, out)
		}
		end(first)
		next.healthy()
		if n := strings.Count(next.controller.log.String(), "waiting for another controller to end"); n != 1 {
			t.Errorf("the first %s: the second logged %d times that it waits", name, n)
		}
		first, w.web, w.controller = next.controller, next.web, next.controller
	}
}

// TestOutputThatCannotBeUsed is no reason to end: the pages say what is in the
// way, and it goes on when that is gone.
func TestOutputThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.write("all.yaml", w.prometheusConfig(""))
	must(t, os.MkdirAll(w.output, 0o755))
	inTheWay := filepath.Join(w.output, "targets")
	must(t, os.WriteFile(inTheWay, nil, 0o600))
	w.startController()
	w.eventually("the health says what is in the way", func() error {
		if err := w.answers("/healthz", http.StatusServiceUnavailable, inTheWay); err != nil {
			return err
		}
		return w.answers("/healthz", http.StatusServiceUnavailable, "remove or rename what is in its place")
	})
	w.eventually("the status too", func() error { return w.answers("/api/v1/status", http.StatusOK, "degraded") })
	must(t, os.Remove(inTheWay))
	w.healthy()
	must(t, os.Rename(filepath.Join(w.output, "current"), filepath.Join(w.output, "aside")))
	must(t, os.Mkdir(filepath.Join(w.output, "current"), 0o755))
	w.eventually("the status says what is in the way", func() error { return w.says("is no symbolic link: remove or rename") })
	must(t, os.Remove(filepath.Join(w.output, "current")))
	w.eventually("the link is there again", func() error {
		_, err := os.Readlink(filepath.Join(w.output, "current"))
		return err
	})
}

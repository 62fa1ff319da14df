package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

func someStatus(state string) *controller.Status {
	return &controller.Status{APIVersion: spec.APIVersion, Kind: controller.StatusKind, State: state, Time: time.Now(), Ready: true}
}

// TestWatch: what is new is printed, a failure is told once, and it goes on.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		broken := errors.New("connection refused")
		began := someStatus("ok")
		answers := []func() (*controller.Status, error){
			func() (*controller.Status, error) { return began, nil },
			func() (*controller.Status, error) { // only the clock and the calls differ
				s := *began
				s.Time, s.Usage = time.Now(), []controller.Usage{{Calls: 7}}
				return &s, nil
			},
			func() (*controller.Status, error) { return nil, broken },
			func() (*controller.Status, error) { return nil, broken },
			func() (*controller.Status, error) { return began, nil },
			func() (*controller.Status, error) { return someStatus("degraded"), nil },
		}
		var out, errs bytes.Buffer
		o := &statusOptions{format: "table", every: time.Second, stdout: &out, stderr: &errs}
		calls := 0
		err := o.follow(ctx, func(context.Context) (*controller.Status, error) {
			if calls == len(answers) {
				cancel()
				return nil, ctx.Err()
			}
			calls++
			return answers[calls-1]()
		})
		if err != nil {
			t.Errorf("the end is an error: %v", err)
		}
		var states []string
		for line := range strings.Lines(out.String()) {
			if state, ok := strings.CutPrefix(line, "State:          "); ok {
				states = append(states, strings.TrimSpace(state))
			}
		}
		if diff := cmp.Diff([]string{"ok", "ok", "degraded"}, states); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if want := "ecs-scrape: no answer, tried again: connection refused\n"; errs.String() != want {
			t.Errorf("stderr %q", errs.String())
		}
	})
}

// TestRedraw: a terminal shows the last answer and why there is no newer one.
func TestRedraw(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := &statusOptions{format: "table", stdout: &out}
	last := seen{}.next(someStatus("ok"), nil).next(nil, errors.New("away"))
	must(t, o.redraw(&last, 0, 0))
	for _, want := range []string{clearScreen, "No answer, tried again: away\n", "State:          ok\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q lacks %q", out.String(), want)
		}
	}
}

// TestFit: what a screen has no room for is left out at the end, and counted.
func TestFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text          string
		width, height int
		want          string
	}{
		{"a\nb\nc\n", 80, 4, "a\nb\nc\n"},
		{"a\nb\nc\n", 80, 3, "a\n... 2 lines more\n"},
		{"a\n\nc\nd\n", 80, 4, "a\n\n... 2 lines more\n"},
		{"ääää\nb\nc\n", 2, 5, "ääää\nb\nc\n"},
		{"äääää\nb\nc\n", 2, 5, "äääää\n... 2 lines more\n"},
		{"a long line\nb\n", 2, 3, "... 2 lines more\n"},
		{"a\nb\nc\n", 0, 0, "a\nb\nc\n"},
	} {
		if got := fit(c.text, c.width, c.height); got != c.want {
			t.Errorf("%q on %dx%d: %q, want %q", c.text, c.width, c.height, got, c.want)
		}
	}
}

// TestHostileStatus: no text of others moves the cursor or breaks a line.
func TestHostileStatus(t *testing.T) {
	t.Parallel()
	const hostile = "a\x1b[2J\r\nb\x7fc"
	s := someStatus(hostile)
	s.Message = hostile
	s.LastError = &controller.ErrorStatus{Message: hostile}
	s.Specs = controller.SpecsStatus{Location: hostile, Error: hostile}
	s.Prometheus = controller.PrometheusStatus{Version: hostile, Differences: []string{hostile}}
	s.Hold = &controller.Hold{Digest: "x", Reason: hostile}
	id := spec.ID{Kind: hostile, Name: hostile}
	s.Objects = []controller.ObjectStatus{{Kind: hostile, Name: hostile, Place: hostile, Message: hostile}}
	s.Changes = []controller.Change{{Kind: "targets", Summary: hostile, Diff: hostile, Objects: []spec.ID{id}}}
	s.Problems = []spec.Problem{{Object: id, Message: hostile}, {Message: hostile}}
	s.Prometheus.Unread = []string{hostile}
	s.Sources = []inventory.SourceStatus{{Reason: hostile, Events: &inventory.EventsStatus{Reason: hostile}}}
	s.Scopes = []inventory.ScopeStatus{{Lacking: map[string]string{hostile: hostile}}}
	failed := *s
	failed.Hold = &controller.Hold{Digest: hostile, Reason: hostile, Error: hostile}
	for name, text := range map[string]string{"table": statusText(s, time.Now(), true), "not held": statusText(&failed, time.Now(), false), "object": objectText(s, time.Now())} {
		if strings.ContainsAny(text, "\x1b\r\x7f") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// TestReachByConfigFile: a controller that asks for a password, by TLS.
func TestReachByConfigFile(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "planted" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/api/v1/explain" {
			_, _ = fmt.Fprintln(w, "because")
			return
		}
		doc, _ := someStatus("ok").Document()
		_, _ = w.Write(doc)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // it would tell of clients that do not trust it
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	must(t, os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "password"), []byte("planted"), 0o600))
	file := filepath.Join(dir, "http.yaml")
	must(t, os.WriteFile(file, []byte("tls_config: {ca_file: ca.pem}\nbasic_auth: {username: me, password_file: password}\n"), 0o600))
	for _, c := range []struct {
		want string
		args []string
	}{
		{"State:          ok\n", []string{"status"}},
		{"because\n", []string{"explain", "x"}},
	} {
		var out, errs strings.Builder
		args := slices.Concat(c.args, []string{"--url", server.URL, "--http.config.file", file})
		if code := execute(t.Context(), args, nil, &out, &errs); code != exitOK || !strings.Contains(out.String(), c.want) {
			t.Errorf("%q: exit code %d: %s%s", args, code, &out, &errs)
		}
		if code := execute(t.Context(), args[:len(args)-2], nil, &out, &errs); code != exitError {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
	server.CloseClientConnections()
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller"
	"ecs-scrape/controller/awssim"
)

// TestStatusEverywhere: what HTTP, the file and S3 say agrees, from afar too; a
// refused S3 hurts nothing; and what has changed is known after a restart.
func TestStatusEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	must(t, w.sim.CreateBucket("afar"))
	w.env = []string{"ECS_SCRAPE_STATUS_S3=s3://afar/status/shop.json", "ECS_SCRAPE_STATUS_S3_INTERVAL=1s"}
	w.write("all.yaml", w.prometheusConfig("")+"---\n"+scrapeNamed)
	w.startController()
	w.eventually("five targets are published", func() error {
		s, err := w.status()
		if err == nil && s.Targets.Total != 5 {
			err = fmt.Errorf("%d targets", s.Targets.Total)
		}
		return err
	})
	sources := map[string][]string{
		"http": {"--url", "http://" + w.web}, "file": {"--file", filepath.Join(w.output, ".state", "status.json")},
		"s3": {"--s3", "s3://afar/status/shop.json"},
	}
	w.eventually("all three say the same", func() error { return w.agree(sources) })

	w.sim.Deny(awssim.Match{Service: "s3", Operation: "PutObject"})
	w.write("bridge.yaml", scrapeBridge)
	w.eventually("the file tells what S3 may not be told", func() error {
		return errors.Join(w.tells(sources["file"], "bridge: 4 added"), w.counted(`ecs_scrape_status_writes_total{place="s3",result="error"}`))
	})
	if n := strings.Count(w.controller.log.String(), "the status is not written"); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
	before := time.Now()
	w.controller.stop()
	if s, err := w.statusBy(sources["file"]); err != nil || s.Time.Before(before) {
		t.Errorf("at the end the file was not written: %v", err)
	}
	w.startController()
	w.eventually("the history goes on", func() error {
		s, err := w.statusBy(sources["http"])
		if err != nil || s.Specs.Revision != "" && s.Targets.Total == 9 {
			return errors.Join(err, w.tells(sources["http"], "bridge: 4 added"))
		}
		return fmt.Errorf("%d targets", s.Targets.Total)
	})
	w.noSecrets()
}

// statusBy is what `ecs-scrape status` reads.
func (w *world) statusBy(from []string) (*controller.Status, error) {
	w.t.Helper()
	code, text := w.command(append([]string{"status", "-o", "json"}, from...)...)
	if code != exitOK {
		return nil, errors.New(text)
	}
	s := &controller.Status{}
	return s, json.Unmarshal([]byte(text), s)
}

// agree compares all that does not change by the second.
func (w *world) agree(sources map[string][]string) error {
	w.t.Helper()
	said := map[string]*controller.Status{}
	for name, from := range sources {
		s, err := w.statusBy(from)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if age := time.Since(s.Time); age > statusOld || len(s.Usage) == 0 || s.Usage[len(s.Usage)-1].Calls == 0 {
			return fmt.Errorf("%s: %v old, %+v", name, age, s.Usage)
		}
		s.Time, s.Usage = time.Time{}, nil
		for i := range s.Scopes {
			s.Scopes[i].SyncedAt = time.Time{}
		}
		said[name] = s
	}
	unexported := cmp.AllowUnexported(controller.Status{})
	return errors.Join(differ("file", cmp.Diff(said["http"], said["file"], unexported)), differ("s3", cmp.Diff(said["http"], said["s3"], unexported)))
}

func differ(what, diff string) error {
	if diff == "" {
		return nil
	}
	return fmt.Errorf("%s: -http +%s\n%s", what, what, diff)
}

// tells says whether a change is in the history, alone or as part of one, and once.
func (w *world) tells(from []string, summary string) error {
	w.t.Helper()
	s, err := w.statusBy(from)
	if err != nil {
		return err
	}
	var all []string
	for _, c := range s.Changes {
		all = append(all, c.Summary)
	}
	if strings.Count(strings.Join(all, "\n"), summary) != 1 {
		return fmt.Errorf("changes %q", all)
	}
	return nil
}

// counted says whether a metric is above zero.
func (w *world) counted(series string) error {
	body, err := get("http://" + w.web + "/metrics")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok && strings.TrimSpace(rest) != "0" {
			return nil
		}
	}
	return fmt.Errorf("%s is not counted", series)
}

// TestStatusFile: it is JSON that any program reads.
func TestStatusFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "status.json")
	doc, err := someStatus("ok").Document()
	must(t, err)
	must(t, os.WriteFile(file, doc, 0o600))
	var out, errs strings.Builder
	if code := execute(t.Context(), []string{"status", "--file", file, "--fail"}, nil, &out, &errs); code != exitOK {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}

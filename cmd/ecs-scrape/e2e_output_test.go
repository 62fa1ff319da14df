package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// TestAlteredOutputIsRestored: what others do to published files is undone
// though nothing else happens.
func TestAlteredOutputIsRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.write("all.yaml", strings.Join([]string{w.prometheusConfig(""), scrapeNamed, scrapeDaemon, recordingRule}, "---\n"))
	w.startAll(current(t))
	expected := func(l awssim.Listener) bool { return isNamed(l) || isDaemon(l) }
	w.scraped(expected)
	w.ready()
	before := w.published()
	shared := filepath.Join(w.output, "targets", "class", "default", "targets.json")
	for name, alter := range map[string]func() error{
		"a deleted target file": func() error { return os.Remove(shared) },
		"an altered target file": func() error {
			return os.WriteFile(shared, []byte(`[{"targets": ["127.0.0.1:1"]}]`), 0o600)
		},
		"an altered prometheus.yml": func() error {
			return os.WriteFile(filepath.Join(w.output, "current", "prometheus.yml"), []byte("global: {}\n"), 0o600)
		},
	} {
		must(t, alter())
		w.eventually(name+" is restored", func() error {
			if _, err := os.Stat(shared); err != nil {
				return err
			}
			if after := w.published(); !slices.Equal(before, after) {
				return fmt.Errorf("published are %v, not %v", after, before)
			}
			return nil
		})
		w.ready()
		w.scraped(expected)
	}
}

// TestStateIsPrivate: specs may hold secrets, and .state holds specs.
func TestStateIsPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.write("all.yaml", w.prometheusConfig(""))
	w.startController()
	w.healthy()
	state := filepath.Join(w.output, ".state")
	w.eventually("the accepted objects are kept", func() error {
		_, err := os.Stat(filepath.Join(state, "accepted.json"))
		return err
	})
	info, err := os.Stat(state)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("%s has the mode %v", state, info.Mode())
	}
	must(t, filepath.WalkDir(state, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.HasPrefix(path, filepath.Join(state, "stage")) {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		return err
	}))
}

package controller

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/artifact"
)

func openDirectory(t *testing.T, path string) Directory {
	t.Helper()
	d, err := target.Open(path, target.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return Directory{Directory: d}
}

func accept(artifact.Files) error { return nil }

// TestDirectory publishes into a real directory.
func TestDirectory(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	files := artifact.Files{artifact.ConfigFile: []byte("global: {}\n"), "rules/a.yml": []byte("groups: []\n")}
	var back artifact.Files
	check := func(f artifact.Files) error { back = f; return nil }
	if err := d.WriteConfig(files, check); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, back); diff != "" {
		t.Errorf("judged as read back: -want +got\n%s", diff)
	}
	back = nil
	if err := d.WriteConfig(files, check); err != nil || back != nil {
		t.Errorf("equal files are written again: %v", err)
	}
	other := artifact.Files{artifact.ConfigFile: []byte("global: {scrape_interval: 1m}\n")}
	if err := d.WriteConfig(other, func(artifact.Files) error { return errBroken }); !errors.Is(err, errBroken) {
		t.Errorf("a refused set: %v", err)
	}
	if digest, _, _ := d.Current(); digest != files.Digest() {
		t.Error("a refused set is published")
	}
}

// TestTargetFiles are written at most once a second.
func TestTargetFiles(t *testing.T) {
	t.Parallel()
	d := openDirectory(t, t.TempDir())
	pools := []artifact.Pool{{
		Name: "ecs-scrape/class/default", Path: "targets/class/default/targets.json",
		Targets: []artifact.Target{{Labels: labels.FromStrings("__address__", "10.0.0.1:80")}},
	}}
	now := time.Now()
	if done, err := d.WriteTargets(now, pools); done.Changed != 1 || done.Bytes == 0 || !done.Due.IsZero() || err != nil {
		t.Errorf("wrote %+v, %v", done, err)
	}
	pools[0].Targets = nil
	if done, err := d.WriteTargets(now, pools); done.Changed != 0 || done.Due.IsZero() || err != nil {
		t.Errorf("wrote %+v, %v", done, err)
	}
	live, err := d.Live()
	if err != nil || len(live.Pools) != 1 || len(live.Pools[0].Targets) != 1 {
		t.Errorf("live %v, %v", live, err)
	}
}

// TestDamageIsRepaired: what is not as it was published is published again.
func TestDamageIsRepaired(t *testing.T) {
	t.Parallel()
	files := artifact.Files{artifact.ConfigFile: []byte("global: {}\n")}
	for name, damage := range map[string]func(path string) error{
		"another file": func(p string) error {
			return os.WriteFile(filepath.Join(p, "current", "rules.yml"), []byte("x"), 0o600)
		},
		"changed content": func(p string) error {
			return os.WriteFile(filepath.Join(p, "current", artifact.ConfigFile), nil, 0o600)
		},
		"a missing file": func(p string) error { return os.Remove(filepath.Join(p, "current", artifact.ConfigFile)) },
		"a link to nowhere": func(p string) error {
			return os.RemoveAll(filepath.Join(p, "generation-"+files.Digest()))
		},
		"no link": func(p string) error { return os.Remove(filepath.Join(p, "current")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			if err := openDirectory(t, path).WriteConfig(files, accept); err != nil {
				t.Fatal(err)
			}
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			if err := openDirectory(t, path).WriteConfig(files, accept); err != nil {
				t.Fatal(err)
			}
			got, err := target.ReadFiles(filepath.Join(path, "current") + "/")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(files, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestDamageIsNoticed by the one that published, too.
func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	d := openDirectory(t, t.TempDir())
	files := artifact.Files{artifact.ConfigFile: []byte("global: {}\n")}
	pass := func() {
		t.Helper()
		if _, err := d.WriteTargets(time.Now(), nil); err != nil {
			t.Fatal(err)
		}
		if err := d.WriteConfig(files, accept); err != nil {
			t.Fatal(err)
		}
	}
	pass()
	for name, damage := range map[string]func() error{
		"altered": func() error { return os.WriteFile(d.ConfigPath(), []byte("x: y\n"), 0o600) },
		"deleted": func() error { return os.Remove(d.ConfigPath()) },
		"gone":    func() error { return os.RemoveAll(filepath.Join(d.Path(), "generation-"+files.Digest())) },
		"no link": func() error { return os.Remove(filepath.Join(d.Path(), "current")) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if d.Intact() {
			t.Errorf("%s: not noticed", name)
		}
		pass()
		if data, err := os.ReadFile(d.ConfigPath()); string(data) != "global: {}\n" || !d.Intact() {
			t.Errorf("%s: not restored: %q, %v", name, data, err)
		}
	}
}

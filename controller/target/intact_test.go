package target

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAlteredFilesAreRestored: what others do to published files while the
// Directory is open is noticed without reading them, and undone.
func TestAlteredFilesAreRestored(t *testing.T) {
	const own = "targets/own/00/x.json"
	files := configFiles("global: {}\n")
	tests := map[string]func(d *Directory) error{
		"target file deleted": func(d *Directory) error { return os.Remove(d.at(classPath)) },
		"target file altered": func(d *Directory) error { return os.WriteFile(d.at(own), []byte("[]\n"), 0o600) },
		"target file replaced": func(d *Directory) error {
			return errors.Join(os.WriteFile(d.at("new"), []byte("[]\n"), 0o600), os.Rename(d.at("new"), d.at(classPath)))
		},
		"all targets deleted":   func(d *Directory) error { return os.RemoveAll(d.at(targetsDir)) },
		"configuration altered": func(d *Directory) error { return os.WriteFile(d.ConfigPath(), []byte("x: y\n"), 0o600) },
		"rule file deleted":     func(d *Directory) error { return os.Remove(d.at(currentLink, "rules/a.yml")) },
		"generation deleted":    func(d *Directory) error { return os.RemoveAll(d.at(generationPrefix + files.Digest())) },
		"link deleted":          func(d *Directory) error { return os.Remove(d.at(currentLink)) },
	}
	for name, alter := range tests {
		t.Run(name, func(t *testing.T) {
			d := open(t, t.TempDir())
			pools := []string{classPath, own}
			now := time.Now()
			restore := func() {
				write(t, d, now, pool(pools[0], "a:1"), pool(pools[1], "b:1"))
				bundle, _, err := d.Live()
				if digest, _, _ := d.Current(); err != nil || digest != files.Digest() || bundle.Digest() != digest {
					publish(t, d, files)
				}
				now = now.Add(time.Minute)
			}
			restore()
			before, err := ReadFiles(d.Path())
			if err != nil {
				t.Fatal(err)
			}
			if !d.Intact() {
				t.Fatal("not intact as it was published")
			}
			if err := alter(d); err != nil {
				t.Fatal(err)
			}
			if d.Intact() {
				t.Error("not noticed")
			}
			restore()
			if after, err := ReadFiles(d.Path()); err != nil || !cmp.Equal(before, after) {
				t.Errorf("not restored: %v\n%s", err, cmp.Diff(before, after))
			}
			if digest, _, err := d.Current(); digest != files.Digest() || !d.Intact() {
				t.Errorf("current is %s, %v; intact: %v", digest, err, d.Intact())
			}
		})
	}
}

// TestTouchedFilesStay: another time with the same bytes is no reason to write,
// or Prometheus would read the file again.
func TestTouchedFilesStay(t *testing.T) {
	d := open(t, t.TempDir())
	write(t, d, time.Now(), pool(classPath, "a:1"))
	if err := os.Chtimes(d.at(classPath), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if d.Intact() {
		t.Error("not noticed")
	}
	if w := write(t, d, time.Now().Add(time.Minute), pool(classPath, "a:1")); len(w.Paths) > 0 || !d.Intact() {
		t.Errorf("written: %+v; intact: %v", w, d.Intact())
	}
}

// TestRestoringIsPaced: who alters a file all the time has it written once a
// second.
func TestRestoringIsPaced(t *testing.T) {
	d := open(t, t.TempDir())
	now := time.Now()
	write(t, d, now, pool(classPath, "a:1"))
	replace(t, d.at(classPath), []byte("[]\n"))
	if w := write(t, d, now.Add(time.Second/2), pool(classPath, "a:1")); len(w.Paths) > 0 || !w.Deferred.Equal(now.Add(time.Second)) {
		t.Errorf("within a second: %+v", w)
	}
	if w := write(t, d, now.Add(time.Second), pool(classPath, "a:1")); len(w.Paths) != 1 {
		t.Errorf("after it: %+v", w)
	}
}

// TestRepairIsASwap: Prometheus may have loaded the damage, so the repaired
// configuration has a new time.
func TestRepairIsASwap(t *testing.T) {
	d := open(t, t.TempDir())
	files := configFiles("global: {}\n")
	publish(t, d, files)
	long := time.Now().Add(-time.Hour)
	link := func() time.Time {
		_, at, err := d.Current()
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	first := link()
	publish(t, d, files)
	if !link().Equal(first) {
		t.Error("an equal configuration is swapped in again")
	}
	if err := errors.Join(os.WriteFile(d.ConfigPath(), []byte("x: y\n"), 0o600), os.Chtimes(d.ConfigPath(), long, long)); err != nil {
		t.Fatal(err)
	}
	publish(t, d, files)
	repaired := link()
	if repaired.Equal(first) {
		t.Error("a repaired configuration has the time of the swap before")
	}
	publish(t, d, files)
	if !link().Equal(repaired) {
		t.Error("swapped in once more")
	}
}

// TestModes: Prometheus, another user, reads what is published; nobody else
// reads .state, which may hold what is secret in specs.
func TestModes(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, stateDir)
	if err := errors.Join(os.Mkdir(old, 0o755), os.Chmod(old, 0o755)); err != nil { //nolint:gosec // as an earlier version made it
		t.Fatal(err)
	}
	d := open(t, dir)
	write(t, d, time.Now(), pool(classPath, "a:1"))
	publish(t, d, configFiles("global: {}\n"))
	if err := d.WriteState("x/y.json", []byte("z")); err != nil {
		t.Fatal(err)
	}
	want := map[string]os.FileMode{
		stateDir:                 0o700,
		stateDir + "/x/y.json":   0o600,
		targetsDir:               0o755,
		classPath:                0o644,
		"targets/class/default":  0o755,
		"current/prometheus.yml": 0o644,
		"current/rules":          0o755,
		"current/":               0o755,
	}
	record := d.originPath(classPath, d.pools[classPath].digest)
	rel, err := filepath.Rel(dir, record)
	if err != nil {
		t.Fatal(err)
	}
	want[rel] = 0o600
	got := map[string]os.FileMode{}
	for name := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = info.Mode().Perm()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

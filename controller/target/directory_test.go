package target

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
)

const classPath = "targets/class/default/targets.json"

func open(t *testing.T, dir string) *Directory {
	t.Helper()
	d, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func pool(path string, addresses ...string) artifact.Pool {
	p := artifact.Pool{Name: poolName(path), Path: path}
	for _, a := range addresses {
		p.Targets = append(p.Targets, artifact.Target{
			Labels: labels.FromStrings("__address__", a, "job", "x"),
			Origin: artifact.Origin{Object: "of-" + a, Account: "111111111111", Region: "eu-west-1", Cluster: "c", Task: "task-of-" + a},
		})
	}
	return p
}

func write(t *testing.T, d *Directory, now time.Time, pools ...artifact.Pool) Written {
	t.Helper()
	w, err := d.WriteTargets(now, pools)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func live(t *testing.T, d *Directory) *artifact.Bundle {
	t.Helper()
	bundle, warnings, err := d.Live()
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return bundle
}

func configFiles(text string) artifact.Files {
	return artifact.Files{artifact.ConfigFile: []byte(text), "rules/a.yml": []byte("groups: []\n")}
}

func publish(t *testing.T, d *Directory, files artifact.Files) string {
	t.Helper()
	digest, err := d.Stage(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Swap(digest); err != nil {
		t.Fatal(err)
	}
	return digest
}

// tree is every path below dir, but for .state.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Name() == stateDir {
			return fs.SkipDir
		}
		if rel, _ := filepath.Rel(dir, name); rel != "." {
			out = append(out, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func stateFiles(t *testing.T, d *Directory) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(d.at(stateDir), func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			rel, _ := filepath.Rel(d.at(stateDir), name)
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func inode(t *testing.T, name string) string {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(info.Sys().(*syscall.Stat_t).Ino, info.ModTime())
}

func TestPublishAndReadAgain(t *testing.T) {
	old := syscall.Umask(0o077) // Prometheus's user must be able to read all the same
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "deep", "out")
	d := open(t, dir)
	pools := []artifact.Pool{
		pool(classPath, "10.0.0.2:80", "10.0.0.1:80"),
		pool("targets/own/07/checkout.json", "10.0.0.3:80"),
		pool("targets/own/07/empty.json"),
	}
	write(t, d, time.Now(), pools...)
	digest := publish(t, d, configFiles("a: 1\n"))
	want := &artifact.Bundle{Config: configFiles("a: 1\n"), Pools: pools}
	again := open(t, dir)
	for name, dir := range map[string]*Directory{"from memory": d, "from disk": again} {
		got := live(t, dir)
		if diff := artifact.Diff(got, want); !diff.Empty() {
			t.Errorf("%s:\n%s", name, diff.Text())
		}
		for i, p := range got.Pools {
			if p.Name != pools[i].Name || !sameOrigins(p.Targets, pools[i].Sorted()) {
				t.Errorf("%s: pool %d is %+v", name, i, p)
			}
		}
	}
	wantTree := []string{
		"current", "generation-" + digest, "generation-" + digest + "/prometheus.yml",
		"generation-" + digest + "/rules", "generation-" + digest + "/rules/a.yml",
		"secrets", "targets", "targets/alertmanager", "targets/class", "targets/class/default", classPath,
		"targets/own", "targets/own/07", "targets/own/07/checkout.json", "targets/own/07/empty.json", "targets/self",
	}
	if diff := cmp.Diff(wantTree, tree(t, dir)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	for _, name := range append(wantTree[1:], ".") {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		mode := fs.FileMode(fileMode)
		if info.IsDir() {
			mode = dirMode
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
	if to, _ := os.Readlink(d.at("current")); to != "generation-"+digest {
		t.Errorf("current leads to %q", to)
	}
}

func TestPoolNames(t *testing.T) {
	for path, want := range map[string]string{
		"targets/class/slow/targets.json":  "ecs-scrape/class/slow",
		"targets/own/15/checkout-api.json": "ecs-scrape/target/checkout-api",
	} {
		if got := poolName(path); got != want {
			t.Errorf("poolName(%q) = %q", path, got)
		}
	}
}

func TestEqualBytesAreNotWritten(t *testing.T) {
	d := open(t, t.TempDir())
	now := time.Now()
	write(t, d, now, pool(classPath, "b:1", "a:1"))
	publish(t, d, configFiles("a: 1\n"))
	before := inode(t, d.at(classPath)) + inode(t, d.at("current", artifact.ConfigFile))
	_, swapped, _ := d.Current()
	again := open(t, d.Path())
	for _, d := range []*Directory{d, again} {
		if w := write(t, d, now.Add(time.Hour), pool(classPath, "a:1", "b:1")); len(w.Paths) > 0 || w.Bytes > 0 || !w.Deferred.IsZero() {
			t.Errorf("written: %+v", w)
		}
		publish(t, d, configFiles("a: 1\n"))
	}
	if after := inode(t, d.at(classPath)) + inode(t, d.at("current", artifact.ConfigFile)); after != before {
		t.Errorf("files changed: %s, then %s", before, after)
	}
	if _, at, _ := d.Current(); !at.Equal(swapped) {
		t.Error("the link was made again")
	}
}

func TestPacing(t *testing.T) {
	d := open(t, t.TempDir())
	start := time.Now()
	other := "targets/own/01/o.json"
	write(t, d, start, pool(classPath, "a:1"))
	w := write(t, d, start.Add(900*time.Millisecond), pool(classPath, "a:2"), pool(other, "a:1"))
	want := Written{
		Paths: []string{other}, Bytes: w.Bytes,
		Waiting: []string{classPath}, Deferred: start.Add(time.Second),
	}
	if diff := cmp.Diff(want, w); diff != "" {
		t.Errorf("too early (-want +got):\n%s", diff)
	}
	if got := live(t, d).Pools[0].Targets[0].Address(); got != "a:1" {
		t.Errorf("live says %s, which is not written", got)
	}
	w = write(t, d, start.Add(time.Second), pool(classPath, "a:2"), pool(other, "a:1"))
	if diff := cmp.Diff([]string{classPath}, w.Paths); diff != "" || !w.Deferred.IsZero() {
		t.Errorf("in time: %+v", w)
	}
	w = write(t, d, start.Add(-time.Hour), pool(classPath, "a:3"))
	if len(w.Paths) != 1 {
		t.Errorf("after the clock was set back: %+v", w)
	}
}

func TestPacingBySize(t *testing.T) {
	now := time.Unix(1000, 0)
	for size, want := range map[int]time.Duration{
		0: time.Second, 4 << 20: time.Second, 10 << 20: 2500 * time.Millisecond, 100 << 20: 5 * time.Second,
	} {
		s := &poolState{size: size, written: now}
		if got := s.next(now).Sub(now); got != want {
			t.Errorf("%d bytes: %s, want %s", size, got, want)
		}
	}
}

func TestOriginsThatDoNotMatchAreEmpty(t *testing.T) {
	tests := map[string]func(t *testing.T, d *Directory){
		"other bytes": func(t *testing.T, d *Directory) {
			replace(t, d.at(classPath), pool(classPath, "a:1", "c:1").Encode())
		},
		"record gone": func(t *testing.T, d *Directory) {
			if err := os.RemoveAll(d.at(stateDir)); err != nil {
				t.Fatal(err)
			}
		},
		"record damaged": func(t *testing.T, d *Directory) {
			replace(t, d.at(stateDir, stateFiles(t, d)[0]), []byte(`{"origins":[{}],"index":[0,7]}`))
		},
		"tasks missing": func(t *testing.T, d *Directory) {
			replace(t, d.at(stateDir, stateFiles(t, d)[0]), []byte(`{"origins":[{"object":"x"}],"index":[0,0],"tasks":["t"]}`))
		},
		"record truncated": func(t *testing.T, d *Directory) {
			replace(t, d.at(stateDir, stateFiles(t, d)[0]), []byte(`{"origins":[{}],"ind`))
		},
	}
	for name, harm := range tests {
		t.Run(name, func(t *testing.T) {
			d := open(t, t.TempDir())
			write(t, d, time.Now(), pool(classPath, "a:1", "b:1"))
			harm(t, d)
			d = open(t, d.Path())
			targets := live(t, d).Pools[0].Targets
			if len(targets) != 2 || targets[0].Origin != (artifact.Origin{}) {
				t.Fatalf("targets %+v", targets)
			}
			write(t, d, time.Now(), pool(classPath, "a:1", "b:1"))
			if got := live(t, open(t, d.Path())).Pools[0].Targets[0].Origin.Object; got != "of-a:1" {
				t.Errorf("the next pass did not restore the record: %q", got)
			}
		})
	}
}

func replace(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCrashBetweenRecordAndFile: the record of the next version exists, the
// file is still the one before.
func TestCrashBetweenRecordAndFile(t *testing.T) {
	d := open(t, t.TempDir())
	write(t, d, time.Now(), pool(classPath, "a:1"))
	next := pool(classPath, "a:1", "b:1")
	if err := d.writeOrigins(classPath, digestOf(next.EncodeTo).String(), next.Sorted()); err != nil {
		t.Fatal(err)
	}
	d = open(t, d.Path())
	if got := live(t, d).Pools[0].Targets[0].Origin.Object; got != "of-a:1" {
		t.Errorf("origin %q", got)
	}
	if err := d.Collect(map[string]bool{classPath: true}, 0); err != nil {
		t.Fatal(err)
	}
	if left := stateFiles(t, d); len(left) != 1 {
		t.Errorf("records left: %q", left)
	}
}

func TestDamagedTargetsFile(t *testing.T) {
	d := open(t, t.TempDir())
	write(t, d, time.Now(), pool(classPath, "a:1"), pool("targets/own/00/x.json", "b:1"))
	replace(t, d.at(classPath), []byte(`[{"targets":["a:1"`))
	d = open(t, d.Path())
	bundle, warnings, err := d.Live()
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Error(), d.at(classPath)) {
		t.Fatalf("Live() warnings %v, error %v", warnings, err)
	}
	if len(bundle.Pools) != 2 || len(bundle.Pools[0].Targets) != 0 || len(bundle.Pools[1].Targets) != 1 {
		t.Errorf("pools %+v", bundle.Pools)
	}
	if w := write(t, d, time.Now(), pool(classPath)); len(w.Paths) != 1 {
		t.Errorf("an empty pool was not written over it: %+v", w)
	}
	live(t, d)
}

func TestPathsOutsideAreRefused(t *testing.T) {
	d := open(t, t.TempDir())
	for _, p := range []string{
		"", "targets/class/default/../../../x.json", "/etc/x.json", "targets/class/x.json", "targets/other/a/x.json",
		"targets/own/00/x.yml", "targets/own/../class/x.json", "targets/own/00/../../x.json", "targets/class//x.json",
	} {
		if _, err := d.WriteTargets(time.Now(), []artifact.Pool{{Path: p}}); err == nil {
			t.Errorf("pool path %q was accepted", p)
		}
	}
	for _, p := range []string{"../x", "/x", ".", "", "a/../b", "a//b"} {
		if _, err := d.Stage(artifact.Files{artifact.ConfigFile: nil, p: nil}, nil); err == nil {
			t.Errorf("file %q was accepted", p)
		}
	}
	for _, digest := range []string{"", "..", "../../x", "0123456789ABCDEF"} {
		if err := d.Swap(digest); err == nil {
			t.Errorf("digest %q was accepted", digest)
		}
	}
	for _, name := range []string{"", ".", "..", "../x", "/x", "stage/x", "origins/x", "a//b"} {
		if err := d.WriteState(name, nil); err == nil {
			t.Errorf("state %q was accepted", name)
		}
	}
}

func TestReadOnly(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	d, err := Open(missing, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := live(t, d); len(got.Config)+len(got.Pools) > 0 {
		t.Errorf("live is %+v", got)
	}
	_, targets := d.WriteTargets(time.Now(), nil)
	_, stage := d.Stage(configFiles(""), nil)
	for _, err := range []error{targets, stage, d.Swap("x"), d.Collect(nil, 0), d.WriteState("x", nil)} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("error %v", err)
		}
	}
	if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the directory was created")
	}
}

// TestErrorsNameThePathAndTheRemedy: the tests may run as root, so nothing here
// is about permissions.
func TestErrorsNameThePathAndTheRemedy(t *testing.T) {
	const remedy = "a directory is needed there"
	t.Run("output is a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "out")
		replace(t, file, nil)
		_, err := Open(file, Options{})
		wantError(t, err, file, remedy)
	})
	t.Run("targets is a file", func(t *testing.T) {
		dir := t.TempDir()
		replace(t, filepath.Join(dir, "targets"), nil)
		_, err := Open(dir, Options{})
		wantError(t, err, filepath.Join(dir, "targets"), remedy)
	})
	t.Run("one class is a file", func(t *testing.T) {
		d := open(t, t.TempDir())
		replace(t, d.at("targets/class/default"), nil)
		good := "targets/own/00/x.json"
		pools := []artifact.Pool{pool(classPath, "a:1"), pool(good, "b:1")}
		w, err := d.WriteTargets(time.Now(), pools)
		wantError(t, err, d.at("targets/class/default"), remedy)
		if !slices.Equal(w.Paths, []string{good}) {
			t.Errorf("the other pool: %+v", w)
		}
		if err := os.Remove(d.at("targets/class/default")); err != nil {
			t.Fatal(err)
		}
		if w := write(t, d, time.Now(), pools...); !slices.Equal(w.Paths, []string{classPath}) {
			t.Errorf("when the cause was gone: %+v", w)
		}
	})
	t.Run("a directory in the place of a target file", func(t *testing.T) {
		d := open(t, t.TempDir())
		if err := os.MkdirAll(d.at(classPath), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := d.WriteTargets(time.Now(), []artifact.Pool{pool(classPath, "a:1")})
		wantError(t, err, d.at(classPath), "")
		if left, _ := os.ReadDir(d.at(stateDir, stageDir)); len(left) != 2 { // the two links
			t.Errorf("left in the stage: %v", left)
		}
	})
	t.Run("current is a directory", func(t *testing.T) {
		d := open(t, t.TempDir())
		if err := os.Mkdir(d.at("current"), 0o755); err != nil {
			t.Fatal(err)
		}
		digest, err := d.Stage(configFiles(""), nil)
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, d.Swap(digest), d.at("current"), "remove or rename")
	})
	for cause, remedy := range map[error]string{
		syscall.EROFS: "mount it writable", syscall.ENOSPC: "free space", syscall.EXDEV: "one volume", syscall.EACCES: "chown",
	} {
		wantError(t, withRemedy(&fs.PathError{Op: "open", Path: "/out/x", Err: cause}), "/out/x", remedy)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q is without %q", err, part)
		}
	}
}

// TestPoolsOfAllKinds: what is written is read back under its name.
func TestPoolsOfAllKinds(t *testing.T) {
	d := open(t, t.TempDir())
	names := map[string]string{
		"targets/self/prometheus/targets.json":   "ecs-scrape/self/prometheus",
		"targets/alertmanager/shop/targets.json": "ecs-scrape/alertmanager/shop",
		"targets/class/default/targets.json":     "ecs-scrape/class/default",
		"targets/own/07/checkout.json":           "ecs-scrape/target/checkout",
	}
	for path := range names {
		write(t, d, time.Now(), pool(path, "10.0.0.1:80"))
	}
	d = open(t, d.Path())
	for _, p := range live(t, d).Pools {
		if p.Name != names[p.Path] || len(p.Targets) != 1 || p.Targets[0].Origin.Task != "task-of-10.0.0.1:80" {
			t.Errorf("%+v", p)
		}
	}
	if got := len(live(t, d).Pools); got != len(names) {
		t.Errorf("%d pools, want %d", got, len(names))
	}
	if err := d.Collect(map[string]bool{classPath: true}, 0); err != nil {
		t.Fatal(err)
	}
	if records := stateFiles(t, d); len(live(t, d).Pools) != 1 || len(records) != 1 {
		t.Errorf("left are %+v, records %v", live(t, d).Pools, records)
	}
}

// TestContentThatFails: of a file whose content ends early nothing is left, and
// what was there before stays.
func TestContentThatFails(t *testing.T) {
	d := open(t, t.TempDir())
	write(t, d, time.Now(), pool(classPath, "a:1"))
	before := inode(t, d.at(classPath))
	cut := errors.New("cut")
	err := d.put(d.at(classPath), func(w io.Writer) error {
		_, err := io.WriteString(w, "[")
		return errors.Join(err, cut)
	}, fileMode)
	if !errors.Is(err, cut) || inode(t, d.at(classPath)) != before || len(stateFiles(t, d)) != 1 {
		t.Errorf("%v; %q", err, stateFiles(t, d))
	}
}

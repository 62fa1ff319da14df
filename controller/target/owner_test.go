package target

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ecs-scrape/reconcile/artifact"
)

// asNobody is the environment variable by which TestStartAsNobody is the other
// user's process; its value is the directory.
const asNobody = "ECS_SCRAPE_TEST_AS_NOBODY"

func wantOwner(t *testing.T, dir string, uid int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if stat := info.Sys().(*syscall.Stat_t); int(stat.Uid) != uid {
			t.Errorf("%s belongs to %d", path, stat.Uid)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRootGivesToTheOwner: root works in a directory of another user's, who can
// go on with all of it.
func TestRootGivesToTheOwner(t *testing.T) {
	dir := ofNobody(t)
	lock, err := Acquire(dir, someone)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, dir)
	publish(t, d, configFiles("a"))
	write(t, d, time.Now(), pool(classPath, "a:1"))
	writeSecrets(t, d, OwnerByItself, map[string]string{"a": "x"})
	if err := errors.Join(d.WriteState("x", nil), RequestHold(dir, nil), lock.Release()); err != nil {
		t.Fatal(err)
	}
	wantOwner(t, dir, nobody)
	start(t, dir)
}

// TestStageOfRoot: what root has left in the way, as earlier versions did, keeps
// nobody from starting, and goes when root comes again.
func TestStageOfRoot(t *testing.T) {
	dir := ofNobody(t)
	stage := filepath.Join(dir, stateDir, stageDir)
	for range 2 {
		start(t, dir)
		if err := os.Symlink("x", filepath.Join(stage, "7")); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{stage, filepath.Join(stage, "7")} {
			if err := os.Lchown(path, 0, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	start(t, dir)
	if aside, err := filepath.Glob(stage + ".*"); len(aside) != 2 || err != nil {
		t.Errorf("%v, %v", aside, err)
	}
	open(t, dir)
	wantOwner(t, dir, nobody)
	if aside, err := filepath.Glob(stage + ".*"); len(aside) != 0 || err != nil {
		t.Errorf("%v, %v", aside, err)
	}
}

func ofNobody(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may be another user")
	}
	dir := filepath.Join(t.TempDir(), "out")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	for at := filepath.Dir(dir); at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil { // of the test, not of the directory
			t.Fatal(err)
		}
	}
	return dir
}

// start is another user's controller, which starts and publishes.
func start(t *testing.T, dir string) {
	t.Helper()
	// The test's own program may be where the other user cannot look.
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = self.Close() }()
	cmd := exec.CommandContext(t.Context(), "/proc/self/fd/3", "-test.run=^TestStartAsNobody$")
	cmd.Env = append(os.Environ(), asNobody+"="+dir)
	cmd.ExtraFiles = []*os.File{self}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestStartAsNobody(t *testing.T) {
	dir := os.Getenv(asNobody)
	if dir == "" {
		t.Skip("this is a process of other tests")
	}
	lock, err := Acquire(dir, Holder{PID: 43})
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, dir)
	publish(t, d, configFiles(time.Now().String()))
	write(t, d, time.Now(), pool(classPath, time.Now().Format("15-04-05.000")+":1"))
	if err := errors.Join(d.Collect(map[string]bool{classPath: true}, 1), lock.Release()); err != nil {
		t.Fatal(err)
	}
}

// TestErrorsAreTheSameEachTime: they name the file that was to be written, not
// where it was staged.
func TestErrorsAreTheSameEachTime(t *testing.T) {
	full := false
	d, err := openWith(t.TempDir(), Options{}, func(step, _ string, after bool) error {
		if full && !after && (step == stepWrite || step == stepLink) {
			return syscall.ENOSPC
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := d.Stage(configFiles("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	full = true
	for name, c := range map[string]struct {
		do   func() error
		path string
	}{
		"configuration": {func() error { _, err := d.Stage(configFiles("b"), nil); return err }, "generation-" + configFiles("b").Digest() + "/prometheus.yml"},
		"link":          {func() error { return d.Swap(digest) }, currentLink},
		"state":         {func() error { return d.WriteState("x", nil) }, ".state/x"},
		"secret":        {func() error { return d.WriteSecrets(bytesOf(map[string]string{"a": "x"}), OwnerByItself) }, "secrets/a"},
		"repair":        {func() error { _, err := d.Stage(configFiles("a"), nil); return err }, "generation-" + digest + "/prometheus.yml"},
		"targets": {func() error {
			_, err := d.WriteTargets(time.Now(), []artifact.Pool{pool(classPath, "a:1")})
			return err
		}, ".state/origins/class/default/targets.json"},
	} {
		if name == "repair" {
			replace(t, d.at("generation-"+digest, "prometheus.yml"), []byte("damage"))
		}
		first, second := c.do(), c.do()
		if first == nil || second == nil || first.Error() != second.Error() || !errors.Is(first, syscall.ENOSPC) ||
			!strings.Contains(first.Error(), d.at(c.path)) || strings.Contains(first.Error(), stageDir+"/") {
			t.Errorf("%s: %v, then %v", name, first, second)
		}
	}
}

// TestStartUnderAnyUmask: a start that is cut off leaves no directory that stays
// closed, and one that is there keeps its mode.
func TestStartUnderAnyUmask(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	cut := errors.New("killed")
	for n := 1; ; n++ {
		dir, steps := filepath.Join(t.TempDir(), "deep", "out"), 0
		_, err := openWith(dir, Options{}, func(string, string, bool) error {
			if steps++; steps >= n {
				return cut
			}
			return nil
		})
		if err != nil && !errors.Is(err, cut) {
			t.Fatal(err)
		}
		open(t, dir)
		for _, path := range []string{filepath.Dir(dir), dir, filepath.Join(dir, targetsDir), filepath.Join(dir, secretsDir)} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != dirMode {
				t.Errorf("%s after %d steps: %v, %v", path, n, info.Mode(), err)
			}
		}
		if left, err := os.ReadDir(filepath.Dir(dir)); len(left) != 1 || err != nil {
			t.Errorf("left are %v, %v", left, err)
		}
		if err == nil {
			break
		}
	}
	dir := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the operator's: %v, %v", info.Mode(), err)
	}
}

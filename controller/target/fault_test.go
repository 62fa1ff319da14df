package target_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/target"
)

// remedies are what is told with each error of a filesystem.
var remedies = map[error]string{
	syscall.ENOTDIR:      "a directory is needed there: remove or rename what is in its place",
	syscall.EISDIR:       "a file is needed there: remove or rename the directory",
	syscall.EEXIST:       "a file is needed there: remove or rename what is in its place",
	syscall.EROFS:        "the filesystem is mounted read-only: mount it writable",
	syscall.ENOSPC:       "the filesystem is full: free space or inodes",
	syscall.EDQUOT:       "the quota of this user is used up",
	syscall.EXDEV:        "mount one volume at the output directory itself",
	syscall.ENAMETOOLONG: "shorten the name",
	syscall.EACCES:       "give it to the user that this runs as, uid ",
	syscall.EPERM:        "give it to the user that this runs as, uid ",
	syscall.EIO:          "input/output error",
}

// TestFaultAtEveryStep has every kind of step fail once, with each error in turn:
// it is told with its path and remedy, what is live stays, and the next try of
// the same process makes good.
func TestFaultAtEveryStep(t *testing.T) {
	all, url := script(), fakeServer(t)
	errnos := []error{syscall.ENOSPC, syscall.EROFS, syscall.EDQUOT, syscall.EACCES, syscall.EPERM, syscall.ENOTDIR, syscall.EISDIR, syscall.EXDEV, syscall.ENAMETOOLONG, syscall.EIO}
	for g, pub := range all[:3] {
		base, golden := scratch(t), scratch(t)
		before := runScript(t, base, url, all[:g])
		want := runScript(t, golden, url, all[:g+1])
		tried := 0
		for n := 1; ; n++ {
			errno := errnos[n%len(errnos)]
			dir := copyOf(t, base)
			f := &faulty{dir: dir, at: n, errno: errno}
			err := f.run(t, url, pub)
			if f.kind == "" {
				break // there are no more steps
			}
			if f.skipped {
				continue
			}
			tried++
			if err != nil && !strings.Contains(err.Error(), remedies[errno]) {
				t.Errorf("%s: %s fails with %v: %v", pub.name, f.kind, errno, err)
			}
			if err := (&crashes{golden: []map[string]string{before, want}}).loads(dir, 0); err != nil {
				t.Errorf("%s: %s fails with %v: %v", pub.name, f.kind, errno, err)
			}
			f.publish(t, url, pub)
			if diff := cmp.Diff(want, snapshot(t, dir)); diff != "" {
				t.Errorf("%s: after %s failed with %v and was tried again (-want +got):\n%s", pub.name, f.kind, errno, diff)
			}
		}
		t.Logf("%s: %d steps failed", pub.name, tried)
	}
}

func runScript(t *testing.T, dir, url string, pubs []publication) map[string]string {
	t.Helper()
	for _, pub := range pubs {
		p, err := newPublisher(dir, url, nil)
		if err == nil {
			err = p.publish(pub)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return snapshot(t, dir)
}

// faulty is a publisher whose n-th step fails.
type faulty struct {
	dir     string
	at, now int
	errno   error
	kind    string // of the step that failed
	skipped bool   // it is one whose failure is no matter
	p       *publisher
}

func (f *faulty) hook(step, path string, after bool) error {
	if after {
		return nil
	}
	if f.now++; f.now != f.at {
		return nil
	}
	f.kind, f.skipped = kindOf(f.dir, step, path, after), step == stepReload
	if f.skipped {
		return nil
	}
	return f.errno
}

func (f *faulty) run(t *testing.T, url string, pub publication) error {
	t.Helper()
	p, err := newPublisher(f.dir, url, f.hook)
	if err != nil {
		return err
	}
	f.p = p
	return p.publish(pub)
}

// publish tries again: with the same process, if it got as far as that.
func (f *faulty) publish(t *testing.T, url string, pub publication) {
	t.Helper()
	if f.p == nil {
		p, err := newPublisher(f.dir, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.p = p
	}
	if err := f.p.publish(pub); err != nil {
		t.Errorf("%s failed with %v, and then: %v", f.kind, f.errno, err)
	}
}

func TestEveryRemedy(t *testing.T) {
	for errno, remedy := range remedies {
		err := target.WithRemedy(&os.PathError{Op: "open", Path: "/out/x", Err: errno})
		if !errors.Is(err, errno) || !strings.Contains(err.Error(), remedy) || !strings.Contains(err.Error(), "/out/x") {
			t.Errorf("%v: %v", errno, err)
		}
	}
}

// TestWhatIsInTheWay: something else where a directory, a file or the link should
// be is told, left alone, and no trouble any more once it is gone; at the start
// and later.
func TestWhatIsInTheWay(t *testing.T) {
	all, url := script(), fakeServer(t)
	for name, c := range map[string]struct {
		path, says string
		directory  bool
	}{
		"a file for targets":          {"targets", "remove or rename what is in its place", false},
		"a file for a class":          {"targets/class/default", "remove or rename what is in its place", false},
		"a file for secrets":          {"secrets", "remove or rename what is in its place", false},
		"a directory for the link":    {"current", "is no symbolic link: remove or rename what is in its place", true},
		"a file for the link":         {"current", "is no symbolic link: remove or rename what is in its place", false},
		"a directory for target file": {"targets/class/default/targets.json", "remove or rename", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := scratch(t)
			p, err := newPublisher(dir, url, nil)
			if err == nil {
				err = p.publish(all[4])
			}
			if err != nil {
				t.Fatal(err)
			}
			path, aside := filepath.Join(dir, c.path), filepath.Join(dir, "aside")
			must(t, os.Rename(path, aside))
			if c.directory {
				must(t, os.Mkdir(path, 0o755))
			} else {
				must(t, os.WriteFile(path, nil, 0o600))
			}
			if err := p.publish(all[6]); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("while running: %v", err)
			}
			p2, err := newPublisher(dir, url, nil)
			if err == nil {
				err = p2.publish(all[6])
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("at the start: %v", err)
			}
			must(t, os.Remove(path))
			must(t, os.Rename(aside, path))
			if err := p.publish(all[6]); err != nil {
				t.Errorf("when it is gone: %v", err)
			}
			if !p.out.Intact() {
				t.Error("not intact")
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFullAndReadOnly publishes on a real filesystem that is full, then
// read-only, where this process may mount one. The injected errors are judged
// everywhere.
func TestFullAndReadOnly(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k,nr_inodes=100"); err != nil {
		t.Skipf("no mounts here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	all, url := script(), fakeServer(t)
	p, err := newPublisher(dir, url, nil)
	if err == nil {
		err = p.publish(all[0])
	}
	must(t, err)
	before := snapshot(t, dir)
	filler := filepath.Join(dir, "filler")
	_ = os.WriteFile(filler, make([]byte, 1<<20), 0o600)
	if err := p.publish(all[2]); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free space") {
		t.Errorf("full: %v", err)
	}
	if err := (&crashes{golden: []map[string]string{before, before}}).loads(dir, 0); err != nil {
		t.Errorf("full: %v", err)
	}
	must(t, os.Remove(filler))
	must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	if err := p.publish(all[2]); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "mount it writable") {
		t.Errorf("read-only: %v", err)
	}
	if _, err := target.Acquire(dir, target.Holder{}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("locked read-only: %v", err)
	}
	must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""))
	must(t, p.publish(all[2]))
	if !p.out.Intact() {
		t.Error("not intact")
	}
}

// TestPrometheusMayRead everything but .state, as another user, whatever the
// umask of who published.
func TestPrometheusMayRead(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may be another user; modes are judged elsewhere")
	}
	old := syscall.Umask(0o077)
	dir := filepath.Join(t.TempDir(), "deep", "out")
	runScript(t, dir, fakeServer(t), script()[:5])
	syscall.Umask(old)
	for at := filepath.Dir(filepath.Dir(dir)); at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		must(t, os.Chmod(at, 0o755)) // of the test, not of the directory
	}
	as := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := as("find", dir, "-path", filepath.Join(dir, ".state"), "-prune", "-o", "-type", "f", "-exec", "cat", "{}", "+")
	if err != nil || !strings.Contains(out, "s3cret") || !strings.Contains(out, "scrape_configs") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := as("ls", filepath.Join(dir, ".state")); err == nil {
		t.Errorf(".state is open: %s", out)
	}
	if out, err := as("cat", filepath.Join(dir, "current", "prometheus.yml")); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

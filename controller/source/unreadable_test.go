//go:build linux

package source

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// asNobody has this goroutine's thread look at files as a user without rights,
// for tests that run as root. The thread ends with the goroutine.
func asNobody(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread()
	const nobody = 65534
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0); errno != 0 {
		t.Error(errno)
	}
}

func TestDirectoryUnreadable(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good.yml", doc("good", "1"), time.Hour)
	write(t, dir, "secret.yml", doc("secret", "1"), time.Hour)
	write(t, dir, "lost+found/x.yml", doc("x", "1"), time.Hour)
	for name, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, filepath.Join(dir, "secret.yml"): 0, filepath.Join(dir, "lost+found"): 0} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "lost+found"), 0o755) }) //nolint:gosec // for its removal
	done := make(chan struct{})
	go func() {
		defer close(done)
		asNobody(t)
		d := NewDirectory(dir)
		set, err := d.Load(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		says := fmt.Sprintf("cannot be read: permission denied; let uid %d read it, or move it away", os.Getuid())
		wantProblems(t, set, at("lost+found/", says), at("secret.yml", says))
		if len(set.Objects) != 1 || set.Objects[0].Name != "good" {
			t.Errorf("objects %v", set.Objects)
		}
		if again, err := d.Load(t.Context()); again != set || err != nil {
			t.Errorf("another set of the same: %v", err)
		}
	}()
	<-done
}

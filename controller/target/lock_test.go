package target

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var someone = Holder{PID: 42, Host: "here", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Address: "127.0.0.1:9926"}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "out")
	first, err := Acquire(dir, someone)
	if err != nil || first.Unenforced != nil {
		t.Fatal(err, first)
	}
	_, err = Acquire(dir, Holder{PID: 43})
	var held *LockedError
	if !errors.As(err, &held) || held.Holder != someone || !strings.Contains(err.Error(), "process 42 on here (127.0.0.1:9926) since 2026-01-02T03:04:05Z") {
		t.Errorf("error %v", err)
	}
	open(t, dir) // takes nothing from who holds it
	if _, err := Acquire(dir, Holder{}); !errors.As(err, &held) {
		t.Errorf("after another start: %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := Acquire(dir, Holder{PID: 43, Since: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, stateDir))
	if err != nil || info.Mode().Perm() != stateDirMode {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := second.Release(); err != nil {
		t.Fatal(err)
	}
}

// TestLockOfAnotherFile: who has opened a file that is removed before he locks
// it holds nothing.
func TestLockOfAnotherFile(t *testing.T) {
	d := open(t, t.TempDir())
	tries := 0
	l, err := d.acquire(func(fd, how int) error {
		if tries++; tries == 1 {
			if err := os.Remove(d.at(stateDir, lockFile)); err != nil {
				t.Fatal(err)
			}
		}
		return syscall.Flock(fd, how)
	}, someone)
	if err != nil || tries != 2 || readHolder(d.at(stateDir, lockFile)) != someone {
		t.Fatalf("%v after %d tries", err, tries)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestLockIsUnknownToTheFilesystem(t *testing.T) {
	for _, errno := range []error{syscall.ENOTSUP, syscall.ENOLCK} {
		d := open(t, t.TempDir())
		l, err := d.acquire(func(int, int) error { return errno }, someone)
		if err != nil || !errors.Is(l.Unenforced, errno) {
			t.Fatalf("%v: %v", errno, err)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}
	d := open(t, t.TempDir())
	if _, err := d.acquire(func(int, int) error { return syscall.EIO }, someone); !errors.Is(err, syscall.EIO) {
		t.Errorf("error %v", err)
	}
}

func TestLockWhereADirectoryCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	replace(t, file, nil)
	_, err := Acquire(file, someone)
	if !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), "remove or rename what is in its place") || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	if err := os.MkdirAll(filepath.Join(dir, stateDir, lockFile), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(dir, someone); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "remove or rename the directory") {
		t.Errorf("error %v", err)
	}
}

// TestLockThatSomebodyRemoves is made anew at the next look, unless another
// process has it by then: then nothing is written until that one ends.
func TestLockThatSomebodyRemoves(t *testing.T) {
	dir := t.TempDir()
	lock, err := Acquire(dir, someone)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, dir)
	d.Guard(lock)
	write(t, d, time.Now())
	remove := func() {
		t.Helper()
		if err := os.Remove(d.at(stateDir, lockFile)); err != nil {
			t.Fatal(err)
		}
		if d.Intact() {
			t.Error("its removal is not noticed")
		}
	}
	remove()
	write(t, d, time.Now())
	if got := d.Interference(); !d.Intact() || len(got) != 1 || !strings.Contains(got[0], ".state/lock was deleted") {
		t.Errorf("told is %q", got)
	}
	var held *LockedError
	if _, err := Acquire(dir, Holder{PID: 43}); !errors.As(err, &held) || held.Holder != someone {
		t.Errorf("another one: %v", err)
	}
	remove()
	other, err := Acquire(dir, Holder{PID: 43})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.WriteTargets(time.Now(), nil); !errors.As(err, &held) || held.Holder.PID != 43 {
		t.Errorf("while another one has it: %v", err)
	}
	if err := other.Release(); err != nil {
		t.Fatal(err)
	}
	write(t, d, time.Now())
	if !d.Intact() {
		t.Error("not intact in the end")
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

package target

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// The steps by which the directory changes. Whatever else happens in between,
// a crash leaves it between two of them.
const (
	stepMkdir   = "mkdir"
	stepChmod   = "chmod"
	stepChown   = "chown"
	stepCreate  = "create" // a file, empty yet
	stepWrite   = "write"
	stepFsync   = "fsync"
	stepSyncDir = "fsync directory"
	stepLink    = "link" // symbolic, below .state
	stepTouch   = "touch"
	stepRename  = "rename"
	stepSwap    = "swap" // the rename of current
	stepRemove  = "remove"
)

// hook is told of a step before (after is false) and after it. Its error is the
// step's: before, the step is not done.
type hook func(step, path string, after bool) error

// disk takes every step that changes the directory: there is no other way. A
// test may be told of each, and fail or end the process there.
type disk struct {
	hook  hook  // nil but in tests
	owner *user // of what is made; nil is this process's
}

func (k *disk) step(name, path string, do func() error) error {
	if k.hook == nil {
		return do()
	}
	if err := k.hook(name, path, false); err != nil {
		return &fs.PathError{Op: name, Path: path, Err: err}
	}
	if err := do(); err != nil {
		return err
	}
	if err := k.hook(name, path, true); err != nil {
		return &fs.PathError{Op: name, Path: path, Err: err}
	}
	return nil
}

func (k *disk) chmod(path string, mode fs.FileMode) error {
	return k.step(stepChmod, path, func() error { return os.Chmod(path, mode) })
}

func (k *disk) chown(path string, uid, gid int) error {
	return k.step(stepChown, path, func() error { return os.Chown(path, uid, gid) })
}

func (k *disk) symlink(to, path string) error {
	return k.step(stepLink, path, func() error {
		if err := os.Symlink(to, path); err != nil {
			return err
		}
		return k.give(path)
	})
}

func (k *disk) touch(path string, at time.Time) error {
	return k.step(stepTouch, path, func() error { return os.Chtimes(path, at, at) })
}

func (k *disk) rename(from, to string) error {
	name := stepRename
	if filepath.Base(to) == currentLink {
		name = stepSwap
	}
	return k.step(name, to, func() error { return os.Rename(from, to) })
}

func (k *disk) remove(path string) error {
	return k.step(stepRemove, path, func() error { return os.Remove(path) })
}

// removeAll removes what is there, and what is below it, one by one. It follows
// no link.
func (k *disk) removeAll(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return ignoreMissing(err)
	}
	if info.IsDir() {
		entries, err := readDir(path)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := k.removeAll(filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
	}
	return ignoreMissing(k.remove(path))
}

// makeDir creates a directory and its parents, so that they outlive a power
// failure. What exists keeps its mode.
func (k *disk) makeDir(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: stepMkdir, Path: path, Err: syscall.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := k.makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	if err := k.mkdir(path); err != nil {
		return err
	}
	return k.syncDir(filepath.Dir(path))
}

func (k *disk) mkdir(path string) error {
	err := k.step(stepMkdir, path, func() error {
		if err := os.Mkdir(path, dirMode); err != nil {
			return err
		}
		return k.give(path)
	})
	if err != nil && !errors.Is(err, fs.ErrExist) { // made by another goroutine
		return err
	}
	return k.chmod(path, dirMode) // whatever the umask
}

// makeRoot makes the output directory, whose mode is the operator's if it is
// there: after a crash it is open to everybody or not there, whatever the umask.
func (k *disk) makeRoot(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
		return k.makeDir(path)
	}
	parent := filepath.Dir(path)
	if err := k.makeRoot(parent); err != nil {
		return err
	}
	staged := filepath.Join(parent, "."+filepath.Base(path)+".new")
	err := k.mkdir(staged)
	if err == nil {
		err = k.rename(staged, path)
	}
	if err != nil {
		if _, found := os.Stat(path); found != nil {
			return asOf(err, staged, path)
		}
		_ = os.Remove(staged) // another process was faster
	}
	return k.syncDir(parent)
}

// openDir makes a directory of ours, and lets everybody look into it: one that a
// crash, or an earlier version under an odd umask, left closed included.
func (k *disk) openDir(path string) error {
	if err := k.makeDir(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&dirMode == dirMode {
		return err
	}
	return k.chmod(path, dirMode)
}

// writeFile creates a file and syncs it; after an error there is none.
func (k *disk) writeFile(path string, write content, mode fs.FileMode) error {
	err := k.fill(path, write, mode)
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}

func (k *disk) fill(path string, write content, mode fs.FileMode) error {
	var f *os.File
	err := k.step(stepCreate, path, func() (err error) {
		if f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode); err != nil {
			return err
		}
		return k.give(path)
	})
	if f == nil {
		return err
	}
	if err == nil {
		err = k.step(stepWrite, path, func() error { return write(f) })
	}
	if err == nil {
		err = k.step(stepChmod, path, func() error { return f.Chmod(mode) })
	}
	if err == nil {
		err = k.step(stepFsync, path, f.Sync)
	}
	return errors.Join(err, f.Close())
}

// syncDir makes renames in a directory durable. Some network filesystems cannot
// sync a directory and say EINVAL or ENOTSUP: they are as durable as they are.
func (k *disk) syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	err = k.step(stepSyncDir, path, f.Sync)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

// content writes what a file is to hold. An error is the writer's.
type content func(io.Writer) error

// whole is content that is in memory, in parts.
func whole(parts ...[]byte) content {
	return func(w io.Writer) error {
		for _, part := range parts {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		return nil
	}
}

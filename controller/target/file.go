package target

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Prometheus runs as a user of its own, and must read everything but .state,
// which may hold what is secret in specs.
const (
	dirMode       = 0o755
	fileMode      = 0o644
	stateDirMode  = 0o700
	stateFileMode = 0o600
)

// makeDir creates a directory and its parents, so that they outlive a power
// failure. What exists keeps its mode.
func makeDir(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Mkdir(path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) { // made by another goroutine
		return err
	}
	if err := os.Chmod(path, dirMode); err != nil { // whatever the umask
		return err
	}
	return syncDir(filepath.Dir(path))
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

// writeFile creates a file and syncs it; after an error there is none.
func writeFile(path string, write content, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}

// syncDir makes renames in a directory durable. Some network filesystems cannot
// sync a directory and say EINVAL or ENOTSUP: they are as durable as they are.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

func device(path string) (uint64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("stat %s: this system does not say on which filesystem it is", path)
	}
	return uint64(stat.Dev), nil //nolint:unconvert // an int32 on some systems
}

// withRemedy appends what to do about an error of the filesystem. The paths are
// in the error itself.
func withRemedy(err error) error {
	if err == nil {
		return nil
	}
	remedies := []struct {
		cause  error
		remedy string
	}{
		{syscall.ENOTDIR, "a directory is needed there: remove or rename what is in its place"},
		{syscall.EISDIR, "a file is needed there: remove or rename the directory"},
		{syscall.EROFS, "the filesystem is mounted read-only: mount it writable"},
		{syscall.ENOSPC, "the filesystem is full: free space or inodes"},
		{syscall.EDQUOT, "the quota of this user is used up: free space or raise it"},
		{syscall.EXDEV, "targets, secrets and .state must be on the filesystem of the output directory: mount one volume at the output directory itself"},
		{syscall.ENAMETOOLONG, "shorten the name or the path of the output directory"},
		{fs.ErrPermission, fmt.Sprintf("give it to the user that this runs as, uid %d, for example with chown", os.Getuid())},
	}
	for _, r := range remedies {
		if errors.Is(err, r.cause) {
			return fmt.Errorf("%w (%s)", err, r.remedy)
		}
	}
	return err
}

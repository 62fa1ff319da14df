package target

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// user is whom the directory belongs to, where this process is root and that is
// somebody else: all that it makes is his, so that his controller can go on.
type user struct{ uid, gid int }

// ownerOf is the first of the directories' owners who is not this process, which
// is root; nil where there is none.
func ownerOf(dirs ...string) *user {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			return &user{int(stat.Uid), int(stat.Gid)}
		}
	}
	return nil
}

// foreign says that something there is another user's.
func foreign(dir string) bool {
	found := false
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return filepath.SkipDir
		}
		if info, err := e.Info(); err == nil {
			stat, ok := info.Sys().(*syscall.Stat_t)
			found = found || ok && int(stat.Uid) != os.Geteuid()
		}
		return nil
	})
	return found
}

// give makes what was just made the owner's. Root without that right, as in some
// containers, goes on without.
func (k *disk) give(path string) error {
	if k.owner == nil {
		return nil
	}
	err := os.Lchown(path, k.owner.uid, k.owner.gid)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// stagedError is an error of a file that was to be written. It names that file,
// not the path that it was staged at, which is another each time.
type stagedError struct {
	err           error
	staged, final string
}

func asOf(err error, staged, final string) error {
	if err == nil {
		return nil
	}
	return &stagedError{err, staged, final}
}

func (e *stagedError) Error() string { return strings.ReplaceAll(e.err.Error(), e.staged, e.final) }

func (e *stagedError) Unwrap() error { return e.err }

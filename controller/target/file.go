package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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
		{syscall.EEXIST, "a file is needed there: remove or rename what is in its place"}, // a rename onto a directory
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

package target

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockFile is below .state. It stays when the lock is released: removing it
// would give two processes one lock each.
const lockFile = "lock"

// Holder is who may write into a directory, for people to read.
type Holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host,omitempty"`
	Since time.Time `json:"since"`
	// Address is where its pages are; "" for a command that ends soon.
	Address string `json:"address,omitempty"`
}

// String says who it is, in words that follow "held by".
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	text := fmt.Sprintf("process %d", h.PID)
	if h.Host != "" {
		text += " on " + h.Host
	}
	if h.Address != "" {
		text += " (" + h.Address + ")"
	}
	return text + " since " + h.Since.UTC().Format(time.RFC3339)
}

// LockedError is a directory that another process writes into.
type LockedError struct {
	Path   string // of the directory
	Holder Holder
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by %s: only one controller may write into an output directory", e.Path, e.Holder)
}

// Lock is the right to write into a directory. The kernel takes it back when
// the process ends, however it ends.
type Lock struct {
	file *os.File
	as   Holder
	// Unenforced is why nothing keeps others away: a filesystem without locks.
	// Nil where the lock holds.
	Unenforced error
}

// Acquire takes the lock of an output directory, which is created if need be,
// and does not wait: a [*LockedError] says who holds it. Take it before [Open],
// which removes what another process has staged.
func Acquire(dir string, as Holder) (*Lock, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("lock output directory %s: %w", dir, err)
	}
	d := directory(path, nil)
	err = d.disk.makeRoot(path)
	if err == nil {
		err = d.closeState()
	}
	if err != nil {
		return nil, fmt.Errorf("lock output directory: %w", withRemedy(err))
	}
	l, err := d.acquire(syscall.Flock, as)
	if held := (*LockedError)(nil); err != nil && !errors.As(err, &held) {
		err = fmt.Errorf("lock output directory: %w", withRemedy(err))
	}
	return l, err
}

// acquire tries until the file that it has locked is the one that others find.
func (d *Directory) acquire(flock func(fd, how int) error, as Holder) (*Lock, error) {
	for {
		f, err := os.OpenFile(d.at(stateDir, lockFile), os.O_RDWR|os.O_CREATE, stateFileMode)
		if err != nil {
			return nil, err
		}
		_ = d.disk.give(f.Name()) // also one that root made in an earlier version
		l, err := d.lock(f, flock)
		if err == nil && l.is(f.Name()) {
			l.as = as
			l.sign(as)
			return l, nil
		}
		_ = f.Close()
		if err != nil {
			return nil, err
		}
	}
}

func (d *Directory) lock(f *os.File, flock func(fd, how int) error) (*Lock, error) {
	err := flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return &Lock{file: f}, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, &LockedError{Path: d.path, Holder: readHolder(f.Name())}
	case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EINVAL):
		return &Lock{file: f, Unenforced: &fs.PathError{Op: "lock", Path: f.Name(), Err: err}}, nil
	}
	return nil, &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
}

// is says that the path still leads to the file: somebody may have removed it
// between its opening and its locking.
func (l *Lock) is(path string) bool {
	ours, err := l.file.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(path)
	return err == nil && os.SameFile(ours, found)
}

// sign says in the file who holds the lock. That is for people: a full disk is
// no reason not to go on.
func (l *Lock) sign(as Holder) {
	data, err := json.Marshal(as)
	if err != nil || l.file.Truncate(0) != nil {
		return
	}
	_, _ = l.file.WriteAt(append(data, '\n'), 0)
}

// Guard has the directory look whether the lock's file is still there, whenever
// it looks at others: where somebody has removed it, another process could take
// the same lock. It is made anew; where another process holds that already,
// WriteTargets fails with a [*LockedError] until it ends.
func (d *Directory) Guard(l *Lock) { d.guarded = l }

// lockIntact is cheap.
func (d *Directory) lockIntact() bool {
	return d.guarded == nil || d.guarded.is(d.at(stateDir, lockFile))
}

// keepLock makes a lock anew whose file is gone.
func (d *Directory) keepLock() error {
	if d.lockIntact() {
		return nil
	}
	if err := d.closeState(); err != nil {
		return withRemedy(err)
	}
	l, err := d.acquire(syscall.Flock, d.guarded.as)
	if err != nil {
		return withRemedy(err)
	}
	d.interfered("%s/%s was deleted; it is made anew", stateDir, lockFile)
	_ = d.guarded.file.Close()
	d.guarded.file, d.guarded.Unenforced = l.file, l.Unenforced
	return nil
}

// readHolder is what the holder has signed; the zero one where it has not yet.
func readHolder(path string) Holder {
	var h Holder
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &h) != nil {
		return Holder{}
	}
	return h
}

// Release gives the lock back. The file stays, empty.
func (l *Lock) Release() error {
	_ = l.file.Truncate(0)
	return l.file.Close()
}

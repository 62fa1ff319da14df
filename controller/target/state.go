package target

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// stateHeader precedes the data of a state file, with its SHA-256.
const stateHeader = "ecs-scrape-state/v1 sha256:%x\n"

// DamagedError is a state file whose content is not what was written. It is
// [fs.ErrNotExist] to errors.Is, so that a caller who only asks whether there
// is something to use needs no second case.
type DamagedError struct {
	Path string
}

func (e *DamagedError) Error() string {
	return e.Path + " is damaged and is not used: its checksum does not match"
}

// Is makes a damaged file an absent one.
func (e *DamagedError) Is(target error) bool { return target == fs.ErrNotExist }

// ReadState is the data that WriteState kept under a name: [fs.ErrNotExist] if
// there is none, a [*DamagedError] if it cannot be trusted.
func (d *Directory) ReadState(name string) ([]byte, error) {
	file, err := d.statePath(name)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", withRemedy(err))
	}
	_, data, _ := bytes.Cut(content, []byte("\n"))
	if !bytes.Equal(content[:len(content)-len(data)], headerOf(data)) {
		return nil, &DamagedError{Path: file}
	}
	return data, nil
}

// WriteState keeps data under a name, a slash-separated relative path: all of it
// or, after an error or a crash, what was there before.
func (d *Directory) WriteState(name string, data []byte) error {
	if d.readOnly {
		return ErrReadOnly
	}
	file, err := d.statePath(name)
	if err != nil {
		return err
	}
	if err := d.keep(file, whole(headerOf(data), data)); err != nil {
		return fmt.Errorf("write state: %w", withRemedy(err))
	}
	return nil
}

// keep writes a file below .state, whole, and so that it outlives a power failure.
func (d *Directory) keep(file string, write content) error {
	if err := d.disk.makeDir(filepath.Dir(file)); err != nil {
		return err
	}
	if err := d.put(file, write, stateFileMode); err != nil {
		return err
	}
	return d.disk.syncDir(filepath.Dir(file))
}

func headerOf(data []byte) []byte { return fmt.Appendf(nil, stateHeader, sha256.Sum256(data)) }

var errStateName = errors.New("no name of a state file")

func (d *Directory) statePath(name string) (string, error) {
	first, _, _ := strings.Cut(name, "/")
	if !filepath.IsLocal(name) || path.Clean(name) != name || name == "." || first == stageDir || first == originsDir {
		return "", fmt.Errorf("state %q: %w", name, errStateName)
	}
	return d.at(stateDir, name), nil
}

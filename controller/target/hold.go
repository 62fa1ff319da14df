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

// Names below .state.
const (
	holdFile      = "hold.json"
	confirmedFile = "confirmed.json"
	scrapedDir    = "scraped" // what each configuration has scraped
)

// ScrapedFile is the name of the state that belongs to a configuration, and goes
// with it.
func ScrapedFile(digest string) string { return scrapedDir + "/" + digest + ".json" }

// Hold asks for a configuration to stay current until it is released.
type Hold struct {
	Digest string    `json:"digest"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"` // in the words of who asked for it
}

// Hold is what is to be held; nil if nothing is. With an error there is a
// request that nobody can read.
func (d *Directory) Hold() (*Hold, error) {
	data, err := d.ReadState(holdFile)
	var damaged *DamagedError
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, &damaged) {
		return nil, nil //nolint:nilnil // nothing to hold is the usual case
	}
	if err != nil {
		return nil, fmt.Errorf("read what is to be held: %w", err)
	}
	h := &Hold{}
	if err := json.Unmarshal(data, h); err != nil || !digestPattern.MatchString(h.Digest) {
		return nil, fmt.Errorf("read what is to be held: %s names no configuration: release it, or hold another", d.at(stateDir, holdFile))
	}
	return h, nil
}

// RequestHold asks whoever writes into the directory to hold a configuration;
// nil releases it. It needs no lock, and changes nothing else: the request is
// there, whole, or it is not. It belongs to the owner of .state, who must be
// able to read it.
func RequestHold(dir string, h *Hold) error {
	path, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	d := &Directory{path: path}
	if err := d.requestHold(h); err != nil {
		return fmt.Errorf("ask to hold: %w", withRemedy(err))
	}
	return nil
}

func (d *Directory) requestHold(h *Hold) error {
	state, name := d.at(stateDir), d.at(stateDir, holdFile)
	if h == nil {
		if err := ignoreMissing(d.disk.remove(name)); err != nil {
			return err
		}
		return d.disk.syncDir(state)
	}
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	// A name of its own: the stage is of whoever holds the lock, and he may clear it.
	staged := fmt.Sprintf("%s.%d", name, os.Getpid())
	if err := d.disk.writeFile(staged, whole(headerOf(data), data), stateFileMode); err != nil {
		return err
	}
	err = d.giveToOwner(staged, state)
	if err == nil {
		err = d.disk.rename(staged, name)
	}
	if err != nil {
		_ = d.disk.remove(staged)
		return err
	}
	return d.disk.syncDir(state)
}

// giveToOwner gives a file to the owner of a directory, where this process is
// another user, such as root in a shell of the container.
func (d *Directory) giveToOwner(file, dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() {
		return nil
	}
	return d.disk.chown(file, int(owner.Uid), int(owner.Gid))
}

// cleanHolds removes requests that were never finished.
func (d *Directory) cleanHolds() error {
	left, err := filepath.Glob(d.at(stateDir, holdFile+".*"))
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := ignoreMissing(d.disk.remove(name)); err != nil {
			return err
		}
	}
	return nil
}

// Confirmed are the digests of configurations that Prometheus has confirmed, the
// newest first, as far as they are known.
func (d *Directory) Confirmed() ([]string, error) {
	data, err := d.ReadState(confirmedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var digests []string
	if err := json.Unmarshal(data, &digests); err != nil {
		return nil, fmt.Errorf("read %s: %w", d.at(stateDir, confirmedFile), err)
	}
	return digests, nil
}

// maxConfirmed is how many confirmed configurations are remembered.
const maxConfirmed = 100

// Confirm notes that Prometheus has confirmed a configuration.
func (d *Directory) Confirm(digest string) error {
	known, err := d.Confirmed()
	if err == nil && len(known) > 0 && known[0] == digest {
		return nil
	}
	list := []string{digest}
	for _, k := range known {
		if k != digest && len(list) < maxConfirmed {
			list = append(list, k)
		}
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return d.WriteState(confirmedFile, data)
}

package target

import (
	"fmt"
	"path/filepath"
)

// WriteDocument is WriteState of something that other programs read: the file
// below .state holds the data and nothing else. It may be called concurrently, each
// name in one goroutine at a time.
func (d *Directory) WriteDocument(name string, data []byte) error {
	if d.readOnly {
		return ErrReadOnly
	}
	file, err := d.statePath(name)
	if err == nil {
		err = d.writeDocument(file, data)
	}
	if err != nil {
		return fmt.Errorf("write document: %w", withRemedy(err))
	}
	return nil
}

func (d *Directory) writeDocument(file string, data []byte) error {
	if err := d.disk.makeDir(filepath.Dir(file)); err != nil {
		return err
	}
	if err := d.put(file, whole(data), stateFileMode); err != nil {
		return err
	}
	return d.disk.syncDir(filepath.Dir(file))
}

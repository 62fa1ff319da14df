package target

import "fmt"

// WriteDocument is WriteState of something that other programs read: the file
// below .state holds the data and nothing else. It may be called concurrently, each
// name in one goroutine at a time.
func (d *Directory) WriteDocument(name string, data []byte) error {
	if d.readOnly {
		return ErrReadOnly
	}
	file, err := d.statePath(name)
	if err == nil {
		err = d.keep(file, whole(data))
	}
	if err != nil {
		return fmt.Errorf("write document: %w", withRemedy(err))
	}
	return nil
}

package target

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestWriteDocument: the file is the document itself, and nobody else's to read.
func TestWriteDocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, ".state", "status.json")
	for _, text := range []string{"{}\n", "{\"a\": 1}\n"} {
		if err := d.WriteDocument("status.json", []byte(text)); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil || string(data) != text {
			t.Errorf("%q, %v, want %q", data, err, text)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != stateFileMode {
		t.Errorf("%v, %v", info, err)
	}
	if err := d.WriteDocument("../status.json", nil); err == nil {
		t.Error("a document outside .state is written")
	}
	reader, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.WriteDocument("status.json", nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("read only: %v", err)
	}
}

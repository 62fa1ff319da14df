package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ecs-scrape/spec"
)

// settledAfter is the age from which a modification time proves that a file has
// not changed since: file systems count in steps of up to 2 s, so that a younger
// file may be written twice at one time.
const settledAfter = 2 * time.Second

// Directory reads specs below a directory: *.yaml, *.yml and *.json. Hidden
// files and directories are skipped, and links to files followed, which makes
// it fit for mounted Kubernetes-style volumes.
type Directory struct {
	dir string

	mu    sync.Mutex
	set   *spec.Set
	files map[string]localFile // by name: what set was decoded from
}

// localFile is a file as it was read.
type localFile struct {
	info os.FileInfo
	read time.Time // when reading began
	data []byte
}

// NewDirectory is a source of the specs below dir. Nothing is read yet.
func NewDirectory(dir string) *Directory {
	return &Directory{dir: dir}
}

// Load reads the directory. It gives the same set as before if no content
// changed. A missing directory is an error, an empty one is not. A directory
// that changes while it is read is read once more; if it changes again, the
// error wraps ErrChanged. Load may be called concurrently.
func (d *Directory) Load(ctx context.Context) (*spec.Set, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	files, err := d.read(ctx)
	if errors.Is(err, ErrChanged) {
		files, err = d.read(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read specs in %s: %w", d.dir, err)
	}
	if d.set == nil || !sameContent(d.files, files) {
		d.set = decodeLocal(files)
	}
	d.files = files
	return d.set, nil
}

// read gives every file as it is now. Files known to be unchanged are not
// opened. Looking at all of them again afterwards shows whether the directory
// stood still, so that no half of a change is taken.
func (d *Directory) read(ctx context.Context) (map[string]localFile, error) {
	now := time.Now()
	infos, err := d.scan(ctx)
	if err != nil {
		return nil, err
	}
	files := make(map[string]localFile, len(infos))
	opened := false
	for _, name := range slices.Sorted(maps.Keys(infos)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if known, ok := d.files[name]; ok && known.stands(infos[name]) {
			files[name] = known
			continue
		}
		data, err := d.readFile(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[name] = localFile{info: infos[name], read: now, data: data}
		opened = true
	}
	if !opened {
		return files, nil
	}
	return files, d.verify(ctx, infos)
}

// stands says whether what was read is surely what the file holds now.
func (f *localFile) stands(now os.FileInfo) bool {
	return sameFile(f.info, now) && f.read.Sub(now.ModTime()) > settledAfter
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// verify looks at the directory again.
func (d *Directory) verify(ctx context.Context, infos map[string]os.FileInfo) error {
	again, err := d.scan(ctx)
	if err != nil {
		return err
	}
	if !maps.EqualFunc(infos, again, sameFile) {
		return ErrChanged
	}
	return nil
}

// scan finds all files of specs, by name.
func (d *Directory) scan(ctx context.Context) (map[string]os.FileInfo, error) {
	if _, err := os.Stat(d.dir); err != nil {
		return nil, err
	}
	infos := make(map[string]os.FileInfo)
	return infos, d.scanBelow(ctx, "", infos)
}

func (d *Directory) scanBelow(ctx context.Context, below string, infos map[string]os.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(d.path(below))
	if err != nil {
		return vanished(err)
	}
	for _, entry := range entries {
		name := path.Join(below, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			err = d.scanBelow(ctx, name, infos)
		case entry.Type()&fs.ModeSymlink != 0 || isSpec(name):
			err = d.look(name, infos)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// look adds a file, or what a link leads to.
func (d *Directory) look(name string, infos map[string]os.FileInfo) error {
	info, err := os.Stat(d.path(name))
	switch {
	case err != nil && !isSpec(name):
		return nil // a broken link of no interest
	case err != nil:
		return vanished(err)
	case info.IsDir():
		return fmt.Errorf("%s: links to a directory, which is not followed; link its files, or move it here", name)
	case !isSpec(name):
		return nil
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: is no regular file; remove or rename it", name)
	}
	if err := checkSize(info.Size()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	infos[name] = info
	return checkCount(len(infos))
}

func (d *Directory) readFile(name string) ([]byte, error) {
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, vanished(err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, err
	}
	return data, checkSize(int64(len(data)))
}

func (d *Directory) path(name string) string {
	return filepath.Join(d.dir, filepath.FromSlash(name))
}

// vanished marks the error for a file that a listing has just named.
func vanished(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return err
}

func sameContent(a, b map[string]localFile) bool {
	return maps.EqualFunc(a, b, func(x, y localFile) bool { return bytes.Equal(x.data, y.data) })
}

func decodeLocal(files map[string]localFile) *spec.Set {
	list := make([]spec.File, 0, len(files))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, spec.File{Name: name, Data: files[name].data})
	}
	return spec.Decode(list)
}

package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

	mu   sync.Mutex
	set  *spec.Set
	held content // what set was decoded from
}

// content is a directory as it was read.
type content struct {
	files  map[string]localFile // by name
	broken broken
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
// changed. A missing directory is an error, an empty one is not. A file or
// folder below it that cannot be read is a problem of the set. A directory that
// changes while it is read is read once more; if it changes again, the error
// wraps ErrChanged. Load may be called concurrently.
func (d *Directory) Load(ctx context.Context) (*spec.Set, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, err := d.settled(ctx)
	if err != nil {
		return nil, fmt.Errorf("read specs in %s: %w", d.dir, err)
	}
	if d.set == nil || !now.same(d.held) {
		d.set = decode(now.list(), now.broken)
	}
	d.held = now
	return d.set, nil
}

// Revision identifies what was loaded last, by its content; "" before that. No
// revision of a directory is a published one.
func (d *Directory) Revision() (id string, published bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.set == nil {
		return "", false
	}
	return d.set.Revision, false
}

// settled reads, and reads once more where the directory did not stand still or
// where something is newly broken: a link leads nowhere for a moment while a
// volume is swapped.
func (d *Directory) settled(ctx context.Context) (content, error) {
	now, err := d.read(ctx)
	if errors.Is(err, ErrChanged) || err == nil && !d.held.broken.hold(now.broken) {
		return d.read(ctx)
	}
	return now, err
}

// read gives every file as it is now. Files known to be unchanged are not
// opened. Looking at all of them again afterwards shows whether the directory
// stood still, so that no half of a change is taken.
func (d *Directory) read(ctx context.Context) (content, error) {
	now := time.Now()
	seen, err := d.scan(ctx)
	if err != nil {
		return content{}, err
	}
	out := content{files: make(map[string]localFile, len(seen.infos)), broken: maps.Clone(seen.broken)}
	opened := false
	for _, name := range slices.Sorted(maps.Keys(seen.infos)) {
		if err := ctx.Err(); err != nil {
			return content{}, err
		}
		if known, ok := d.held.files[name]; ok && known.stands(seen.infos[name]) {
			out.files[name] = known
			continue
		}
		opened = true
		data, err := d.readFile(name)
		switch {
		case errors.Is(err, ErrChanged):
			return content{}, fmt.Errorf("%s: %w", name, err)
		case err != nil:
			out.broken[name] = unreadable(err)
		default:
			out.files[name] = localFile{info: seen.infos[name], read: now, data: data}
		}
	}
	if !opened && d.held.broken.hold(seen.broken) {
		return out, nil
	}
	return out, d.verify(ctx, seen)
}

// stands says whether what was read is surely what the file holds now.
func (f *localFile) stands(now os.FileInfo) bool {
	return sameFile(f.info, now) && f.read.Sub(now.ModTime()) > settledAfter
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
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

// same says that two readings found the same.
func (c content) same(o content) bool {
	return maps.Equal(c.broken, o.broken) &&
		maps.EqualFunc(c.files, o.files, func(x, y localFile) bool { return bytes.Equal(x.data, y.data) })
}

// list is the files sorted by name.
func (c content) list() []spec.File {
	out := make([]spec.File, 0, len(c.files))
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		out = append(out, spec.File{Name: name, Data: c.files[name].data})
	}
	return out
}

package source

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
)

// seen is what a look at a directory finds, without opening any file.
type seen struct {
	infos  map[string]os.FileInfo // of all files of specs, by name
	broken broken
}

// verify looks at the directory again.
func (d *Directory) verify(ctx context.Context, before seen) error {
	again, err := d.scan(ctx)
	if err != nil {
		return err
	}
	if !maps.EqualFunc(before.infos, again.infos, sameFile) || !maps.Equal(before.broken, again.broken) {
		return ErrChanged
	}
	return nil
}

// scan finds all files of specs. Only where the directory itself cannot be read
// is it an error.
func (d *Directory) scan(ctx context.Context) (seen, error) {
	s := seen{infos: make(map[string]os.FileInfo), broken: make(broken)}
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return s, err
	}
	return s, d.lookAt(ctx, "", entries, s)
}

func (d *Directory) lookAt(ctx context.Context, below string, entries []fs.DirEntry, s seen) error {
	for _, entry := range entries {
		name := path.Join(below, entry.Name())
		var err error
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			err = d.scanBelow(ctx, name, s)
		case entry.Type()&fs.ModeSymlink != 0 || isSpec(name):
			err = d.look(name, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// scanBelow adds the files of a folder.
func (d *Directory) scanBelow(ctx context.Context, folder string, s seen) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(d.path(folder))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return vanished(err)
	case err != nil:
		return s.add(folder+"/", nil, unreadable(err))
	}
	return d.lookAt(ctx, folder, entries, s)
}

// look adds a file, or what a link leads to.
func (d *Directory) look(name string, s seen) error {
	info, err := os.Stat(d.path(name))
	switch {
	case err != nil && !isSpec(name):
		return nil // a broken link of no interest
	case errors.Is(err, fs.ErrNotExist):
		if _, gone := os.Lstat(d.path(name)); gone != nil {
			return vanished(err)
		}
		return s.add(name, nil, "links to what does not exist; mend or remove the link")
	case err != nil:
		return s.add(name, nil, unreadable(err))
	case info.IsDir():
		if !isSpec(name) {
			name += "/"
		}
		return s.add(name, nil, "links to a directory, which is not followed; link its files, or move it here")
	case !isSpec(name):
		return nil
	case !info.Mode().IsRegular():
		return s.add(name, nil, "is no regular file; remove or rename it")
	}
	if err := checkSize(info.Size()); err != nil {
		return s.add(name, nil, err.Error())
	}
	return s.add(name, info, "")
}

// add notes a file, or else what is wrong with it.
func (s seen) add(name string, info os.FileInfo, wrong string) error {
	if info != nil {
		s.infos[name] = info
	} else {
		s.broken[name] = wrong
	}
	return checkCount(len(s.infos) + len(s.broken))
}

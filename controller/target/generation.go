package target

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ecs-scrape/reconcile/artifact"
)

var digestPattern = regexp.MustCompile(`^[0-9a-f]{16}$`)

// Generation is one published configuration.
type Generation struct {
	Digest  string
	Used    time.Time // when it last became current, or was staged
	Current bool
}

// Stage writes files as generation-<digest>, complete and synced. Before it is
// reachable by that name, check is called with the directory that holds it,
// where relative paths lead where they will lead; an error of check is returned
// as it is, and nothing is left. A generation that is there already is kept, or
// repaired file by file where it was damaged, and checked in place.
func (d *Directory) Stage(files artifact.Files, check func(dir string) error) (digest string, err error) {
	if d.readOnly {
		return "", ErrReadOnly
	}
	if err := checkFiles(files); err != nil {
		return "", err
	}
	digest = files.Digest()
	final := d.at(generationPrefix + digest)
	if _, err := os.Lstat(final); err == nil {
		return digest, d.repair(final, files, check)
	}
	staged, err := d.stagePath()
	if err != nil {
		return "", fmt.Errorf("stage configuration %s: %w", digest, withRemedy(err))
	}
	defer func() { _ = d.disk.removeAll(staged) }() // gone already unless something failed
	if err := d.writeTree(staged, files); err != nil {
		return "", fmt.Errorf("stage configuration %s: %w", digest, withRemedy(asOf(err, staged, final)))
	}
	if err := runCheck(check, staged); err != nil {
		return "", err
	}
	if err := d.renameInto(staged, final); err != nil {
		return "", fmt.Errorf("stage configuration %s: %w", digest, withRemedy(asOf(err, staged, final)))
	}
	return digest, nil
}

func runCheck(check func(string) error, dir string) error {
	if check == nil {
		return nil
	}
	return check(dir)
}

func checkFiles(files artifact.Files) error {
	if _, ok := files[artifact.ConfigFile]; !ok {
		return fmt.Errorf("stage configuration: %s is missing", artifact.ConfigFile)
	}
	for _, p := range files.Paths() {
		if !filepath.IsLocal(p) || path.Clean(p) != p || p == "." {
			return fmt.Errorf("stage configuration: %q is no relative path of a file", p)
		}
	}
	return nil
}

// writeTree creates dir with the files in it, all synced.
func (d *Directory) writeTree(dir string, files artifact.Files) error {
	dirs := []string{dir}
	if err := d.disk.makeDir(dir); err != nil {
		return err
	}
	for _, p := range files.Paths() {
		name := filepath.Join(dir, filepath.FromSlash(p))
		if err := d.disk.makeDir(filepath.Dir(name)); err != nil {
			return err
		}
		if err := d.disk.writeFile(name, whole(files[p]), fileMode); err != nil {
			return err
		}
		dirs = append(dirs, filepath.Dir(name))
	}
	slices.Sort(dirs)
	for _, name := range slices.Compact(dirs) {
		if err := d.disk.syncDir(name); err != nil {
			return err
		}
	}
	return nil
}

// repair makes an existing generation hold exactly files. It may be current, so
// each file is replaced by a rename.
func (d *Directory) repair(dir string, files artifact.Files, check func(string) error) error {
	found, err := ReadFiles(dir)
	if err == nil {
		err = d.replaceFiles(dir, found, files)
	}
	if err != nil {
		return fmt.Errorf("repair %s: %w", dir, withRemedy(err))
	}
	return runCheck(check, dir)
}

func (d *Directory) replaceFiles(dir string, found, files artifact.Files) error {
	for _, p := range files.Paths() {
		name := filepath.Join(dir, filepath.FromSlash(p))
		if data, ok := found[p]; ok && bytes.Equal(data, files[p]) && stampOf(name).mode == fileMode {
			continue
		}
		if err := d.disk.openDir(filepath.Dir(name)); err != nil {
			return err
		}
		d.repaired = files.Digest()
		if err := d.put(name, whole(files[p]), fileMode); err != nil {
			return err
		}
		if err := d.disk.syncDir(filepath.Dir(name)); err != nil {
			return err
		}
	}
	for _, p := range found.Paths() {
		if _, ok := files[p]; ok {
			continue
		}
		d.repaired = files.Digest()
		if err := d.disk.remove(filepath.Join(dir, filepath.FromSlash(p))); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) renameInto(staged, final string) error {
	if err := d.disk.rename(staged, final); err != nil {
		return err
	}
	return d.disk.syncDir(d.path)
}

// Swap makes a staged generation current: the atomic commit of the
// configuration. Where it is current already, nothing is done, and the time of
// the swap stays, unless it had to be repaired: then Prometheus may have loaded
// the damage, and the time is new.
func (d *Directory) Swap(digest string) error {
	if d.readOnly {
		return ErrReadOnly
	}
	if err := d.swap(digest); err != nil {
		return fmt.Errorf("publish configuration %s: %w", digest, withRemedy(err))
	}
	return nil
}

func (d *Directory) swap(digest string) error {
	if !digestPattern.MatchString(digest) {
		return fmt.Errorf("%q is no digest", digest)
	}
	dir := d.at(generationPrefix + digest)
	files, err := ReadFiles(dir)
	if err != nil {
		return err
	}
	if _, ok := files[artifact.ConfigFile]; !ok {
		return &fs.PathError{Op: "open", Path: filepath.Join(dir, artifact.ConfigFile), Err: fs.ErrNotExist}
	}
	current, _, err := d.Current()
	if err != nil {
		return err
	}
	if current != digest || d.repaired == digest {
		if err := d.link(digest); err != nil {
			return err
		}
		d.repaired = ""
	}
	d.config, d.notes = d.generation(digest, files), nil
	if files.Digest() == digest {
		d.sound = d.config
	}
	return nil
}

// Mend makes current again, and whole, what was made or found current last,
// where somebody else has changed it.
func (d *Directory) Mend() error {
	if d.readOnly {
		return ErrReadOnly
	}
	if d.sound.digest == "" || d.config.digest == d.sound.digest && d.config.files.Digest() == d.sound.digest && d.configIntact() {
		return nil
	}
	if _, err := d.Stage(d.sound.files, nil); err != nil {
		return err
	}
	return d.Swap(d.sound.digest)
}

// link is the swap itself. The generation's own time says when it was last
// used; without it, only the order of collection suffers.
func (d *Directory) link(digest string) error {
	name := generationPrefix + digest
	now := time.Now()
	_ = d.disk.touch(d.at(name), now)
	staged, err := d.stagePath()
	if err != nil {
		return err
	}
	if err := d.disk.symlink(name, staged); err != nil {
		return asOf(err, staged, d.at(currentLink))
	}
	if err := d.renameInto(staged, d.at(currentLink)); err != nil {
		_ = d.disk.remove(staged)
		return asOf(err, staged, d.at(currentLink))
	}
	return nil
}

// Current is the digest of the published configuration and the time of the
// swap, which is the link's own; "" when nothing is published. The generation
// may be missing.
func (d *Directory) Current() (digest string, swapped time.Time, err error) {
	name := d.at(currentLink)
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, withRemedy(err)
	}
	if info.Mode().Type() != fs.ModeSymlink {
		return "", time.Time{}, fmt.Errorf("%s is no symbolic link: remove or rename what is in its place", name)
	}
	to, err := os.Readlink(name)
	if err != nil {
		return "", time.Time{}, withRemedy(err)
	}
	digest, ok := digestIn(to)
	if !ok {
		return "", time.Time{}, fmt.Errorf("%s leads to %q, which is no generation: remove the link", name, to)
	}
	return digest, info.ModTime(), nil
}

func digestIn(name string) (string, bool) {
	digest, ok := strings.CutPrefix(name, generationPrefix)
	return digest, ok && digestPattern.MatchString(digest)
}

// Generations are those on disk, the one used last first.
func (d *Directory) Generations() ([]Generation, error) {
	entries, err := readDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("list generations: %w", withRemedy(err))
	}
	current, _, err := d.Current()
	if err != nil {
		return nil, fmt.Errorf("list generations: %w", err)
	}
	var out []Generation
	for _, e := range entries {
		digest, ok := digestIn(e.Name())
		if !ok || !e.IsDir() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list generations: %w", withRemedy(err))
		}
		out = append(out, Generation{Digest: digest, Used: info.ModTime(), Current: digest == current})
	}
	slices.SortFunc(out, func(a, b Generation) int {
		return cmp.Or(b.Used.Compare(a.Used), strings.Compare(a.Digest, b.Digest))
	})
	return out, nil
}

package target

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"ecs-scrape/reconcile/artifact"
)

// stamp tells cheaply whether a file is still the one that was written; zero
// where there is none.
type stamp struct {
	inode    uint64
	mode     fs.FileMode
	size     int64
	modified int64 // nanoseconds
}

func stampOf(name string) stamp {
	info, err := os.Lstat(name)
	if err != nil {
		return stamp{}
	}
	s := stamp{mode: info.Mode(), size: info.Size(), modified: info.ModTime().UnixNano()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = uint64(stat.Ino) //nolint:unconvert // another type on some systems
	}
	return s
}

// generation is the configuration that is current.
type generation struct {
	digest string // that current names; "" where there is none
	files  artifact.Files
	stamps map[string]stamp
}

func (d *Directory) generation(digest string, files artifact.Files) generation {
	g := generation{digest: digest, files: files, stamps: make(map[string]stamp, len(files))}
	for p := range files {
		g.stamps[p] = stampOf(d.fileOf(digest, p))
	}
	return g
}

func (d *Directory) fileOf(digest, p string) string {
	return d.at(generationPrefix+digest, filepath.FromSlash(p))
}

// Intact says whether what is published looks as it was left: no file of it was
// deleted, altered or added by others since WriteTargets last looked. It opens no file.
// Where it is false, WriteTargets and then a publication of the configuration
// restore what was published.
func (d *Directory) Intact() bool {
	for p, state := range d.pools {
		if stampOf(d.at(p)) != state.stamp {
			return false
		}
	}
	for name, s := range d.secrets {
		if stampOf(d.at(secretsDir, name)) != s.stamp {
			return false
		}
	}
	if !d.lockIntact() {
		return false
	}
	return !d.loaded || d.configIntact() && !d.strays()
}

// strays says that there are target files that nobody here has written.
func (d *Directory) strays() bool {
	found, err := d.targetFiles()
	return err == nil && slices.ContainsFunc(found, func(p string) bool { return d.pools[p] == nil })
}

func (d *Directory) configIntact() bool {
	digest, _, err := d.Current()
	if err != nil || digest != d.config.digest {
		return false
	}
	for p, s := range d.config.stamps {
		if stampOf(d.fileOf(digest, p)) != s {
			return false
		}
	}
	return true
}

// notice looks for what others deleted, altered or added. Only content and mode
// count. A configuration that cannot be read counts as absent: writing it says
// why.
func (d *Directory) notice() {
	for _, p := range slices.Sorted(maps.Keys(d.pools)) {
		state := d.pools[p]
		now := stampOf(d.at(p))
		if now == state.stamp {
			continue
		}
		data, err := os.ReadFile(d.at(p))
		altered := err != nil || now.mode != state.stamp.mode || digestOf(whole(data)).String() != state.digest
		state.stamp, state.altered = now, state.altered || altered
		switch {
		case errors.Is(err, fs.ErrNotExist):
			d.interfered("%s was deleted", p)
		case altered:
			d.interfered("%s was altered", p)
		}
	}
	d.noticeConfig()
	d.removeStrays()
}

func (d *Directory) noticeConfig() {
	if d.configIntact() {
		return
	}
	before := d.config
	_ = d.readConfig()
	switch digest := d.config.digest; {
	case before.digest == "":
	case digest != before.digest:
		d.interfered("%s was made to lead to %q", currentLink, generationName(digest))
	case d.config.files.Digest() != before.files.Digest():
		d.interfered("%s was altered", generationName(digest))
	}
}

func generationName(digest string) string {
	if digest == "" {
		return ""
	}
	return generationPrefix + digest
}

// removeStrays takes away what others put where Prometheus takes every file for
// targets. One that cannot be removed is left for the next time.
func (d *Directory) removeStrays() {
	found, err := d.targetFiles()
	if err != nil {
		return // the files that are written there say why
	}
	for _, p := range found {
		if d.pools[p] == nil && d.disk.remove(d.at(p)) == nil {
			d.interfered("%s was added; it is removed", p)
		}
	}
}

// maxInterference is how much of what others did is kept until it is asked for.
const maxInterference = 20

func (d *Directory) interfered(format string, args ...any) {
	if len(d.interference) < maxInterference {
		d.interference = append(d.interference, fmt.Sprintf(format, args...))
	}
}

// Interference is what somebody else has done to published files, as far as it
// was noticed since the last call, with their paths below the directory. It is
// undone by the publication that noticed it.
func (d *Directory) Interference() []string {
	noticed := d.interference
	d.interference = nil
	return noticed
}

package target

import (
	"os"
	"path/filepath"
	"syscall"

	"ecs-scrape/reconcile/artifact"
)

// stamp tells cheaply whether a file is still the one that was written; zero
// where there is none.
type stamp struct {
	inode    uint64
	size     int64
	modified int64 // nanoseconds
}

func stampOf(name string) stamp {
	info, err := os.Lstat(name)
	if err != nil {
		return stamp{}
	}
	s := stamp{size: info.Size(), modified: info.ModTime().UnixNano()}
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
// deleted or altered by others since WriteTargets last looked. It opens no file.
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
	return !d.loaded || d.configIntact()
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

// notice looks for what others deleted or altered. Only content counts. A
// configuration that cannot be read counts as absent: writing it says why.
func (d *Directory) notice() {
	for p, state := range d.pools {
		now := stampOf(d.at(p))
		if now == state.stamp {
			continue
		}
		data, err := os.ReadFile(d.at(p))
		state.stamp, state.altered = now, err != nil || digestOf(whole(data)).String() != state.digest
	}
	if !d.configIntact() {
		_ = d.readConfig()
	}
}

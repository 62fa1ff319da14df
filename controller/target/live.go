package target

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ecs-scrape/reconcile/artifact"
)

// The prefixes of pool names, and the directories of their files; those of the
// last two are artifact's.
const (
	classPool, classDir = "ecs-scrape/class/", targetsDir + "/class/"
	ownPool, ownDir     = "ecs-scrape/target/", targetsDir + "/own/"

	selfPool, alertmanagerPool = "ecs-scrape/self/", "ecs-scrape/alertmanager/"
)

// poolKinds are the directories below targets: in each there is one for each
// class, bucket of own pools, program, or kind of Alertmanager.
func poolKinds() []string {
	return []string{classDir, ownDir, artifact.SelfDir, artifact.AlertmanagerDir}
}

// poolState is what is known of a target file.
type poolState struct {
	pool    artifact.Pool // targets in the order of the file
	digest  string        // of the file's bytes
	size    int           // of the file, in bytes
	written time.Time     // by this process; zero if it was found
	damage  error         // why the file could not be read as targets
	stamp   stamp         // of the file as it was written or looked at last
	altered bool          // the file is not what it was, and is to be written anew
	exact   bool          // the file has the very bytes that its targets are encoded as
}

// Live is what is published: the configuration below current, and every target
// file. It is read once; afterwards it is what this Directory wrote, and what
// WriteTargets noticed of a configuration altered by others. The bundle
// must not be modified. The warnings say what was damaged: such a target file
// counts as there and empty, such a configuration as absent.
func (d *Directory) Live() (bundle *artifact.Bundle, warnings []error, err error) {
	if err := d.load(); err != nil {
		return nil, nil, err
	}
	bundle = &artifact.Bundle{Config: d.config.files, Since: d.since}
	warnings = slices.Clone(d.notes)
	for _, p := range slices.Sorted(maps.Keys(d.pools)) {
		bundle.Pools = append(bundle.Pools, d.pools[p].pool)
		if d.pools[p].damage != nil {
			warnings = append(warnings, d.pools[p].damage)
		}
	}
	return bundle, warnings, nil
}

func (d *Directory) load() error {
	if d.loaded {
		return nil
	}
	pools, err := d.readPools()
	if err != nil {
		return fmt.Errorf("read what is published: %w", withRemedy(err))
	}
	if err := d.readConfig(); err != nil {
		return fmt.Errorf("read what is published: %w", withRemedy(err))
	}
	d.pools, d.since, d.loaded = pools, d.lastRecorded(pools), true
	if !d.readOnly {
		_ = d.collectOrigins() // what a crash left beside them; Collect tries again
	}
	return nil
}

// lastRecorded is when the last of the pools' records was written. A time to
// come, by the clock of another machine, is no later than now.
func (d *Directory) lastRecorded(pools map[string]*poolState) time.Time {
	var last time.Time
	for p, state := range pools {
		if t := d.recorded(p, state.digest); t.After(last) {
			last = t
		}
	}
	if now := time.Now(); last.After(now) {
		return now
	}
	return last
}

// readConfig reads the generation that is current. A link to nowhere is the
// same as none, and is noted.
func (d *Directory) readConfig() error {
	d.config, d.notes = generation{}, nil
	digest, _, err := d.Current()
	if err != nil || digest == "" {
		return err
	}
	files, err := d.ReadGeneration(digest)
	if errors.Is(err, fs.ErrNotExist) {
		d.notes = append(d.notes, fmt.Errorf("no configuration is published: %w", err))
		err = nil
	}
	d.config = d.generation(digest, maps.Clone(files))
	if files.Digest() == digest && d.sound.digest == "" {
		d.sound = d.generation(digest, files)
	}
	for p, s := range d.config.stamps {
		if s.mode != fileMode { // Prometheus may not be able to read it
			d.config.files[p] = nil
		}
	}
	return err
}

// ReadGeneration is the configuration of that digest as it is on disk.
func (d *Directory) ReadGeneration(digest string) (artifact.Files, error) {
	return ReadFiles(d.at(generationPrefix + digest))
}

// ReadFiles reads all regular files below dir.
func ReadFiles(dir string) (artifact.Files, error) {
	files := artifact.Files{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(rel)] = data
		return nil
	})
	if err != nil {
		return nil, err
	}
	return files, nil
}

func (d *Directory) readPools() (map[string]*poolState, error) {
	paths, err := d.targetFiles()
	if err != nil {
		return nil, err
	}
	pools := map[string]*poolState{}
	for _, p := range paths {
		seen := stampOf(d.at(p))
		data, err := os.ReadFile(d.at(p))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since, by the process that owns the directory
		}
		if err != nil {
			return nil, err
		}
		pools[p] = d.decode(p, data)
		pools[p].stamp, pools[p].altered = seen, seen.mode != fileMode
	}
	return pools, nil
}

// targetFiles are the slash-separated paths of all files that Prometheus could
// take for targets, dotfiles included, as its glob does.
func (d *Directory) targetFiles() ([]string, error) {
	var out []string
	for _, kind := range poolKinds() {
		dirs, err := readDir(d.at(kind))
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			if !dir.IsDir() {
				continue
			}
			files, err := readDir(d.at(kind, dir.Name()))
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				if f.Type().IsRegular() && strings.HasSuffix(f.Name(), ".json") {
					out = append(out, path.Join(kind, dir.Name(), f.Name()))
				}
			}
		}
	}
	return out, nil
}

// readDir is empty for a directory that does not exist.
func readDir(name string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

func (d *Directory) decode(p string, data []byte) *poolState {
	state := &poolState{
		pool:   artifact.Pool{Name: poolName(p), Path: p},
		digest: digestOf(whole(data)).String(),
		size:   len(data),
	}
	targets, err := artifact.DecodePool(data)
	if err != nil {
		state.damage = fmt.Errorf("read %s: %w", d.at(p), err)
		return state
	}
	for i, origin := range d.readOrigins(p, state.digest, len(targets)) {
		targets[i].Origin = origin
	}
	state.pool.Targets = targets
	state.pool.Targets = state.pool.Sorted()
	return state
}

// poolName is the scrape pool that a target file belongs to.
func poolName(p string) string {
	for dir, pool := range map[string]string{
		classDir: classPool, artifact.SelfDir: selfPool, artifact.AlertmanagerDir: alertmanagerPool,
	} {
		if rest, ok := strings.CutPrefix(p, dir); ok {
			return pool + path.Dir(rest)
		}
	}
	return ownPool + strings.TrimSuffix(path.Base(p), ".json")
}

// digest is of the bytes that are written to it.
type digest struct {
	sum  hash.Hash
	size int // in bytes
}

func digestOf(write content) *digest {
	d := &digest{sum: sha256.New()}
	_ = write(d) // which takes everything
	return d
}

func (d *digest) Write(p []byte) (int, error) {
	d.size += len(p)
	return d.sum.Write(p)
}

// String identifies the bytes: 16 hexadecimal digits.
func (d *digest) String() string { return hex.EncodeToString(d.sum.Sum(nil)[:8]) }

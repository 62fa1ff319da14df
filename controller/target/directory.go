package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"ecs-scrape/reconcile/artifact"
)

// maxStages bounds how many stages that cannot be cleared are kept out of the way.
const maxStages = 100

// The names of the published directory.
const (
	currentLink      = "current"
	generationPrefix = "generation-"
	targetsDir       = "targets"
	secretsDir       = "secrets"
	stateDir         = ".state"
	stageDir         = "stage"   // below .state: what is being written
	originsDir       = "origins" // below .state: where published targets are from
)

// ErrReadOnly is the error of a method that writes, on a directory opened to
// be read.
var ErrReadOnly = errors.New("the output directory was opened to be read only")

// Options of [Open].
type Options struct {
	// ReadOnly creates, cleans and changes nothing; a directory that does not
	// exist reads as an empty one.
	ReadOnly bool
}

// Directory is the published directory. It has one owner: its methods are not
// to be called concurrently, but for ReadState and WriteState, each name in one
// goroutine at a time; and no other process may write into it.
type Directory struct {
	path     string
	disk     disk
	readOnly bool
	staged   atomic.Int64 // names of staged files

	loaded bool // the fields below hold what is on disk
	config generation
	pools  map[string]*poolState
	since  time.Time // when the pools that were there had been published
	notes  []error   // what was wrong with current when it was read

	secrets map[string]*secretState // by name; nil until WriteSecrets told them

	sound        generation // whole, as it was made or found current last
	interference []string   // what others did, until it is asked for
	repaired     string     // the generation whose files were replaced since it became current

	guarded *Lock // nil where nobody asked for it
}

// Open prepares dir: the layout exists afterwards, readable by every user, and
// what an earlier process left half-written is gone. What is published is not
// touched.
func Open(dir string, opts Options) (*Directory, error) {
	return openWith(dir, opts, nil)
}

func openWith(dir string, opts Options, h hook) (*Directory, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open output directory %s: %w", dir, err)
	}
	d := directory(path, h)
	d.readOnly = opts.ReadOnly
	if opts.ReadOnly {
		return d, nil
	}
	if err := d.prepare(); err != nil {
		return nil, fmt.Errorf("open output directory: %w", withRemedy(err))
	}
	return d, nil
}

// directory is the one at an absolute path, as it is to be written to.
func directory(path string, h hook) *Directory {
	return &Directory{path: path, disk: disk{hook: h, owner: ownerOf(path, filepath.Join(path, stateDir))}}
}

// Path is the absolute path of the directory.
func (d *Directory) Path() string { return d.path }

// ConfigPath is what Prometheus's --config.file must name.
func (d *Directory) ConfigPath() string { return d.at(currentLink, artifact.ConfigFile) }

func (d *Directory) at(parts ...string) string {
	return filepath.Join(append([]string{d.path}, parts...)...)
}

func (d *Directory) prepare() error {
	if err := errors.Join(d.clearStage(), d.disk.makeRoot(d.path)); err != nil {
		return err
	}
	for _, dir := range append([]string{targetsDir, secretsDir}, poolKinds()...) {
		if err := d.disk.openDir(d.at(dir)); err != nil {
			return err
		}
	}
	if err := d.closeState(); err != nil {
		return err
	}
	if err := d.disk.makeDir(d.at(stateDir, originsDir)); err != nil {
		return err
	}
	if err := errors.Join(d.makeStage(), d.cleanHolds()); err != nil {
		return err
	}
	return d.oneFilesystem()
}

// clearStage removes what was being written. What somebody else has left there,
// such as root, goes out of the way, and stays until he comes again.
func (d *Directory) clearStage() error {
	stage := d.at(stateDir, stageDir)
	left, err := filepath.Glob(stage + ".*")
	if err != nil {
		return err
	}
	for _, old := range left {
		_ = d.disk.removeAll(old)
	}
	err = d.disk.removeAll(stage)
	if !errors.Is(err, fs.ErrPermission) || !foreign(stage) {
		return err
	}
	for i := range maxStages {
		aside := stage + "." + strconv.Itoa(i)
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) && d.disk.rename(stage, aside) == nil {
			return nil
		}
	}
	return err
}

// makeStage creates the staging directory. Links beside a staged generation
// make its relative paths ("../targets", "../secrets") mean there what they
// mean once it is published.
func (d *Directory) makeStage() error {
	stage := d.at(stateDir, stageDir)
	if err := d.disk.makeDir(stage); err != nil {
		return err
	}
	for _, name := range []string{targetsDir, secretsDir} {
		link := filepath.Join(stage, name)
		if _, err := os.Lstat(link); err == nil {
			continue
		}
		err := d.disk.symlink(filepath.Join("..", "..", name), link)
		if err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// closeState has nobody else read .state, what an earlier version left there
// included. A directory of another user's, in which this one may write, stays.
func (d *Directory) closeState() error {
	if err := d.disk.makeDir(d.at(stateDir)); err != nil {
		return err
	}
	info, err := os.Stat(d.at(stateDir))
	if err != nil || info.Mode().Perm() == stateDirMode {
		return err
	}
	err = d.disk.chmod(d.at(stateDir), stateDirMode)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// oneFilesystem: a rename is atomic, and possible, only within one.
func (d *Directory) oneFilesystem() error {
	home, err := device(d.path)
	if err != nil {
		return err
	}
	dirs := []string{d.at(targetsDir), d.at(secretsDir), d.at(stateDir)}
	for _, kind := range poolKinds() {
		dirs = append(dirs, d.at(kind))
	}
	for _, dir := range dirs {
		dev, err := device(dir)
		if err != nil {
			return err
		}
		if dev != home {
			return &os.PathError{Op: "rename into", Path: dir, Err: syscall.EXDEV}
		}
	}
	return nil
}

// stagePath is a fresh path to write to before a rename.
func (d *Directory) stagePath() (string, error) {
	if err := d.makeStage(); err != nil {
		return "", err
	}
	return d.at(stateDir, stageDir, strconv.FormatInt(d.staged.Add(1), 10)), nil
}

// put writes a file completely and renames it into place. The directory of path
// is the caller's to sync.
func (d *Directory) put(path string, write content, mode fs.FileMode) error {
	staged, err := d.stagePath()
	if err != nil {
		return err
	}
	if err := d.disk.writeFile(staged, write, mode); err != nil {
		return asOf(err, staged, path)
	}
	if err := d.disk.rename(staged, path); err != nil {
		_ = d.disk.remove(staged)
		return asOf(err, staged, path)
	}
	return nil
}

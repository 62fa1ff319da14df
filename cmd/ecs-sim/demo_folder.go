package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

//go:embed demospecs/*.yaml
var demoSpecs embed.FS

// demoLock is the file that marks a folder as the demo's and keeps a second
// demo out. It lists the processes that hold it.
const demoLock = ".ecs-sim-demo"

// demoFolder is where the demo works:
//
//	specs/            the newcomer's
//	output/           what the controller publishes
//	prometheus-data/
//	controller.log, prometheus.log
type demoFolder struct {
	dir  string
	lock *os.File
}

// openDemoFolder creates the folder or takes over that of an earlier demo, and
// removes what that one left besides specs.
func openDemoFolder(dir string) (*demoFolder, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the demo's folder: %w", err)
	}
	_, err = os.Stat(filepath.Join(dir, demoLock))
	if len(entries) > 0 && err != nil {
		return nil, fmt.Errorf("%s holds files, and not those of a demo; name an empty or new folder with --dir", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create the demo's folder: %w", err)
	}
	f := &demoFolder{dir: dir}
	if err := f.take(); err != nil {
		return nil, err
	}
	if err := f.removeData(false); err != nil {
		return nil, errors.Join(err, f.lock.Close())
	}
	return f, nil
}

// take locks the folder. The lock is the open file's, and so the children's
// too, until the last of them has ended.
func (f *demoFolder) take() error {
	lock, err := os.OpenFile(f.path(demoLock), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holders, _ := os.ReadFile(lock.Name())
		_ = lock.Close()
		return fmt.Errorf("a demo runs in %s already (%s); end it, or name another folder with --dir, as in "+
			"`make demo DEMO_FLAGS=--dir=/tmp/demo`", f.dir, strings.ReplaceAll(strings.TrimSpace(string(holders)), "\n", ", "))
	}
	f.lock = lock
	if err := lock.Truncate(0); err != nil {
		return err
	}
	return f.note(fmt.Sprintf("demo %d", os.Getpid()))
}

func (f *demoFolder) note(line string) error {
	_, err := fmt.Fprintln(f.lock, line)
	return err
}

func (f *demoFolder) path(elements ...string) string {
	return filepath.Join(append([]string{f.dir}, elements...)...)
}

// shown is a path as one would type it here.
func (f *demoFolder) shown(elements ...string) string { return fromHere(f.path(elements...)) }

// fromHere is the path relative to the working directory, where it is below it.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(relative, "..") {
		return relative
	}
	return path
}

// placeSpecs writes the examples, or keeps the specs that are there and only
// corrects the ports in them.
func (f *demoFolder) placeSpecs(ports demoPorts, reset bool) (kept bool, err error) {
	if reset {
		if err := os.RemoveAll(f.path("specs")); err != nil {
			return false, err
		}
	}
	files, err := f.specs()
	if err != nil {
		return false, err
	}
	if len(files) > 0 {
		for name, data := range files {
			if err := f.writeSpec(name, data, ports); err != nil {
				return true, err
			}
		}
		return true, nil
	}
	examples, err := exampleSpecs()
	if err != nil {
		return false, err
	}
	for name, data := range examples {
		if err := f.writeSpec(name, data, ports); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (f *demoFolder) writeSpec(name string, data []byte, ports demoPorts) error {
	right := ports.correct(data)
	path := f.path("specs", name)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, right) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, right, 0o644)
}

// portMark is how a line of a spec asks for a port of this run.
var portMark = regexp.MustCompile(`(127\.0\.0\.1:)[0-9]+([^\n]*# the demo keeps this port right: (prometheus|controller|proxy)\b)`)

// correct puts the ports of this run into the lines that ask for it.
func (p demoPorts) correct(data []byte) []byte {
	of := map[string]int{"prometheus": p.prometheus, "controller": p.controller, "proxy": p.proxy}
	return portMark.ReplaceAllFunc(data, func(match []byte) []byte {
		m := portMark.FindSubmatch(match)
		return append([]byte(string(m[1])+strconv.Itoa(of[string(m[3])])), m[2]...)
	})
}

func exampleSpecs() (map[string][]byte, error) {
	below, err := fs.Sub(demoSpecs, "demospecs")
	if err != nil {
		return nil, err
	}
	return readSpecs(below)
}

// specs reads the specs of the folder by their path in it.
func (f *demoFolder) specs() (map[string][]byte, error) {
	files, err := readSpecs(os.DirFS(f.path("specs")))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return files, err
}

// readSpecs reads all files but the copies that `sed -i.bak` leaves.
func readSpecs(from fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(from, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".bak") {
			return err
		}
		files[path], err = fs.ReadFile(from, path)
		return err
	})
	return files, err
}

// pristine says whether the specs are the examples, unchanged.
func (f *demoFolder) pristine(ports demoPorts) bool {
	files, err := f.specs()
	examples, examplesErr := exampleSpecs()
	if err != nil || examplesErr != nil || len(files) != len(examples) {
		return false
	}
	for name, data := range examples {
		if !bytes.Equal(files[name], ports.correct(data)) {
			return false
		}
	}
	return true
}

// removeData removes everything that is not the newcomer's.
func (f *demoFolder) removeData(keepLogs bool) error {
	names := []string{"output", "prometheus-data"}
	if !keepLogs {
		names = append(names, "controller.log", "prometheus.log")
	}
	var failed error
	for _, name := range names {
		failed = errors.Join(failed, os.RemoveAll(f.path(name)))
	}
	return failed
}

// close removes the data of the run, and says what is left. Specs that were
// edited, and after a failure the logs, stay.
func (f *demoFolder) close(ports demoPorts, failed bool) (left string, err error) {
	defer func() { _ = f.lock.Close() }()
	if err := f.removeData(failed); err != nil {
		return "", err
	}
	if failed {
		return "", nil
	}
	if !f.pristine(ports) {
		return "your specs are kept in " + f.shown("specs"), nil
	}
	err = errors.Join(os.RemoveAll(f.path("specs")), os.Remove(f.path(demoLock)))
	if os.Remove(f.dir) != nil { // not empty: something else was put there
		return "its data is removed", err
	}
	return f.shown() + " is removed", err
}

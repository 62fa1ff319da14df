package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// prometheusModule is what Prometheus's releases are published as for Go.
const prometheusModule = "github.com/prometheus/prometheus"

// versions are the newest patch releases of each minor one that the module proxy
// has. Fields come with minor releases.
func versions() []string {
	return []string{
		"2.42.0", "2.43.1", "2.44.0", "2.45.6", "2.46.0", "2.47.2", "2.48.1", "2.49.1", "2.50.1", "2.51.2", "2.52.1",
		"2.53.3", "2.54.1", "2.55.1",
		"3.0.1", "3.1.0", "3.2.1", "3.3.1", "3.4.2", "3.5.1", "3.6.0", "3.7.3", "3.8.1", "3.9.1", "3.10.0", "3.11.3",
		"3.12.0", "3.13.5", "3.14.0", "3.15.0",
	}
}

// minor is a release without its patch: 3.15 of 3.15.0.
func minor(version string) string {
	return version[:strings.LastIndex(version, ".")]
}

// moduleVersion is the version of the module that a release is: v0.53.3 of 2.53.3,
// v0.315.0 of 3.15.0.
func moduleVersion(release string) (string, error) {
	parts := strings.Split(release, ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("%q is no release", release)
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return "", fmt.Errorf("%q is no release: %w", release, err)
	}
	if parts[0] == "2" {
		return fmt.Sprintf("v0.%d.%s", n, parts[2]), nil
	}
	return fmt.Sprintf("v0.%s%02d.%s", parts[0], n, parts[2]), nil
}

// modules finds where the sources of modules lie, downloading them where needed.
type modules struct {
	ctx  context.Context //nolint:containedctx // of one run of a command
	work string          // holds a module of its own, so that ours is not touched
	dirs map[string]string
}

func newModules(ctx context.Context, work string) (*modules, error) {
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	err := os.WriteFile(filepath.Join(work, "go.mod"), []byte("module releases\n"), 0o644)
	return &modules{ctx: ctx, work: work, dirs: map[string]string{}}, err
}

// dir is where a module of a version lies.
func (m *modules) dir(path, version string) (string, error) {
	at := path + "@" + version
	if dir, ok := m.dirs[at]; ok {
		return dir, nil
	}
	var answer struct{ Dir, Error string }
	err := m.goJSON(&answer, "mod", "download", "-json", at)
	if answer.Error != "" {
		err = errors.New(answer.Error)
	}
	m.dirs[at] = answer.Dir
	return answer.Dir, err
}

// required are the versions of the modules that a go.mod names.
func (m *modules) required(dir string) (map[string]string, error) {
	var answer struct {
		Require []struct{ Path, Version string }
	}
	if err := m.goJSON(&answer, "mod", "edit", "-json", filepath.Join(dir, "go.mod")); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range answer.Require {
		out[r.Path] = r.Version
	}
	return out, nil
}

// goJSON runs the go command and decodes what it says, also where it fails.
func (m *modules) goJSON(answer any, args ...string) error {
	cmd := exec.CommandContext(m.ctx, "go", args...)
	cmd.Dir = m.work
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOTOOLCHAIN=local")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if decoded := json.Unmarshal(out, answer); decoded != nil {
		return fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), errors.Join(err, decoded), stderr.Bytes())
	}
	return nil
}

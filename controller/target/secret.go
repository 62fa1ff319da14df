package target

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"ecs-scrape/reconcile/artifact"
)

// secretMode lets nobody but Prometheus's user read a secret.
const secretMode = 0o400

// nobody is the user of Prometheus's official image.
const nobody = 65534

// OwnerByItself has WriteSecrets find out who must be able to read them.
const OwnerByItself = -1

// secretState is what is known of the file of a secret.
type secretState struct {
	value []byte
	stamp stamp
}

// WriteSecrets makes each value a file below secrets, by its name, readable by
// one user alone: the given uid, or with [OwnerByItself] the owner of the output
// directory, where this process is root and that is not, 65534, the user of
// Prometheus's official image. Who is not root owns them himself. Equal files are
// not written. Other files are left alone; Collect removes them.
//
// Call it before a configuration that names them is published. Errors name the
// secret, and never its value.
func (d *Directory) WriteSecrets(values map[string][]byte, uid int) error {
	if d.readOnly {
		return ErrReadOnly
	}
	uid, err := d.secretOwner(uid)
	if err != nil {
		return fmt.Errorf("write secrets: %w", withRemedy(err))
	}
	if d.secrets == nil {
		d.secrets = map[string]*secretState{}
	}
	changed := false
	for _, name := range slices.Sorted(maps.Keys(values)) {
		done, err := d.writeSecret(name, values[name], uid)
		if err != nil {
			return fmt.Errorf("write secret %s: %w", name, withRemedy(err))
		}
		changed = changed || done
	}
	if changed {
		return withRemedy(d.disk.syncDir(d.at(secretsDir)))
	}
	return nil
}

// RefreshSecrets writes secrets and removes those that are neither among them nor
// named by what is published.
func (d *Directory) RefreshSecrets(values map[string][]byte, uid int) error {
	if err := d.WriteSecrets(values, uid); err != nil {
		return err
	}
	if err := d.load(); err != nil {
		return err
	}
	return d.collectSecrets()
}

// secretOwner is the user that the files are given to, or OwnerByItself to leave
// them with this process's.
func (d *Directory) secretOwner(uid int) (int, error) {
	self := os.Geteuid()
	if self != 0 && (uid == self || uid < 0) {
		return OwnerByItself, nil
	}
	if uid >= 0 {
		return uid, nil
	}
	info, err := os.Stat(d.path)
	if err != nil {
		return 0, err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
		return int(stat.Uid), nil
	}
	return nobody, nil
}

var secretFile = regexp.MustCompile(`^[a-z0-9_]+$`)

func (d *Directory) writeSecret(name string, value []byte, uid int) (changed bool, err error) {
	if !secretFile.MatchString(name) {
		return false, fmt.Errorf("%q is no name of a file: use letters, digits and underscores", name)
	}
	path := d.at(secretsDir, name)
	known := d.secrets[name]
	if known != nil && known.stamp == stampOf(path) && bytes.Equal(known.value, value) {
		return false, nil
	}
	if known == nil && isSecret(path, value, uid) {
		d.secrets[name] = &secretState{value, stampOf(path)}
		return false, nil
	}
	staged, err := d.stagePath()
	if err != nil {
		return false, err
	}
	if err := d.stageSecret(staged, value, uid); err != nil {
		_ = d.disk.remove(staged)
		return false, asOf(err, staged, path)
	}
	if err := d.disk.makeDir(filepath.Dir(path)); err != nil {
		return false, err
	}
	if err := d.disk.rename(staged, path); err != nil {
		_ = d.disk.remove(staged)
		return false, asOf(err, staged, path)
	}
	d.secrets[name] = &secretState{value, stampOf(path)}
	return true, nil
}

func (d *Directory) stageSecret(staged string, value []byte, uid int) error {
	if err := d.disk.writeFile(staged, whole(value), secretMode); err != nil {
		return err
	}
	if uid == OwnerByItself {
		return nil
	}
	if err := d.disk.chown(staged, uid, -1); err != nil {
		return fmt.Errorf("give it to uid %d, as only root may: run as root, or say --secrets.uid %d: %w", uid, os.Geteuid(), err)
	}
	return nil
}

// isSecret says that the file is what it should be. One that cannot be read is
// written anew.
func isSecret(path string, value []byte, uid int) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != secretMode {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if uid == OwnerByItself {
		uid = os.Geteuid()
	}
	if !ok || int(stat.Uid) != uid {
		return false
	}
	found, err := os.ReadFile(path)
	return err == nil && bytes.Equal(found, value)
}

// namedSecret finds the secrets that a configuration names.
var namedSecret = regexp.MustCompile(`\.\./` + secretsDir + `/([a-z0-9_]+)`)

// collectSecrets removes the files that neither this process was given nor the
// current configuration names.
func (d *Directory) collectSecrets() error {
	if d.secrets == nil {
		return nil
	}
	named := map[string]bool{}
	for _, m := range namedSecret.FindAllSubmatch(d.config.files[artifact.ConfigFile], -1) {
		named[string(m[1])] = true
	}
	entries, err := readDir(d.at(secretsDir))
	if err != nil {
		return err
	}
	removed := false
	for _, e := range entries {
		if named[e.Name()] || d.secrets[e.Name()] != nil {
			continue
		}
		if err := d.disk.remove(d.at(secretsDir, e.Name())); err != nil && !isMissing(err) {
			return err
		}
		removed = true
	}
	if removed {
		return d.disk.syncDir(d.at(secretsDir))
	}
	return nil
}

func isMissing(err error) bool { return ignoreMissing(err) == nil }

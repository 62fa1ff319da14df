package target

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ecs-scrape/reconcile/artifact"
)

func writeSecrets(t *testing.T, d *Directory, uid int, values map[string]string) {
	t.Helper()
	if err := d.WriteSecrets(bytesOf(values), uid); err != nil {
		t.Fatal(err)
	}
}

func bytesOf(values map[string]string) map[string][]byte {
	out := map[string][]byte{}
	for name, value := range values {
		out[name] = []byte(value)
	}
	return out
}

func wantSecrets(t *testing.T, d *Directory, uid int, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(d.at("secrets"))
	if err != nil || len(entries) != len(want) {
		t.Fatalf("%v, %v, want %d", entries, err, len(want))
	}
	for name, value := range want {
		path := d.at("secrets", name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; info.Mode() != 0o400 || int(got) != uid {
			t.Errorf("%s: mode %v, of uid %d, want 0400 of %d", name, info.Mode(), got, uid)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != value {
			t.Errorf("%s is %q, %v", name, data, err)
		}
	}
}

// owner is who the secrets are given to in a directory of this process.
func owner() int {
	if uid := os.Geteuid(); uid != 0 {
		return uid
	}
	return 65534
}

func TestSecrets(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	d := open(t, filepath.Join(t.TempDir(), "out"))
	first := map[string]string{"a": "one\n", "b": "two"}
	writeSecrets(t, d, OwnerByItself, first)
	wantSecrets(t, d, owner(), first)
	if info, err := os.Stat(d.at("secrets")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the directory: %v, %v", info.Mode(), err)
	}
	before := inode(t, d.at("secrets", "a"))

	d = open(t, d.Path())
	writeSecrets(t, d, OwnerByItself, map[string]string{"a": "one\n", "b": "three"})
	if got := inode(t, d.at("secrets", "a")); got != before {
		t.Error("an equal secret was written again")
	}
	wantSecrets(t, d, owner(), map[string]string{"a": "one\n", "b": "three"})

	if err := os.Remove(d.at("secrets", "b")); err != nil {
		t.Fatal(err)
	}
	if d.Intact() {
		t.Error("a secret that somebody removed is not noticed")
	}
	writeSecrets(t, d, OwnerByItself, map[string]string{"a": "one\n", "b": "three"})
	if !d.Intact() {
		t.Error("not intact after it was written again")
	}
	for _, name := range stateFiles(t, d) {
		data, err := os.ReadFile(d.at(".state", name))
		if err != nil || strings.Contains(string(data), "three") {
			t.Errorf("%s holds a secret, %v", name, err)
		}
	}
}

// TestSecretsAreCollected: one that neither this process was given nor the
// current configuration names goes, and not before.
func TestSecretsAreCollected(t *testing.T) {
	d := open(t, t.TempDir())
	writeSecrets(t, d, OwnerByItself, map[string]string{"given": "x", "named": "x", "neither": "x"})
	config := "scrape_configs:\n- {job_name: a, basic_auth: {password_file: ../secrets/named}}\n"
	publish(t, d, artifact.Files{"prometheus.yml": []byte(config)})
	if err := d.Collect(nil, 0); err != nil {
		t.Fatal(err)
	}
	if got := secretNames(t, d); !slices.Equal(got, []string{"given", "named", "neither"}) {
		t.Errorf("all were given, and left are %v", got)
	}
	d = open(t, d.Path())
	if err := d.Collect(nil, 0); err != nil {
		t.Fatal(err)
	}
	if got := secretNames(t, d); len(got) != 3 {
		t.Errorf("before they were told: %v", got)
	}
	if err := d.RefreshSecrets(bytesOf(map[string]string{"given": "y"}), OwnerByItself); err != nil {
		t.Fatal(err)
	}
	if got := secretNames(t, d); !slices.Equal(got, []string{"given", "named"}) {
		t.Errorf("left are %v", got)
	}
	publish(t, d, artifact.Files{"prometheus.yml": []byte("scrape_configs: []\n")})
	if err := d.Collect(nil, 0); err != nil {
		t.Fatal(err)
	}
	if got := secretNames(t, d); !slices.Equal(got, []string{"given"}) {
		t.Errorf("named no longer, and left are %v", got)
	}
}

func secretNames(t *testing.T, d *Directory) []string {
	t.Helper()
	entries, err := os.ReadDir(d.at("secrets"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestSecretsOfOthers(t *testing.T) {
	d := open(t, t.TempDir())
	if os.Geteuid() != 0 {
		err := d.WriteSecrets(bytesOf(map[string]string{"a": "value"}), 12345)
		if err == nil || !strings.Contains(err.Error(), "--secrets.uid") || strings.Contains(err.Error(), "value") {
			t.Errorf("who is not root cannot give it away: %v", err)
		}
		return
	}
	writeSecrets(t, d, 12345, map[string]string{"a": "x"})
	wantSecrets(t, d, 12345, map[string]string{"a": "x"})
	writeSecrets(t, d, 0, map[string]string{"b": "x"})
	if err := os.Chown(d.Path(), 4711, -1); err != nil {
		t.Fatal(err)
	}
	d = open(t, d.Path())
	writeSecrets(t, d, OwnerByItself, map[string]string{"a": "x", "b": "x"})
	wantSecrets(t, d, 4711, map[string]string{"a": "x", "b": "x"})
}

func TestSecretErrors(t *testing.T) {
	d := open(t, t.TempDir())
	for _, name := range []string{"", "a/b", "..", "A"} {
		if err := d.WriteSecrets(bytesOf(map[string]string{name: "value"}), OwnerByItself); err == nil || strings.Contains(err.Error(), "value") {
			t.Errorf("%q: %v", name, err)
		}
	}
	readOnly, err := Open(d.Path(), Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := readOnly.WriteSecrets(nil, OwnerByItself); err == nil {
		t.Error("a directory that is only read was written to")
	}
	if got := secretNames(t, d); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/spec"
)

func doc(name, note string) string {
	return "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: " + name + ", annotations: {note: \"" + note + "\"}}\nspec: {}\n"
}

// write writes a file and gives it an age.
func write(t testing.TB, dir, name, text string, age time.Duration) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o755),
		os.WriteFile(path, []byte(text), 0o644),
		os.Chtimes(path, time.Time{}, time.Now().Add(-age)),
	); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, d *Directory) *spec.Set {
	t.Helper()
	set, err := d.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func checkFiles(t testing.TB, set *spec.Set, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, set.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if len(set.Objects) != len(want) || len(set.Problems) > 0 {
		t.Errorf("%d objects of %d files, problems %v", len(set.Objects), len(want), set.Problems)
	}
}

func TestDirectoryFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"a.yaml", "b.yml", "c.json", "team/x/d.yml",
		".hidden.yml", ".git/e.yml", "..2024/f.yml", "readme.md", "g.yml~", "h.yml.bak",
	} {
		write(t, dir, name, doc("n", "x"), time.Hour)
	}
	write(t, dir, "..2024/linked", doc("n", "x"), time.Hour)
	for link, target := range map[string]string{
		"link.yml": "..2024/linked", "..data": "..2024", "via.yaml": "..data/f.yml", "broken": "nowhere", "latest": "readme.md",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	checkFiles(t, load(t, NewDirectory(dir)), "a.yaml", "b.yml", "c.json", "link.yml", "team/x/d.yml", "via.yaml")
}

func TestDirectoryEmpty(t *testing.T) {
	set := load(t, NewDirectory(t.TempDir()))
	if len(set.Objects)+len(set.Problems)+len(set.Files) > 0 || set.Revision == "" {
		t.Errorf("empty directory gives %+v", set)
	}
}

func TestDirectoryErrors(t *testing.T) {
	tests := map[string]struct {
		prepare func(dir string) error
		want    string
	}{
		"missing": {os.Remove, "no such file or directory"},
		"a file": {func(dir string) error {
			return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o644))
		}, "not a directory"},
		"too many": {func(dir string) error {
			var err error
			for i := range maxFiles + 1 {
				err = errors.Join(err, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.yml", i)), nil, 0o644))
			}
			return err
		}, "more than 5000 files of specs"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "specs")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := tt.prepare(dir); err != nil {
				t.Fatal(err)
			}
			set, err := NewDirectory(dir).Load(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("set %v, error %v; want %q and the directory", set, err, tt.want)
			}
			if errors.Is(err, ErrChanged) {
				t.Errorf("error %v is ErrChanged", err)
			}
		})
	}
}

func TestDirectoryUnchanged(t *testing.T) {
	for _, age := range []time.Duration{time.Hour, 0} {
		dir := t.TempDir()
		write(t, dir, "a.yml", doc("a", "1"), age)
		d := NewDirectory(dir)
		first := load(t, d)
		if load(t, d) != first {
			t.Errorf("files of age %s: another set for the same files", age)
		}
		write(t, dir, "a.yml", doc("a", "1"), time.Minute)
		if load(t, d) != first {
			t.Errorf("files of age %s: another set for the same content", age)
		}
	}
}

func TestDirectoryChanges(t *testing.T) {
	dir := t.TempDir()
	d := NewDirectory(dir)
	write(t, dir, "a.yml", doc("a", "1"), time.Hour)
	write(t, dir, "b.yml", doc("b", "1"), time.Hour)
	at := func(name string) string { return filepath.Join(dir, name) }
	steps := []struct {
		name string
		do   func() error
		want []string
	}{
		{"start", func() error { return nil }, []string{"a.yml", "b.yml"}},
		{"same size, new time", func() error { write(t, dir, "a.yml", doc("a", "2"), time.Minute); return nil }, []string{"a.yml", "b.yml"}},
		{"new file", func() error { write(t, dir, "c.yml", doc("c", "1"), time.Hour); return nil }, []string{"a.yml", "b.yml", "c.yml"}},
		{"file gone", func() error { return os.Remove(at("b.yml")) }, []string{"a.yml", "c.yml"}},
		{"renamed", func() error { return os.Rename(at("c.yml"), at("d.yml")) }, []string{"a.yml", "d.yml"}},
		{"all gone", func() error { return errors.Join(os.Remove(at("a.yml")), os.Remove(at("d.yml"))) }, nil},
	}
	var last *spec.Set
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		set := load(t, d)
		checkFiles(t, set, step.want...)
		if set == last || last != nil && set.Revision == last.Revision {
			t.Errorf("%s: not noticed", step.name)
		}
		last = set
	}
}

// TestDirectoryYoungFile writes a file twice at one modification time.
func TestDirectoryYoungFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yml")
	at := time.Now()
	rewrite := func(note string) {
		if err := errors.Join(os.WriteFile(path, []byte(doc("a", note)), 0o644), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	d := NewDirectory(dir)
	rewrite("1")
	first := load(t, d)
	rewrite("2")
	if got := load(t, d); got.Objects[0].Metadata.Annotations["note"] != "2" || got == first {
		t.Error("a second write at the same time and size is not noticed")
	}
}

// TestDirectoryNeverMixes swaps a volume as Kubernetes does while it is read:
// every set that is given must be of one generation.
func TestDirectoryNeverMixes(t *testing.T) {
	dir := t.TempDir()
	generation := func(i int) {
		name := fmt.Sprintf("..%d", i)
		write(t, dir, name+"/a.yml", doc("a", fmt.Sprint(i)), time.Hour)
		write(t, dir, name+"/b.yml", doc("b", fmt.Sprint(i)), time.Hour)
		if err := errors.Join(
			os.Symlink(name, filepath.Join(dir, "..tmp")),
			os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")),
			os.RemoveAll(filepath.Join(dir, fmt.Sprintf("..%d", i-1))),
		); err != nil {
			t.Error(err)
		}
	}
	generation(0)
	for _, name := range []string{"a.yml", "b.yml"} {
		if err := os.Symlink("..data/"+name, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 1; i <= 300; i++ {
			generation(i)
		}
	}()
	defer func() { <-done }()
	d := NewDirectory(dir)
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		set, err := d.Load(t.Context())
		if errors.Is(err, ErrChanged) && running {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if running && len(set.Problems) > 0 {
			continue // links lead nowhere between two swaps
		}
		if a, b := set.Objects[0].Metadata.Annotations["note"], set.Objects[1].Metadata.Annotations["note"]; a != b {
			t.Fatalf("a set of generations %s and %s", a, b)
		}
	}
	if got := load(t, d).Objects[0].Metadata.Annotations["note"]; got != "300" {
		t.Errorf("the last generation read is %s", got)
	}
}

func TestDirectoryCancelled(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yml", doc("a", "1"), time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewDirectory(dir).Load(ctx); !errors.Is(err, ctx.Err()) {
		t.Errorf("error %v, want %v", err, ctx.Err())
	}
}

func BenchmarkDirectoryUnchanged1000(b *testing.B) {
	dir := b.TempDir()
	for i := range 1000 {
		write(b, dir, fmt.Sprintf("%d/a.yml", i), doc("a", "1"), time.Hour)
	}
	d := NewDirectory(dir)
	first := load(b, d)
	for b.Loop() {
		if load(b, d) != first {
			b.Fatal("changed")
		}
	}
}

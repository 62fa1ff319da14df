package controller

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/artifact"
)

// TestEarlier: only what is whole and valid can be gone back to.
func TestEarlier(t *testing.T) {
	t.Parallel()
	dir, err := target.Open(t.TempDir(), target.Options{})
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string) (digest string) {
		t.Helper()
		digest, err := dir.Stage(artifact.Files{artifact.ConfigFile: []byte(text)}, nil)
		if err == nil {
			err = dir.Swap(digest)
		}
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	first, second := put("global: {scrape_interval: 1s}\n"), put("global: {scrape_interval: 2s}\n")
	put("nonsense: 1\n")
	damaged := put("global: {scrape_interval: 3s}\n")
	put("global: {scrape_interval: 4s}\n")
	if err := os.WriteFile(filepath.Join(dir.Path(), "generation-"+damaged, artifact.ConfigFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Directory{Directory: dir}.Earlier()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{second, first}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

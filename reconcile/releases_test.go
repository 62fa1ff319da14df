package reconcile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// TestReleases: testdata/releases holds specs that ask for more than the declared
// Prometheus knows, or for what it no longer knows, and beside them what is said
// of them; nothing of those that end in .good.yaml.
func TestReleases(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/releases/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("fixtures: %v, %v", paths, err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := reconcile.Validate(spec.Decode([]spec.File{{Name: name, Data: []byte(read(t, path))}}), "")
			if strings.HasSuffix(name, ".good.yaml") {
				if len(found) > 0 || err != nil {
					t.Errorf("%v: %s", err, text(found))
				}
				return
			}
			got := text(found)
			if want := strings.TrimSuffix(path, "yaml") + "want"; os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(want, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(read(t, want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

package reconcile_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// TestLints: testdata/lints holds, for each code, specs that are wrong in every
// way that it names, and beside them what is said of them.
func TestLints(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/lints/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{}
	for _, path := range paths {
		code, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".yaml"), ".")
		covered[code] = true
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data := read(t, path)
			found, err := reconcile.Validate(spec.Decode([]spec.File{{Name: filepath.Base(path), Data: []byte(data)}}), "")
			severity, known := validate.Lints()[code]
			if !known {
				t.Errorf("no lint has the code %s", code)
			}
			if err != nil && severity == spec.Warning {
				t.Errorf("a warning refuses the whole: %v", err)
			}
			wantLints(t, code, severity, found)
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
	if diff := cmp.Diff(slices.Sorted(maps.Keys(validate.Lints())), slices.Sorted(maps.Keys(covered))); diff != "" {
		t.Errorf("codes without a fixture, or the reverse: -want +got\n%s", diff)
	}
}

// wantLints: only what the fixture is for is found, with the code's severity.
func wantLints(t *testing.T, code string, severity spec.Severity, found []spec.Problem) {
	t.Helper()
	if len(found) == 0 {
		t.Error("nothing is found")
	}
	for _, p := range found {
		if p.Code != code || p.Severity != severity || p.Object.Name == "" || p.Line == 0 || p.Column == 0 || p.Path == "" {
			t.Errorf("%+v", p)
		}
		if strings.Contains(p.Message, "S3CR3T") {
			t.Error("a secret is shown")
		}
	}
}

func text(problems []spec.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Error() + "\n")
	}
	return b.String()
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

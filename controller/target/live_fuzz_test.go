package target

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
)

// FuzzLive has files of a published directory hold anything at all: what is
// damaged reads as absent, is never a failure, and is written anew.
func FuzzLive(f *testing.F) {
	pool := artifact.Pool{
		Name: "ecs-scrape/class/default", Path: "targets/class/default/targets.json",
		Targets: []artifact.Target{{Labels: labels.FromStrings("__address__", "10.0.0.1:80", "job", "a")}},
	}
	for file := range 3 {
		f.Add(file, []byte(`[{"targets":["10.0.0.1:80"],"labels":{"job":"a"}}]`))
		f.Add(file, []byte(`{"origins":[{}],"index":[0],"tasks":["a"]}`))
		f.Add(file, []byte(`{"origins":[],"index":[7,-1]}`))
		f.Add(file, []byte("\x00\xff[["))
		f.Add(file, []byte(""))
	}
	f.Fuzz(func(t *testing.T, file int, data []byte) {
		dir, now := t.TempDir(), time.Unix(1e9, 0)
		publishOne(t, dir, now, pool)
		damaged := damagedFile(t, dir, file)
		if err := os.WriteFile(damaged, data, 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Live(); err != nil {
			t.Fatalf("damage is a failure: %v", err)
		}
		publishOne(t, dir, now.Add(time.Hour), pool)
		d, err = Open(dir, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if b, damage, err := d.Live(); err != nil || len(damage) > 0 || len(b.Pools) != 1 || len(b.Pools[0].Targets) != 1 {
			t.Errorf("not written anew: %v, %v, %+v", err, damage, b)
		}
	})
}

func publishOne(t *testing.T, dir string, now time.Time, pool artifact.Pool) {
	t.Helper()
	d, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.WriteTargets(now, []artifact.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	digest, err := d.Stage(artifact.Files{artifact.ConfigFile: []byte("global: {}\n")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Swap(digest); err != nil {
		t.Fatal(err)
	}
}

// damagedFile is one of the files that are read back: the targets, their
// origins, the configuration.
func damagedFile(t *testing.T, dir string, file int) string {
	t.Helper()
	patterns := []string{"targets/class/default/targets.json", ".state/origins/class/default/*", "current/prometheus.yml"}
	found, err := filepath.Glob(filepath.Join(dir, patterns[uint(file)%uint(len(patterns))]))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	return found[0]
}

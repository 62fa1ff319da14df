package main

import (
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/artifact"
)

// TestPick: a configuration is named by its digest, or by as much of it as no
// other has.
func TestPick(t *testing.T) {
	t.Parallel()
	dir, err := target.Open(t.TempDir(), target.Options{})
	must(t, err)
	var digests []string
	for _, interval := range []string{"1m", "2m"} {
		digest, err := dir.Stage(artifact.Files{artifact.ConfigFile: []byte("global: {scrape_interval: " + interval + "}\n")}, nil)
		must(t, err)
		digests = append(digests, digest)
	}
	k := &kept{dir: controller.Directory{Directory: dir}, generations: []target.Generation{
		{Digest: digests[0], Used: time.Unix(1, 0)}, {Digest: digests[1]}, {Digest: digests[1][:15] + "x"},
	}}
	for name, want := range map[string]string{
		digests[0]: digests[0], digests[0][:8]: digests[0], digests[1]: digests[1],
		digests[1][:15]: "is the beginning of several configurations", "0123456789abcdef": "kept are " + digests[0],
	} {
		got, err := k.pick(name)
		if err == nil && got != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %q, %v; want %s", name, got, err, want)
		}
	}
}

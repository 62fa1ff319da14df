package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/artifact"
)

func TestStageChecksBeforeItIsReachable(t *testing.T) {
	d := open(t, t.TempDir())
	write(t, d, time.Now(), pool(classPath, "a:1"))
	files := configFiles("a: 1\n")
	refused := errors.New("refused")
	var seen string
	_, err := d.Stage(files, func(dir string) error {
		seen = dir
		got, err := ReadFiles(dir)
		if err != nil || got.Digest() != files.Digest() {
			t.Errorf("staged files %q, %v", got, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "..", classPath)); err != nil {
			t.Errorf("relative paths do not lead to the targets: %v", err)
		}
		if found, _ := filepath.Glob(d.at("generation-*")); len(found) > 0 {
			t.Errorf("reachable already: %q", found)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(seen); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused generation was left: %v", err)
	}
	if digest, at, err := d.Current(); digest != "" || !at.IsZero() || err != nil {
		t.Errorf("Current() = %q, %s, %v", digest, at, err)
	}
	if _, err := d.Stage(artifact.Files{"rules/a.yml": nil}, nil); err == nil {
		t.Error("a configuration without prometheus.yml was staged")
	}
}

func TestStageRepairsWhatIsThere(t *testing.T) {
	d := open(t, t.TempDir())
	files := configFiles("a: 1\n")
	digest := publish(t, d, files)
	dir := d.at("generation-" + digest)
	if err := os.RemoveAll(filepath.Join(dir, "rules")); err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(dir, "prometheus.yml"), []byte("a"))
	replace(t, filepath.Join(dir, "stray.yml"), []byte("a"))
	d = open(t, d.Path())
	checked := ""
	if _, err := d.Stage(files, func(dir string) error { checked = dir; return nil }); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFiles(d.at("current") + "/")
	if err != nil || got.Digest() != digest || checked != dir {
		t.Errorf("after the repair: %v, %v, checked %q", got.Paths(), err, checked)
	}
	if err := d.Swap(digest); err != nil {
		t.Fatal(err)
	}
	if got := live(t, d).Digest(); got != digest {
		t.Errorf("live is %s, want %s", got, digest)
	}
}

func TestCurrentThatLeadsNowhere(t *testing.T) {
	d := open(t, t.TempDir())
	digest := publish(t, d, configFiles("a: 1\n"))
	if err := os.RemoveAll(d.at("generation-" + digest)); err != nil {
		t.Fatal(err)
	}
	d = open(t, d.Path())
	bundle, warnings, err := d.Live()
	if err != nil || len(warnings) != 1 || len(bundle.Config) != 0 {
		t.Errorf("Live() = %+v, %v, %v", bundle, warnings, err)
	}
	if err := d.Swap(digest); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Swap() error %v", err)
	}
	if got := publish(t, d, configFiles("a: 1\n")); got != digest {
		t.Errorf("published %s", got)
	}
	live(t, d)
}

func TestSwapTakesTimeFromTheLink(t *testing.T) {
	d := open(t, t.TempDir())
	first := publish(t, d, configFiles("a: 1\n"))
	begin := time.Now().Add(-time.Second)
	second := publish(t, d, configFiles("a: 2\n"))
	digest, swapped, err := open(t, d.Path()).Current()
	if digest != second || err != nil || swapped.Before(begin) || swapped.After(time.Now().Add(time.Second)) {
		t.Errorf("Current() = %s, %s, %v", digest, swapped, err)
	}
	if err := d.Swap(first); err != nil { // back again
		t.Fatal(err)
	}
	if got := live(t, d).Digest(); got != first {
		t.Errorf("live is %s, want %s", got, first)
	}
	generations, err := d.Generations()
	if err != nil || len(generations) != 2 || !generations[0].Current || generations[0].Digest != first {
		t.Errorf("Generations() = %+v, %v", generations, err)
	}
}

func TestCollect(t *testing.T) {
	d := open(t, t.TempDir())
	own := "targets/own/03/x.json"
	write(t, d, time.Now(), pool(classPath, "a:1"), pool("targets/class/old/targets.json", "a:1"), pool(own, "b:1"))
	replace(t, d.at("targets/class/default/stray.json"), []byte("[]"))
	digests := publishMany(t, d, 8)
	if err := d.Swap(digests[0]); err != nil {
		t.Fatal(err)
	}
	d = open(t, d.Path())
	if err := d.Collect(map[string]bool{classPath: true}, 3); err != nil {
		t.Fatal(err)
	}
	want := []string{digests[0], digests[7], digests[6]}
	if diff := cmp.Diff(want, generationDigests(t, d)); diff != "" {
		t.Errorf("generations (-want +got):\n%s", diff)
	}
	var left []string
	for _, p := range tree(t, d.Path()) {
		if strings.HasPrefix(p, "targets") {
			left = append(left, p)
		}
	}
	wantLeft := []string{
		"targets", "targets/alertmanager", "targets/class", "targets/class/default", classPath, "targets/own", "targets/own/03", "targets/self",
	}
	if diff := cmp.Diff(wantLeft, left); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if records := stateFiles(t, d); len(records) != 1 || !strings.HasPrefix(records[0], "origins/class/default/") {
		t.Errorf("records %q", records)
	}
	if got := live(t, d).Pools; len(got) != 1 {
		t.Errorf("live has %d pools", len(got))
	}
	if w := write(t, d, time.Now(), pool(own, "b:1")); len(w.Paths) != 1 {
		t.Errorf("a pool that comes back: %+v", w)
	}
}

// publishMany publishes n generations, a minute apart.
func publishMany(t *testing.T, d *Directory, n int) (digests []string) {
	t.Helper()
	for i := range n {
		digest := publish(t, d, configFiles(fmt.Sprintf("a: %d\n", i)))
		at := time.Now().Add(time.Duration(i-100) * time.Minute)
		if err := os.Chtimes(d.at("generation-"+digest), at, at); err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
	}
	return digests
}

func generationDigests(t *testing.T, d *Directory) (digests []string) {
	t.Helper()
	generations, err := d.Generations()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range generations {
		digests = append(digests, g.Digest)
	}
	return digests
}

func TestLeftoversAreCleanedAndIgnored(t *testing.T) {
	d := open(t, t.TempDir())
	write(t, d, time.Now(), pool(classPath, "a:1"))
	publish(t, d, configFiles("a: 1\n"))
	if err := d.WriteState("cache", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	before := live(t, d)
	if err := os.MkdirAll(d.at(stateDir, stageDir, "1", "rules"), 0o755); err != nil {
		t.Fatal(err)
	}
	replace(t, d.at(stateDir, stageDir, "1", "prometheus.yml"), []byte("half"))
	replace(t, d.at(stateDir, stageDir, "2"), []byte("[{"))
	if err := os.Symlink("generation-0000000000000000", d.at(stateDir, stageDir, "3")); err != nil {
		t.Fatal(err)
	}
	d = open(t, d.Path())
	left, err := os.ReadDir(d.at(stateDir, stageDir))
	if err != nil || len(left) != 2 { // the two links of the stage itself
		t.Errorf("left in the stage: %v, %v", left, err)
	}
	if diff := artifact.Diff(before, live(t, d)); !diff.Empty() {
		t.Error(diff.Text())
	}
	if data, err := d.ReadState("cache"); string(data) != "kept" || err != nil {
		t.Errorf("state %q, %v", data, err)
	}
	if _, err := os.Stat(d.at(classPath)); err != nil {
		t.Errorf("cleaning followed a link: %v", err)
	}
}

func TestState(t *testing.T) {
	d := open(t, t.TempDir())
	if _, err := d.ReadState("a/b.json"); !errors.Is(err, fs.ErrNotExist) || isA[*DamagedError](err) {
		t.Errorf("absent: %v", err)
	}
	for _, data := range []string{"", "x\ny\n", "\x00"} {
		if err := d.WriteState("a/b.json", []byte(data)); err != nil {
			t.Fatal(err)
		}
		if got, err := d.ReadState("a/b.json"); string(got) != data || err != nil {
			t.Errorf("ReadState() = %q, %v, want %q", got, err, data)
		}
	}
	whole, err := os.ReadFile(d.at(".state/a/b.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty": nil, "truncated": whole[:len(whole)-1], "longer": append(whole, 'x'), "plain": []byte("x\n"),
	} {
		replace(t, d.at(".state/a/b.json"), content)
		_, err := d.ReadState("a/b.json")
		if !isA[*DamagedError](err) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), d.at(".state/a/b.json")) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestStateBesideEverythingElse: state is written while another goroutine
// publishes, and nothing that is published or collected touches it.
func TestStateBesideEverythingElse(t *testing.T) {
	d := open(t, t.TempDir())
	const rounds = 50
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range rounds {
			if err := d.WriteState("inventory", fmt.Append(nil, i)); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range rounds {
		write(t, d, time.Unix(int64(10*i), 0), pool(classPath, fmt.Sprintf("10.0.0.%d:80", i)))
	}
	writer.Wait()
	publish(t, d, configFiles("a"))
	if err := d.Collect(nil, 1); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Directory{d, open(t, d.Path())} {
		if data, err := d.ReadState("inventory"); string(data) != fmt.Sprint(rounds-1) || err != nil {
			t.Errorf("it holds %q, %v", data, err)
		}
	}
}

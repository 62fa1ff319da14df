package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/artifact"
)

// updateExamples writes snapshot.json and want/ of each example instead of
// judging them. The tables in the READMEs are written by hand, and are not.
var updateExamples = flag.Bool("update", false, "write what examples/*/snapshot.json and examples/*/want should be")

// moduleDir is the module's root, as seen from this package.
const moduleDir = "../.."

// TestExamples holds every example to what its page promises.
func TestExamples(t *testing.T) {
	t.Setenv("ECS_SCRAPE_SECRET_REMOTE_WRITE", "made-up")
	for _, name := range exampleNames(t) {
		t.Run(name, func(t *testing.T) {
			e := example{name: name, dir: filepath.Join(moduleDir, "examples", name)}
			listeners := e.checkSnapshot(t)
			runExampleCommand(t, "validate", e.path("specs"))
			e.checkWant(t)
			e.checkPromtool(t)
			e.checkReadme(t)
			e.checkFindings(t)
			e.checkExplained(t)
			e.checkTable(t)
			e.checkListeners(t, listeners)
		})
	}
}

// TestExamplesAreListed holds the overview to what is there.
func TestExamplesAreListed(t *testing.T) {
	names := exampleNames(t)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(exampleAccounts())), names); diff != "" {
		t.Errorf("accounts to record from, and folders: -want +got\n%s", diff)
	}
	overview := string(readExampleFile(t, filepath.Join(moduleDir, "examples", "README.md")))
	for _, name := range names {
		if link := "[`" + name + "`](" + name + "/README.md)"; !strings.Contains(overview, link) {
			t.Errorf("examples/README.md has no link %s", link)
		}
	}
}

func exampleNames(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(moduleDir, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatal("there are no examples")
	}
	return names
}

// example is a folder of examples.
type example struct{ name, dir string }

func (e example) path(elem ...string) string {
	return filepath.Join(append([]string{e.dir}, elem...)...)
}

// checkSnapshot records the snapshot again, and answers what listened meanwhile.
func (e example) checkSnapshot(t *testing.T) []awssim.Listener {
	t.Helper()
	got, listeners := recordExample(t, e.name, e.path("specs"))
	if *updateExamples {
		writeExampleFile(t, e.path("snapshot.json"), got)
	}
	if diff := cmp.Diff(string(readExampleFile(t, e.path("snapshot.json"))), string(got)); diff != "" {
		t.Errorf("recording snapshot.json again: -want +got\n%s", diff)
	}
	return listeners
}

// checkWant renders the example and compares what is published with want/.
func (e example) checkWant(t *testing.T) {
	t.Helper()
	out := t.TempDir()
	_, findings := runExample(t, "render", "--specs", e.path("specs"), "--snapshot", e.path("snapshot.json"), "--output", out)
	got := readTrees(t, out, "current", "targets")
	if len(findings) > 0 {
		got[findingsFile] = string(findings)
	}
	if *updateExamples {
		if err := os.RemoveAll(e.path("want")); err != nil {
			t.Fatal(err)
		}
		for name, data := range got {
			writeExampleFile(t, e.path("want", name), []byte(data))
		}
	}
	if diff := cmp.Diff(readTrees(t, e.path("want"), "."), got); diff != "" {
		t.Errorf("want/ and what render publishes: -want +got\n%s", diff)
	}
}

// findingsFile holds what render says is asked for and not done; it is there
// only where render says something.
const findingsFile = "findings.txt"

// readTrees reads the files below some directories of root, which may be links,
// by their slash-separated paths below root.
func readTrees(t *testing.T, root string, dirs ...string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, dir := range dirs {
		top, err := filepath.EvalSymlinks(filepath.Join(root, dir))
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(top, path)
			files[filepath.ToSlash(filepath.Join(dir, rel))] = string(readExampleFile(t, path))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// checkPromtool has every promtool that is there judge want/ in place.
func (e example) checkPromtool(t *testing.T) {
	t.Helper()
	rules, err := filepath.Glob(e.path("want", "current", "rules", "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := filepath.Glob(e.path("rules*_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, promtool := range promtools(t) {
		judge(t, promtool, "check", "config", e.path("want", "current", "prometheus.yml"))
		if len(rules) > 0 {
			judge(t, promtool, append([]string{"check", "rules"}, rules...)...)
		}
		if len(tests) > 0 {
			judge(t, promtool, append([]string{"test", "rules"}, tests...)...)
		}
	}
}

func judge(t *testing.T, promtool string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", promtool, strings.Join(args, " "), err, out)
	}
}

// promtools are the one that belongs to the module and, where it is installed,
// Debian's older one. In CI the first must be there.
func promtools(t *testing.T) []string {
	t.Helper()
	var found []string
	own := exampleTool("PROMTOOL_BIN", filepath.Join(moduleDir, "bin", "tools", "promtool"))
	if own != "" {
		found = append(found, own)
	} else if os.Getenv("CI") != "" {
		t.Error("no promtool: set PROMTOOL_BIN, or build bin/tools/promtool with make")
	}
	if debian := exampleTool("DEBIAN_PROMTOOL_BIN", "/usr/bin/promtool"); debian != "" {
		found = append(found, debian)
	}
	if len(found) == 0 {
		t.Log("no promtool here, so nothing but this module has judged the configuration")
	}
	return found
}

// exampleTool is the program that the environment names, or the usual one where
// it exists, or "".
func exampleTool(variable, usual string) string {
	if path := os.Getenv(variable); path != "" {
		return path
	}
	if !exists(usual) {
		return ""
	}
	return usual
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// checkListeners holds the wanted targets against what the simulator serves:
// each of them answers a scrape.
func (e example) checkListeners(t *testing.T, listeners []awssim.Listener) {
	t.Helper()
	serves := map[string]bool{}
	for _, l := range listeners {
		serves[l.Address+l.Path] = true
	}
	for _, target := range e.targets(t) {
		if !serves[target.address+target.labels["__metrics_path__"]] {
			t.Errorf("nothing listens at the wanted target %s%s", target.address, target.labels["__metrics_path__"])
		}
	}
}

// wantedTarget is a target in a file below want/targets.
type wantedTarget struct {
	pool, address string
	labels        map[string]string
}

// targets reads the targets below want/targets that were found on ECS.
func (e example) targets(t *testing.T) []wantedTarget {
	t.Helper()
	var out []wantedTarget
	for name, data := range readTrees(t, e.path("want"), "targets") {
		if strings.HasPrefix(name, artifact.SelfDir) || strings.HasPrefix(name, artifact.AlertmanagerDir) {
			continue
		}
		var groups []struct {
			Targets []string
			Labels  map[string]string
		}
		if err := json.Unmarshal([]byte(data), &groups); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, g := range groups {
			for _, address := range g.Targets {
				out = append(out, wantedTarget{poolOfFile(t, name), address, g.Labels})
			}
		}
	}
	return out
}

// poolOfFile is the pool that a target file belongs to.
func poolOfFile(t *testing.T, name string) string {
	t.Helper()
	parts := strings.Split(strings.TrimSuffix(name, ".json"), "/")
	switch {
	case len(parts) == 4 && parts[1] == "class":
		return "ecs-scrape/class/" + parts[2]
	case len(parts) == 4 && parts[1] == "own":
		return "ecs-scrape/target/" + parts[3]
	}
	t.Fatalf("%s is the file of no pool", name)
	return ""
}

// runExampleCommand runs ecs-scrape, which has nothing to complain of, and
// answers what it prints.
func runExampleCommand(t *testing.T, args ...string) []byte {
	t.Helper()
	stdout, stderr := runExample(t, args...)
	if len(stderr) > 0 {
		t.Fatalf("ecs-scrape %s says\n%s", strings.Join(args, " "), stderr)
	}
	return stdout
}

// runExample runs ecs-scrape and answers what it prints.
func runExample(t *testing.T, args ...string) (stdout, stderr []byte) {
	t.Helper()
	var out, complaints bytes.Buffer
	if code := execute(t.Context(), args, strings.NewReader(""), &out, &complaints); code != exitOK {
		t.Fatalf("ecs-scrape %s: exit code %d\n%s", strings.Join(args, " "), code, &complaints)
	}
	return out.Bytes(), complaints.Bytes()
}

func readExampleFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeExampleFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

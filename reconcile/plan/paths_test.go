package plan

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentedPaths: what the page of the ScrapeTarget shows for several paths
// of one port keeps all of them, and without its rule one is lost.
func TestDocumentedPaths(t *testing.T) {
	page, err := os.ReadFile("../../docs/scrape-target.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	i := slices.IndexFunc(blocks, func(m []string) bool { return strings.Contains(m[1], "name: two-paths}") })
	if i < 0 {
		t.Fatal("the page has no example of two paths")
	}
	example := blocks[i][1]
	without, _, _ := strings.Cut(example, "  relabelConfigs:")
	w := newWorld()
	d := w.define("catalog", "awsvpc", container("app", port("metrics", 9090)))
	w.run("t1", "catalog", d, at("10.0.0.1"))
	for text, want := range map[string][]string{
		example: {"10.0.0.1:9090/metrics app", "10.0.0.1:9090/metrics/jvm app"},
		without: {"10.0.0.1:9090/metrics app", CodeSameLabels + " "},
	} {
		p := build(t, &w.Snapshot, nil, bareConfig, text)
		if diff := cmp.Diff(want, append(addresses(p), codes(p)...)); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
}

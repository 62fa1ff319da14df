package artifact

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
)

func targetAt(address string, more ...string) Target {
	return Target{Labels: labels.FromStrings(append([]string{addressLabel, address}, more...)...)}
}

// TestDiffTargets: it says what Diff says, of pools in which a target differs.
func TestDiffTargets(t *testing.T) {
	t.Parallel()
	same := []Target{targetAt("a:1"), targetAt("b:1")}
	before := []Pool{
		{Name: "changed", Path: "1", Targets: []Target{targetAt("a:1"), targetAt("b:1", "x", "1"), targetAt("c:1"), targetAt("e:1")}},
		{Name: "empty", Path: "2"},
		{Name: "gone", Path: "3", Targets: []Target{targetAt("a:1")}},
		{Name: "same", Path: "4", Targets: same},
		{Name: "equal", Path: "5", Targets: slices.Clone(same)},
	}
	after := []Pool{
		{Name: "changed", Path: "1", Targets: []Target{targetAt("a:1"), targetAt("b:1", "x", "2"), targetAt("d:1"), targetAt("e:1")}},
		{Name: "new", Path: "2a", Targets: []Target{targetAt("n:1")}},
		{Name: "same", Path: "4", Targets: same},
		{Name: "equal", Path: "5", Targets: slices.Clone(same)},
		{Name: "empty too", Path: "6"},
	}
	var got []string
	diff := DiffTargets(before, after)
	for i := range diff {
		got = append(got, diff[i].Name+" "+string(diff[i].Change))
		got = append(got, diff[i].Lines(-1)...)
	}
	want := []string{
		"changed changed", "- c:1 {}", "+ d:1 {}", `! b:1 x: "1" -> "2"`,
		"new added", "+ n:1 {}",
		"gone removed", "- a:1 {}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	counts := map[Change]int{}
	for i := range diff {
		diff[i].Targets(func(c Change, _ TargetEntry) { counts[c]++ })
	}
	if diff := cmp.Diff(map[Change]int{Added: 2, Removed: 2, Changed: 1}, counts); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if lines := diff[0].Lines(1); len(lines) != 2 || lines[1] != "... and 2 more" {
		t.Errorf("cut to one: %q", lines)
	}
}

// BenchmarkDiffTargets is one target of 100,000 that is another.
func BenchmarkDiffTargets(b *testing.B) {
	const size = 100_000
	before := make([]Target, size)
	for i := range before {
		before[i] = targetAt(fmt.Sprintf("10.%d.%d.%d:9090", i>>16, i>>8&255, i&255), "job", "api", "instance", fmt.Sprint(i))
	}
	slices.SortFunc(before, Target.Compare)
	after := slices.Clone(before)
	after[size/3] = targetAt("10.9.9.9:9090", "job", "api")
	slices.SortFunc(after, Target.Compare)
	for b.Loop() {
		if d := DiffTargets([]Pool{{Path: "p", Targets: before}}, []Pool{{Path: "p", Targets: after}}); len(d) != 1 || len(d[0].Added)+len(d[0].Removed) != 2 {
			b.Fatal(d)
		}
	}
}

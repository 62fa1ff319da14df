package artifact

import (
	"strings"
	"testing"
)

func TestDiffDocument(t *testing.T) {
	before, after := []byte("a: 1\npassword: old-one\n"), []byte("a: 2\npassword: new-one\n")
	for name, c := range map[string]struct {
		before, after []byte
		want          []string
	}{
		"changed": {before, after, []string{"--- live/x\n", "+++ want/x\n", "-a: 1\n", "+a: 2\n"}},
		"added":   {nil, after, []string{"--- /dev/null\n", "+a: 2\n"}},
		"removed": {before, nil, []string{"+++ /dev/null\n", "-a: 1\n"}},
	} {
		got := DiffDocument("x", c.before, c.after)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", name, want, got)
			}
		}
		if strings.Contains(got, "old-one") || strings.Contains(got, "new-one") {
			t.Errorf("%s: a secret is shown:\n%s", name, got)
		}
	}
}

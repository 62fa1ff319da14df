package releases

import (
	"strings"
	"testing"
)

// TestParse: a table that is not as `make releases` writes it is refused.
func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "no releases",
		"releases 2.x\n":              `"2.x" is no release`,
		"releases 3.0\n  a -\n":       "in no section",
		"releases 3.0\ntype a\n  b\n": "no kind",
		"releases 3.0\ntype a\n  b - until 1.2\n": "neither since nor gone",
		"releases 3.0\ntype a\n  b - since x\n":   "neither since nor gone",
		"releases 3.0\ntype a\n  b - since\n":     "neither since nor gone",
		"releases 3.0\ntype a\n  b []c\n":         "b of a is of an unknown type c",
		"releases 3.0\ntype a\n  b =a\n":          "b of a is of an unknown type a",
		"releases 3.0\ntype a\n  b {}a\n":         "",
		"releases 3.0\nvalues a\n  b gone x\n":    "neither since nor gone",
	} {
		_, err := parse(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestVersions are read and ordered as numbers.
func TestVersions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "3", "3.x", "v3.1"} {
		if v, ok := ParseVersion(text); ok {
			t.Errorf("%q is %s", text, v)
		}
	}
	order := []string{"2.9", "2.42", "2.55.1", "3.0", "3.2.7", "3.15", "10.0"}
	for i, text := range order[1:] {
		a, _ := ParseVersion(order[i])
		if b, ok := ParseVersion(text); !ok || !a.Before(b) || b.Before(a) {
			t.Errorf("%s and %s", a, b)
		}
	}
}

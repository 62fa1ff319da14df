package target

import (
	"errors"
	"io/fs"
	"testing"

	"ecs-scrape/reconcile/artifact"
)

// TestScrapedGoesWithItsGeneration: what a configuration has scraped is kept for as
// long as it can be gone back to.
func TestScrapedGoesWithItsGeneration(t *testing.T) {
	t.Parallel()
	d, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var digests []string
	for _, text := range []string{"a", "b", "c"} {
		digest, err := d.Stage(artifact.Files{artifact.ConfigFile: []byte(text)}, nil)
		if err == nil {
			err = errors.Join(d.Swap(digest), d.WriteState(ScrapedFile(digest), []byte("{}")))
		}
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
	}
	if err := d.requestHold(&Hold{Digest: digests[0]}); err != nil {
		t.Fatal(err)
	}
	if err := d.Collect(nil, 1); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, true} { // held, old, current
		if _, err := d.ReadState(ScrapedFile(digests[i])); errors.Is(err, fs.ErrNotExist) == want {
			t.Errorf("generation %d: there is %t, want %t (%v)", i, !want, want, err)
		}
	}
}

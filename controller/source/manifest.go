package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ecs-scrape/spec"
)

// Where things are below the prefix. The folder is hidden, so that no reader of
// loose objects takes anything in it for specs, those of older versions included.
const (
	publishedDir = ".ecs-scrape/"
	pointerName  = publishedDir + "current"    // names the revision in use
	revisionsDir = publishedDir + "revisions/" // manifests, by their digest; never changed
	objectsDir   = publishedDir + "objects/"   // contents, by their digest; never changed
)

// format is the form of pointers and manifests that is written, and the newest
// that is read.
const format = 1

// Bounds on what is read.
const (
	maxPointer  = 64 << 10
	maxManifest = 4 << 20
)

// pointer is the one object that changes.
type pointer struct {
	Format   int       `json:"format"`
	Revision string    `json:"revision"`           // digest of a manifest
	Previous string    `json:"previous,omitempty"` // that it named before
	At       time.Time `json:"at"`
	By       string    `json:"by,omitempty"`

	etag string
}

// Manifest is a published revision: what it holds, and where it comes from.
type Manifest struct {
	Format   int            `json:"format"`
	At       time.Time      `json:"at"`
	By       string         `json:"by,omitempty"`
	Message  string         `json:"message,omitempty"`
	Commit   string         `json:"commit,omitempty"`  // of the specs, in git
	Program  string         `json:"program,omitempty"` // version that published it
	Previous string         `json:"previous,omitempty"`
	Files    []ManifestFile `json:"files"` // sorted by path
}

// ManifestFile is one file of a revision.
type ManifestFile struct {
	Path   string `json:"path"`   // relative and slash-separated
	SHA256 string `json:"sha256"` // of the content, in hexadecimal
	Size   int64  `json:"size"`   // bytes
}

// errDamaged is wrapped by every error for a pointer, manifest or content that is
// missing, or is not what it should be.
var errDamaged = errors.New("is damaged")

// damage is an errDamaged in words of its own.
type damage struct{ error }

func (d *damage) Is(target error) bool { return target == errDamaged }
func (d *damage) Unwrap() error        { return d.error }

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// short is a digest for people.
func short(digest string) string { return digest[:min(12, len(digest))] }

// manifestFiles describes files; their names are checked.
func manifestFiles(files []spec.File) ([]ManifestFile, error) {
	out := make([]ManifestFile, 0, len(files))
	for _, f := range files {
		if err := checkName(f.Name); err != nil {
			return nil, fmt.Errorf("%s: %w", shown(f.Name), err)
		}
		out = append(out, ManifestFile{Path: f.Name, SHA256: digestOf(f.Data), Size: int64(len(f.Data))})
	}
	slices.SortFunc(out, func(a, b ManifestFile) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// checkFormat comes before everything else is read: what a newer version wrote
// may have another form.
func checkFormat(data []byte) error {
	var head struct {
		Format int `json:"format"`
	}
	switch err := json.Unmarshal(data, &head); {
	case err != nil:
		return fmt.Errorf("%w: %w; publish again", errDamaged, err)
	case head.Format > format:
		return fmt.Errorf("has format %d, and this version knows %d: it needs a newer ecs-scrape", head.Format, format)
	case head.Format < 1:
		return fmt.Errorf("%w: it has format %d; publish again", errDamaged, head.Format)
	}
	return nil
}

func decodePointer(data []byte) (pointer, error) {
	var out pointer
	if err := checkFormat(data); err != nil {
		return out, err
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return out, fmt.Errorf("%w: %w; publish again", errDamaged, err)
	}
	if !digestForm.MatchString(out.Revision) {
		return out, fmt.Errorf("%w: it names no revision; publish again", errDamaged)
	}
	return out, nil
}

// decodeManifest reads a manifest whose digest is right.
func decodeManifest(data []byte) (*Manifest, error) {
	var out Manifest
	if err := checkFormat(data); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("%w: %w; publish again", errDamaged, err)
	}
	if err := out.check(); err != nil {
		return nil, &damage{err}
	}
	return &out, nil
}

// check judges the files that a manifest names.
func (m *Manifest) check() error {
	if err := checkCount(len(m.Files)); err != nil {
		return err
	}
	for i, f := range m.Files {
		switch err := checkName(f.Path); {
		case err != nil:
			return fmt.Errorf("names %s, which %w", shown(f.Path), err)
		case !isSpec(f.Path):
			return fmt.Errorf("names %s, which is no file of specs", f.Path)
		case !digestForm.MatchString(f.SHA256):
			return fmt.Errorf("names %s without its digest", f.Path)
		case f.Size < 0 || checkSize(f.Size) != nil:
			return fmt.Errorf("names %s, which %w", f.Path, &sizeError{f.Size})
		case i > 0 && m.Files[i-1].Path >= f.Path:
			return fmt.Errorf("names %s twice, or out of order", f.Path)
		}
	}
	return nil
}

// encode is the manifest as it is kept, and its digest.
func (m *Manifest) encode() (data []byte, digest string, err error) {
	data, err = json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, "", err
	}
	data = append(data, '\n')
	return data, digestOf(data), nil
}

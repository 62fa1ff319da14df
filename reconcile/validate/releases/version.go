package releases

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a minor release such as 3.15: fields come with these.
type Version struct{ Major, Minor int }

// ParseVersion reads a version such as 3.15 or 2.53.1, and says whether it is one.
func ParseVersion(text string) (Version, bool) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 {
		return Version{}, false
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	return Version{major, minor}, errMajor == nil && errMinor == nil
}

// String is the version as it is declared, 3.15.
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Before says that the version is older than the other.
func (v Version) Before(other Version) bool {
	return cmp.Or(cmp.Compare(v.Major, other.Major), cmp.Compare(v.Minor, other.Minor)) < 0
}

// Span is the releases that know something: from Since on, and before Gone where
// that is a release. What the oldest release of the table knows is taken to have
// been there always.
type Span struct {
	Since, Gone Version
}

// Has says that the release knows it.
func (s Span) Has(v Version) bool { return !v.Before(s.Since) && !s.Over(v) }

// Over says that the release no longer knows it.
func (s Span) Over(v Version) bool { return s.Gone != Version{} && !v.Before(s.Gone) }

package source

import (
	"errors"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var errNoPath = errors.New("is no path of a file: it has an empty part, . or .., a backslash, a control character, or is not UTF-8; rename or remove it")

// checkName refuses names that a directory could not have, or that would be
// another file's. The name is relative, and its parts are separated by slashes.
func checkName(name string) error {
	if !utf8.ValidString(name) || strings.Contains(name, `\`) || strings.ContainsFunc(name, unicode.IsControl) {
		return errNoPath
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return errNoPath
		}
	}
	return nil
}

// mistaken says that a name was meant for a file of specs and is no path of one:
// by its parts . and .. it would seem hidden.
func mistaken(name string) bool {
	if checkName(name) == nil {
		return false
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		if part != "." && part != ".." {
			parts = append(parts, part)
		}
	}
	return isSpec(path.Join(parts...))
}

// shown is a name as it can be printed: as it is, or in quotes.
func shown(name string) string {
	if checkName(name) == nil {
		return name
	}
	return strconv.QuoteToASCII(name)
}

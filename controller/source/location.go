package source

import (
	"errors"
	"fmt"
	"strings"
)

// location is a prefix of a bucket, which is taken as a directory.
type location struct {
	bucket string
	prefix string // "" or with a slash at its end
}

// remote says that a location is in S3.
const remote = "s3://"

func newLocation(bucket, prefix string) location {
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return location{bucket: bucket, prefix: prefix}
}

// parseLocation reads s3://BUCKET/PREFIX.
func parseLocation(text string) (location, error) {
	rest, ok := strings.CutPrefix(text, remote)
	if !ok {
		return location{}, fmt.Errorf("%q is no location in S3; write s3://BUCKET/PREFIX", text)
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if bucket == "" {
		return location{}, fmt.Errorf("specs in %s: no bucket; write s3://BUCKET/PREFIX", text)
	}
	return newLocation(bucket, prefix), nil
}

// checkPublished refuses prefixes that are mistaken, or within what is published at
// another.
func (l location) checkPublished() error {
	folder := strings.TrimSuffix(l.prefix, "/")
	if folder == "" || checkName(folder) == nil && !strings.HasPrefix(folder, ".") && !strings.Contains(folder, "/.") {
		return nil
	}
	return fmt.Errorf("%q is no prefix to publish at: it has an empty part, one that begins with a dot, a backslash, or a control character; name the prefix that controllers have as --specs", l.url(""))
}

func (l location) key(name string) *string {
	key := l.prefix + name
	return &key
}

func (l location) url(name string) string { return remote + l.bucket + "/" + l.prefix + name }

// arn names the objects of the location as a policy does.
func (l location) arn() string { return "arn:aws:s3:::" + l.bucket + "/" + l.prefix + "*" }

func (l location) bucketARN() string { return "arn:aws:s3:::" + l.bucket }

// concerns says that a change of the object may change what a load gives.
func (l location) concerns(bucket, key string) bool {
	name, below := strings.CutPrefix(key, l.prefix)
	switch {
	case bucket != l.bucket || !below:
		return false
	case strings.HasPrefix(name, publishedDir):
		return name == pointerName
	}
	return isSpec(name) || mistaken(name)
}

var errNoLocation = errors.New("no location of specs; name a directory or s3://BUCKET/PREFIX")

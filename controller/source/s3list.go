package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// maxKeys is how many objects a prefix may hold, of whatever kind: one that holds
// more is not one of specs, and would be listed for minutes.
const maxKeys = 20 * maxFiles

// listing is what there is below the prefix.
type listing struct {
	etags     map[string]string // of what can be fetched, by name; without quotes
	broken    broken
	pointer   bool // a published revision is in use; then the rest is not known
	revisions bool // there are published revisions
}

func (l listing) same(o listing) bool {
	return maps.Equal(l.etags, o.etags) && maps.Equal(l.broken, o.broken) && l.pointer == o.pointer
}

// digest is over the sorted lines "key etag".
func (l listing) digest(at location) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(l.etags)) {
		_, _ = fmt.Fprintf(h, "%s %s\n", *at.key(name), l.etags[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// list names all objects of specs, or finds that a published revision is in use.
func (s *S3) list(ctx context.Context) (listing, error) {
	out := listing{etags: make(map[string]string), broken: make(broken)}
	seen := 0
	err := s.pages(ctx, "", func(objects []object) error {
		for _, o := range objects {
			if out.add(o); out.pointer {
				return errEnough
			}
		}
		if seen += len(objects); seen > maxKeys {
			return fmt.Errorf("more than %d objects; name a prefix that holds specs only", maxKeys)
		}
		return checkCount(len(out.etags) + len(out.broken))
	})
	if err != nil {
		return out, fmt.Errorf("list specs in %s: %w", s.url(""), s.explain(err, "s3:ListBucket", s.bucketARN()))
	}
	return out, nil
}

// add takes what is a file of specs.
func (l *listing) add(o object) {
	switch {
	case o.name == pointerName:
		l.pointer = true
	case strings.HasPrefix(o.name, revisionsDir):
		l.revisions = true
	case mistaken(o.name):
		l.broken[shown(o.name)] = errNoPath.Error()
	case !isSpec(o.name):
	default:
		if err := checkSize(o.size); err != nil {
			l.broken[o.name] = err.Error()
			return
		}
		l.etags[o.name] = o.etag
	}
}

// object is an object as a listing tells of it.
type object struct {
	name string // below the prefix
	size int64
	etag string // as in listing
	at   time.Time
}

// pages lists all objects below a folder of the prefix. each may end it with
// errEnough.
func (r *reader) pages(ctx context.Context, folder string, each func([]object) error) error {
	pages := s3.NewListObjectsV2Paginator(r.client, &s3.ListObjectsV2Input{
		Bucket: &r.bucket, Prefix: r.key(folder), EncodingType: s3types.EncodingTypeUrl,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		objects := make([]object, 0, len(page.Contents))
		for i := range page.Contents {
			if o, ok := r.listed(&page.Contents[i], page.EncodingType); ok {
				objects = append(objects, o)
			}
		}
		if err := each(objects); err != nil {
			return enough(err)
		}
	}
	return nil
}

// errEnough ends a listing.
var errEnough = errors.New("enough")

func enough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// listed reads an entry of a listing. Keys are encoded where the server says so:
// XML cannot carry all of them.
func (r *reader) listed(o *s3types.Object, encoding s3types.EncodingType) (object, bool) {
	key := aws.ToString(o.Key)
	if encoding == s3types.EncodingTypeUrl {
		if decoded, err := url.QueryUnescape(key); err == nil {
			key = decoded
		}
	}
	out := object{size: aws.ToInt64(o.Size), etag: listedETag(o), at: aws.ToTime(o.LastModified)}
	var below bool
	out.name, below = strings.CutPrefix(key, r.prefix)
	return out, below && out.name != ""
}

// listedETag is the ETag as it is kept; where the server tells none, it is made up
// of what changes with the object.
func listedETag(o *s3types.Object) string {
	etag := aws.ToString(o.ETag)
	switch {
	case etag == "":
		return fmt.Sprintf("%s%d-%d", madeUpMark, aws.ToInt64(o.Size), aws.ToTime(o.LastModified).UnixNano())
	case strings.HasPrefix(etag, weakMark):
		return weakMark + plainETag(etag)
	}
	return plainETag(etag)
}

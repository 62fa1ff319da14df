package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/spec"
)

// upload writes the contents that are not there. Those that are there are read back
// and held to their digests, and written anew where they are damaged.
func (p *Publisher) upload(ctx context.Context, files []spec.File) (Publication, error) {
	there, err := p.sizes(ctx)
	if err != nil {
		return Publication{}, err
	}
	all := make(contents, len(files))
	for _, f := range files {
		all[digestOf(f.Data)] = f.Data
	}
	var mu sync.Mutex
	var out Publication
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(maxGets)
	for _, digest := range slices.Sorted(maps.Keys(all)) {
		group.Go(func() error {
			size, known := there[digest]
			became, err := p.content(inner, digest, all[digest], known, size)
			mu.Lock()
			defer mu.Unlock()
			*became(&out)++
			return err
		})
	}
	return out, group.Wait()
}

// content brings one content to be there, and says as what it counts.
func (p *Publisher) content(ctx context.Context, digest string, data []byte, known bool, size int64) (as func(*Publication) *int, err error) {
	name := objectsDir + digest
	if !known {
		return func(o *Publication) *int { return &o.Uploaded }, p.putOnce(ctx, name, data)
	}
	err = errOther
	if size == int64(len(data)) {
		_, err = p.whole(ctx, name, digest, maxFileSize)
	}
	if errors.Is(err, errDamaged) {
		return func(o *Publication) *int { return &o.Mended }, p.put(ctx, name, data, &s3.PutObjectInput{})
	}
	if err != nil {
		err = fmt.Errorf("%s %w", p.url(name), err)
	}
	return func(o *Publication) *int { return &o.Present }, err
}

// sizes are those of all contents, by digest.
func (p *Publisher) sizes(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	err := p.pages(ctx, objectsDir, func(objects []object) error {
		for _, o := range objects {
			out[o.name[len(objectsDir):]] = o.size
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", p.url(objectsDir), p.explain(err, "s3:ListBucket", p.bucketARN()))
	}
	return out, nil
}

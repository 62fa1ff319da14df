package main

import (
	"errors"
	"io/fs"
	"log/slog"

	"ecs-scrape/controller/ecs"
	"ecs-scrape/controller/target"
)

// stateCache keeps what is known of ECS in the output directory.
type stateCache struct{ dir *target.Directory }

func (c stateCache) Load(name string) ([]byte, error) {
	data, err := c.dir.ReadState(name)
	var damaged *target.DamagedError
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, &damaged) {
		return nil, nil
	}
	return data, err
}

func (c stateCache) Save(name string, data []byte) error { return c.dir.WriteState(name, data) }

// watcher is one that starts from what an earlier run left in the directory.
// changed is told of objects of S3.
func (o *runOptions) watcher(dir *target.Directory, log *slog.Logger, changed func(ecs.Object) bool) (*ecs.Watcher, error) {
	options, err := o.ecs.options()
	if err != nil {
		return nil, err
	}
	options.Cache = stateCache{dir}
	options.CacheFailed = func(err error) { log.Warn("what is known of ECS is not carried from one run to the next", "err", err) }
	options.ObjectChanged = changed
	return ecs.New(options)
}

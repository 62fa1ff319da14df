package reconcile

import (
	"fmt"
	"time"

	"ecs-scrape/reconcile/artifact"
)

// publishTargets writes target files, and nothing leaves a pool before it is in
// its new one.
func (r *Reconciler) publishTargets(want []artifact.Pool, now time.Time, s Standing) (Published, error) {
	live, err := r.output.Live()
	if err != nil {
		return Published{}, fmt.Errorf("read what is published: %w", err)
	}
	if s == Wanted {
		return r.output.WriteTargets(now, keepMoving(live, want))
	}
	return settle(r.output, now, live, func(live *artifact.Bundle) ([]artifact.Pool, bool) {
		pools := keepUnwritten(live, want)
		return pools, kept(pools, want)
	})
}

// settle writes the pools that are made of what is published, and once more where
// targets were kept in those that they leave: by then they are in their new ones.
func settle(out Targets, now time.Time, live *artifact.Bundle, pools func(*artifact.Bundle) (_ []artifact.Pool, kept bool)) (Published, error) {
	write, kept := pools(live)
	first, err := out.WriteTargets(now, write)
	if err != nil || !kept {
		return first, err
	}
	if live, err = out.Live(); err != nil {
		return first, fmt.Errorf("read what is published: %w", err)
	}
	write, _ = pools(live)
	again, err := out.WriteTargets(now, write)
	again.Changed, again.Bytes = again.Changed+first.Changed, again.Bytes+first.Bytes
	return again, err
}

// early says that a configuration has to wait for target files that were written
// too recently to be written now: with it Prometheus would lose targets, whose new
// pool has not got them yet, or find in the file of a pool that comes back what
// was there when it went.
func (r *Reconciler) early(live *artifact.Bundle, want artifact.Bundle) bool {
	if live.Digest() == want.Digest() {
		return false
	}
	wanted := artifact.Endpoints(want.Pools)
	loaded := r.jobs.loaded(live)
	var written []artifact.Pool
	for _, p := range live.Pools {
		switch {
		case poolIndex(want.Pools, p.Path) < 0:
		case poolIndex(loaded, p.Path) < 0 && outdated(p, wanted):
			return true
		default:
			written = append(written, p)
		}
	}
	var there map[artifact.Endpoint]bool
	for _, p := range loaded {
		if poolIndex(want.Pools, p.Path) >= 0 {
			continue
		}
		if there == nil {
			there = artifact.Endpoints(written)
		}
		for _, t := range p.Targets {
			if e := t.Endpoint(); wanted[e] && !there[e] {
				return true
			}
		}
	}
	return false
}

// outdated says that a pool has targets that are not wanted any more.
func outdated(p artifact.Pool, wanted map[artifact.Endpoint]bool) bool {
	for _, t := range p.Targets {
		if !wanted[t.Endpoint()] {
			return true
		}
	}
	return false
}

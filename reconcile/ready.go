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
	switch s {
	case Refused:
		return r.output.WriteTargets(now, standIns(r.jobs.loaded(live), want, keepMoving(live, want)))
	case Wanted:
		return r.output.WriteTargets(now, keepMoving(live, want))
	}
	pools := keepUnwritten(live, want)
	out, err := r.output.WriteTargets(now, pools)
	if err != nil || !kept(pools, want) {
		return out, err
	}
	if live, err = r.output.Live(); err != nil {
		return out, fmt.Errorf("read what is published: %w", err)
	}
	again, err := r.output.WriteTargets(now, keepUnwritten(live, want))
	again.Changed, again.Bytes = again.Changed+out.Changed, again.Bytes+out.Bytes
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

package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/plan"
)

const (
	schemeLabel = "__scheme__"
	ownPrefix   = plan.ReservedJobPrefix + "target/"
)

// Staying is a configuration that stays, or is gone back to, while the specs ask
// for another.
type Staying struct {
	Config artifact.Files
	// Scraped is what it has scraped; nil where nobody knows.
	Scraped artifact.Scraped
	// Confirmed says that Prometheus has loaded it. Until then nothing is taken from
	// the files that the configuration before it reads, but what may not have the
	// credentials of this one.
	Confirmed bool
}

// Stay has targets follow in the pools of a configuration that stays, whatever the
// wanted one asks for: each object in its own pool if there is one, else in the pool
// that scraped it, else where it wants to be, if that is there. Written before
// the configuration is made current, its pools have their targets from the first
// moment on. Without a wanted bundle, what is scraped now goes on.
//
// A pool without credentials takes any target. One with credentials takes those
// that it has scraped, by the same scheme and at their own address, and all of the
// wanted pool of the same file whose job is the same, byte for byte.
func Stay(out Targets, want *artifact.Bundle, now time.Time, s Staying) (Published, error) {
	live, err := out.Live()
	if err != nil {
		return Published{}, fmt.Errorf("read what is published: %w", err)
	}
	if want == nil {
		want = &artifact.Bundle{Config: live.Config, Pools: Loaded(live)}
	}
	in, err := newStandIn(s, live, want)
	if err != nil {
		return Published{}, err
	}
	mine := in.pools(live, want.Pools)
	others := slices.DeleteFunc(keepMoving(live, want.Pools), func(p artifact.Pool) bool { return in.jobs[p.Path].name != "" })
	if !s.Confirmed {
		return out.WriteTargets(now, slices.Concat(others, keepMoving(in.admitted(live), mine)))
	}
	return settle(out, now, live, func(live *artifact.Bundle) ([]artifact.Pool, bool) {
		pools := keepUnwritten(in.admitted(live), mine)
		return slices.Concat(others, pools), kept(pools, mine)
	})
}

// Loaded are the published pools that the published configuration reads.
func Loaded(live *artifact.Bundle) []artifact.Pool { return new(jobs).loaded(live) }

// standIn finds the pools of a configuration that stays for the targets of another.
type standIn struct {
	scraped artifact.Scraped
	jobs    map[string]job    // of the configuration that stays, by path
	byName  map[string]string // the paths, by the names of pools
	// wanted and live are the jobs of the other two, by path.
	wanted, live map[string]job
}

func newStandIn(s Staying, live, want *artifact.Bundle) (*standIn, error) {
	in := &standIn{scraped: s.Scraped, byName: map[string]string{}}
	var err error
	if in.jobs, err = poolJobs(s.Config); err != nil {
		return nil, err
	}
	if in.wanted, err = poolJobs(want.Config); err != nil {
		return nil, err
	}
	if in.live, err = poolJobs(live.Config); err != nil {
		in.live = nil // damaged: nothing is known to be the same
	}
	for p, j := range in.jobs {
		in.byName[j.name] = p
	}
	return in, nil
}

// pools are those of the configuration that stays, by path, with the wanted targets.
func (s *standIn) pools(live *artifact.Bundle, want []artifact.Pool) []artifact.Pool {
	came := map[string][][]artifact.Target{} // by path, of one wanted pool each
	to := map[string]string{}                // by object: a path, also where it is in two pools because it moves
	for _, home := range want {
		if !home.Scraped() {
			continue
		}
		for p, targets := range s.house(home, to) {
			came[p] = append(came[p], targets)
		}
	}
	var out []artifact.Pool
	for _, p := range slices.Sorted(maps.Keys(s.jobs)) {
		if poolIndex(want, p) < 0 { // what is of no object, and is not wanted, stays as it is
			others := slices.DeleteFunc(slices.Clone(poolAt(live, p)), func(t artifact.Target) bool { return t.Origin.Object != "" })
			came[p] = append(came[p], others)
		}
		out = append(out, artifact.Pool{Name: s.jobs[p].name, Path: p, Targets: joined(came[p])})
	}
	return out
}

// joined are the targets of all lists in order. What moves may be in two of them.
func joined(lists [][]artifact.Target) []artifact.Target {
	lists = slices.DeleteFunc(lists, func(l []artifact.Target) bool { return len(l) == 0 })
	if len(lists) == 0 {
		return nil
	}
	if len(lists) == 1 {
		return lists[0]
	}
	out := slices.Clone(lists[0])
	for _, list := range lists[1:] {
		there := artifact.Endpoints([]artifact.Pool{{Targets: out}})
		for _, t := range list {
			if !there[t.Endpoint()] {
				out = append(out, t)
			}
		}
	}
	slices.SortFunc(out, artifact.Target.Compare)
	return out
}

// house says where the targets of a wanted pool are scraped, by path. Where all of
// them stay, it is the very list.
func (s *standIn) house(home artifact.Pool, to map[string]string) map[string][]artifact.Target {
	place := func(t artifact.Target) string {
		p, known := to[t.Origin.Object]
		if !known {
			if p = s.place(t, home.Path); p != "" && t.Origin.Object != "" {
				to[t.Origin.Object] = p
			}
		}
		if p == "" || !s.admits(p, t, home.Path, s.wanted) {
			return ""
		}
		return p
	}
	if !slices.ContainsFunc(home.Targets, func(t artifact.Target) bool { return place(t) != home.Path }) {
		return map[string][]artifact.Target{home.Path: home.Targets}
	}
	out := map[string][]artifact.Target{}
	for _, t := range home.Targets {
		if p := place(t); p == home.Path {
			out[p] = append(out[p], t)
		} else if p != "" {
			out[p] = append(out[p], s.relabelled(t, p))
		}
	}
	return out
}

// place is the path of the pool in which an object is scraped; "" if there is none.
func (s *standIn) place(t artifact.Target, home string) string {
	object := t.Origin.Object
	candidates := []string{home}
	if object != "" {
		candidates = []string{s.byName[ownPrefix+object], s.byName[s.scraped[object].Pool], home}
	}
	i := slices.IndexFunc(candidates, func(p string) bool { return s.admits(p, t, home, s.wanted) })
	if i < 0 {
		return ""
	}
	return candidates[i]
}

// admits says that a target of the pool at home, as others scrape it, may join a
// pool of the configuration that stays.
func (s *standIn) admits(p string, t artifact.Target, home string, others map[string]job) bool {
	j, ok := s.jobs[p]
	switch {
	case !ok:
		return false
	case !j.secret, p == home && j.same(others[home]):
		return true
	}
	return !t.Origin.Moved && s.scraped.Has(j.name, t.Origin.Object, t.Labels.Get(schemeLabel))
}

// admitted is what is published, but for what the pools of the configuration that
// stays may not scrape.
func (s *standIn) admitted(live *artifact.Bundle) *artifact.Bundle {
	out := &artifact.Bundle{Config: live.Config, Since: live.Since, Pools: slices.Clone(live.Pools)}
	for i := range out.Pools {
		p := &out.Pools[i]
		if s.jobs[p.Path].name == "" {
			continue
		}
		refused := func(t artifact.Target) bool { return !s.admits(p.Path, t, p.Path, s.live) }
		if slices.ContainsFunc(p.Targets, refused) {
			p.Targets = slices.DeleteFunc(slices.Clone(p.Targets), refused)
		}
	}
	return out
}

// relabelled is the target as the pool at the path keeps it.
func (s *standIn) relabelled(t artifact.Target, p string) artifact.Target {
	lb := labels.NewBuilder(t.Labels)
	lb.Del(plan.PoolLabel)
	if own, ok := strings.CutPrefix(s.jobs[p].name, ownPrefix); ok {
		lb.Set(plan.PoolLabel, own)
	}
	t.Labels = lb.Labels()
	return t
}

func poolIndex(pools []artifact.Pool, path string) int {
	return slices.IndexFunc(pools, func(p artifact.Pool) bool { return p.Path == path })
}

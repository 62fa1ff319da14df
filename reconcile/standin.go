package reconcile

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/plan"
)

const (
	schemeLabel = "__scheme__"
	ownPrefix   = plan.ReservedJobPrefix + "target/"
)

// standIns has a configuration that stays, though another is wanted, scrape every
// object where it did: in the object's own pool if it has one for it, else where
// the object wants to be if it has that, else in the pool that has targets of it.
// Its present targets are written there, new ones included, and none that is not
// wanted any more. published is what is to be written without it, and loaded are
// the published pools that the configuration has a job for.
func standIns(loaded, want, published []artifact.Pool) []artifact.Pool {
	s := &standIn{loaded: loaded, pools: slices.Clone(published), came: map[string][]artifact.Target{}, gone: map[string]map[artifact.Endpoint]bool{}}
	for _, live := range loaded {
		if poolIndex(s.pools, live.Path) < 0 { // of objects that are deleted, or have moved
			others := slices.DeleteFunc(slices.Clone(live.Targets), func(t artifact.Target) bool { return t.Origin.Object != "" })
			s.pools = append(s.pools, artifact.Pool{Name: live.Name, Path: live.Path, Targets: others})
		}
	}
	for _, home := range want {
		s.house(home)
	}
	for i := range s.pools {
		s.settle(&s.pools[i])
	}
	slices.SortFunc(s.pools, func(a, b artifact.Pool) int { return strings.Compare(a.Path, b.Path) })
	return s.pools
}

// standIn is what is written while a configuration stays.
type standIn struct {
	loaded []artifact.Pool // as published before
	pools  []artifact.Pool // to be written
	// By the path of a pool: what comes into it from elsewhere, and what leaves it,
	// older versions of what comes included.
	came map[string][]artifact.Target
	gone map[string]map[artifact.Endpoint]bool
}

// house moves the targets of a wanted pool to where the configuration scrapes them.
func (s *standIn) house(home artifact.Pool) {
	to := map[string]int{} // by object: into loaded, or -1 where it stays
	for _, t := range home.Targets {
		object := t.Origin.Object
		if _, known := to[object]; !known {
			to[object] = s.place(object, home)
		}
		if i := to[object]; i >= 0 && s.loaded[i].Path != home.Path && admits(s.loaded[i], t) {
			s.move(t, home.Path, s.loaded[i])
		}
	}
}

// place is the loaded pool in which an object is scraped; -1 if there is none.
func (s *standIn) place(object string, home artifact.Pool) int {
	if object == "" {
		return -1
	}
	if i := slices.IndexFunc(s.loaded, func(p artifact.Pool) bool { return p.Name == ownPrefix+object }); i >= 0 {
		return i
	}
	if i := poolIndex(s.loaded, home.Path); i >= 0 {
		return i
	}
	return slices.IndexFunc(s.loaded, func(p artifact.Pool) bool {
		return slices.ContainsFunc(p.Targets, func(t artifact.Target) bool { return t.Origin.Object == object })
	})
}

// admits says that a target may join a pool whose settings nobody knows any more,
// credentials among them: it is of a scheme that its object is scraped by there,
// and its address is its own.
func admits(live artifact.Pool, t artifact.Target) bool {
	return !t.Origin.Moved && slices.ContainsFunc(live.Targets, func(l artifact.Target) bool {
		return l.Origin.Object == t.Origin.Object && l.Labels.Get(schemeLabel) == t.Labels.Get(schemeLabel)
	})
}

// move has a target written in a loaded pool. It leaves its home only if that is
// scraped too.
func (s *standIn) move(t artifact.Target, home string, live artifact.Pool) {
	s.leave(live.Path, t)
	if poolIndex(s.loaded, home) >= 0 {
		s.leave(home, t)
	}
	lb := labels.NewBuilder(t.Labels)
	lb.Del(plan.PoolLabel)
	if own, ok := strings.CutPrefix(live.Name, ownPrefix); ok {
		lb.Set(plan.PoolLabel, own)
	}
	t.Labels = lb.Labels()
	s.came[live.Path] = append(s.came[live.Path], t)
}

func (s *standIn) leave(path string, t artifact.Target) {
	if s.gone[path] == nil {
		s.gone[path] = map[artifact.Endpoint]bool{}
	}
	s.gone[path][t.Endpoint()] = true
}

// settle gives a pool what came, and takes from it what left.
func (s *standIn) settle(p *artifact.Pool) {
	gone, came := s.gone[p.Path], s.came[p.Path]
	if len(gone) == 0 {
		return
	}
	p.Targets = slices.DeleteFunc(slices.Clone(p.Targets), func(t artifact.Target) bool { return gone[t.Endpoint()] })
	p.Targets = append(p.Targets, came...)
	slices.SortFunc(p.Targets, artifact.Target.Compare)
}

func poolIndex(pools []artifact.Pool, path string) int {
	return slices.IndexFunc(pools, func(p artifact.Pool) bool { return p.Path == path })
}

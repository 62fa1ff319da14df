package plan

import (
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
)

// liveIndex knows what is live. It is asked only where targets have the same
// labels, and costs nothing until then.
type liveIndex struct {
	count map[uint64]int               // by identityHash; nil until it is asked
	lists map[string][]artifact.Target // that are counted, by path
}

// isPublished says that the live pools have what the target is, whatever the pool
// and the timing.
func (r *run) isPublished(m *member) bool {
	if r.published.count == nil {
		r.published = liveIndex{map[uint64]int{}, map[string][]artifact.Target{}}
		r.takeLive()
	}
	return r.published.count[r.crowds.identityHash(m.Origin.Object, m.Labels)] > 0
}

// followLive has those looked at again that may be published now, or are no more.
func (r *run) followLive() {
	if r.published.count != nil && r.heeds(heedLive) {
		r.takeLive()
	}
}

func (r *run) takeLive() {
	p := &r.published
	lists := make(map[string][]artifact.Target, len(r.in.Live))
	for _, live := range r.in.Live {
		lists[live.Path] = live.Targets
		if !live.SameTargets(artifact.Pool{Targets: p.lists[live.Path]}) {
			r.takeDifference(p.lists[live.Path], live.Targets)
		}
	}
	for path, before := range p.lists {
		if _, still := lists[path]; !still {
			r.takeDifference(before, nil)
		}
	}
	p.lists = lists
}

// takeDifference counts what one list has and the other has not. Lists that are
// in the order of their files differ little; of others it sees more, which does
// no harm.
func (r *run) takeDifference(before, now []artifact.Target) {
	for len(before)+len(now) > 0 {
		switch {
		case len(before) > 0 && len(now) > 0 && labels.Equal(before[0].Labels, now[0].Labels) && before[0].Origin.Object == now[0].Origin.Object:
			before, now = before[1:], now[1:]
		case len(now) == 0 || len(before) > 0 && before[0].CompareInFile(now[0]) < 0:
			r.countLive(&before[0], -1)
			before = before[1:]
		default:
			r.countLive(&now[0], 1)
			now = now[1:]
		}
	}
}

func (r *run) countLive(t *artifact.Target, by int) {
	id := r.crowds.identityHash(t.Origin.Object, t.Labels)
	if r.published.count[id] += by; r.published.count[id] == 0 {
		delete(r.published.count, id)
	}
	r.crowds.public.mark(r.crowds.publicHash(t.Labels))
}

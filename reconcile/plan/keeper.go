package plan

import (
	"net/netip"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// keeper judges the published targets of one object that are to be kept in a
// pool. They were planned for another version of the object or of the class.
type keeper struct {
	guard   *guard // nil where the pool is no class's
	minimum model.Duration
	object  spec.ID
	note    func(fault)
}

// keeper is the one of a target that is to be kept in the pool.
func (r *run) keeper(pool *pool, t artifact.Target) *keeper {
	key := pool.Path + "\xff" + t.Origin.Object
	k := r.keepers[key]
	if k == nil {
		k = r.newKeeper(pool.Path, t.Origin.Object)
		r.keepers[key] = k
	}
	return k
}

func (r *run) newKeeper(path, object string) *keeper {
	main := r.in.Choice.Config
	k := &keeper{object: main.ID}
	if o := r.objectNamed(object); o != nil {
		k.object = o.ID
	}
	for _, p := range r.in.Choice.Pools() {
		if _, known := main.PrometheusConfig.Class(p.Class); p.Path != path || p.Class == "" || !known {
			continue
		}
		o := p.Object
		if o == nil {
			o = &spec.Object{ScrapeTarget: &spec.ScrapeTargetSpec{ScrapeClass: p.Class}}
		}
		k.guard = newGuard(main, o, r.settings[classPool(p.Class).Name])
		k.minimum, _ = model.ParseDuration(main.PrometheusConfig.Enforced.MinInterval)
	}
	k.note = func(f fault) { r.findings.add(k.object, nil, f) }
	return k
}

// admit is the target as it may be kept, or why it may not be.
func (k *keeper) admit(t artifact.Target) (artifact.Target, *fault) {
	if k.guard == nil {
		return t, nil
	}
	if f := k.guard.refuse(t.Labels, t.Origin.Moved || !discovered(t.Address())); f != nil {
		return t, f
	}
	was, err := model.ParseDuration(t.Labels.Get(model.ScrapeIntervalLabel))
	if err == nil && was < k.minimum {
		k.note(raised(was, k.minimum))
		lb := labels.NewBuilder(t.Labels)
		lb.Set(model.ScrapeIntervalLabel, k.minimum.String())
		t.Labels = lb.Labels()
	}
	return t, nil
}

// discovered says that the address may be one that ECS tells, which are none but
// IP addresses.
func discovered(address string) bool {
	_, err := netip.ParseAddrPort(address)
	return err == nil
}

// refuseHeld tells that a published target is not kept.
func (r *run) refuseHeld(t artifact.Target, f *fault) {
	r.trace.withheld(r, &t, f, "")
	object := t.Origin.Object
	if object == "" {
		r.findings.add(r.in.Choice.Config.ID, nil, *f) // the record of its object was lost
		return
	}
	r.findFor(spec.ID{Kind: spec.KindScrapeTarget, Name: object}, object, r.taskOf(t.Origin), *f)
}

package plan

import (
	"reflect"
	"slices"
	"strings"

	"ecs-scrape/reconcile/inventory"
)

// Planner builds plans, each from what it knows of the one before, so that of
// 50,000 tasks only those that have changed are planned again. A plan is always
// the one that [Build] gives for the same input. A pool in which nothing has
// changed keeps its very targets: see [artifact.Pool.SameTargets].
//
// The zero value is ready. It is for one goroutine. Inputs and what they refer
// to must never be changed; the plans it gave are never changed either.
type Planner struct {
	run     *run
	without heed // what a test takes out
}

// heed is a change that a Planner heeds. A test takes each of them out and requires
// the histories to go wrong.
type heed uint16

const (
	heedTasks       heed = 1 << iota // a task that is another one, or no more
	heedDefinitions                  // and what tasks refer to
	heedInstances
	heedServices
	heedClusters
	heedFacts      // what a scope was listed with
	heedRestored   // whether it was listed by this process
	heedClaims     // whose an address is now
	heedSpecs      // and all else that is no snapshot
	heedFirstTasks // the first task of a finding is gone
	heedPlaces     // where the published targets are from
	heedHeld       // targets that are held no more
	heedLive       // what is published now
	heedVerdicts   // a target beside it that is left out now, or no more
	heedRanks      // another number of targets of an object that has too many
)

// Build computes the plan.
func (p *Planner) Build(in Input) *Plan {
	r := p.run
	p.run = nil // after a panic nothing is known any more
	if r == nil || p.without&heedSpecs == 0 && !r.continues(&in) {
		r = newRun(in)
		r.without = p.without
	}
	out := r.build(in)
	p.run = r
	return out
}

// Build computes the plan.
func Build(in Input) *Plan { return new(Planner).Build(in) }

// continues says that the specs, and all else but what runs and what is
// published, are those of the Build before.
func (r *run) continues(in *Input) bool {
	return r.in.Choice == in.Choice && r.in.Config == in.Config && r.in.Self == in.Self && r.in.Shard == in.Shard &&
		reflect.DeepEqual(r.in.Changed, in.Changed) && in.observe == nil && r.in.observe == nil && reflect.DeepEqual(r.in.Sources, in.Sources)
}

// heeds is true of all in earnest.
func (r *run) heeds(h heed) bool { return r.without&h == 0 }

// follow takes up the snapshot: it takes back what is no longer so, and returns
// the records that have to be planned, in the snapshot's order.
func (r *run) follow(s *inventory.Snapshot) []*record {
	stale := r.outdated(s)
	gone, fresh := r.match(s)
	for _, rec := range gone {
		if r.heeds(heedTasks) {
			r.takeBack(rec)
		}
		r.claims.drop(rec.task)
	}
	for _, rec := range fresh {
		r.claims.take(rec.task)
	}
	again := fresh
	if askers := r.claims.settle(); r.heeds(heedClaims) {
		again = append(again, askers...)
	}
	if stale != nil {
		for _, rec := range r.records {
			if rec != nil && stale.concerns(rec.task) {
				again = append(again, rec)
			}
		}
	}
	again = slices.DeleteFunc(again, func(rec *record) bool {
		known := rec.due
		rec.due = true
		return known
	})
	for _, rec := range again {
		rec.due = false
		r.takeBack(rec)
	}
	r.snapshot = s
	return again
}

// match pairs the tasks of both snapshots, and makes records of those that are
// new or are not what they were. Where neither snapshot is sorted it finds fewer
// pairs than there are, which costs time and nothing else.
func (r *run) match(s *inventory.Snapshot) (gone, fresh []*record) {
	if r.snapshot != nil && r.snapshot.SameTasks(s) {
		return nil, nil
	}
	var before []*inventory.Task
	if r.snapshot != nil {
		before = r.snapshot.Tasks
	}
	records, old := make([]*record, 0, len(s.Tasks)), r.records
	for _, t := range s.Tasks {
		for len(before) > 0 && before[0] != t && compareTasks(before[0], t) <= 0 {
			if old[0] != nil {
				gone = append(gone, old[0])
			}
			before, old = before[1:], old[1:]
		}
		var rec *record
		switch {
		case len(before) > 0 && before[0] == t:
			rec = old[0]
			before, old = before[1:], old[1:]
		case t.Running():
			rec = &record{task: t}
			fresh = append(fresh, rec)
		}
		records = append(records, rec)
	}
	for _, rec := range old {
		if rec != nil {
			gone = append(gone, rec)
		}
	}
	r.records = records
	return gone, fresh
}

// compareTasks is the order of a snapshot.
func compareTasks(a, b *inventory.Task) int {
	if c := a.Scope.Compare(b.Scope); c != 0 {
		return c
	}
	return strings.Compare(a.ARN, b.ARN)
}

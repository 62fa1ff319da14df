package reconcile

import (
	"context"
	"time"

	"ecs-scrape/spec"
)

// recallWithin bounds what a first pass waits for earlier versions of the specs.
const recallWithin = 5 * time.Second

// History knows earlier versions of the specs.
type History interface {
	// Earlier are some versions before the one that was loaded last, the oldest
	// first.
	Earlier(ctx context.Context) ([]*spec.Set, error)
}

// recall is for a set that is the first of all and holds what is not valid: it is
// judged as if the versions before it had been loaded one after the other, so that
// an object that was valid in one of them has a last valid version. Where they
// cannot be read, the judgement stands as it is.
func (r *Reconciler) recall(ctx context.Context, first *judgement) *judgement {
	if r.options.History == nil || len(r.accepted) > 0 || r.judged != nil || !spec.Faulty(first.problems) {
		return first
	}
	bounded, cancel := context.WithTimeout(ctx, recallWithin)
	defer cancel()
	sets, err := r.options.History.Earlier(bounded)
	if err != nil || len(sets) == 0 {
		return first
	}
	for _, set := range sets {
		r.judged = r.judge(set)
		r.accepted = r.judged.accepted()
	}
	return r.judge(first.set)
}

package ecs

import (
	"time"

	"ecs-scrape/reconcile/inventory"
)

// goneAge is how long it is remembered that a scope is gone when nobody holds
// targets of it.
const goneAge = time.Hour

// verdict of the configuration on a scope.
type verdict int

const (
	undecided verdict = iota // a source may cover it, whose account is not known yet
	named
	unnamed
)

// retire marks as gone the scopes that the configuration no longer names, those
// held from an earlier life included, and forgets those gone for long. The
// caller holds the lock.
func (w *Watcher) retire() {
	if !w.known {
		return
	}
	now := w.now()
	held := map[inventory.Scope]bool{}
	for _, h := range w.want.Held {
		held[h.Scope] = true
		if w.judge(h.Scope) == unnamed {
			w.store.Gone(h.Scope, "the configuration no longer names it", now)
		}
	}
	for _, st := range w.store.Statuses() {
		switch {
		case st.State != inventory.Gone:
			if w.judge(st.Scope) == unnamed {
				w.store.Gone(st.Scope, "the configuration no longer names it", now)
			}
		case !held[st.Scope] && now.Sub(st.Since) > goneAge:
			w.store.Forget(st.Scope)
		}
	}
}

// judge says whether a wanted source covers the scope.
func (w *Watcher) judge(scope inventory.Scope) verdict {
	out := unnamed
	for _, s := range w.sources {
		account, region := s.place()
		switch {
		case account != "" && account != scope.Account, region != "" && region != scope.Region, !s.want.Watches(scope.Cluster):
		case account == "" || region == "":
			out = undecided
		default:
			return named
		}
	}
	return out
}

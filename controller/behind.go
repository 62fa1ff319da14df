package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// mostBehind is how many places a condition names.
const mostBehind = 3

// behind tells of the places of ECS that are not up to date, of those that matter
// to an object. Why is told once for each place, in scopes and sources.
type behind struct {
	places []string // the first of them, in words
	more   int
	since  time.Time // of the longest; zero where none is known
}

func (b *behind) add(what string, since time.Time) {
	if !since.IsZero() && (b.since.IsZero() || since.Before(b.since)) {
		b.since = since
	}
	if len(b.places) == mostBehind {
		b.more++
		return
	}
	b.places = append(b.places, what)
}

func (b *behind) text() string {
	text := strings.Join(b.places, "; ")
	if b.more > 0 {
		text += fmt.Sprintf("; and %d more", b.more)
	}
	return text
}

// horizon is what of ECS has not been read by this process yet.
type horizon struct {
	sources []inventory.SourceStatus
	scopes  []inventory.ScopeStatus
	known   map[string]behind // by what a selector says of places
}

func newHorizon(s *inventory.Snapshot) *horizon {
	h := &horizon{known: map[string]behind{}}
	if s == nil {
		return h
	}
	for i := range s.Sources {
		if !s.Sources[i].Listed {
			h.sources = append(h.sources, s.Sources[i])
		}
	}
	for i := range s.Scopes {
		if sc := &s.Scopes[i]; !sc.Listed() && sc.State != inventory.Gone {
			h.scopes = append(h.scopes, *sc)
		}
	}
	return h
}

// of are the places that a selector may reach. Most objects say the same of places
// as many others do.
func (h *horizon) of(s *spec.Selector) behind {
	key := fmt.Sprintf("%q %q %q", s.Accounts, s.Regions, s.Clusters)
	if known, ok := h.known[key]; ok {
		return known
	}
	var b behind
	for i := range h.sources {
		src := &h.sources[i]
		at := inventory.Scope{Account: src.Account, Region: cmp.Or(src.Region, src.Source.Region)}
		if plan.MayReachAny(s, at, src.Source.Clusters) {
			b.add("the clusters of region "+cmp.Or(at.Region, "(this task's)")+" have not been listed yet", src.Since)
		}
	}
	for i := range h.scopes {
		if sc := &h.scopes[i]; plan.MayReach(s, sc.Scope) {
			b.add("cluster "+sc.Scope.String()+" has not been read yet", sc.Since)
		}
	}
	h.known[key] = b
	return b
}

// with adds the clusters that an object has targets in and that cannot be read now,
// or of which only an earlier process knew.
func (b behind) with(s *spec.Selector, snapshot *inventory.Snapshot, scopes []inventory.Scope) behind {
	if snapshot == nil {
		return b
	}
	b.places = slices.Clip(b.places)
	for _, scope := range scopes {
		switch st := snapshot.Status(scope); {
		case st.State == inventory.Stale && st.Listed():
			b.add("cluster "+scope.String()+" cannot be read now", st.Since)
		case st.State == inventory.Unsynced && !reaches(s, snapshot, scope):
			b.add("cluster "+scope.String()+" has not been read yet", st.Since)
		}
	}
	return b
}

// reaches says that the cluster is a known one, and one that the selector reaches.
func reaches(s *spec.Selector, snapshot *inventory.Snapshot, scope inventory.Scope) bool {
	known := slices.ContainsFunc(snapshot.Scopes, func(st inventory.ScopeStatus) bool { return st.Scope == scope })
	return known && (s == nil || plan.MayReach(s, scope))
}

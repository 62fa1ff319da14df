package reconcile

import (
	"cmp"
	"slices"

	"ecs-scrape/spec"
)

// ObjectStatus tells what became of one object.
type ObjectStatus struct {
	spec.ID
	Position spec.Position
	// Observed is the revision in the source; "" where it cannot be read there.
	Observed string
	// Served is the revision in use; "" where there is none.
	Served string
	// Kept is the revision of the last valid version where the PrometheusConfig
	// does not allow it to be served; "" elsewhere.
	Kept string
	// Other says that the PrometheusConfig in use leaves it to another Prometheus:
	// it is neither judged nor served.
	Other bool
	// Problems say why Observed is not served, or which other document of this
	// identity is not; and warnings, which do nothing.
	Problems []spec.Problem
	// Clash says that another document has the same identity.
	Clash bool
	// Selected says that this Prometheus loads it, as far as it is served.
	Selected bool
	// Targets are its targets now; of a ScrapeTarget only.
	Targets int
}

// Valid says that what the source holds is what is served, and all of it, with or
// without warnings.
func (s *ObjectStatus) Valid() bool { return !spec.Faulty(s.Problems) && s.Observed == s.Served }

// statuses are those of all objects that are served or should be, by identity.
func (j *judgement) statuses() []ObjectStatus {
	all := statusTable{}
	for id, o := range j.serving {
		if o.Source != nil { // else nobody wrote it
			s := all.of(id)
			s.Position, s.Served = o.Position, o.Revision
		}
	}
	for id, o := range j.kept {
		s := all.of(id)
		s.Position, s.Kept = o.Position, o.Revision
	}
	for _, o := range j.set.Objects {
		if s := all.of(o.ID); s.Observed == "" || o.Revision == s.Served {
			s.Observed, s.Position = o.Revision, o.Position
		}
	}
	for _, p := range j.problems {
		if p.Object != (spec.ID{}) {
			s := all.of(p.Object)
			s.Problems = append(s.Problems, p)
		}
	}
	for id, s := range all {
		s.explain(cmp.Or(j.serving[id], j.kept[id]), j.set.Problems)
		s.Clash, s.Selected, s.Other = j.clashes[id], j.loaded[id], j.others[id]
	}
	return all.sorted()
}

// explain adds what is wrong with the file of an object that cannot be found in
// it any more, and makes the place that of the first problem, unless the problem
// is another document's.
func (s *ObjectStatus) explain(last *spec.Object, problems []spec.Problem) {
	if last != nil && s.Observed == "" && !spec.Faulty(s.Problems) {
		s.Problems = slices.DeleteFunc(slices.Clone(problems), func(p spec.Problem) bool { return !p.IsError() || !nameless(p, last) })
	}
	if p, ok := spec.FirstError(s.Problems); ok && (s.Observed == "" || s.Observed != s.Served) {
		s.Position = p.Position
	}
}

type statusTable map[spec.ID]*ObjectStatus

func (t statusTable) of(id spec.ID) *ObjectStatus {
	if t[id] == nil {
		t[id] = &ObjectStatus{ID: id}
	}
	return t[id]
}

func (t statusTable) sorted() []ObjectStatus {
	out := make([]ObjectStatus, 0, len(t))
	for _, s := range t {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b ObjectStatus) int { return a.Compare(b.ID) })
	return out
}

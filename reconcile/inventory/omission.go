package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxOmissions is how many a snapshot names; [Snapshot.Waiting] counts them all.
const maxOmissions = 100

// Omission is a task that a complete listing omits and that nothing proves to have
// stopped.
type Omission struct {
	Scope Scope     `json:"scope"`
	Task  string    `json:"task"`  // its ARN
	Since time.Time `json:"since"` // end of the first listing without it
}

// omissions are the entries of a scope that are omitted, with the time of it.
type omissions struct {
	since  map[string]time.Time // by ARN
	sorted []Omission           // nil where they have changed
}

func (o *omissions) add(arn string, at time.Time) {
	if o.since == nil {
		o.since = map[string]time.Time{}
	}
	o.since[arn], o.sorted = at, nil
}

func (o *omissions) drop(arn string) {
	delete(o.since, arn)
	o.sorted = nil
}

// first are those that wait longest, as many as a snapshot names.
func (o *omissions) first(scope Scope) []Omission {
	if o.sorted == nil {
		for arn, at := range o.since {
			o.sorted = append(o.sorted, Omission{Scope: scope, Task: arn, Since: at})
		}
		slices.SortFunc(o.sorted, func(a, b Omission) int {
			return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Task, b.Task))
		})
		o.sorted = slices.Clip(o.sorted[:min(len(o.sorted), maxOmissions)])
	}
	return o.sorted
}

// omitted are the first of all scopes, in the order of these.
func (s *Store) omitted() []Omission {
	var out []Omission
	for _, scope := range slices.SortedFunc(maps.Keys(s.scopes), Scope.Compare) {
		if c := s.scopes[scope]; len(c.omitted.since) > 0 && len(out) < maxOmissions {
			out = append(out, c.omitted.first(scope)...)
		}
	}
	return out[:min(len(out), maxOmissions)]
}

package controller

import (
	"time"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// recollection is what the status tells beyond the last pass. It belongs to the
// loop's goroutine.
type recollection struct {
	specs   SpecsStatus
	begun   map[string]time.Time // since when reasons of now are some, by kind
	last    *ErrorStatus
	served  map[spec.ID]string // revisions, as of the last pass
	changed map[spec.ID]time.Time
}

// recall takes up what the status of an earlier process told, and nothing else can.
func (c *Controller) recall(earlier *Status) {
	c.memory = recollection{served: map[spec.ID]string{}, changed: map[spec.ID]time.Time{}}
	c.memory.specs.Location = c.options.SpecsLocation
	if earlier == nil {
		return
	}
	c.history.changes, c.memory.last = earlier.Changes, earlier.LastError
	for i := range earlier.Objects {
		o := &earlier.Objects[i]
		id := spec.ID{Kind: o.Kind, Name: o.Name}
		c.memory.served[id] = o.Served
		if !o.LastChange.IsZero() {
			c.memory.changed[id] = o.LastChange
		}
	}
}

// introduce says whose status it is.
func (c *Controller) introduce(s *Status) {
	s.Version, s.Instance = c.options.Version, c.options.Instance
	s.Time = time.Now().UTC()
	s.Specs, s.LastError, s.Changes = c.memory.specs, c.memory.last, emptyNotNil(c.history.changes)
	if c.options.Usage != nil {
		s.Usage = emptyNotNil(c.options.Usage())
	}
}

// loaded notes which specs are in use, and why there are no newer ones.
func (m *recollection) loaded(pass *reconcile.Pass, found Loaded, now time.Time) {
	s := &m.specs
	if found.Revision != "" && found.Revision != s.Revision {
		s.Revision, s.LoadedAt = found.Revision, now
	}
	s.Published = found.Published
	if pass.LoadError == nil {
		s.Error, s.Since = "", time.Time{}
		return
	}
	if s.Error == "" {
		s.Since = now
	}
	s.Error = pass.LoadError.Error()
}

// moved notes when the targets of objects changed.
func (m *recollection) moved(objects []spec.ID, now time.Time) {
	for _, id := range objects {
		m.changed[id] = now.UTC()
	}
}

// found notes which versions are served.
func (m *recollection) found(objects []reconcile.ObjectStatus, now time.Time) {
	served := make(map[spec.ID]string, len(objects))
	changed := make(map[spec.ID]time.Time, len(objects))
	for i := range objects {
		o := &objects[i]
		served[o.ID] = o.Served
		if at, known := m.changed[o.ID]; known {
			changed[o.ID] = at
		}
		if before, known := m.served[o.ID]; before != o.Served || !known && o.Served != "" {
			changed[o.ID] = now
		}
	}
	m.served, m.changed = served, changed
}

// fail notes since when each reason is one, and the one that came to be last, which
// stays when it is over. A kind of reason is the same one while it lasts: its text
// may change with every attempt.
func (m *recollection) fail(reasons []Reason, now time.Time) {
	begun := make(map[string]time.Time, len(reasons))
	var last ErrorStatus
	if m.last != nil {
		last = *m.last
	}
	lasts := last.Reason != "" && last.Until.IsZero()
	for i := len(reasons) - 1; i >= 0; i-- { // the worst of those that begin together is the last
		r := &reasons[i]
		at, known := m.begun[r.Kind]
		switch {
		case lasts && last.Reason == r.Kind: // also of an earlier process
			at, last.Message = last.At, r.Message
		case !known:
			if at = now; r.Fault() {
				last, lasts = ErrorStatus{At: now, Message: r.Message, Reason: r.Kind}, true
			}
		}
		begun[r.Kind] = at
		if r.Since.IsZero() {
			r.Since = at
		}
	}
	m.begun = begun
	if _, still := begun[last.Reason]; !still && !last.At.IsZero() && last.Until.IsZero() {
		last.Until = now
	}
	if !last.At.IsZero() {
		m.last = &last
	}
}

func removals(omitted []inventory.Omission) []Removal {
	out := make([]Removal, 0, len(omitted))
	for _, o := range omitted {
		out = append(out, Removal{o.Scope.Account, o.Scope.Region, o.Scope.Cluster, o.Task, o.Since})
	}
	return out
}

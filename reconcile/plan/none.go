package plan

import "strings"

// Absence counts why an object has fewer targets in this Prometheus than it asks
// for, beside what [Plan.Dropped] and [Plan.Withheld] count.
type Absence struct {
	Silent      int // tasks whose selected containers say nothing that asks to be scraped
	Unknown     int // tasks of which what the object asks about has not been read yet
	OtherShards int // targets that fall to other shards
}

// WhyNone says in a few words why the ScrapeTarget of that name has no target in
// this Prometheus, beside what its findings say; "" where it has one.
func (p *Plan) WhyNone(object string) string {
	if p.Targets[object] > 0 {
		return ""
	}
	absent := Absence{}
	if a := p.Absent[object]; a != nil {
		absent = *a
	}
	var parts []string
	for _, why := range []struct {
		count       int
		what, words string
	}{
		{p.Dropped[object], "target", "dropped by its relabelConfigs"},
		{p.Withheld[object], "target", "withheld, as its findings say"},
		{absent.OtherShards, "target", "in other shards"},
		{absent.Silent, "task", "in which no selected container says anything that asks to be scraped"},
		{absent.Unknown, "task", "of which not everything has been read yet"},
	} {
		if why.count > 0 {
			parts = append(parts, counted(why.count, why.what)+" "+why.words)
		}
	}
	switch {
	case len(parts) == 0 && p.Unread:
		return "selects no running container that is known; not every cluster has been read yet"
	case len(parts) == 0:
		return "selects no running container"
	}
	return "has no target here: " + strings.Join(parts, "; ")
}

// absent is where the absences of an object are counted.
func (r *run) absent(object string) *Absence {
	a := r.plan.Absent[object]
	if a == nil {
		a = &Absence{}
		r.plan.Absent[object] = a
	}
	return a
}

// silent notes that none of the containers that an object selects of a task, some
// of which run, asks to be scraped.
func (r *run) silent(b *builder, w *workload) {
	for _, c := range w.selected {
		if w.running(c.Name) != nil {
			r.into.say(remark{origin: b.object.Name, kind: silentRemark})
			return
		}
	}
}

package plan

import (
	"slices"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// record is what one running task gave: all of it can be taken back when the task,
// or anything that was looked at, is no longer what it was.
type record struct {
	task    *inventory.Task
	targets []member
	remarks []remark
	asked   []*place // the places of which it was asked who has them now
	due     bool     // it is in the list of those to plan
}

// member is a target before it is known which of all targets can stand together.
type member struct {
	artifact.Target
	pool *pool
	// other says that its address falls to another shard.
	other bool
	held  bool

	// What is settled of it.
	out     bool // for a target beside it
	cut     bool // beyond what its object may have
	stays   bool // in this shard, which publishes it, although it is another's
	gone    bool // it is no more
	left    bool // it is counted among those that are left out
	ranked  bool // it is in the ranking of its object
	stood   bool // it is in its pool's list
	touched bool // it is in the list of those to be looked at
}

// remark is something else that an object is told of a task.
type remark struct {
	origin  string // the object, as its targets have it in their origins
	kind    remarkKind
	finding *noted // of findingRemark
	counts  bool   // the task counts among those of the finding
}

type remarkKind uint8

const (
	findingRemark remarkKind = iota
	droppedRemark
	withheldRemark
	silentRemark
	unknownRemark
	blindRemark // where the task is reached cannot be told
	toldRemark  // an Alertmanager is there, or a finding in its place
)

// say adds a remark, and a finding only once.
func (rec *record) say(m remark) {
	if m.kind == findingRemark {
		for _, before := range slices.Backward(rec.remarks) {
			if before.origin != m.origin {
				break
			}
			if before.finding == m.finding && before.counts == m.counts {
				return
			}
		}
	}
	rec.remarks = append(rec.remarks, m)
}

// score counts, of one object, what all records say.
type score struct {
	mine, others                             int // targets of this shard and of others
	dropped, withheld, silent, unknown, told int

	scopes map[inventory.Scope]int // that those of this shard are from
}

func (r *run) score(origin string) *score {
	t := r.scores[origin]
	if t == nil {
		t = &score{}
		r.scores[origin] = t
	}
	return t
}

// enter has a record count. Its targets are in their places from now on.
func (r *run) enter(rec *record) {
	rec.remarks = slices.Clip(rec.remarks)
	for i := range rec.targets {
		m := &rec.targets[i]
		m.other = r.shards > 1 && !m.pool.whole && shardOf(m.Address(), r.shards) != r.in.Shard
		if m.pool.whole {
			m.pool.added = append(m.pool.added, m)
		}
		r.score(m.Origin.Object).move(m, 1)
		r.gather(m)
		r.touch(m)
	}
	for i := range rec.remarks {
		r.count(rec, &rec.remarks[i], 1)
	}
}

// takeBack undoes enter, and empties the record.
func (r *run) takeBack(rec *record) {
	for i := range rec.targets {
		m := &rec.targets[i]
		if m.pool.whole {
			m.pool.removed = append(m.pool.removed, m)
		}
		r.score(m.Origin.Object).move(m, -1)
		r.scatter(m)
		r.dismiss(m)
	}
	for i := range rec.remarks {
		r.count(rec, &rec.remarks[i], -1)
	}
	for _, p := range rec.asked {
		p.askers = without(p.askers, rec)
	}
	rec.targets, rec.remarks, rec.asked = nil, nil, nil
}

func (t *score) move(m *member, by int) {
	if m.other {
		t.others += by
		return
	}
	t.mine += by
	if t.scopes == nil {
		t.scopes = map[inventory.Scope]int{}
	}
	scope := ScopeOf(m.Origin)
	if t.scopes[scope] += by; t.scopes[scope] == 0 {
		delete(t.scopes, scope)
	}
}

func (r *run) count(rec *record, m *remark, by int) {
	t := r.score(m.origin)
	switch m.kind {
	case findingRemark:
		task := rec.task
		if !m.counts {
			task = nil
		}
		r.noted.count(m.finding, task, by)
	case droppedRemark:
		t.dropped += by
	case withheldRemark:
		t.withheld += by
	case silentRemark:
		t.silent += by
	case unknownRemark:
		t.unknown += by
	case toldRemark:
		t.told += by
	case blindRemark:
		key := share{m.origin, rec.task.ID()}
		if r.blind[key] += by; r.blind[key] == 0 {
			delete(r.blind, key)
		}
	}
}

// noted is a finding, and how many remarks make it.
type noted struct {
	Finding
	remarks int
	// beheaded says that the first of its tasks was taken back.
	beheaded bool
}

// register is every finding that records make.
type register struct {
	all    map[Finding]*noted
	sorted []Finding
	stale  bool // sorted is
}

// finding is the one of these words.
func (g *register) finding(o spec.ID, f fault) *noted {
	key := Finding{Object: o, Code: f.code, Container: f.container, Message: f.message}
	k := g.all[key]
	if k == nil {
		k = &noted{Finding: key}
		g.all[key] = k
	}
	return k
}

// count adds or takes away a remark that makes the finding, and a task that it is
// about where that is not nil.
func (g *register) count(k *noted, t *inventory.Task, by int) {
	g.stale = true
	if k.remarks += by; k.remarks == 0 {
		delete(g.all, k.words())
		return
	}
	if t == nil {
		return
	}
	k.Tasks += by
	switch {
	case by > 0 && (k.Task == "" || t.ARN < k.Task):
		k.Task = t.ARN
	case by < 0 && t.ARN == k.Task:
		k.beheaded = true
	}
}

// list is every finding, sorted, not to be changed. records are all there are.
func (g *register) list(records []*record, crowned bool) []Finding {
	if !g.stale {
		return g.sorted
	}
	if crowned {
		g.crown(records)
	}
	g.sorted, g.stale = nil, false
	for _, k := range g.all {
		g.sorted = append(g.sorted, k.Finding)
	}
	slices.SortFunc(g.sorted, Finding.Compare)
	return g.sorted
}

// crown finds the first task of those findings that have lost theirs.
func (g *register) crown(records []*record) {
	lost := false
	for _, k := range g.all {
		if k.beheaded {
			k.Task, lost = "", true
		}
	}
	if !lost {
		return
	}
	for _, rec := range records {
		if rec == nil {
			continue
		}
		for i := range rec.remarks {
			m := &rec.remarks[i]
			if k := m.finding; k != nil && k.beheaded && m.counts && (k.Task == "" || rec.task.ARN < k.Task) {
				k.Task = rec.task.ARN
			}
		}
	}
	for _, k := range g.all {
		k.beheaded = false
	}
}

// without is the list without one that is in it once at least.
func without[T comparable](list []T, one T) []T {
	i := slices.Index(list, one)
	if i < 0 {
		return list
	}
	last := len(list) - 1
	list[i] = list[last]
	clear(list[last:])
	return list[:last]
}

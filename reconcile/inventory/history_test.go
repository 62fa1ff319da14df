package inventory

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// histories is how many random histories each test plays; the seed of a
// history is its number.
const histories = 300

func TestHistories(t *testing.T) {
	for seed := range uint64(histories) {
		if err := play(seed, 0); err != nil {
			t.Fatalf("history %d: %v", seed, err)
		}
	}
}

// TestEveryRuleCounts takes each rule out in turn: some history must then go
// wrong, or the histories prove nothing of that rule.
func TestEveryRuleCounts(t *testing.T) {
	for name, r := range map[string]rule{
		"lower is dropped": lowerIsDropped, "equal refreshes": equalRefreshes, "stop is final": stopIsFinal,
		"learnt survives": learntSurvives, "omission is nothing": omissionIsNothing,
		"young missing stays": youngMissingStays, "first sync is complete": firstSyncIsComplete,
		"held is asked": heldIsAsked, "facts come first": factsComeFirst,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(histories) {
				if err := play(seed, r); err != nil {
					t.Logf("history %d: %v", seed, err)
					return
				}
			}
			t.Error("no history goes wrong without the rule")
		})
	}
}

// truth is a task as it really is: all its versions, and the moments of its
// life.
type truth struct {
	versions []Task
	started  time.Time
	stopping time.Time // zero while it is meant to run
}

func (u *truth) now() *Task { return &u.versions[len(u.versions)-1] }

func (u *truth) alive() bool { return u.stopping.IsZero() }

// history plays one cluster, an ECS that misleads as the real one does, and a
// store that reads it. In every other history the store is lost now and then,
// as when the process restarts, and only what was published is remembered.
type history struct {
	r     *rand.Rand
	now   time.Time
	scope Scope
	store *Store
	tasks map[string]*truth
	calm  bool // no faults from here on
	late  []Description

	shown   map[string]int64 // versions the snapshot has shown
	stopped map[string]bool  // tasks that the store was told have stopped
	synced  bool

	held  []string // ids of the tasks that were published before a restart
	since time.Time
}

func play(seed uint64, without rule) error {
	h := &history{
		r: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		scope: Scope{Account: "1", Region: "r", Cluster: "c"},
		tasks: map[string]*truth{}, shown: map[string]int64{}, stopped: map[string]bool{},
	}
	h.open(without)
	for range 5 {
		h.change(0)
	}
	h.now = h.now.Add(time.Duration(h.r.IntN(120)) * time.Second)
	for range 40 {
		if seed%2 == 1 && h.r.IntN(6) == 0 {
			h.restart()
		}
		if err := h.step(); err != nil {
			return err
		}
	}
	return h.settle()
}

func (h *history) open(without rule) {
	h.store = NewStore()
	h.store.without = without
	h.store.SetFacts(Facts{Services: true})
	h.store.Found(h.scope, h.now)
	h.store.PutDefinition(&Definition{ARN: "d", NetworkMode: NetworkAWSVPC}, 0, h.now)
}

// restart loses everything but the tasks that are published: those shown last,
// or, if nothing has been shown since the last restart, those held since then.
// Which version was shown, and who was told to have stopped, is lost too.
func (h *history) restart() {
	if snap := h.store.Snapshot(); snap.Status(h.scope).State != Unsynced {
		h.held, h.since = nil, h.now
		for _, t := range snap.Tasks {
			h.held = append(h.held, t.ID())
		}
	}
	h.open(h.store.without)
	h.late, h.synced = nil, false
	h.stopped, h.shown = map[string]bool{}, map[string]int64{}
	for _, id := range h.held {
		h.shown["t/"+id] = 0
	}
}

// step lets something happen, polls, and looks at the snapshot.
func (h *history) step() error {
	h.change(h.r.IntN(6))
	h.now = h.now.Add(time.Duration(5+h.r.IntN(25)) * time.Second)
	if err := h.poll(); err != nil {
		return err
	}
	return h.check()
}

// change does one of the things that happen to tasks.
func (h *history) change(what int) {
	arns := slices.Sorted(maps.Keys(h.tasks))
	if what < 2 || len(arns) == 0 {
		arn := fmt.Sprintf("t/%03d", len(arns))
		h.tasks[arn] = &truth{started: h.now, versions: []Task{{
			ARN: arn, Scope: h.scope, Version: 1, LastStatus: StatusPending, DesiredStatus: StatusRunning, Definition: "d",
			Group: fmt.Sprintf("service:s%d", len(arns)/2),
		}}}
		return
	}
	u := h.tasks[arns[h.r.IntN(len(arns))]]
	next := *u.now()
	switch {
	case what == 2: // raises no version
		next.HealthStatus = []string{"HEALTHY", "UNHEALTHY"}[h.r.IntN(2)]
		u.versions[len(u.versions)-1] = next
		return
	case next.LastStatus == StatusPending:
		next.LastStatus = StatusRunning
	case u.alive():
		next.DesiredStatus, u.stopping = StatusStopped, h.now
	default:
		next.LastStatus = StatusStopped
	}
	next.Version++
	u.versions = append(u.versions, next)
}

// poll does what a poller does. Whatever fails ends it.
func (h *history) poll() error {
	l := Listing{Scope: h.scope, Began: h.now, Tasks: h.list(), Held: h.held, HeldSince: h.since}
	h.now = h.now.Add(time.Duration(h.r.IntN(3000)) * time.Millisecond)
	h.meanwhile()
	before := h.known()
	needed := h.store.Needed(l)
	for batch := range slices.Chunk(slices.Concat(needed, h.store.Due(h.scope, h.now)), 3) {
		if !h.calm && h.r.IntN(40) == 0 {
			h.store.Fail(h.scope, "a call failed", h.now)
			return nil
		}
		h.tell(h.describe(batch))
	}
	if err := h.store.Complete(l, h.now); err != nil {
		h.store.Fail(h.scope, err.Error(), h.now)
		return nil
	}
	omitted := 0
	for arn, learnt := range before {
		if !learnt.After(l.Began) && !slices.Contains(l.Tasks, arn) {
			omitted++
		}
	}
	if n := h.store.Snapshot().Waiting; n > omitted {
		return fmt.Errorf("%d tasks wait, %d that were known are omitted", n, omitted)
	}
	if err := h.check(); err != nil {
		return err
	}
	h.services()
	return nil
}

// services asks for what the store wants; now and then nobody may.
func (h *history) services() {
	var found []*Service
	for _, name := range h.store.WantedServices(h.scope, h.now) {
		if !h.calm && h.r.IntN(8) == 0 {
			h.store.SetLacking(h.scope, FactServices, "denied")
			return
		}
		found = append(found, &Service{Name: name})
	}
	h.store.PutServices(h.scope, found, nil, h.now)
	h.store.SetLacking(h.scope, FactServices, "")
}

func (h *history) known() map[string]time.Time {
	out := map[string]time.Time{}
	for arn, e := range h.store.scopes[h.scope].entries {
		out[arn] = e.learnt
	}
	return out
}

// meanwhile is what else the store hears while a listing is under way: answers
// that come late, and a task that somebody else told of.
func (h *history) meanwhile() {
	for len(h.late) > 0 && h.r.IntN(3) > 0 {
		h.tell(h.late[0])
		h.late = h.late[1:]
	}
	if !h.calm && h.r.IntN(4) == 0 {
		arns := slices.Sorted(maps.Keys(h.tasks))
		h.change(0)
		h.change(3)
		for _, arn := range slices.Sorted(maps.Keys(h.tasks)) {
			if !slices.Contains(arns, arn) {
				h.tell(h.describe([]string{arn}))
			}
		}
	}
}

// list may omit a task that runs and name one that stopped within the minute.
func (h *history) list() []string {
	var out []string
	for _, arn := range slices.Sorted(maps.Keys(h.tasks)) {
		u := h.tasks[arn]
		wrong := !h.calm && h.r.IntN(8) == 0
		if u.alive() && !wrong || !u.alive() && wrong && h.now.Sub(u.stopping) < time.Minute {
			out = append(out, arn)
		}
	}
	return out
}

// describe may answer an older version, or that a young task is missing, or
// nothing.
func (h *history) describe(arns []string) Description {
	d := Description{Scope: h.scope, Asked: h.now}
	h.now = h.now.Add(100 * time.Millisecond)
	d.Answered = h.now
	for _, name := range arns {
		arn := "t/" + nameOf(name) // held tasks are named by id
		u := h.tasks[arn]
		fault := h.r.IntN(12)
		switch {
		case !u.alive() && h.now.Sub(u.stopping) > time.Hour,
			!h.calm && fault == 0 && h.now.Sub(u.started) < time.Minute:
			d.Missing = append(d.Missing, arn)
		case !h.calm && fault == 1:
			d.Failed = append(d.Failed, arn)
		default:
			t := *u.now()
			if !h.calm && fault == 2 && len(u.versions) > 1 {
				t = u.versions[len(u.versions)-2]
			}
			d.Tasks = append(d.Tasks, &t)
		}
	}
	if !h.calm && h.r.IntN(4) == 0 {
		h.late = append(h.late, d)
	}
	return d
}

func (h *history) tell(d Description) {
	h.store.Describe(d)
	for _, t := range d.Tasks {
		if t.Stopped() && (h.shown[t.ARN] <= t.Version) {
			h.stopped[t.ARN] = true
		}
	}
}

// check compares what the snapshot shows with the truth.
func (h *history) check() error {
	snap := h.store.Snapshot()
	if snap.Status(h.scope).State == Unsynced {
		return nil
	}
	seen := map[string]bool{}
	for _, t := range snap.Tasks {
		seen[t.ARN] = true
		switch {
		case h.stopped[t.ARN]:
			return fmt.Errorf("%s came back", t.ARN)
		case t.Version < h.shown[t.ARN]:
			return fmt.Errorf("%s went back from version %d to %d", t.ARN, h.shown[t.ARN], t.Version)
		case t.Running() && snap.Status(h.scope).Facts.Services && snap.Service(t) == nil:
			return fmt.Errorf("%s is shown without its service, which the scope claims to hold", t.ARN)
		}
		h.shown[t.ARN] = t.Version
	}
	for arn, u := range h.tasks {
		if _, shown := h.shown[arn]; u.alive() && shown && !seen[arn] {
			return fmt.Errorf("%s is lost", arn)
		}
	}
	return h.checkFirst(seen)
}

// checkFirst: a task that has run for a while may be a published target, so the
// first state shown has it, unless a listing omitted it.
func (h *history) checkFirst(seen map[string]bool) error {
	if h.synced {
		return nil
	}
	h.synced = true
	for arn := range h.store.scopes[h.scope].unexplained {
		u := h.tasks[arn]
		if u.alive() && !seen[arn] && h.now.Sub(h.store.scopes[h.scope].unexplained[arn].since) <= MissingAge {
			return fmt.Errorf("the first state lacks %s, which no describe knew", arn)
		}
	}
	return nil
}

// settle lets ECS tell the truth for a quarter of an hour; then the snapshot is
// the truth.
func (h *history) settle() error {
	h.calm = true
	for range 60 {
		h.now = h.now.Add(15 * time.Second)
		if err := h.poll(); err != nil {
			return err
		}
		if err := h.check(); err != nil {
			return err
		}
	}
	snap := h.store.Snapshot()
	if snap.Waiting != 0 || snap.Status(h.scope).State != Synced || !snap.Status(h.scope).Facts.Services {
		return fmt.Errorf("not settled: %d wait, %+v", snap.Waiting, snap.Scopes)
	}
	got := map[string]Task{}
	for _, t := range snap.Tasks {
		got[t.ARN] = *t
	}
	for arn, u := range h.tasks {
		t, ok := got[arn]
		if ok != u.alive() {
			return fmt.Errorf("%s is shown: %v, runs: %v", arn, ok, u.alive())
		}
		if want := u.now(); ok && (t.Version != want.Version || t.HealthStatus != want.HealthStatus) {
			return fmt.Errorf("%s is %+v, want %+v", arn, t, *want)
		}
	}
	return nil
}

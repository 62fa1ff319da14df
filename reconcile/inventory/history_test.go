package inventory

import (
	"flag"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

var (
	histories  = flag.Uint64("histories", 20_000, "how many random histories to play; the seed of each is its number")
	oneHistory = flag.Int64("history", -1, "play only the history of this seed, and with -v tell of it")
)

// TestHistories plays histories of a store and an ECS that misleads it, and
// compares with the truth all the while.
func TestHistories(t *testing.T) {
	if *oneHistory >= 0 {
		if err := play(uint64(*oneHistory), 0, t.Logf); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Cleanup(func() {
		if missedChanges.Load() == 0 {
			t.Error("events were lost, and nothing was ever counted as missed")
		}
	})
	const shards = 8
	for shard := range uint64(shards) {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			for seed := shard; seed < *histories; seed += shards {
				if err := play(seed, 0, nil); err != nil {
					t.Fatalf("%v\nagain: go test ./reconcile/inventory -run 'TestHistories$' -history %d", err, seed)
				}
			}
		})
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
		"equal event is nothing": equalEventIsNothing, "stop event buries": stopEventBuries,
		"event keeps tags": eventKeepsTags, "old event is doubted": oldEventIsDoubted,
		"former event is doubted": formerEventIsDoubted, "former answer is dropped": formerAnswerIsDropped,
		"missing outlives events": missingOutlivesEvents, "later missing counts": laterMissingCounts, "version is needed": versionIsNeeded,
		"unsynced merges": unsyncedMerges, "resolved first": resolvedFirst, "absence is asked": absenceIsAsked,
		"clocks differ": clocksDiffer, "known is heard": knownIsHeard, "tombs outlive gone": tombsOutliveGone,
		"restored is asked": restoredIsAsked,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range *histories {
				if err := play(seed, r, nil); err != nil {
					t.Logf("history %d: %v", seed, err)
					return
				}
			}
			t.Error("no history goes wrong without the rule")
		})
	}
}

// What the tasks of a history refer to.
var (
	definitions = []*Definition{{ARN: "d0", NetworkMode: NetworkAWSVPC}, {ARN: "d1", NetworkMode: NetworkAWSVPC}, {ARN: "d2", NetworkMode: NetworkHost}}
	instances   = []*Instance{{ARN: "i0", MachineID: "i-0", IPv4: reusedAddress}, {ARN: "i1", MachineID: "i-1", IPv4: reusedAddress.Next()}}
	services    = []string{"service:s0", "service:s1", "service:s2", "service:s3"}
)

// missedChanges counts those of all histories.
var missedChanges atomic.Uint64

// history plays one cluster and a store that reads it by polls and events, as a
// watcher does. Beside it lies a cluster that has been stale for ever.
type history struct {
	world
	store *Store
	slow  []Description        // answers that are still to come
	log   func(string, ...any) // nil: nobody listens

	versions map[string]int64 // that the snapshot has shown
	shown    map[string]bool  // as running
	stopped  map[string]bool  // the store was told that it has ended
	told     map[string]bool  // this process was told of it
	synced   bool
	unnamed  bool // the configuration does not name the cluster

	held  []string // ids of the tasks that were published before a restart
	since time.Time
	saved Saved // some time before that

	former     Facts // that were asked for before the present ones
	generation uint64
	wanted     time.Time // when the present ones came to be
}

func play(seed uint64, without rule, log func(string, ...any)) error {
	h := &history{world: newWorld(seed), log: log, versions: map[string]int64{}, shown: map[string]bool{}, stopped: map[string]bool{}, told: map[string]bool{}}
	facts := Facts{Services: true, TaskTags: h.r.IntN(3) == 0}
	if h.r.IntN(2) == 0 {
		facts.Environment = []string{"A"}
	}
	h.sending = false // nobody has subscribed yet
	for range 5 {
		h.change(h.r.IntN(6))
		h.now = h.now.Add(h.seconds(0, 30))
	}
	h.sending, h.subscribed = h.character.queue, h.now
	h.open(without, facts, Saved{})
	for range 16 {
		if err := h.step(); err != nil {
			return fmt.Errorf("after %v: %w", h.now.Sub(epoch), err)
		}
	}
	if err := h.settle(); err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	return nil
}

// say tells whoever plays a single history what happens.
func (h *history) say(format string, args ...any) {
	if h.log != nil {
		h.log("%v "+format, append([]any{h.now.Sub(epoch)}, args...)...)
	}
}

func (h *history) open(without rule, facts Facts, saved Saved) {
	h.store = NewStore()
	h.store.without = without
	h.store.SetFacts(facts)
	h.former, h.generation = h.store.Facts()
	h.store.Restore(saved, []Held{{Scope: h.scope, Tasks: h.held, Since: h.since}}, h.now)
	h.openStale()
	h.store.Found(h.scope, h.now)
	h.store.SetWatched(h.scope, h.sending, h.now)
}

// step lets something happen, watches, polls, and looks at the snapshot.
func (h *history) step() error {
	if h.chance(3) {
		if err := h.incident(h.r.IntN(8)); err != nil {
			return err
		}
	}
	for range h.r.IntN(3) {
		h.change(h.r.IntN(6))
	}
	if err := h.wait(h.seconds(3, 25)); err != nil {
		return err
	}
	if !h.sending || h.r.IntN(3) == 0 {
		if err := h.poll(); err != nil {
			return err
		}
	}
	if err := h.react(); err != nil {
		return err
	}
	if h.restarts && h.r.IntN(3) == 0 {
		h.save()
	}
	return h.check()
}

// wait lets time pass while events arrive.
func (h *history) wait(d time.Duration) error {
	until := h.now.Add(d)
	for {
		m, ok := h.next(until)
		if !ok {
			h.now = until
			return nil
		}
		if m.due.After(h.now) {
			h.now = m.due
		}
		if err := h.observe(m.event); err != nil {
			return err
		}
	}
}

func (h *history) observe(ev Event) error {
	t := *h.decode(&ev)
	ev.Task = &t
	c := h.store.scopes[h.scope]
	if h.skips && h.store.Predates(ev, epoch) {
		return h.checkSkipped(ev)
	}
	before := c.entries[t.ARN]
	var known Task
	if before != nil {
		known = *before.task
	}
	h.say("event of %v: %v", ev.At.Sub(epoch), &t)
	h.store.Observe([]Event{ev}, h.now)
	h.told[t.ARN] = true
	if t.Stopped() && c.status.State != Gone && h.versions[t.ARN] <= t.Version {
		h.stopped[t.ARN] = true
	}
	switch after := c.entries[t.ARN]; {
	case after == nil:
	case before == nil && h.stopped[t.ARN] && c.status.State != Unsynced && h.store.shows(c, after):
		return fmt.Errorf("%s came back by an event", t.ARN)
	case before != nil && after.task.Version == known.Version && after.task.HealthStatus != known.HealthStatus:
		return fmt.Errorf("an event of the known version changed the health of %s", t.ARN)
	}
	return nil
}

// decode is what an event tells, under the present facts, or under those of just
// before.
func (h *history) decode(ev *Event) *Task {
	facts, generation := h.store.Facts()
	if h.now.Sub(h.wanted) < 30*time.Second && h.r.IntN(2) == 0 {
		facts, generation = h.former, h.generation
	}
	ev.Facts = generation
	return ev.Task.restricted(facts)
}

// checkSkipped: what is skipped tells nothing of a task that is known, nor, where
// nothing else misleads, of one that runs and is not known.
func (h *history) checkSkipped(ev Event) error {
	e := h.store.scopes[h.scope].entries[ev.Task.ARN]
	if e != nil && ev.Task.Scope == h.scope && ev.Task.Version > e.task.Version {
		return fmt.Errorf("an event of %s is skipped that tells something new", ev.Task)
	}
	if u := h.find(ev.Task.ARN); u != nil && h.exact && e == nil && u.alive() {
		return fmt.Errorf("an event of %s is skipped, which runs", ev.Task)
	}
	return nil
}

// react asks for what events have left open. What fails is tried at the next.
func (h *history) react() error {
	if st := h.store.scopes[h.scope].status.State; st == Gone || !h.sending {
		return nil
	}
	w := h.store.Wanting(h.scope, h.now)
	if len(w.Tasks) > 0 && !h.fails(callDescribe) {
		h.tell(h.describe(w.Tasks))
		w = h.store.Wanting(h.scope, h.now)
	}
	if !h.answerDefinitions(w.Definitions) {
		return nil
	}
	w = h.store.Wanting(h.scope, h.now)
	if !h.answerInstances(w.Instances) || len(w.Services) > 0 && !h.answerServices(w.Services) {
		return nil
	}
	return h.checkAbsent()
}

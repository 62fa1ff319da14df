package inventory

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// restarts is a cluster whose controller is restarted now and then, each time
// with what it saved some time ago and with the targets that it published last.
type restarts struct {
	r         *rand.Rand
	now       time.Time
	store     *Store
	running   map[string]int64 // versions, by id; the truth
	ended     map[string]bool
	before    map[string]bool // ended before the last restart
	published []string        // ids, sorted
	since     time.Time
	saved     Saved
}

// TestRestartsFromDisk plays random histories of a cluster: nothing that has
// ended comes back, and nothing that runs and is published is ever without its
// target, however old the state on disk is.
func TestRestartsFromDisk(t *testing.T) {
	for seed := range uint64(500) {
		h := &restarts{
			r: rand.New(rand.NewPCG(seed, 3)), now: start, store: NewStore(),
			running: map[string]int64{}, ended: map[string]bool{},
		}
		for step := range 30 {
			if err := h.step(); err != nil {
				t.Fatalf("history %d, step %d: %v", seed, step, err)
			}
		}
	}
}

func (h *restarts) step() error {
	h.now = h.now.Add(time.Duration(h.r.IntN(120)) * time.Second)
	for range h.r.IntN(4) {
		h.change()
	}
	if h.r.IntN(3) == 0 {
		h.restart()
	}
	h.poll()
	if err := h.publish(); err != nil {
		return err
	}
	if h.r.IntN(4) == 0 {
		snap, at, err := DecodeSnapshot(EncodeSnapshot(h.store.Snapshot(), h.now))
		if err != nil {
			return err
		}
		h.saved = Saved{Snapshot: snap, At: at, Definitions: h.store.Definitions(h.now)}
	}
	return nil
}

func (h *restarts) change() {
	ids := slices.Sorted(maps.Keys(h.running))
	if len(ids) < 3 || h.r.IntN(3) == 0 {
		h.running[fmt.Sprintf("%04d", len(h.running)+len(h.ended))] = 1
		return
	}
	id := ids[h.r.IntN(len(ids))]
	if h.running[id]++; h.r.IntN(2) == 0 {
		delete(h.running, id)
		h.ended[id] = true
	}
}

func (h *restarts) restart() {
	h.before = maps.Clone(h.ended)
	h.store = NewStore()
	h.store.Restore(h.saved, []Held{{Scope: testScope, Tasks: h.published, Since: h.since}}, h.now)
	h.store.Found(testScope, h.now)
	h.store.PutDefinition(&Definition{ARN: running("", 0).Definition, NetworkMode: NetworkAWSVPC}, 0, h.now)
}

// poll lists, with an omission and a describe that fails now and then.
func (h *restarts) poll() {
	l := Listing{Scope: testScope, Began: h.now, Held: h.published, HeldSince: h.since}
	for _, id := range slices.Sorted(maps.Keys(h.running)) {
		if h.r.IntN(5) > 0 {
			l.Tasks = append(l.Tasks, arnPrefix+id)
		}
	}
	d := Description{Scope: testScope, Asked: h.now, Answered: h.now}
	for _, name := range h.store.Needed(l) {
		id := nameOf(name)
		version, runs := h.running[id]
		switch {
		case h.r.IntN(8) == 0:
			d.Failed = append(d.Failed, name)
		case runs && h.r.IntN(8) == 0:
			d.Tasks = append(d.Tasks, running(arnPrefix+id, max(1, version-1))) // answers lag
		case runs:
			d.Tasks = append(d.Tasks, running(arnPrefix+id, version))
		case h.ended[id] && h.r.IntN(2) == 0:
			d.Missing = append(d.Missing, name)
		default:
			d.Tasks = append(d.Tasks, stopping(arnPrefix+id, 1000))
		}
	}
	h.store.Describe(d)
	if err := h.store.Complete(l, h.now); err != nil {
		h.store.Fail(testScope, err.Error(), h.now)
	}
}

// publish does what a plan does: of a scope that has not been listed the published
// targets stay, and the tasks that are known are what changed objects select from.
func (h *restarts) publish() error {
	snap := h.store.Snapshot()
	var shown []string
	for _, t := range snap.Tasks {
		shown = append(shown, t.ID())
	}
	if !snap.Status(testScope).Listed() {
		for _, id := range shown {
			if _, ok := slices.BinarySearch(h.published, id); !ok && h.before[id] {
				return fmt.Errorf("%s had ended, is not published, and comes back", id)
			}
		}
		return nil
	}
	for _, id := range h.published {
		if _, ok := slices.BinarySearch(shown, id); !ok && h.running[id] > 0 {
			return fmt.Errorf("%s runs, was published, and is lost", id)
		}
	}
	for _, id := range shown {
		if _, ok := slices.BinarySearch(h.published, id); !ok && h.before[id] {
			return fmt.Errorf("%s had ended before the restart and is shown", id)
		}
	}
	h.published, h.since = shown, h.now
	return nil
}

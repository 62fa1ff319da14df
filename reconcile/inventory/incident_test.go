package inventory

import "time"

// incident is what happens rarely.
func (h *history) incident(what int) error {
	h.say("incident %d", what)
	switch {
	case what == 0:
		h.down[h.r.IntN(int(calls))] = h.now.Add(h.seconds(10, 120))
	case what == 1:
		h.storm = h.now.Add(h.seconds(10, 120))
	case what == 2 && h.restarts:
		h.restart()
	case what == 3 && h.gaps:
		h.sending, h.queue = !h.sending, h.queue[:0]
		h.store.SetWatched(h.scope, h.sending, h.now)
	case what == 4 && h.deletes:
		h.reincarnate()
	case what == 5 && h.character.queue:
		h.rubbish()
	case what == 6:
		h.refact()
	case what == 7:
		return h.sleep(h.seconds(300, 1500))
	}
	return nil
}

// refact asks for more of tasks, or for less.
func (h *history) refact() {
	facts, generation := h.store.Facts()
	h.former, h.generation, h.wanted = facts.clone(), generation, h.now
	switch {
	case h.r.IntN(2) == 0:
		facts.TaskTags = true
	case facts.Environment != nil:
		facts.Environment = nil
	default:
		facts.Environment = []string{"A"}
	}
	h.store.SetFacts(facts)
}

// sleep does nothing for long; the queue may have been stuck, too.
func (h *history) sleep(long time.Duration) error {
	if h.late && h.r.IntN(2) == 0 {
		h.putOff(long + h.seconds(10, 120))
	}
	return h.wait(long)
}

// reincarnate deletes the cluster, creates it again, or takes it out of the
// configuration or back in.
func (h *history) reincarnate() {
	switch {
	case h.unnamed:
		h.unnamed = false
	case !h.exists:
		h.exists = true
	case h.r.IntN(3) == 0:
		h.unnamed = h.r.IntN(2) == 0 // or it is only for a moment
		h.gone()
		h.lag = h.now.Add(time.Minute)
	default:
		h.delete()
		h.exists = h.r.IntN(3) == 0
	}
}

// gone tells the store that the cluster is no more, or no longer wanted.
func (h *history) gone() {
	h.say("gone")
	for arn, t := range h.store.scopes[h.scope].tombs {
		if !t.stopped { // MISSING is about a cluster of its time
			delete(h.stopped, arn)
		}
	}
	h.store.Gone(h.scope, "gone", h.now)
	h.held, h.synced = nil, false
	clear(h.shown)
	clear(h.versions)
	for _, u := range h.tasks {
		if u.former {
			h.stopped[u.arn] = true
		}
	}
}

// save writes what is known to disk.
func (h *history) save() {
	snap := h.store.Snapshot()
	status := snap.Status(h.scope)
	if status.State != Synced && status.State != Stale {
		return
	}
	kept := &Snapshot{Scopes: []ScopeStatus{status}, Instances: snap.Instances, Services: snap.Services}
	for _, t := range snap.Tasks {
		if t.Scope == h.scope {
			kept.Tasks = append(kept.Tasks, t)
		}
	}
	h.saved = Saved{Snapshot: kept, At: h.now, Definitions: h.store.Definitions(h.now)}
}

// restart loses everything but what was saved, if that can be read, and the tasks
// that are published: those shown last, or, if nothing has been listed since the
// last restart, those held since then.
// Which version was shown, and who was told to have stopped, is lost too.
func (h *history) restart() {
	if snap := h.store.Snapshot(); snap.Status(h.scope).Listed() {
		h.held, h.since = nil, h.now
		for _, t := range snap.Tasks {
			if t.Scope == h.scope && t.Running() { // no other has targets
				h.held = append(h.held, t.ID())
			}
		}
	}
	saved := h.saved
	if h.r.IntN(3) == 0 {
		saved = Saved{}
	}
	h.open(h.store.without, h.store.facts, saved)
	h.slow, h.synced = nil, false
	clear(h.stopped)
	clear(h.versions)
	clear(h.shown)
	clear(h.told)
	for _, id := range h.held {
		h.shown["t/"+id] = true
	}
}

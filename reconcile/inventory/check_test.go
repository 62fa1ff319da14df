package inventory

import (
	"fmt"
	"time"
)

// check compares what the snapshot shows with the truth.
func (h *history) check() error {
	snap := h.store.Snapshot()
	status := snap.Status(h.scope)
	if n := len(snap.Tasks); n == 0 || snap.Tasks[n-1].Scope != staleScope || snap.Instances[instances[0].ARN] == nil {
		return fmt.Errorf("the stale cluster lost its task")
	}
	seen := map[string]bool{}
	for _, t := range snap.Tasks[:len(snap.Tasks)-1] {
		if err := h.checkTask(snap, t, status.Facts); err != nil {
			return err
		}
		seen[t.ARN] = true
	}
	if err := h.checkCensus(); err != nil {
		return err
	}
	if !status.Listed() {
		return nil
	}
	if err := h.checkHidden(); err != nil {
		return err
	}
	for _, u := range h.tasks {
		if u.alive() && h.shown[u.arn] && !seen[u.arn] {
			return fmt.Errorf("%s is lost", u.arn)
		}
	}
	return h.checkFirst(seen)
}

// checkCensus: what is counted one by one adds up to what there is.
func (h *history) checkCensus() error {
	for scope, c := range h.store.scopes {
		recount := census{}
		for _, e := range c.entries {
			recount.move(nil, e.task)
		}
		for name, got := range c.census {
			want := serviceCount{}
			if recount[name] != nil {
				want = *recount[name]
			}
			if got.running != want.running || got.pending != want.pending {
				return fmt.Errorf("%s of %s has %d running and %d pending, counted are %d and %d",
					name, scope, want.running, want.pending, got.running, got.pending)
			}
			delete(recount, name)
		}
		if len(recount) > 0 {
			return fmt.Errorf("services of %s are not counted: %v", scope, recount)
		}
	}
	return nil
}

func (h *history) checkTask(snap *Snapshot, t *Task, claimed Facts) error {
	switch {
	case h.find(t.ARN) == nil:
		return fmt.Errorf("%s never was", t.ARN)
	case h.stopped[t.ARN]:
		return fmt.Errorf("%s came back", t.ARN)
	case t.Version < h.versions[t.ARN]:
		return fmt.Errorf("%s went back from version %d to %d", t.ARN, h.versions[t.ARN], t.Version)
	case snap.Definitions[t.Definition] == nil, t.Instance != "" && snap.Instances[t.Instance] == nil:
		return fmt.Errorf("%s is shown without its definition or instance", t.ARN)
	}
	h.versions[t.ARN] = t.Version
	h.shown[t.ARN] = h.shown[t.ARN] || t.Running()
	return h.checkClaimed(t, claimed)
}

// checkClaimed: what the scope claims to hold, a running task that is shown has.
func (h *history) checkClaimed(t *Task, claimed Facts) error {
	switch {
	case !t.Running():
	case claimed.Services && !h.store.scopes[h.scope].services.knows(t.Service()):
		return fmt.Errorf("%s is shown without its service, which the scope claims to hold", t.ARN)
	case claimed.TaskTags && t.Tags == nil:
		return fmt.Errorf("%s is shown without its tags, which the scope claims to hold", t.ARN)
	case claimed.Holds("A") && t.Environment == nil:
		return fmt.Errorf("%s is shown without its variables, which the scope claims to hold", t.ARN)
	}
	return nil
}

// checkHidden: a task that the snapshot does not show lacks something that
// somebody is going to ask for.
func (h *history) checkHidden() error {
	c := h.store.scopes[h.scope]
	for arn := range c.hidden {
		e := c.entries[arn]
		if e != nil && h.store.resolved(e.task) && h.store.told(c, e.task, FactServices) && !h.store.mustDescribe(c, arn) {
			return fmt.Errorf("%s is hidden, and lacks nothing", arn)
		}
	}
	return nil
}

// checkAbsent: what tasks use that was absent has been asked for within a minute,
// where everything that is wanted has just been asked for.
func (h *history) checkAbsent() error {
	c := h.store.scopes[h.scope]
	if !c.status.Listed() {
		return nil
	}
	for arn, e := range c.entries {
		i, service := h.store.instances[e.task.Instance], c.services[e.task.Service()]
		if i != nil && h.store.needsInstance(e.task) && !i.instance.hasAddress() && h.now.Sub(i.asked) >= AddresslessAge {
			return fmt.Errorf("nobody asks for the address of %s", arn)
		}
		if service != nil && service.value == nil && c.lacking[FactServices] == "" && h.now.Sub(service.asked) >= AddresslessAge {
			return fmt.Errorf("nobody asks for the service of %s", arn)
		}
	}
	return nil
}

// checkFirst: what was known before this process is shown once it has been told
// of anew. And a task that has run for a while may be a published target, so the
// first state shown has it, unless a listing omitted it.
func (h *history) checkFirst(seen map[string]bool) error {
	if h.synced {
		return nil
	}
	h.synced = true
	for arn := range seen {
		if !h.told[arn] {
			return fmt.Errorf("%s is shown on the word of an earlier process", arn)
		}
	}
	for id, doubt := range h.store.scopes[h.scope].unexplained {
		if u := h.find(id); u != nil && u.alive() && !seen[u.arn] && h.now.Sub(doubt.since) <= MissingAge {
			return fmt.Errorf("the first state lacks %s, which no describe knew", u.arn)
		}
	}
	return nil
}

// settle lets ECS tell the truth for a quarter of an hour, and the last events
// arrive; then the snapshot is the truth.
func (h *history) settle() error {
	h.calm, h.unnamed = true, false
	for i := range h.queue {
		if late := h.now.Add(h.seconds(0, 300)); h.queue[i].due.After(late) {
			h.queue[i].due = late
		}
	}
	for range 6 {
		if err := h.wait(2 * time.Minute); err != nil {
			return err
		}
		if err := h.poll(); err != nil {
			return err
		}
		if err := h.react(); err != nil {
			return err
		}
		if err := h.check(); err != nil {
			return err
		}
	}
	return h.settled()
}

func (h *history) settled() error {
	snap := h.store.Snapshot()
	status := snap.Status(h.scope)
	missed := h.store.Missed(h.scope, h.now)
	missedChanges.Add(missed)
	switch {
	case !h.exists && (status.State != Gone || len(snap.Tasks) != 1):
		return fmt.Errorf("the cluster is gone, but %d tasks are shown, %+v", len(snap.Tasks)-1, status)
	case !h.exists:
		return nil
	case snap.Waiting != 0 || status.State != Synced || !status.Facts.Covers(h.store.facts):
		return fmt.Errorf("not settled: %d wait, %+v", snap.Waiting, status)
	case h.exact && missed != 0 && h.store.without == 0: // without a rule something worse has to happen
		return fmt.Errorf("%d changes are counted as missed, and none was", missed)
	case h.sending && !h.store.Wanting(h.scope, h.now).Empty():
		return fmt.Errorf("still wanting: %+v", h.store.Wanting(h.scope, h.now))
	}
	return h.truthful(snap)
}

// truthful says whether the snapshot shows what runs, as it is.
func (h *history) truthful(snap *Snapshot) error {
	got := map[string]*Task{}
	for _, t := range snap.Tasks {
		got[t.ARN] = t
	}
	for _, u := range h.tasks {
		t, want := got[u.arn], u.now()
		switch {
		case (t != nil) != u.alive():
			return fmt.Errorf("%s is shown: %v, runs: %v", u.arn, t != nil, u.alive())
		case t == nil:
		case t.Version != want.Version || t.HealthStatus != want.HealthStatus || h.store.facts.TaskTags && t.Tags["v"] != want.Tags["v"], h.store.facts.Holds("A") && t.Environment == nil:
			return fmt.Errorf("%s is %+v, want %+v", u.arn, *t, *want)
		}
	}
	return nil
}

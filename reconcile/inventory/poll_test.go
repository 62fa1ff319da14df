package inventory

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

var (
	reusedAddress = netip.MustParseAddr("10.0.0.1")
	staleScope    = Scope{Account: "1", Region: "r", Cluster: "stale"}
)

// openStale adds a cluster that was listed once and cannot be since. The address
// of its task is soon another's.
func (h *history) openStale() {
	h.store.Found(staleScope, h.now)
	h.store.PutInstance(instances[0], h.now)
	h.store.PutDefinition(definitions[2], h.store.generation, h.now)
	t := &Task{
		ARN: "stale/1", Scope: staleScope, Version: 1, LastStatus: StatusRunning, DesiredStatus: StatusRunning,
		Definition: definitions[2].ARN, Instance: instances[0].ARN,
	}
	h.store.Describe(Description{Scope: staleScope, Asked: h.now, Answered: h.now, Facts: h.store.generation, Tasks: []*Task{t}})
	if err := h.store.Complete(Listing{Scope: staleScope, Began: h.now, Tasks: []string{t.ARN}}, h.now); err != nil {
		panic(err)
	}
	h.store.Fail(staleScope, "denied", h.now)
}

// poll does what a poller does. Whatever fails ends it.
func (h *history) poll() error {
	if !h.discover() {
		return nil
	}
	l, ok, err := h.list()
	if err != nil || !ok {
		return err
	}
	if err := h.wait(h.seconds(0, 3)); err != nil {
		return err
	}
	h.meanwhile()
	for batch := range slices.Chunk(slices.Concat(h.store.Needed(l), h.store.Due(h.scope, h.now, 30*time.Second)), 4) {
		if h.fails(callDescribe) {
			h.store.Fail(h.scope, "describe tasks", h.now)
			return nil
		}
		h.tell(h.describe(batch))
	}
	if !h.answerDefinitions(h.store.WantedDefinitions(h.scope, h.now)) || !h.answerInstances(h.store.WantedInstances(h.scope, h.now)) {
		h.store.Fail(h.scope, "describe what tasks refer to", h.now)
		return nil
	}
	if err := h.complete(l); err != nil {
		return err
	}
	if err := h.check(); err != nil {
		return err
	}
	h.answerServices(h.store.WantedServices(h.scope, h.now, 30*time.Second))
	return nil
}

// discover asks whether the cluster is there.
func (h *history) discover() bool {
	switch {
	case h.unnamed:
		return false
	case h.fails(callClusters):
		h.store.Fail(h.scope, "describe clusters", h.now)
		return false
	case !h.exists:
		h.gone()
		return false
	}
	h.store.Found(h.scope, h.now)
	return true
}

// list reads two pages; events may arrive between them, and the second may fail.
func (h *history) list() (l Listing, ok bool, err error) {
	l = Listing{Scope: h.scope, Began: h.now, Held: h.held, HeldSince: h.since}
	half := len(h.tasks) / 2
	for page, tasks := range [][]*truth{h.tasks[:half], h.tasks[half:]} {
		if h.fails(callList) {
			h.store.Fail(h.scope, "list tasks", h.now)
			return l, false, nil
		}
		for _, u := range tasks {
			if h.lists(u) {
				l.Tasks = append(l.Tasks, u.arn)
			}
		}
		if page == 0 {
			if err := h.wait(h.seconds(0, 2)); err != nil {
				return l, false, err
			}
		}
	}
	return l, true, nil
}

// complete ends the listing, and holds the number of tasks that wait against
// that of those known before it that it omits.
func (h *history) complete(l Listing) error {
	omitted := 0
	for arn, e := range h.store.scopes[h.scope].entries {
		if !e.learnt.After(l.Began) && !slices.Contains(l.Tasks, arn) {
			omitted++
		}
	}
	if err := h.store.Complete(l, h.now); err != nil {
		h.say("listing of %v, %v: %v", l.Began.Sub(epoch), l.Tasks, err)
		h.store.Fail(h.scope, "incomplete", h.now)
		return nil
	}
	h.say("listing of %v, %v: complete", l.Began.Sub(epoch), l.Tasks)
	if n := h.store.Snapshot().Waiting; n > omitted {
		return fmt.Errorf("%d tasks wait, %d that were known are omitted", n, omitted)
	}
	return nil
}

// meanwhile is what else the store hears while a listing is under way: answers
// that come late, and a task that somebody else told of.
func (h *history) meanwhile() {
	for len(h.slow) > 0 && h.r.IntN(3) > 0 {
		if h.now.Sub(h.slow[0].Asked) < time.Minute {
			h.tell(h.slow[0])
		}
		h.slow = h.slow[1:]
	}
	if h.chance(4) {
		before := len(h.tasks)
		h.change(0)
		h.change(3)
		for _, u := range h.tasks[before:] {
			h.tell(h.describe([]string{u.arn}))
		}
	}
}

func (h *history) describe(names []string) Description {
	facts, generation := h.store.Facts()
	d := Description{Scope: h.scope, Asked: h.now, Facts: generation}
	h.now = h.now.Add(100 * time.Millisecond)
	d.Answered = h.now
	for _, name := range names {
		h.answer(&d, h.find(name), name)
	}
	for i, t := range d.Tasks {
		d.Tasks[i] = t.restricted(facts)
	}
	if h.chance(4) {
		h.slow = append(h.slow, d)
	}
	return d
}

func (h *history) tell(d Description) {
	state := h.store.scopes[h.scope]
	d.Tasks = slices.Clone(d.Tasks)
	for i, t := range d.Tasks {
		next := *t // an answer told twice is decoded twice
		d.Tasks[i] = &next
	}
	h.say("describe of %v: %v, missing %v, failed %v", d.Asked.Sub(epoch), d.Tasks, d.Missing, d.Failed)
	h.store.Describe(d)
	if state.status.State == Gone || d.Asked.Before(state.renewed) {
		return
	}
	for _, t := range d.Tasks {
		h.told[t.ARN] = true
		if t.Stopped() && h.versions[t.ARN] <= t.Version {
			h.stopped[t.ARN] = true
		}
	}
	for _, name := range d.Missing {
		if u := h.find(name); u != nil && !u.alive() && state.entries[u.arn] == nil && state.tombs[u.arn].version > 0 {
			h.stopped[u.arn] = true
		}
	}
}

func (h *history) answerDefinitions(wanted []string) bool {
	for _, arn := range wanted {
		if h.fails(callDefinition) {
			return false
		}
		for _, d := range definitions {
			if d.ARN == arn {
				h.store.PutDefinition(d, h.store.generation, h.now)
			}
		}
	}
	return true
}

func (h *history) answerInstances(wanted []string) bool {
	for _, arn := range wanted {
		if h.fails(callInstance) {
			return false
		}
		for _, i := range instances {
			if i.ARN != arn {
				continue
			}
			if h.chance(3) { // EC2 lags
				i = &Instance{ARN: arn, MachineID: i.MachineID}
			}
			h.store.PutInstance(i, h.now)
		}
	}
	return true
}

// answerServices tells of services, that there is none of such a name as the case
// may be; now and then nobody may.
func (h *history) answerServices(wanted []string) bool {
	var found []*Service
	var missing []string
	for _, name := range wanted {
		if h.fails(callService) {
			h.store.SetLacking(h.scope, FactServices, "denied")
			return false
		}
		if h.chance(8) {
			missing = append(missing, name)
		} else {
			found = append(found, &Service{Name: name})
		}
	}
	h.store.PutServices(h.scope, found, missing, h.now)
	h.store.SetLacking(h.scope, FactServices, "")
	return true
}

package awssim

import (
	"encoding/json"
	"slices"
	"time"
)

// The detail types of the events that are emitted.
const (
	TaskStateChange     = "ECS Task State Change"
	InstanceStateChange = "ECS Container Instance State Change"
)

// envelope is an event as EventBridge delivers it to a queue (Amazon
// EventBridge User Guide, "Events from AWS services").
type envelope struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     any      `json:"detail"`
}

// eventFaults are armed faults of the task events to come. Events of container
// instances, which fire at every placement, always arrive: a test that drops
// one event means the task's.
type eventFaults struct {
	drop      int
	duplicate int
	late      []time.Duration
	hold      int // how many are still to be held back
	reverse   bool
	held      []string
}

// SubscribeQueue has every later event of the place delivered to a queue of
// the place, which is created if there is none, and answers the queue's URL.
func (p *Place) SubscribeQueue(name string) (queueURL string) {
	_ = p.change(func() error {
		q := p.createQueue(name, nil)
		if !slices.Contains(p.subscribers, q) {
			p.subscribers = append(p.subscribers, q)
		}
		queueURL = p.queueURL(q)
		return nil
	})
	return queueURL
}

// DropNext loses the next n task events of the place.
func (p *Place) DropNext(n int) { p.armEvents("DropNext", func(f *eventFaults) { f.drop += n }) }

// DuplicateNext delivers each of the next n task events twice.
func (p *Place) DuplicateNext(n int) {
	p.armEvents("DuplicateNext", func(f *eventFaults) { f.duplicate += n })
}

// ReorderNext holds the next n task events back and then delivers them in reverse.
func (p *Place) ReorderNext(n int) {
	p.armEvents("ReorderNext", func(f *eventFaults) { f.hold, f.reverse = n, true })
}

// HoldNext holds the next n task events back until ReleaseHeld delivers them,
// in order. With a clock that has moved on, they arrive as late as that.
func (p *Place) HoldNext(n int) {
	p.armEvents("HoldNext", func(f *eventFaults) { f.hold, f.reverse = n, false })
}

// LateNext delivers the next task event as one that is older by age: its own time
// and all times in its detail are shifted into the past. Called repeatedly it
// concerns the events after it.
func (p *Place) LateNext(age time.Duration) {
	p.armEvents("LateNext", func(f *eventFaults) { f.late = append(f.late, age) })
}

// ReleaseHeld delivers what HoldNext, or a ReorderNext that is not complete,
// holds back.
func (p *Place) ReleaseHeld() {
	_ = p.change(func() error {
		p.eventing.hold = 0
		p.releaseHeld()
		return nil
	})
}

// SendRaw puts a message with any body into every subscribed queue, for events
// that the simulator has no verb for.
func (p *Place) SendRaw(body string) {
	_ = p.change(func() error {
		p.deliver(body)
		return nil
	})
}

func (p *Place) armEvents(verb string, f func(*eventFaults)) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.faultCounts.armed(verb)
	f(&p.eventing)
}

func (t *task) emit() {
	t.place.emit(TaskStateChange, t.arn, func(at dial, now time.Time) any {
		w := t.wire(t.now, at)
		w.UpdatedAt = at(now)
		for i := range w.Attachments {
			w.Attachments[i].Type = "eni" // the API says ElasticNetworkInterface
		}
		return w
	})
}

func (i *instance) emit() {
	i.place.emit(InstanceStateChange, i.arn, func(at dial, now time.Time) any {
		w := i.wire(at)
		w.ClusterARN = i.cluster.arn
		w.UpdatedAt = at(now)
		return w
	})
}

// emit sends an event to the subscribed queues, if there are any.
func (p *Place) emit(detailType, resource string, detail func(at dial, now time.Time) any) {
	if len(p.subscribers) == 0 {
		return
	}
	var age time.Duration
	if detailType == TaskStateChange {
		age = p.nextAge()
	}
	at := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return isoString(t.Add(-age))
	}
	body, err := json.Marshal(envelope{
		Version: "0", ID: uuid(p.sim), DetailType: detailType, Source: "aws.ecs",
		Account: p.scope.Account, Time: p.now().Add(-age).UTC().Format(time.RFC3339),
		Region: p.scope.Region, Resources: []string{resource}, Detail: detail(at, p.now()),
	})
	if err != nil {
		panic(err) // the structures above always marshal
	}
	if detailType == TaskStateChange {
		p.route(string(body))
		return
	}
	p.deliver(string(body))
}

// nextAge spends one LateNext.
func (p *Place) nextAge() time.Duration {
	f := &p.eventing
	if len(f.late) == 0 {
		return 0
	}
	p.sim.faultCounts.met("LateNext")
	age := f.late[0]
	f.late = f.late[1:]
	return age
}

// route passes an event through the armed faults.
func (p *Place) route(body string) {
	f := &p.eventing
	switch {
	case f.drop > 0:
		p.sim.faultCounts.met("DropNext")
		f.drop--
	case f.hold > 0:
		p.sim.faultCounts.met(f.holder())
		f.held = append(f.held, body)
		if f.hold--; f.hold == 0 && f.reverse {
			p.releaseHeld()
		}
	case f.duplicate > 0:
		p.sim.faultCounts.met("DuplicateNext")
		f.duplicate--
		p.deliver(body)
		p.deliver(body)
	default:
		p.deliver(body)
	}
}

// holder is the verb that holds events back.
func (f *eventFaults) holder() string {
	if f.reverse {
		return "ReorderNext"
	}
	return "HoldNext"
}

func (p *Place) releaseHeld() {
	held := p.eventing.held
	p.eventing.held = nil
	if p.eventing.reverse {
		slices.Reverse(held)
	}
	for _, body := range held {
		p.deliver(body)
	}
}

func (p *Place) deliver(body string) {
	p.sim.faultCounts.met("SetEventDelay")
	p.later(p.sim.opts.EventDelay, func() {
		for _, q := range p.subscribers {
			q.send(body, 0)
		}
	})
}

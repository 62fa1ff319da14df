package controller_test

import (
	"fmt"
	"strings"

	"ecs-scrape/controller/awssim"
)

// occasion is what a fault of calls is played on, and what is then sure to make
// the controller call it.
type occasion struct {
	on    awssim.Match
	cause func(*faultWorld)
}

// occasions are those of a world that is polled, or watched by events.
func occasions(events bool) []occasion {
	out := []occasion{
		{awssim.Match{Operation: "DescribeTasks", Cluster: "alpha"}, (*faultWorld).omitted}, // before tasks are replaced
		{awssim.Match{Operation: "ListTasks", Cluster: "alpha"}, (*faultWorld).replaced},
		{awssim.Match{Operation: "DescribeTaskDefinition"}, (*faultWorld).replaced},
	}
	if events {
		return append(
			out,
			occasion{awssim.Match{Operation: "DescribeInstances"}, (*faultWorld).moved},
			occasion{awssim.Match{Operation: "ReceiveMessage"}, (*faultWorld).replaced},
			occasion{awssim.Match{Operation: "DeleteMessageBatch"}, (*faultWorld).replaced},
		)
	}
	return append(
		out,
		occasion{awssim.Match{Operation: "DescribeContainerInstances", Cluster: "beta"}, (*faultWorld).moved},
		occasion{awssim.Match{Operation: "ListClusters"}, (*faultWorld).replaced},
		occasion{awssim.Match{Operation: "GetCallerIdentity"}, (*faultWorld).restart},
	)
}

// occasionsOf are those of one fault of calls: of a page, what has pages; of
// credentials, quotas and the clock, all calls.
func occasionsOf(verb string, events bool) []occasion {
	switch verb {
	case "FailPage":
		return []occasion{
			{awssim.Match{Operation: "ListTasks", Cluster: "beta"}, (*faultWorld).replaced},
			{awssim.Match{Operation: "ListClusters"}, (*faultWorld).replaced},
		}
	case "Expire", "SetQuotas", "Skew":
		return []occasion{{awssim.Match{}, (*faultWorld).replaced}, {awssim.Match{}, (*faultWorld).moved}}
	}
	return occasions(events)
}

// alone plays one verb again and again, each time with a change that has the
// controller meet it, and waits until it has.
func (w *faultWorld) alone(verb string) {
	seed := uint64(len(verb))
	if arm, ok := faultsOfCalls()[verb]; ok {
		for i, o := range occasionsOf(verb, w.queue != "") {
			w.ClearFaults()
			w.draw(seed + uint64(i))
			w.note("%s on %q of cluster %q", verb, o.on.Operation, o.on.Cluster)
			w.meets(verb, func() { arm(w, o.on); o.cause(w) })
			w.progress()
		}
		return
	}
	for i := range uint64(2) {
		if verb == "ReleaseHeld" {
			w.HoldNext(3)
			w.replaced()
		}
		w.subscribe() // DeleteQueue has been played
		w.meets(verb, func() {
			w.play(verb, seed+i)
			if faultsOfTasks()[verb] == nil {
				w.replaced() // which would end the tasks of the others
			}
		})
		if verb == "SendRaw" {
			w.eventually("the rubbish is gone", w.queueEmpty)
		}
		w.progress()
	}
}

// occasionTries is how often a fault is given an occasion: one may pass it by, as
// a storm lets calls through and a listing under way omits nothing any more.
const occasionTries = 8

// meets does something until a fault that it arms has been met; a verb that arms
// none has nothing to wait for.
func (w *faultWorld) meets(verb string, do func()) {
	w.t.Helper()
	verb, _, _ = strings.Cut(verb, ",")
	before := w.FaultCounts()[verb]
	met := func() bool { return w.FaultCounts()[verb].Met > before.Met }
	for range occasionTries {
		do()
		if w.FaultCounts()[verb].Armed == before.Armed {
			if w.mustArm(verb) {
				w.t.Fatalf("%s armed nothing", verb)
			}
			return
		}
		polls := w.polls()
		w.eventually(verb+" is met, or passed by", func() error {
			if !met() && w.polls() < polls+4 {
				return fmt.Errorf("%+v", w.FaultCounts()[verb])
			}
			return nil
		})
		if met() {
			return
		}
	}
	w.t.Fatalf("%s was never met: %+v", verb, w.FaultCounts()[verb])
}

// mustArm says that the verb is a fault that the simulator counts.
func (w *faultWorld) mustArm(verb string) bool {
	switch verb {
	case "SendRaw", "ReleaseHeld", "SubscribeQueue":
		return false
	}
	return life()[verb] == nil
}

func (w *faultWorld) queueEmpty() error {
	if visible, hidden := w.QueueLength(faultQueue); visible+hidden > 0 {
		return fmt.Errorf("%d messages visible, %d hidden", visible, hidden)
	}
	return nil
}

// replaced deploys a service whose cluster still exists, else runs a task of its
// own, and waits until that has changed what serves.
func (w *faultWorld) replaced() {
	w.t.Helper()
	w.changes("a deployment", func() {
		for _, s := range w.services() {
			if s.mode == awssim.ModeAWSVPC {
				w.must(w.Deploy(s.cluster, s.name, faultDefinition(s.name, s.mode)))
				w.must(w.Scale(s.cluster, s.name, 3))
				return
			}
		}
		w.runHeir()
	})
}

// omitted has all tasks described, which no event does. A listing that began
// before the controller knew them would be no evidence.
func (w *faultWorld) omitted() {
	w.progress()
	for _, task := range w.tasks() {
		w.tolerate(w.OmitFromNextListing(task))
	}
}

// moved has tasks of instances move to one that is new.
func (w *faultWorld) moved() {
	w.t.Helper()
	w.changes("a move", func() {
		old := w.Instances("beta", "")
		w.must(second(w.AddInstance("beta", awssim.Instance{})))
		for _, id := range old {
			w.must(w.Drain(id))
		}
	})
}

// changes waits until what is done has changed what serves.
func (w *faultWorld) changes(what string, do func()) {
	w.t.Helper()
	before := lines(w.judge.truth())
	do()
	w.eventually(what+" is under way", func() error {
		if lines(w.judge.truth()) == before {
			return fmt.Errorf("what serves is the same")
		}
		return nil
	})
}

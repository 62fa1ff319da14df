package ecs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// only is the source of a world that has one.
func (w *fedWorld) only() *source {
	w.t.Helper()
	w.Watcher.mu.Lock()
	defer w.Watcher.mu.Unlock()
	for _, s := range w.sources {
		return s
	}
	w.t.Fatal("no source")
	return nil
}

func (w *fedWorld) listings(cause Cause) uint64 { return w.Stats().Polls[0].Listings[cause] }

// about says that a listing is due that long after the last one, give or take
// the spread.
func (w *fedWorld) about(s *source, want time.Duration) {
	w.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := s.next.Sub(s.began); got < want*9/10 || got > want*11/10 {
		w.t.Errorf("listed again after %v, want %v", got, want)
	}
}

func TestListingSchedule(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.options.PollInterval = 30 * time.Second
	w.Want(inventory.Want{Sources: []inventory.Source{{EventsQueue: w.queueURL}}})
	s := w.only()
	poll := func() { w.must(s.poll(t.Context(), true)) }
	poll()
	w.about(s, 30*time.Second)
	q := newQueue(w.Watcher, queueID{url: w.queueURL})
	s.subscribe(q)
	s.feed(q, feedState{working: true, since: w.now()})
	if s.next.After(w.now()) {
		t.Error("not listed at once when events arrive")
	}
	for range 10 {
		poll()
		w.about(s, time.Minute)
		w.pass(59 * time.Second)
	}
	w.pass(11 * time.Second)
	poll()
	w.about(s, 10*time.Minute)
	s.feed(q, feedState{since: w.now(), reason: "denied"})
	w.about(s, 30*time.Second)
	poll()
	w.about(s, 30*time.Second)
	s.feed(q, feedState{working: true, since: w.now()})
	poll()
	w.about(s, time.Minute)
	s.subscribe(nil)
	poll()
	w.about(s, 30*time.Second)
}

func TestMissedEventsAreListedFor(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 2)
	w.start()
	w.later(11 * time.Minute)
	w.until("resynced", func() bool { return w.listings(CauseResync) >= 1 })
	if aim := w.Stats().Polls[0].Aim; aim != 10*time.Minute {
		t.Fatalf("listed every %v, want ten minutes", aim)
	}
	w.DropNext(100)
	w.must(w.Scale("prod", "web", 5))
	w.later(11 * time.Minute)
	w.shows(5)
	w.later(31 * time.Second)
	w.until("missed", func() bool { return w.Stats().Missed[0].Missed == 3 })
	w.until("listed more often", func() bool { return w.Stats().Polls[0].Aim == time.Minute })
	w.later(70 * time.Second)
	w.until("listed for what was missed", func() bool { return w.listings(CauseMissed) == 1 })
}

func TestSteadyStateAsksForNothing(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 250)
	fargate(t, w.Place, "other", 20)
	w.start()
	w.later(11 * time.Minute)
	w.until("resynced", func() bool { return w.listings(CauseResync) == 1 })
	w.drained()
	w.ResetCalls()
	for i := range 8 {
		w.later(time.Minute)
		w.must(w.Scale("prod", "web", 251+i))
		w.shows(271 + i)
	}
	w.wantAsked(nil)
	w.later(3 * time.Minute)
	w.until("resynced again", func() bool { return w.listings(CauseResync) == 2 })
	w.wantAsked(map[string]int{"ListClusters": 1, "ListTasks": 4, "DescribeTasks": 4})
}

func TestQueueDeniedIsPolling(t *testing.T) {
	w := newFedWorld(t)
	w.options.PollInterval = 20 * time.Millisecond
	fargate(t, w.Place, "prod", 1)
	release := w.Deny(awssim.Match{Service: "sqs"})
	w.Want(inventory.Want{Sources: []inventory.Source{{EventsQueue: w.queueURL}}})
	w.run()
	w.shows(1)
	w.eventually("told that the queue is denied", func(s *inventory.Snapshot) bool {
		e := s.Sources[0].Events
		return e != nil && !e.Working && strings.Contains(e.Reason, "AccessDenied")
	})
	wantState(t, w.Snapshot(), "prod", inventory.Synced)
	w.must(w.Scale("prod", "web", 3))
	w.shows(3)
	w.until("polled", func() bool { return w.listings(CausePoll) > 0 })
	release()
	w.relies()
	if e := w.Snapshot().Sources[0].Events; !e.Working || e.Reason != "" {
		t.Errorf("events %+v", e)
	}
	w.drained()
	w.DropNext(2)
	w.must(w.Scale("prod", "web", 4))
	w.must(w.Scale("prod", "web", 5))
	w.ResetCalls()
	w.drained()
	w.wantAsked(nil) // no poll any more
}

// TestQueueIsLost: by three failures in a row, or 15 seconds after an answer was
// due. A long poll of 20 seconds that fails is one failure.
func TestQueueIsLost(t *testing.T) {
	w := newFedWorld(t)
	broken := errors.New("read: connection reset by peer")
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	for _, c := range []struct {
		what string
		due  []time.Time // of receives that failed, in a row
		lost bool
	}{
		{"one that was not due yet", []time.Time{ago(-time.Second)}, false},
		{"one that was just due", []time.Time{ago(10 * time.Second)}, false},
		{"one long overdue", []time.Time{ago(15 * time.Second)}, true},
		{"two", []time.Time{ago(10 * time.Second), ago(time.Second)}, false},
		{"two, the first long overdue", []time.Time{ago(16 * time.Second), ago(time.Second)}, true},
		{"three", []time.Time{ago(0), ago(0), ago(0)}, true},
	} {
		q := newQueue(w.Watcher, queueID{url: w.queueURL})
		q.judge(nil, ago(time.Minute))
		for _, due := range c.due {
			q.judge(broken, due)
		}
		if q.state.working == c.lost {
			t.Errorf("after %s the queue is %+v", c.what, q.state)
		}
	}
}

// TestAccountThatNobodyTells: without STS only a cluster's ARN tells it, and
// until then no event is known to be ours.
func TestAccountThatNobodyTells(t *testing.T) {
	w := newFedWorld(t)
	w.options.PollInterval = 20 * time.Millisecond
	defer w.Deny(awssim.Match{Operation: "GetCallerIdentity"})()
	w.Want(inventory.Want{Sources: []inventory.Source{{EventsQueue: w.queueURL}}})
	w.run()
	w.until("reading the queue", func() bool { q := w.Stats().Queues; return len(q) == 1 && q[0].Working })
	w.until("polling", func() bool { return w.listings(CausePoll) > 1 })
	fargate(t, w.Place, "prod", 3)
	w.shows(3)
	w.relies()
	w.must(w.Scale("prod", "web", 5))
	w.shows(5)
}

func TestDeletionDeniedIsNotWorking(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	w.start()
	release := w.Deny(awssim.Match{Operation: "DeleteMessageBatch"})
	w.must(w.Scale("prod", "web", 2))
	w.shows(2)
	w.eventually("told", func(s *inventory.Snapshot) bool {
		return !s.Sources[0].Events.Working && strings.Contains(s.Sources[0].Events.Reason, "delete messages")
	})
	release()
	w.must(w.Scale("prod", "web", 3))
	w.eventually("working again", func(s *inventory.Snapshot) bool { return s.Sources[0].Events.Working && len(s.Tasks) == 3 })
}

func TestHangingQueueHoldsNothingUp(t *testing.T) {
	w := newFedWorld(t)
	w.subscribeWithin = 50 * time.Millisecond
	fargate(t, w.Place, "prod", 2)
	defer w.Hang(awssim.Match{Service: "sqs"})()
	w.Want(inventory.Want{Sources: []inventory.Source{{EventsQueue: w.queueURL}}})
	w.run()
	w.shows(2)
}

func TestAnotherQueueKeepsTheState(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 2)
	w.start()
	s := w.only()
	second := w.SubscribeQueue("second")
	w.Want(inventory.Want{Sources: []inventory.Source{{EventsQueue: second}}})
	wantTasks(t, w.Snapshot(), 2)
	w.until("another queue read", func() bool { q := w.Stats().Queues; return len(q) == 1 && q[0].URL == second && q[0].Working })
	w.DeleteQueue("events")
	w.must(w.Scale("prod", "web", 3))
	w.shows(3)
	if w.only() != s {
		t.Error("the source was made anew")
	}
	w.Want(inventory.Want{Sources: []inventory.Source{{}}})
	w.until("no queue read", func() bool { return len(w.Stats().Queues) == 0 })
	w.eventually("polled", func(s *inventory.Snapshot) bool { return s.Sources[0].Events == nil })
}

func TestBacklogDrainsWithFewCalls(t *testing.T) {
	const n = 5000
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 1)
	for i := range n {
		w.SendRaw(strings.NewReplacer(someID, fmt.Sprintf("%032x", i)).Replace(
			taskEvent(w.Place.Scope().Account, "us-east-1", "prod")))
	}
	w.start()
	w.drained()
	st := w.stats()
	if st.Received < n || st.Outdated+st.Ignored < n || st.Deleted != st.Received { // ignored until the account is known
		t.Errorf("of %d old ones: %+v", n, st)
	}
	w.wantAsked(nil)
	for _, c := range w.Calls() {
		if c.Service == "sqs" && c.Calls > n/fullAnswer*5/4 {
			t.Errorf("%s called %d times for %d messages", c.Operation, c.Calls, n)
		}
	}
	w.must(w.Scale("prod", "web", 2))
	w.shows(2)
}

// TestHealthCostsWhatItHasTo: with events, health that is no older than a minute
// takes one call a minute for a hundred tasks, listings included.
func TestHealthCostsWhatItHasTo(t *testing.T) {
	w := newFedWorld(t)
	fargate(t, w.Place, "prod", 100)
	w.Want(inventory.Want{Sources: []inventory.Source{{EventsQueue: w.queueURL}}, Facts: inventory.Facts{Health: true}})
	s := w.only()
	q := newQueue(w.Watcher, queueID{url: w.queueURL})
	s.subscribe(q)
	s.feed(q, feedState{working: true, since: w.now()})
	look := func(long time.Duration) {
		for range long / tick {
			w.must(s.poll(t.Context(), !w.now().Before(s.nextPoll())))
			w.pass(tick)
		}
	}
	look(11 * time.Minute)
	w.ResetCalls()
	look(time.Hour)
	if n := w.asked()["DescribeTasks"]; n < 60 || n > 90 { // looks that take long come to one in three instead of four
		t.Errorf("%d calls in an hour, want 60 and some for listings that come early", n)
	}
}

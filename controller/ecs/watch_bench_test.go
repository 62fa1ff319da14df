package ecs

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// replacedEach is the part of all tasks that is replaced every minute: one in so
// many.
const replacedEach = 100

// watchedMinutes are those in which an account is looked at that events tell of:
// the first of the ten in which complete listings come every minute, and those
// after, of which one has a listing.
var watchedMinutes = []int{1, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}

// watched runs a Watcher of the default options that events tell of the account,
// in which one task of a hundred is replaced every minute. Reported:
//
//	events-calls/min     of ECS and EC2, in minutes without a complete listing
//	events-listing-calls the same in minutes with one
//	events-listings      after minute 11: one, or two
//	events-wrong         tasks that are shown and do not run, or run and are not
//	                     shown, half a minute after the last change of a minute
//	events-throttled     calls, over all minutes
//	events-first-s       seconds to the first complete set
func (a *account) watched() {
	a.SetEventDelay(300 * time.Millisecond)
	w, err := New(Options{Now: a.now})
	a.must(err)
	w.Want(inventory.Want{Sources: []inventory.Source{{EventsQueue: a.SubscribeQueue("events")}}})
	ctx, cancel := context.WithCancel(a.b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx) })
	defer running.Wait()
	defer cancel()

	began, real := a.now(), time.Now()
	a.settle(w, 10*time.Minute)
	a.b.ReportMetric(time.Since(real).Seconds(), "events-first-s")
	a.idle()
	total := minuteTally{random: rand.New(rand.NewPCG(1, 1))}
	for _, minute := range watchedMinutes {
		a.leap(began.Add(time.Duration(minute) * time.Minute))
		a.minute(w, minute, &total)
	}
	total.report(a)
}

// minuteTally is what the minutes of a watched account came to.
type minuteTally struct {
	random                *rand.Rand
	quiet, calls          int // minutes without a complete listing, and their calls
	listed, listingCalls  int
	late                  int // listings after minute 11
	wrong, throttledCalls int
}

// minute replaces tasks, waits until all is known and silent, and counts.
func (a *account) minute(w *Watcher, minute int, total *minuteTally) {
	a.ResetCalls()
	listings := w.listings()
	running := slices.Sorted(maps.Keys(a.running()))
	for range len(running) / replacedEach {
		a.must(a.StopTask(running[total.random.IntN(len(running))], "replaced"))
	}
	w.look()
	total.wrong += a.settle(w, 30*time.Second)
	a.idle()
	calls := 0
	for _, c := range a.Calls() {
		if c.Service == "ecs" || c.Service == "ec2" {
			calls += c.Calls
		}
		total.throttledCalls += c.Throttled
	}
	if n := w.listings() - listings; n > 0 {
		total.listed, total.listingCalls = total.listed+1, total.listingCalls+calls
		if minute > 11 {
			total.late += int(n)
		}
		return
	}
	total.quiet, total.calls = total.quiet+1, total.calls+calls
}

func (total *minuteTally) report(a *account) {
	a.b.ReportMetric(float64(total.calls)/float64(max(1, total.quiet)), "events-calls/min")
	a.b.ReportMetric(float64(total.listingCalls)/float64(max(1, total.listed)), "events-listing-calls")
	a.b.ReportMetric(float64(total.late), "events-listings")
	a.b.ReportMetric(float64(total.wrong), "events-wrong")
	a.b.ReportMetric(float64(total.throttledCalls), "events-throttled")
}

// look has every source look for what has become due, as it does every quarter
// of a minute: that passes in real time.
func (w *Watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sources {
		signal(s.wake)
	}
}

// listings counts the complete listings of all sources.
func (w *Watcher) listings() (n uint64) {
	for _, p := range w.polls() {
		for _, count := range p.Listings {
			n += count
		}
	}
	return n
}

// settle waits, for so long at most, until what is shown is what runs, and
// returns in how many tasks it is not.
func (a *account) settle(w *Watcher, within time.Duration) (wrong int) {
	limit := time.After(within)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		wrong = a.running().differs(w.Snapshot())
		if wrong == 0 {
			return 0
		}
		select {
		case <-limit:
			return wrong
		case <-look.C:
		}
	}
}

// tasksOf is a set of ARNs.
type tasksOf map[string]bool

// running are the tasks that run.
func (a *account) running() tasksOf {
	out := tasksOf{}
	for _, l := range a.Listeners() {
		out[l.TaskARN] = true
	}
	return out
}

func (t tasksOf) differs(s *inventory.Snapshot) int {
	shown, wrong := 0, 0
	for _, task := range s.Tasks {
		switch {
		case !task.Running():
		case t[task.ARN]:
			shown++
		default:
			wrong++
		}
	}
	return wrong + len(t) - shown
}

// idle waits until no call of ECS or EC2 has been made for a second.
func (a *account) idle() {
	last, since := -1, time.Now()
	for time.Since(since) < time.Second {
		<-time.After(100 * time.Millisecond)
		calls := 0
		for _, c := range a.Calls() {
			if c.Service == "ecs" || c.Service == "ec2" {
				calls += c.Calls
			}
		}
		if calls != last {
			last, since = calls, time.Now()
		}
	}
}

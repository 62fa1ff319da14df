package main

import (
	"sync"
	"time"
)

// Who or what an entry of the journal is about.
const (
	kindShop    = "shop"    // a change that the shop made by itself
	kindYou     = "you"     // an answer to a command
	kindTargets = "targets" // a change of what Prometheus scrapes
	kindReload  = "reload"
	kindSpecs   = "specs" // a problem, or its end
)

// demoKept is how many entries the journal keeps.
const demoKept = 200

// demoEvent is an entry of the journal.
type demoEvent struct {
	at   time.Time
	kind string
	text string
}

// demoJournal is what happened, oldest first. It may be used from any goroutine.
type demoJournal struct {
	mu     sync.Mutex
	events []demoEvent
	fresh  int // how many of the last have not been taken
}

func (j *demoJournal) add(kind, text string) {
	if text == "" {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, demoEvent{at: time.Now(), kind: kind, text: text})
	j.fresh++
	if len(j.events) > demoKept {
		j.events = append([]demoEvent(nil), j.events[len(j.events)-demoKept:]...)
		j.fresh = min(j.fresh, demoKept)
	}
}

// recent answers the last n entries.
func (j *demoJournal) recent(n int) []demoEvent {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]demoEvent(nil), j.events[max(0, len(j.events)-n):]...)
}

// take answers the entries added since it was last called.
func (j *demoJournal) take() []demoEvent {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := append([]demoEvent(nil), j.events[len(j.events)-j.fresh:]...)
	j.fresh = 0
	return out
}

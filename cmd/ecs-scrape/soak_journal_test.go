package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// soakClock is how times are told.
const soakClock = "15:04:05.000"

// journalKept is how many of the last things done are told with a violation.
const journalKept = 120

// soakJournal is what was done last. It may be used from any goroutine.
type soakJournal struct {
	mu   sync.Mutex
	last []string
}

func (j *soakJournal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.last) >= journalKept {
		j.last = slices.Delete(j.last, 0, 1)
	}
	j.last = append(j.last, time.Now().Format(soakClock)+"  "+fmt.Sprintf(format, args...))
}

func (j *soakJournal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.last)
}

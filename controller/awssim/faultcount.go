package awssim

import (
	"maps"
	"sync"
)

// FaultCount tells how often a verb has armed a fault, and how often what it
// armed was met: by a call, by a task in an answer, or by an event. A fault that
// was never met has tested nothing.
type FaultCount struct{ Armed, Met int }

// faultCounts are kept by verb. It is safe for concurrent use.
type faultCounts struct {
	mu     sync.Mutex
	counts map[string]FaultCount
}

func newFaultCounts() *faultCounts { return &faultCounts{counts: map[string]FaultCount{}} }

func (f *faultCounts) armed(verb string) { f.add(verb, FaultCount{Armed: 1}) }

func (f *faultCounts) met(verb string) { f.add(verb, FaultCount{Met: 1}) }

func (f *faultCounts) add(verb string, n FaultCount) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := f.counts[verb]
	f.counts[verb] = FaultCount{Armed: sum.Armed + n.Armed, Met: sum.Met + n.Met}
}

// FaultCounts are those of every verb since the start, by its name. SetQuotas is
// met by each call that a quota refuses, Skew whenever AWS's clock is read,
// DeleteQueue by each call to a queue that does not exist, and SetEventDelay by
// each event.
func (s *Sim) FaultCounts() map[string]FaultCount {
	s.faultCounts.mu.Lock()
	defer s.faultCounts.mu.Unlock()
	return maps.Clone(s.faultCounts.counts)
}

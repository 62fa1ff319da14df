package awssim

import (
	"container/heap"
	"sync"
	"time"
)

// schedule runs functions later, one after the other, in the order of their
// times and, at equal times, of their registration.
type schedule struct {
	mu      sync.Mutex
	pending jobHeap
	seq     int
	closed  bool
	wake    chan struct{} // one slot: the head of the heap may have changed
	ended   chan struct{}
}

type job struct {
	due time.Time
	seq int
	run func()
}

func newSchedule() *schedule {
	s := &schedule{wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go s.loop()
	return s
}

// after runs f when d has passed, unless the schedule closes first.
func (s *schedule) after(d time.Duration, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.seq++
	heap.Push(&s.pending, job{due: time.Now().Add(d), seq: s.seq, run: f})
	s.nudge()
}

func (s *schedule) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *schedule) close() {
	s.mu.Lock()
	s.closed = true
	s.nudge()
	s.mu.Unlock()
	<-s.ended
}

func (s *schedule) loop() {
	defer close(s.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, wait, closed := s.next()
		switch {
		case closed:
			return
		case due != nil:
			due()
			continue
		}
		timer.Reset(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// next takes the head of the heap if it is due, else says how long to wait.
func (s *schedule) next() (due func(), wait time.Duration, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, 0, true
	}
	if len(s.pending) == 0 {
		return nil, time.Hour, false
	}
	if wait := time.Until(s.pending[0].due); wait > 0 {
		return nil, wait, false
	}
	return heap.Pop(&s.pending).(job).run, 0, false
}

type jobHeap []job

func (h jobHeap) Len() int { return len(h) }
func (h jobHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].seq < h[j].seq
	}
	return h[i].due.Before(h[j].due)
}
func (h jobHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *jobHeap) Push(x any)   { *h = append(*h, x.(job)) }
func (h *jobHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = job{}
	*h = old[:len(old)-1]
	return last
}

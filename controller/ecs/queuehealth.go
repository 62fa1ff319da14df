package ecs

import (
	"slices"
	"time"
)

// feedState tells whether events arrive.
type feedState struct {
	working bool
	since   time.Time
	reason  string
}

// attach says which sources the queue is read for.
func (q *queue) attach(sources []*source) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sources = sources
	for _, s := range sources {
		s.feed(q, q.state)
	}
}

func (q *queue) readers() []*source {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.sources)
}

// judge keeps the outcome of the leading receiver, whose answer was due at a time,
// and returns how often it has failed in a row. That of a long poll is not due
// before its wait is over: how long the queue was silent before says nothing.
func (q *queue) judge(err error, due time.Time) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.once.Do(func() { close(q.answered) })
	if err == nil {
		q.failures = 0
		if q.undeleted < lostFailures {
			q.become(true, "")
		}
		return 0
	}
	if q.failures++; q.failures == 1 {
		q.overdue = due
	}
	if !q.state.working || answered(err) || q.failures >= lostFailures || time.Since(q.overdue) >= lostAfter {
		q.become(false, reason(err))
	}
	return q.failures
}

// judgeDeletion keeps the outcome of a deletion. While messages cannot be
// deleted they come again and again, and the queue grows: that is not working.
func (q *queue) judgeDeletion(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil {
		q.undeleted = 0
		return
	}
	q.stats.DeleteFailures++
	q.undeleted++
	if answered(err) {
		q.undeleted = max(q.undeleted, lostFailures)
	}
	if q.undeleted >= lostFailures {
		q.become(false, reason(err))
	}
}

func (q *queue) undeletedBatches() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.undeleted
}

// become tells the sources of a change; the caller holds the lock.
func (q *queue) become(working bool, why string) {
	if q.state.working == working && q.state.reason == why {
		return
	}
	if q.state.working != working {
		q.state.since = stamp(q.w.now())
	}
	q.state.working, q.state.reason = working, why
	for _, s := range q.sources {
		s.feed(q, q.state)
	}
	q.news = true
}

// announce has a change of the state shown in the snapshot.
func (q *queue) announce() {
	q.mu.Lock()
	news := q.news
	q.news = false
	q.mu.Unlock()
	if news {
		q.w.update()
	}
}

func (q *queue) count(f func(*QueueStats)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f(&q.stats)
}

func stamp(t time.Time) time.Time { return t.Round(0).UTC() }

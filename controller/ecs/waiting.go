package ecs

import "slices"

// fairness is how many calls go by priority before one goes by age. So nothing
// waits for ever: a call behind k older ones has its turn within 8(k+1). At the
// documented refill and half of it, an eighth is 75 calls a minute, which still
// refresh 75,000 tasks within their ten minutes, however busy the rest.
const fairness = 8

// waitingLine holds the calls that wait for a token. It is not safe for concurrent
// use.
type waitingLine struct {
	lines  [priorities][]*waiter // oldest first
	joined uint64                // so far
	turns  uint64                // given so far
}

// waiter is a call that waits.
type waiter struct {
	priority priority
	number   uint64        // in the order of joining
	turn     chan struct{} // closed when it may go
}

func (q *waitingLine) join(w *waiter) {
	q.joined++
	w.number = q.joined
	q.lines[w.priority] = append(q.lines[w.priority], w)
}

// leave takes a waiter out; false if it is not there, because it had its turn.
func (q *waitingLine) leave(w *waiter) bool {
	line := q.lines[w.priority]
	i := slices.Index(line, w)
	if i < 0 {
		return false
	}
	q.lines[w.priority] = slices.Delete(line, i, i+1)
	return true
}

func (q *waitingLine) len() int {
	n := 0
	for _, line := range q.lines {
		n += len(line)
	}
	return n
}

// next lets one waiter go, if there is any.
func (q *waitingLine) next() {
	first := q.first()
	if first == nil {
		return
	}
	q.turns++
	q.leave(first)
	close(first.turn)
}

// first is the waiter whose turn is next, or nil.
func (q *waitingLine) first() *waiter {
	byAge := q.turns%fairness == fairness-1
	var first *waiter
	for _, line := range q.lines {
		if len(line) > 0 && (first == nil || byAge && line[0].number < first.number) {
			first = line[0]
		}
	}
	return first
}

package ecs

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// QueueStats counts what one SQS queue has told since it is read.
type QueueStats struct {
	URL     string
	Account string
	Region  string // "" until the environment's is known
	Working bool

	Received  uint64 // messages
	Applied   uint64 // events of tasks that told something new
	Known     uint64 // events of tasks that did not
	Instances uint64 // events of container instances
	Objects   uint64 // events of objects of S3 that hold specs
	Strange   uint64 // events of tasks of clusters that are not known, and are looked up
	Outdated  uint64 // events of tasks that a later listing has judged
	Odd       uint64 // of those applied: described instead, as they have another form than documented
	Ignored   uint64 // events of other sources, types, accounts, regions and clusters
	Poison    uint64 // no events of ECS at all
	Deleted   uint64 // messages

	ReceiveFailures uint64
	DeleteFailures  uint64 // of batches

	// Lag is from the time of the last applied change to its application, and
	// LagTotal the sum of all of them. Both include what EventBridge takes.
	Lag      time.Duration
	LagTotal time.Duration
	// Backlog is how long the oldest message of the last answer was in the queue; 0
	// of an answer that had none.
	Backlog   time.Duration
	Receivers int // at the moment
}

// MissedStats counts the changes in a scope that events did not tell of.
type MissedStats struct {
	Scope  inventory.Scope
	Missed uint64
}

func (st *QueueStats) refuse(err error) {
	if errors.Is(err, errPoison) {
		st.Poison++
	} else {
		st.Ignored++
	}
}

func (st *QueueStats) apply(news bool, lag time.Duration) {
	if !news {
		st.Known++
		return
	}
	st.Applied++
	st.Lag = max(0, lag)
	st.LagTotal += st.Lag
}

// add counts what one answer told.
func (st *QueueStats) add(o QueueStats) {
	st.Received += o.Received
	st.Applied += o.Applied
	st.Instances += o.Instances
	st.Known += o.Known
	st.Objects += o.Objects
	st.Strange += o.Strange
	st.Outdated += o.Outdated
	st.Odd += o.Odd
	st.Ignored += o.Ignored
	st.Poison += o.Poison
	st.LagTotal += o.LagTotal
	st.Backlog = o.Backlog
	if o.Applied > 0 {
		st.Lag = o.Lag
	}
}

// queueStats are those of all queues that are read.
func (w *Watcher) queueStats() []QueueStats {
	w.mu.Lock()
	queues := slices.Clone(w.queues)
	w.mu.Unlock()
	var out []QueueStats
	for _, q := range queues {
		q.mu.Lock()
		st := q.stats
		st.Working, st.Receivers = q.state.working, q.receivers+1
		q.mu.Unlock()
		st.URL, st.Account, st.Region = q.id.url, queueAccount(q.id.url), cmp.Or(st.Region, q.id.region)
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b QueueStats) int { return cmp.Compare(a.URL, b.URL) })
	return out
}

// missed are the scopes that events tell of.
func (w *Watcher) missed() []MissedStats {
	var out []MissedStats
	now := w.now()
	for _, st := range w.store.Statuses() {
		if w.fed(st.Scope) {
			out = append(out, MissedStats{st.Scope, w.store.Missed(st.Scope, now)})
		}
	}
	return out
}

// fed says that a source with a queue watches the scope.
func (w *Watcher) fed(scope inventory.Scope) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.ordered(), func(s *source) bool { return s.queueURL() != "" && s.owns(scope) })
}

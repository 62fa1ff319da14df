package ecs

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// Stats are counts since the start, sorted.
type Stats struct {
	Operations []OperationStats
	Budgets    []BudgetStats
	Polls      []PollStats
	Queues     []QueueStats
	Missed     []MissedStats // of scopes whose source has a queue
	Services   []ServicesStats
}

// OperationStats counts the attempts of one operation, retries included. An
// empty account is that of calls made before it was known.
type OperationStats struct {
	Account   string
	Region    string
	Operation string // as in "DescribeTasks"
	Category  Category
	Calls     uint64
	Throttled uint64 // refused for their rate
	Errors    uint64 // failed otherwise
	Denied    uint64 // of Errors: for want of a permission, or of valid credentials
}

// BudgetStats is the state of one token bucket.
type BudgetStats struct {
	Account  string
	Region   string
	Category Category
	Share    float64 // of the account's quota
	Rate     float64 // calls a second at the moment
	Full     float64 // calls a second when nothing is throttled
	Burst    float64 // the most calls at once
	Tokens   float64 // calls that could be made at once now
	Waiting  int     // calls that wait for a token
}

// PollStats tells how a source is polled.
type PollStats struct {
	Account string
	Region  string
	RoleARN string
	// Interval is between the starts of the last two full polls; 0 before.
	Interval time.Duration
	Aim      time.Duration    // the interval that is aimed at, at the moment
	Duration time.Duration    // of the last full poll
	Polls    uint64           // full ones
	Failed   uint64           // those in which anything failed
	Listings map[Cause]uint64 // full ones in which nothing failed
}

// Stats returns the counts and the state of the budgets.
func (w *Watcher) Stats() Stats {
	return Stats{
		Operations: w.budgets.operations(), Budgets: w.budgets.levels(time.Now()), Polls: w.polls(),
		Queues: w.queueStats(), Missed: w.missed(), Services: w.servicesRead(),
	}
}

// Census counts the tasks of every service of the scopes that have been listed.
func (w *Watcher) Census() []inventory.ServiceTasks { return w.store.Census(w.now()) }

func (b *budgets) sorted() []*budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.SortedFunc(maps.Values(b.by), func(x, y *budget) int {
		return cmp.Or(cmp.Compare(x.place.account, y.place.account), cmp.Compare(x.place.region, y.place.region))
	})
}

func (b *budgets) operations() []OperationStats {
	var out []OperationStats
	for _, one := range b.sorted() {
		one.mu.Lock()
		for _, op := range slices.Sorted(maps.Keys(one.counts)) {
			c := one.counts[op]
			out = append(out, OperationStats{
				Account: one.place.account, Region: one.place.region, Operation: op, Category: categoryOf(op),
				Calls: c.calls, Throttled: c.throttled, Errors: c.errors, Denied: c.denied,
			})
		}
		one.mu.Unlock()
	}
	return out
}

// charged are the categories of the calls that were made.
func (b *budget) charged() map[Category]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[Category]bool{}
	for op := range b.counts {
		out[categoryOf(op)] = true
	}
	return out
}

func (b *budgets) levels(now time.Time) []BudgetStats {
	var out []BudgetStats
	for _, one := range b.sorted() {
		charged := one.charged()
		for _, c := range slices.Sorted(maps.Keys(one.limiters)) {
			if one.place.account == "" && !charged[c] {
				continue // nothing is asked without an account but who we are
			}
			l := one.limiters[c]
			perSecond, tokens, waiting := l.level(now)
			out = append(out, BudgetStats{
				Account: one.place.account, Region: one.place.region, Category: c, Share: b.share,
				Rate: perSecond, Full: l.full.Refill, Burst: l.full.Burst, Tokens: tokens, Waiting: waiting,
			})
		}
	}
	return out
}

package inventory

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// candidate is something known that is to be asked for again before its age
// reaches a limit.
type candidate struct {
	name       string
	age, limit time.Duration
}

// left is the time until it must have been asked for again.
func (c candidate) left() time.Duration { return c.limit - c.age }

// How [turns] spread what is asked for again: at a pace that goes round in 85%
// of the limit, with polls that may each come a tenth late, and, to catch up with
// turns that failed, up to half more than that.
const (
	turnPart = 0.85
	lateness = 1.1
	catchUp  = 1.5
	// overrun is by what part of an interval, or of a limit, it does not matter to
	// be late: what has just been asked for is not asked for again.
	overrun = 0.05
)

// young is the age below which the candidate waits for the next poll: it can, or
// it has just been asked for, and more often than polls are nobody can ask.
func (c candidate) young(every time.Duration) time.Duration {
	late := c.limit - time.Duration((1-overrun)*float64(every))
	return min(every/2, max(late, time.Duration(overrun*float64(c.limit))))
}

// turns are the candidates to ask for again at this poll, the most urgent first,
// in full batches where there are enough: as few as let all others have their
// turn in time at the polls to come, at an even pace. The next poll is so far away;
// extra is the number of others that are asked for anyway, whose last batch turns
// fill up.
func turns(of []candidate, batch, extra int, every time.Duration) []string {
	every = max(time.Second, every)
	slices.SortFunc(of, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.left(), b.left()), cmp.Compare(a.name, b.name))
	})
	pace := fullBatches(pace(of, every), batch)
	most := min(due(of, pace, every), int(catchUp*float64(pace)))
	most = fullBatches(float64(most+extra), batch) - extra
	var names []string
	for _, c := range of {
		if len(names) == most {
			break
		}
		if c.age >= c.young(every) {
			names = append(names, c.name)
		}
	}
	return names
}

// pace is how many turns a poll has on average.
func pace(of []candidate, every time.Duration) float64 {
	sum := 0.0
	for _, c := range of {
		sum += float64(every) / (turnPart * float64(c.limit))
	}
	return sum
}

// due is how many of the sorted candidates cannot wait: those whose time is over
// before the next poll, and so many more that those behind them find room at the
// polls before theirs is.
func due(of []candidate, pace int, every time.Duration) int {
	most := 0
	for i, c := range of {
		polls := max(0, int(float64(c.left())/(lateness*float64(every))))
		most = max(most, i+1-polls*pace)
	}
	return most
}

func fullBatches(n float64, batch int) int { return int(math.Ceil(n/float64(batch))) * batch }

package inventory

import (
	"fmt"
	"testing"
	"time"
)

// TestDue: in an hour of polls every task is described again in time, with as
// few calls at each poll as can do.
func TestDue(t *testing.T) {
	tests := []struct {
		name     string
		every    time.Duration
		size     int
		facts    Facts
		external bool
		most     int           // DescribeTasks calls at a poll
		late     int           // the same where every other poll is a tenth late
		oldest   time.Duration // at a poll, before it
		hour     int           // calls in all
	}{
		{name: "every 15 seconds", every: 15 * time.Second, size: 4000, most: 2, late: 3, oldest: Refresh, hour: 300},
		{name: "every minute", every: time.Minute, size: 10_000, most: 12, late: 20, oldest: Refresh, hour: 720},
		{name: "every 10 minutes", every: 10 * time.Minute, size: 10_000, most: 100, late: 100, oldest: 11 * time.Minute, hour: 600},
		{name: "a small cluster", every: 15 * time.Second, size: 90, most: 1, late: 1, oldest: Refresh, hour: 7},
		{name: "ECS Anywhere", every: time.Minute, size: 1000, external: true, most: 3, late: 3, oldest: RefreshExternal, hour: 180},
		{name: "health", every: 15 * time.Second, size: 1000, facts: Facts{Health: true}, most: 5, late: 5, oldest: RefreshHealth, hour: 960},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for late, limit := range map[float64]int{0: tt.most, 0.1: tt.late} {
				s, tasks := listedAt(t, tt.size, tt.external)
				s.SetFacts(tt.facts)
				most, oldest, hour := pollForAnHour(t, s, tasks, tt.every, late)
				if most > limit || hour > tt.hour || oldest > tt.oldest {
					t.Errorf("late by %v: %d calls at a poll, %d in all, %v old; want at most %d, %d, %v", late, most, hour, oldest, limit, tt.hour, tt.oldest)
				}
			}
		})
	}
}

func listedAt(t *testing.T, size int, external bool) (*Store, map[string]*Task) {
	t.Helper()
	tasks := map[string]*Task{}
	var all []*Task
	for i := range size {
		task := running(fmt.Sprintf("t/%05d", i), 1)
		if external {
			task.LaunchType = LaunchExternal
		}
		tasks[task.ARN] = task
		all = append(all, task)
	}
	return synced(t, all...), tasks
}

// pollForAnHour polls so often, each poll late by up to a part of that, and
// returns the most calls that a poll made, the age that a task reached at most,
// and the number of calls.
func pollForAnHour(t *testing.T, s *Store, tasks map[string]*Task, every time.Duration, late float64) (most int, oldest time.Duration, calls int) {
	t.Helper()
	l := Listing{Scope: testScope}
	described := map[string]time.Time{}
	for arn := range tasks {
		l.Tasks = append(l.Tasks, arn)
		described[arn] = start
	}
	n := 0
	for now := start; now.Before(start.Add(time.Hour)); n++ {
		now = now.Add(every + time.Duration(late*float64(n%2)*float64(every)))
		l.Began = now
		if err := s.Complete(l, now); err != nil {
			t.Fatal(err)
		}
		for _, at := range described {
			oldest = max(oldest, now.Sub(at))
		}
		var due []*Task
		for _, arn := range s.Due(testScope, now, every) {
			described[arn] = now
			due = append(due, tasks[arn])
		}
		s.Describe(Description{Scope: testScope, Asked: now, Answered: now, Tasks: due})
		batches := (len(due) + DescribeBatch - 1) / DescribeBatch
		most, calls = max(most, batches), calls+batches
	}
	return most, oldest, calls
}

// TestDueWithEvents: for ten minutes everything is listed every minute, then every
// ten minutes, and in between, where that is not enough, tasks are only described,
// at four fifths of the time within which they are to be, as soon as somebody looks.
func TestDueWithEvents(t *testing.T) {
	tests := []struct {
		name     string
		size     int
		facts    Facts
		external bool
		oldest   time.Duration
		calls    int // within ten minutes
	}{
		{name: "a small cluster", size: 100, oldest: Refresh + Refresh/20, calls: 1},
		{name: "a large one", size: 10_000, oldest: Refresh + Refresh/20, calls: 100},
		{name: "health", size: 100, facts: Facts{Health: true}, oldest: RefreshHealth, calls: 10},
		{name: "health in a large one", size: 10_000, facts: Facts{Health: true}, oldest: RefreshHealth, calls: 1000},
		{name: "ECS Anywhere", size: 100, external: true, oldest: RefreshExternal, calls: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, tasks := listedAt(t, tt.size, tt.external)
			s.SetFacts(tt.facts)
			oldest, calls := feedForAWhile(t, s, tasks)
			if oldest > tt.oldest || calls > tt.calls {
				t.Errorf("%d calls within ten minutes, %v old; want at most %d, %v", calls, oldest, tt.calls, tt.oldest)
			}
		})
	}
}

// feedForAWhile looks every 15 seconds for what is due while events arrive. It
// returns the age that a task reached, and the calls within ten minutes, after the
// first twenty.
func feedForAWhile(t *testing.T, s *Store, tasks map[string]*Task) (oldest time.Duration, calls int) {
	t.Helper()
	l := Listing{Scope: testScope}
	described := map[string]time.Time{}
	for arn := range tasks {
		l.Tasks = append(l.Tasks, arn)
		described[arn] = start
	}
	between := s.RefreshWithin(testScope) * 4 / 5
	const begun, ended = 20 * time.Minute, 40 * time.Minute
	next, last := start, start
	for now := start; now.Before(start.Add(ended)); now = now.Add(15 * time.Second) {
		every := next.Sub(now)
		switch {
		case every <= 0:
			if every = time.Minute; now.Sub(start) >= 10*time.Minute {
				every = 10 * time.Minute
			}
			next, l.Began = now.Add(every), now
			if err := s.Complete(l, now); err != nil {
				t.Fatal(err)
			}
		case between >= Refresh*4/5 || now.Sub(last) < between:
			continue
		}
		last = now
		for _, at := range described {
			oldest = max(oldest, now.Sub(at))
		}
		if between < Refresh*4/5 {
			every = min(every, between)
		}
		var due []*Task
		for _, arn := range s.Due(testScope, now, every) {
			described[arn] = now
			due = append(due, tasks[arn])
		}
		s.Describe(Description{Scope: testScope, Asked: now, Answered: now, Tasks: due})
		if now.Sub(start) >= begun {
			calls += (len(due) + DescribeBatch - 1) / DescribeBatch
		}
	}
	return oldest, calls / int((ended-begun)/(10*time.Minute))
}

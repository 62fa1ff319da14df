package inventory

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// restarted is a store that knows of its cluster only what held targets tell.
func restarted(t *testing.T) *Store {
	t.Helper()
	s := NewStore()
	s.Found(testScope, start)
	s.PutDefinition(&Definition{ARN: running("", 0).Definition, NetworkMode: NetworkAWSVPC}, 0, start)
	return s
}

func TestHeldTasksAreAskedFor(t *testing.T) {
	s := restarted(t)
	l := Listing{Scope: testScope, Began: start, Tasks: []string{"task/c/listed"}, Held: []string{"learnt", "listed", "omitted"}, HeldSince: start}
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{running("task/c/learnt", 1)}})
	l.Began = start.Add(-time.Second) // an entry learnt since is not omitted
	if diff := cmp.Diff([]string{"omitted", "task/c/listed"}, s.Needed(l)); diff != "" {
		t.Error(diff)
	}
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{running("task/c/listed", 1)}})
	if err := s.Complete(l, start); err == nil || !strings.Contains(err.Error(), "such as omitted") {
		t.Errorf("complete without an answer about a held task: %v", err)
	}
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: []*Task{running("task/c/omitted", 1)}})
	if err := s.Complete(l, start); err != nil {
		t.Error(err)
	}
	want := map[string]int64{"task/c/learnt": 1, "task/c/listed": 1, "task/c/omitted": 1}
	if diff := cmp.Diff(want, versions(s.Snapshot())); diff != "" {
		t.Error(diff)
	}
	l.Held = []string{"another"}
	if got := s.Needed(l); len(got) > 0 {
		t.Errorf("a synced scope still holds %v", got)
	}
}

func TestHeldTaskGoesByEvidence(t *testing.T) {
	const long = -2 * time.Minute
	for name, c := range map[string]struct {
		known   time.Duration // before the answer
		answer  Description
		syncs   bool
		remains int
	}{
		"running":                {long, Description{Tasks: []*Task{running("task/c/a", 3)}}, true, 1},
		"running, published now": {0, Description{Tasks: []*Task{running("task/c/a", 3)}}, true, 1},
		"before it ran":          {long, Description{Tasks: []*Task{pendingTask("task/c/a", 1)}}, false, 0},
		"stopping":               {0, Description{Tasks: []*Task{stopping("task/c/a", 3)}}, true, 0},
		"missing":                {long, Description{Missing: []string{"a"}}, true, 0},
		"missing, by ARN":        {long, Description{Missing: []string{"task/c/a"}}, true, 0},
		"young missing":          {-MissingAge, Description{Missing: []string{"a"}}, false, 0},
		"another failure":        {long, Description{Failed: []string{"a"}}, false, 0},
		"no answer":              {long, Description{}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := restarted(t)
			l := Listing{Scope: testScope, Began: start, Held: []string{"a"}, HeldSince: start.Add(c.known)}
			c.answer.Scope, c.answer.Asked, c.answer.Answered = testScope, start, start
			s.Describe(c.answer)
			if err := s.Complete(l, start); (err == nil) != c.syncs {
				t.Fatalf("complete: %v, want it: %v", err, c.syncs)
			}
			if got := len(s.Snapshot().Tasks); got != c.remains {
				t.Errorf("%d tasks, want %d", got, c.remains)
			}
		})
	}
}

// TestHeldTaskMissingIsAskedAgain: the last answer counts, and a MISSING that
// came too early is believed later.
func TestHeldTaskMissingIsAskedAgain(t *testing.T) {
	s := restarted(t)
	at := func(after time.Duration, d Description) error {
		d.Scope, d.Asked, d.Answered = testScope, start.Add(after), start.Add(after)
		l := Listing{Scope: testScope, Began: d.Asked, Held: []string{"a"}, HeldSince: start}
		if diff := cmp.Diff([]string{"a"}, s.Needed(l)); diff != "" {
			t.Fatal(diff)
		}
		s.Describe(d)
		return s.Complete(l, d.Answered)
	}
	if err := at(time.Second, Description{Missing: []string{"a"}}); err == nil {
		t.Error("MISSING is believed of a task just published")
	}
	if err := at(2*time.Minute, Description{Failed: []string{"a"}}); err == nil {
		t.Error("a failure is taken for the MISSING before it")
	}
	if err := at(3*time.Minute, Description{Missing: []string{"a"}}); err != nil {
		t.Error(err)
	}
}

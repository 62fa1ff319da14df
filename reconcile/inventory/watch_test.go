package inventory

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMissed: a change that a describe finds while events are watched counts
// unless its event comes in time.
func TestMissed(t *testing.T) {
	found := start.Add(time.Minute)
	in := found.Add
	for name, c := range map[string]struct {
		happens func(s *Store)
		want    uint64
	}{
		"nothing":           {func(*Store) {}, 0},
		"new":               {func(s *Store) { describe(s, found, running("b", 1)) }, 1},
		"higher":            {func(s *Store) { describe(s, found, running("a", 2)) }, 1},
		"stop":              {func(s *Store) { describe(s, found, stopping("a", 2)) }, 1},
		"missing":           {func(s *Store) { missing(s, in(MissingAge), "a") }, 1},
		"equal":             {func(s *Store) { describe(s, found, running("a", 1)) }, 0},
		"several":           {func(s *Store) { describe(s, found, running("a", 2), running("b", 1), running("c", 1)) }, 3},
		"twice in a row":    {func(s *Store) { describe(s, found, running("a", 2)); describe(s, in(1), running("a", 3)) }, 2},
		"event before":      {func(s *Store) { observe(s, found, found, running("a", 2)); describe(s, found, running("a", 2)) }, 0},
		"stop event before": {func(s *Store) { observe(s, found, found, stopping("a", 2)); describe(s, found, stopping("a", 2)) }, 0},
		"event in time": {func(s *Store) {
			describe(s, found, running("a", 2))
			observe(s, in(EventGrace), found, running("a", 2))
		}, 0},
		"a higher in time": {func(s *Store) {
			describe(s, found, running("b", 1))
			observe(s, in(EventGrace), found, stopping("b", 3))
		}, 0},
		"a lower in time": {func(s *Store) {
			describe(s, found, running("a", 3))
			observe(s, in(EventGrace), found, running("a", 2))
		}, 1},
		"event too late": {func(s *Store) {
			describe(s, found, running("a", 2))
			observe(s, in(EventGrace+1), found, running("a", 2))
		}, 1},
		"doubted event": {func(s *Store) {
			observe(s, found, found.Add(-TombstoneAge-1), running("b", 1))
			describe(s, found, running("b", 1))
		}, 0},
		"odd event before":            {func(s *Store) { heard(s, found, running("a", 2)); describe(s, found, running("a", 2)) }, 0},
		"odd event before a new task": {func(s *Store) { heard(s, found, running("b", 1)); describe(s, found, running("b", 1)) }, 0},
		"odd event in time": {func(s *Store) {
			describe(s, found, running("a", 2))
			heard(s, in(EventGrace), running("a", 2))
		}, 0},
		"odd event of a lower": {func(s *Store) { heard(s, found, running("a", 2)); describe(s, found, running("a", 3)) }, 1},
		"odd event too late": {func(s *Store) {
			describe(s, found, running("a", 2))
			heard(s, in(EventGrace+1), running("a", 2))
		}, 1},
		"no longer watched": {func(s *Store) { describe(s, found, running("a", 2)); s.SetWatched(testScope, false, in(1)) }, 0},
		"never watched":     {func(s *Store) { s.SetWatched(testScope, false, found); describe(s, found, running("a", 2)) }, 0},
		"watched again":     {func(s *Store) { watchAgain(s, found); describe(s, found, running("a", 2), running("b", 1)) }, 0},
		"in a new cluster": {func(s *Store) {
			s.Gone(testScope, "MISSING", found)
			s.Found(testScope, found)
			describe(s, found, running("a", 2))
		}, 0},
		"a listing that began before": {func(s *Store) {
			watchAgain(s, found)
			_ = list(s, found.Add(-1), "a")
			describe(s, found, running("b", 1))
		}, 0},
		"after the first listing": {func(s *Store) {
			watchAgain(s, found)
			describe(s, found, running("b", 1))
			_ = list(s, found, "a", "b")
			describe(s, in(1), running("c", 1))
		}, 1},
		"last heard of before": {func(s *Store) {
			watchAgain(s, found)
			_ = list(s, found, "a")
			describe(s, in(1), running("a", 2))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := synced(t, running("a", 1))
			s.SetWatched(testScope, true, start)
			if err := list(s, start, "a"); err != nil {
				t.Fatal(err)
			}
			c.happens(s)
			for _, late := range []time.Duration{3 * time.Minute, time.Hour} {
				if n := s.Missed(testScope, in(late)); n != c.want {
					t.Errorf("%d missed, want %d", n, c.want)
				}
			}
		})
	}
}

func heard(s *Store, at time.Time, task *Task) { s.Heard([]Event{{At: at, Task: task}}, at) }

// TestHeardIsWanted: what an odd event tells of is described, unless it is known
// to be of the past.
func TestHeardIsWanted(t *testing.T) {
	for name, c := range map[string]struct {
		task *Task
		want []string
	}{
		"a new task":     {running("b", 1), []string{"b"}},
		"a change":       {running("a", 2), []string{"a"}},
		"what is known":  {running("a", 1), nil},
		"without order":  {running("b", 0), []string{"b"}},
		"a stopped task": {running("dead", 1), nil},
	} {
		s := synced(t, running("a", 1))
		observe(s, start, start, stopping("dead", 2))
		heard(s, start, c.task)
		if diff := cmp.Diff(c.want, s.Wanting(testScope, start).Tasks); diff != "" {
			t.Errorf("%s: tasks to describe (-want +got):\n%s", name, diff)
		}
		if n := len(s.Snapshot().Tasks); n != 1 {
			t.Errorf("%s: %d tasks shown, want the one known", name, n)
		}
	}
	s := synced(t, running("a", 1))
	s.Gone(testScope, "MISSING", start)
	heard(s, start, running("b", 1))
	if w := s.Wanting(testScope, start); !w.Empty() {
		t.Errorf("of a cluster that is gone %+v is wanted", w)
	}
}

func watchAgain(s *Store, at time.Time) {
	s.SetWatched(testScope, false, at)
	s.SetWatched(testScope, true, at)
}

// TestMissedSums: what was counted stays counted, whatever comes.
func TestMissedSums(t *testing.T) {
	s := synced(t, running("a", 1))
	s.SetWatched(testScope, true, start)
	if err := list(s, start, "a"); err != nil {
		t.Fatal(err)
	}
	describe(s, start, running("a", 2))
	if n := s.Missed(testScope, start.Add(EventGrace)); n != 0 {
		t.Errorf("%d counted before their events have had time", n)
	}
	at := start.Add(time.Hour)
	if n := s.Missed(testScope, at); n != 1 {
		t.Fatalf("%d missed", n)
	}
	s.SetWatched(testScope, false, at)
	s.Gone(testScope, "MISSING", at)
	s.Found(testScope, at)
	if n := s.Missed(testScope, at); n != 1 {
		t.Errorf("%d missed in the end", n)
	}
}

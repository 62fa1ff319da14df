package controller

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{files: map[string]string{"main.yaml": configText}}
		p := startPaced(t, s, 10*time.Second)
		first, err := p.Load(t.Context())
		if err != nil || len(first.Objects) != 1 {
			t.Fatal(first, err)
		}
		s.Set(map[string]string{"rule.yaml": ruleText("a")})
		time.Sleep(9*time.Second - 1)
		if set, err := p.Load(t.Context()); set != first || err != nil || s.Loads() != 1 {
			t.Errorf("loaded %d times within the interval: %v", s.Loads(), err)
		}
		time.Sleep(2*time.Second + 1)
		if set, err := p.Load(t.Context()); err != nil || len(set.Objects) != 2 {
			t.Errorf("not loaded after the interval: %v, %v", set, err)
		}
		s.Fail(errBroken)
		time.Sleep(11 * time.Second)
		for range 3 {
			if _, err := p.Load(t.Context()); !errors.Is(err, errBroken) {
				t.Errorf("error %v", err)
			}
		}
		if s.Loads() != 3 {
			t.Errorf("a failing source is asked %d times", s.Loads())
		}
	})
}

// startPaced runs it for the length of the test.
func startPaced(t *testing.T, s *source, interval time.Duration) *Paced {
	t.Helper()
	p := NewPaced(s, interval)
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(t.Context()) })
	t.Cleanup(wg.Wait)
	return p
}

// TestPacedInterrupted: a load that was cut off says nothing about the source.
func TestPacedInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{files: map[string]string{"main.yaml": configText}}
		release := s.Hang()
		p := startPaced(t, s, 10*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Load(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		release()
		synctest.Wait()
		if set, err := p.Load(t.Context()); err != nil || set == nil {
			t.Errorf("the next load: %v", err)
		}
	})
}

// TestPacedHangs: while a load hangs, passes see the last set, and in the end
// that the source does not answer.
func TestPacedHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{files: map[string]string{"main.yaml": configText}}
		p := startPaced(t, s, 10*time.Second)
		first, err := p.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release := s.Hang()
		took := func(want time.Duration) {
			t.Helper()
			start := time.Now()
			if set, err := p.Load(t.Context()); set != first || err != nil {
				t.Errorf("set %v, error %v; want the last set", set, err)
			}
			if got := time.Since(start); got != want {
				t.Errorf("took %v, want %v", got, want)
			}
		}
		time.Sleep(11 * time.Second)
		took(patience)
		took(0)
		time.Sleep(silence - patience - 1)
		took(0)
		time.Sleep(time.Nanosecond)
		if _, err := p.Load(t.Context()); !errors.Is(err, errSilent) {
			t.Errorf("error %v, want that it does not answer", err)
		}
		s.Set(map[string]string{"rule.yaml": ruleText("a")})
		release()
		synctest.Wait()
		if set, err := p.Load(t.Context()); err != nil || len(set.Objects) != 2 || s.Loads() != 3 {
			t.Errorf("after it answered: %v, %v, %d loads", set, err, s.Loads())
		}
	})
}

// TestPacedFirst is waited for, but not for ever.
func TestPacedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{files: map[string]string{"main.yaml": configText}}
		release := s.Hang()
		time.AfterFunc(firstPatience+time.Second, release)
		p := startPaced(t, s, 10*time.Second)
		start := time.Now()
		if set, err := p.Load(t.Context()); set != nil || !errors.Is(err, errSilent) || time.Since(start) != firstPatience {
			t.Errorf("set %v, error %v after %v", set, err, time.Since(start))
		}
		if _, err := p.Load(t.Context()); !errors.Is(err, errSilent) || time.Since(start) != firstPatience {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
		time.Sleep(2 * time.Second)
		if set, err := p.Load(t.Context()); set == nil || err != nil {
			t.Errorf("set %v, error %v", set, err)
		}
	})
}

// TestPacedPanic: a panic of the source is its error.
func TestPacedPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{files: map[string]string{"main.yaml": configText}}
		s.Panic("no way")
		p := startPaced(t, s, time.Second)
		if _, err := p.Load(t.Context()); err == nil || err.Error() != "panic: no way" {
			t.Errorf("error %v", err)
		}
		s.Panic("")
		time.Sleep(2 * time.Second)
		if set, err := p.Load(t.Context()); set == nil || err != nil {
			t.Errorf("set %v, error %v", set, err)
		}
	})
}

// TestPacedReady: whoever loads is told when that is of use, and only then.
func TestPacedReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{files: map[string]string{"main.yaml": configText}}
		p := startPaced(t, s, time.Hour)
		start := time.Now()
		ready := func(within time.Duration) bool { return isReady(p, within) }
		load := func() (objects int) {
			set, err := p.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return len(set.Objects)
		}
		load()
		if ready(50 * time.Minute) {
			t.Errorf("ready after %v, though nothing was due", time.Since(start))
		}
		s.Set(map[string]string{"rule.yaml": ruleText("a")})
		if p.Hurry(); !ready(time.Millisecond) || load() != 2 {
			t.Error("a hurry is not heeded")
		}
		release := s.Hang()
		s.Set(map[string]string{"rule.yaml": ""})
		if p.Hurry(); !ready(time.Millisecond) || load() != 2 {
			t.Error("a load that hangs is waited for")
		}
		p.Hurry() // during the load: what it found may be older
		release()
		synctest.Wait()
		if !ready(time.Millisecond) || load() != 1 || s.Loads() != 4 {
			t.Errorf("the end of a load is not told, or the hurry during it is lost: %d loads", s.Loads())
		}
		begun := time.Now()
		for ready(time.Millisecond) { // the end of the load that hung
			load()
		}
		if !ready(2*time.Hour) || time.Since(begun) < 54*time.Minute || time.Since(begun) > 66*time.Minute {
			t.Errorf("the next load is due after %v", time.Since(begun))
		}
	})
}

func isReady(p *Paced, within time.Duration) bool {
	select {
	case <-p.Ready():
		return true
	case <-time.After(within):
		return false
	}
}

// revised is a source that tells its revision.
type revised struct {
	*source
	revision string
}

func (r *revised) Revision() (id string, published bool) { return r.revision, true }

func TestPacedLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &revised{source: &source{files: map[string]string{"main.yaml": configText}}, revision: "one"}
		p := NewPaced(s, time.Second)
		var wg sync.WaitGroup
		wg.Go(func() { p.Run(t.Context()) })
		t.Cleanup(wg.Wait)
		load := func(want Loaded) {
			t.Helper()
			_, _ = p.Load(t.Context())
			if got := p.Loaded(); got != want {
				t.Errorf("loaded %+v, want %+v", got, want)
			}
			time.Sleep(2 * time.Second)
		}
		load(Loaded{Revision: "one", Published: true})
		load(Loaded{Revision: "one", Published: true})
		s.Fail(errBroken)
		load(Loaded{Revision: "one", Published: true})
		s.Fail(nil)
		s.revision = "two"
		load(Loaded{Revision: "two", Published: true})
	})
}

func TestAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		a := newAlarm()
		defer a.stop()
		a.at(start.Add(3 * time.Second))
		a.at(start.Add(time.Second))
		a.at(start.Add(2 * time.Second))
		if got := (<-a.c()).Sub(start); got != time.Second {
			t.Errorf("rang after %v, not at the earliest time", got)
		}
		a.clear()
		a.at(start.Add(5 * time.Second))
		a.clear()
		select {
		case <-a.c():
			t.Error("rang although it was cleared")
		case <-time.After(time.Minute):
		}
		a.at(start)
		<-a.c() // a time in the past rings at once
	})
}

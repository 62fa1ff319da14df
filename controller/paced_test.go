package controller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{files: map[string]string{"main.yaml": configText}}
		p := NewPaced(s, 10*time.Second)
		first, err := p.Load(t.Context())
		if err != nil || len(first.Objects) != 1 {
			t.Fatal(first, err)
		}
		s.Set(map[string]string{"rule.yaml": ruleText("a")})
		time.Sleep(9*time.Second - 1)
		if set, err := p.Load(t.Context()); set != first || err != nil || s.Loads() != 1 {
			t.Errorf("loaded %d times within the interval: %v", s.Loads(), err)
		}
		time.Sleep(time.Second + 1)
		if set, err := p.Load(t.Context()); err != nil || len(set.Objects) != 2 {
			t.Errorf("not loaded after the interval: %v, %v", set, err)
		}
		s.Fail(errBroken)
		time.Sleep(10 * time.Second)
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

// TestPacedInterrupted: a load that was cut off says nothing about the source.
func TestPacedInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{files: map[string]string{"main.yaml": configText}, err: errBroken}
		p := NewPaced(s, 10*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Load(ctx); err == nil {
			t.Error("no error")
		}
		s.Fail(nil)
		if set, err := p.Load(t.Context()); err != nil || set == nil {
			t.Errorf("the next load: %v", err)
		}
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

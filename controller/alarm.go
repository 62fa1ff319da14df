package controller

import "time"

// alarm is a timer that keeps the earliest of the times it is given.
type alarm struct {
	timer *time.Timer
	when  time.Time
}

func newAlarm() *alarm {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &alarm{timer: t}
}

func (a *alarm) c() <-chan time.Time { return a.timer.C }

// at sets the alarm unless it is set to an earlier time.
func (a *alarm) at(when time.Time) {
	if a.when.IsZero() || when.Before(a.when) {
		a.when = when
		a.timer.Reset(time.Until(when))
	}
}

func (a *alarm) clear() {
	a.when = time.Time{}
	a.timer.Stop()
}

func (a *alarm) stop() { a.timer.Stop() }

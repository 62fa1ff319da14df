package controller

import (
	"context"
	"sync/atomic"
	"time"

	"ecs-scrape/controller/target"
)

// Observed is the Prometheus that reads what is published, as far as it tells of
// itself.
type Observed interface {
	// Address is where it is reached, without credentials.
	Address() string
	// About asks how it was built and started. With an error what is known stays.
	About(ctx context.Context, known target.About) (target.About, error)
	// FileTimes asks which target files it has read: a large answer.
	FileTimes(ctx context.Context) (target.FileTimes, error)
}

// Connected is an [Observed] that follows a file for its connection.
type Connected interface {
	// Problem is why the newest version of the file is not in use; nil where it is.
	Problem() error
}

// How often Prometheus is asked whether it is still the one that is known. A
// restart is seen by the confirmer at once; this only tells what has changed.
const (
	aboutEvery = 10 * time.Second
	aboutFirst = time.Second
)

// acquaintance knows how Prometheus was built and started.
type acquaintance struct {
	observed Observed
	changed  func()
	known    atomic.Pointer[target.About] // nil before the first answer
	problem  atomic.Pointer[string]       // with the connection's file
}

// run asks until the context ends.
func (a *acquaintance) run(ctx context.Context) {
	for pause := aboutFirst; ; {
		if a.ask(ctx) {
			pause = aboutEvery
		} else {
			pause = min(2*pause, aboutEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// ask says whether there was an answer.
func (a *acquaintance) ask(ctx context.Context) bool {
	known := target.About{}
	if k := a.known.Load(); k != nil {
		known = *k
	}
	now, err := a.observed.About(ctx, known)
	news := a.ailing()
	if err == nil && (a.known.Load() == nil || !now.Equal(known)) {
		a.known.Store(&now)
		news = true
	}
	if news {
		a.changed()
	}
	return err == nil
}

// ailing says that the problem with the connection's file is another than before.
func (a *acquaintance) ailing() bool {
	c, ok := a.observed.(Connected)
	if !ok {
		return false
	}
	text := ""
	if err := c.Problem(); err != nil {
		text = err.Error()
	}
	before := a.problem.Swap(&text)
	return before == nil && text != "" || before != nil && *before != text
}

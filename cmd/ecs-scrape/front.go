package main

import (
	"errors"
	"sync/atomic"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/web"
	"ecs-scrape/reconcile/plan"
)

// front is what the pages tell: why no controller runs yet, then what it tells.
type front struct {
	source atomic.Pointer[web.Source]
}

func newFront() *front {
	f := &front{}
	f.say(controller.StateStarting, "the controller starts")
	return f
}

// say has the pages tell why no controller runs.
func (f *front) say(state, message string) { f.show(idle{controller.NotRunning(state, message)}) }

// show has the pages tell what a source tells.
func (f *front) show(s web.Source) { f.source.Store(&s) }

// Status implements [web.Source].
func (f *front) Status() *controller.Status { return (*f.source.Load()).Status() }

// Explain implements [web.Source].
func (f *front) Explain(query string) (*plan.Explanation, error) {
	return (*f.source.Load()).Explain(query)
}

// idle tells why no controller runs.
type idle struct{ status *controller.Status }

func (i idle) Status() *controller.Status {
	s := *i.status
	s.Time = time.Now().UTC() // it is so at this moment
	return &s
}

func (i idle) Explain(string) (*plan.Explanation, error) { return nil, errors.New(i.status.Message) }

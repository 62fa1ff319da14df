package controller

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Outlet is a place that the status is written to, for readers who cannot ask the
// controller: a file, or an object in S3.
type Outlet struct {
	// Place is what the metric calls it, and Name what the log does.
	Place, Name string
	// Put writes a document in the place of the one before, or fails and leaves
	// that. It is not called again before it has returned; its context ends after
	// [putWithin], and at the end of the controller after [lastWithin].
	Put func(ctx context.Context, document []byte) error
	// Every is how often it is written at most.
	Every time.Duration
}

const (
	// heartbeat is how often the status is written although nothing has changed,
	// so that a reader may take an older one for the last word of a controller
	// that is gone.
	heartbeat = time.Minute
	// putWithin bounds one attempt.
	putWithin = 20 * time.Second
	// lastWithin bounds the one at the end of the process, which ECS does not wait
	// for much longer.
	lastWithin = 500 * time.Millisecond
)

// Document is the status as it is served and written: JSON, with a newline.
func (s *Status) Document() ([]byte, error) {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the status: %w", err)
	}
	return append(data, '\n'), nil
}

// digest is of what is worth writing anew for: all but the clock, and the counts
// of calls, which move all the time.
func (s *Status) digest() [sha256.Size]byte {
	bare := *s
	bare.Time, bare.Usage = time.Time{}, nil
	data, err := json.Marshal(&bare)
	if err != nil {
		return [sha256.Size]byte{} // then Document will say so
	}
	return sha256.Sum256(data)
}

// writer writes the newest status to an outlet, in a goroutine of its own.
type writer struct {
	Outlet
	status  func() *Status
	changed chan struct{}
	metrics *Metrics
	log     *slog.Logger

	seen    *Status // that was judged last
	digest  [sha256.Size]byte
	written time.Time // zero while the last attempt failed
	pause   time.Duration
	failure string // as logged
}

func newWriter(o Outlet, c *Controller) *writer {
	c.metrics.outlet(o.Place)
	return &writer{Outlet: o, status: c.Status, changed: make(chan struct{}, 1), metrics: c.metrics, log: c.options.Log}
}

// nudge says that there is another status.
func (w *writer) nudge() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// run writes until the context ends.
func (w *writer) run(ctx context.Context) {
	for ctx.Err() == nil {
		if w.due(time.Now()) {
			w.write(ctx)
			if !sleep(ctx, max(w.Every, w.pause)) {
				return
			}
			continue
		}
		beat := time.NewTimer(time.Until(w.written.Add(heartbeat)))
		select {
		case <-ctx.Done():
		case <-w.changed:
		case <-beat.C:
		}
		beat.Stop()
	}
}

// due says whether there is something to write.
func (w *writer) due(now time.Time) bool {
	if now.Sub(w.written) >= heartbeat {
		return true
	}
	s := w.status()
	if s == w.seen {
		return false
	}
	w.seen = s
	return s.digest() != w.digest
}

func (w *writer) write(ctx context.Context) {
	s := w.status()
	doc, err := s.Document()
	if err == nil {
		bounded, cancel := context.WithTimeout(ctx, putWithin)
		err = w.Put(bounded, doc)
		cancel()
	}
	if ctx.Err() != nil {
		return
	}
	w.metrics.put(w.Place, err)
	if err != nil {
		w.failed(err)
		return
	}
	if w.failure != "" {
		w.log.Info("the status is written again", "to", w.Name)
	}
	w.seen, w.digest, w.written, w.pause, w.failure = s, s.digest(), time.Now(), 0, ""
}

// last writes the status once more, as it was at the end.
func (w *writer) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWithin)
	defer cancel()
	doc, err := w.status().Document()
	if err == nil {
		err = w.Put(ctx, doc)
	}
	if err != nil && w.failure == "" {
		w.log.Warn("the last status is not written", "to", w.Name, "err", err)
	}
}

// writeLast writes the status to all outlets, at the end of Run: nothing else of it
// runs any more, and the context may have ended.
func (c *Controller) writeLast(ctx context.Context) {
	s := *c.Status()
	c.introduce(&s)
	c.status.Store(&s)
	var all sync.WaitGroup
	for _, w := range c.writers {
		all.Go(func() { w.last(context.WithoutCancel(ctx)) })
	}
	all.Wait()
}

// failed has it tried again, after pauses that grow, and logs it once.
func (w *writer) failed(err error) {
	w.written = time.Time{}
	w.pause = min(max(2*w.pause, w.Every), heartbeat)
	if w.failure == "" {
		w.log.Error("the status is not written", "to", w.Name, "err", err)
	}
	w.failure = err.Error()
}

// sleep is false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

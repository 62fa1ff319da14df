package controller

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"ecs-scrape/controller/target"
)

// Tuning of how often Prometheus is asked which target files it has read. Its
// answer may have several MB, so nothing is asked while all are known to be read.
const (
	// readSoon is how long a file may take that is taken up as it should: longer
	// is a delay. Most are read within a few milliseconds.
	readSoon = time.Second
	// readEvery is how often at most it is asked while files keep changing.
	readEvery = 5 * time.Second
	// readSlow is how often it is asked while a file stays unread.
	readSlow = 10 * time.Second
	// readBlind is how often it is asked while it does not tell.
	readBlind = time.Minute
	// readLate is when a file that is not read is a case for people.
	readLate = 2 * time.Minute
	// versions of a file that are not seen read, of which the oldest counts.
	readVersions = 32
)

// reads follows which target files Prometheus has read since they changed.
type reads struct {
	observed Observed
	changed  func()
	observe  func(time.Duration) // hears of each change that was read, and after how long at most
	wake     chan struct{}

	mu    sync.Mutex
	files map[string]*fileReads
	all   bool // the configuration that Prometheus runs names every one of files
	known bool // the last answer told of files
	told  target.FileTimes
	asked time.Time
	pause time.Duration // until the next question, from asked
}

// fileReads is one target file.
type fileReads struct {
	modified int64         // seconds
	pending  []fileVersion // not seen read yet, the oldest first
	listed   bool          // Prometheus reads it, in whichever version
	unread   bool          // seen not to be read, although it should be
}

type fileVersion struct {
	modified int64     // seconds, which is all that Prometheus tells
	since    time.Time // when it should have been read; zero while that is not known
	changed  bool      // it was written while Prometheus read the file
}

func newReads(o Observed, changed func(), observe func(time.Duration)) *reads {
	return &reads{observed: o, changed: changed, observe: observe, wake: make(chan struct{}, 1), files: map[string]*fileReads{}}
}

// expect tells which files there are and when they were modified, and whether
// the configuration that Prometheus runs names all of them.
func (r *reads) expect(now time.Time, modified map[string]time.Time, all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = all
	maps.DeleteFunc(r.files, func(file string, _ *fileReads) bool { _, ok := modified[file]; return !ok })
	for file, at := range modified {
		known := r.files[file]
		switch {
		case known == nil:
			r.files[file] = &fileReads{modified: at.Unix(), pending: []fileVersion{{modified: at.Unix()}}}
		case known.modified != at.Unix():
			known.modified = at.Unix()
			known.pending = append(known.pending, fileVersion{modified: at.Unix(), since: now, changed: known.listed})
			if len(known.pending) > readVersions {
				known.pending = slices.Delete(known.pending, 1, 2)
			}
		}
	}
	r.await(now)
	r.hurry()
}

// recheck has every file looked at again: Prometheus has loaded a configuration,
// and may have begun to watch them anew. afresh says that it has restarted, so
// that what it left unread before is of no account.
func (r *reads) recheck(now time.Time, afresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.files {
		if len(f.pending) == 0 {
			f.pending = []fileVersion{{modified: f.modified}}
		}
		if afresh {
			f.pending, f.unread = []fileVersion{{modified: f.modified}}, false
		}
	}
	r.pause = 0
	r.await(now)
	r.hurry()
}

// await begins the time of files that Prometheus should read from now on.
func (r *reads) await(now time.Time) {
	for _, f := range r.files {
		if len(f.pending) > 0 && f.pending[0].since.IsZero() && (r.all || f.listed) {
			f.pending[0].since = now
		}
	}
}

func (r *reads) hurry() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run asks while there is something to ask, until the context ends.
func (r *reads) run(ctx context.Context) {
	timer := newAlarm()
	defer timer.stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.c():
			r.ask(ctx)
		}
		timer.clear()
		if next := r.next(); !next.IsZero() {
			timer.at(next)
		}
	}
}

// next is when to ask; zero where all is read.
func (r *reads) next() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first time.Time
	for _, f := range r.files {
		if len(f.pending) == 0 {
			continue
		}
		if since := f.pending[0].since; !since.IsZero() && (first.IsZero() || since.Before(first)) {
			first = since
		}
	}
	if first.IsZero() {
		return first
	}
	due := first.Add(readSoon)
	if soonest := r.asked.Add(r.pause); !r.asked.IsZero() && due.Before(soonest) {
		due = soonest
	}
	return due
}

// ask asks once.
func (r *reads) ask(ctx context.Context) {
	begun := time.Now()
	told, err := r.observed.FileTimes(ctx)
	if ctx.Err() != nil {
		return
	}
	r.take(begun, told, err)
	r.changed()
}

// take notes an answer to what was asked at that time.
func (r *reads) take(begun time.Time, told target.FileTimes, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked, r.known = begun, err == nil
	if err != nil {
		r.pause = min(max(2*r.pause, readEvery), readBlind)
		return
	}
	r.told = told
	late := false
	for file, f := range r.files {
		at, listed := told.Modified[file]
		f.listed = listed
		r.seen(f, at, begun)
		late = late || f.unread
	}
	r.await(begun)
	if r.pause = readEvery; late {
		r.pause = readSlow
	}
}

// seen notes that the file was read as it was at that second.
func (r *reads) seen(f *fileReads, read int64, now time.Time) {
	for f.listed && len(f.pending) > 0 && f.pending[0].modified <= read {
		if v := f.pending[0]; v.changed {
			r.observe(now.Sub(v.since))
		}
		f.pending = f.pending[1:]
	}
	f.unread = len(f.pending) > 0 && !f.pending[0].since.IsZero() && now.Sub(f.pending[0].since) >= readSoon
}

// readState is how far Prometheus is behind.
type readState struct {
	Known  bool // Prometheus tells
	Unread []string
	Since  time.Time // of the longest
	told   target.FileTimes
}

func (r *reads) state() readState {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := readState{Known: r.known, told: r.told}
	if !r.known {
		return out
	}
	for file, f := range r.files {
		if !f.unread {
			continue
		}
		out.Unread = append(out.Unread, file)
		if since := f.pending[0].since; out.Since.IsZero() || since.Before(out.Since) {
			out.Since = since
		}
	}
	slices.Sort(out.Unread)
	return out
}

// lag is for how long the longest has waited.
func (s readState) lag(now time.Time) time.Duration {
	if s.Since.IsZero() {
		return 0
	}
	return max(0, now.Sub(s.Since))
}

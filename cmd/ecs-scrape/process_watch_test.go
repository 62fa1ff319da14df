package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// entries are the times at which events entered the queue, until the change that
// they tell of is published.
type entries struct {
	mu       sync.Mutex
	since    map[change]time.Time
	took     []float64 // seconds
	expected int
	first    time.Time // of a task that started, since keep
}

// change is a task that has started, or is to stop.
type change struct {
	task    string // its id
	running bool
}

func newEntries() *entries { return &entries{since: map[change]time.Time{}} }

// delivered is told of each message as it enters the queue.
func (e *entries) delivered(_, body string) {
	now := time.Now()
	event := decodeEvent(body)
	if event == nil {
		return
	}
	c := change{task: event.Detail.TaskARN[strings.LastIndexByte(event.Detail.TaskARN, '/')+1:]}
	c.running = event.Detail.DesiredStatus == "RUNNING"
	if c.running && event.Detail.LastStatus != "RUNNING" || event.Detail.LastStatus == "STOPPED" {
		return // nothing to publish yet, or told before
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.since[c] = now
	if c.running && e.first.IsZero() {
		e.first = now
	}
}

// published settles every change that the tasks of a target file show.
func (e *entries) published(at time.Time, tasks map[string]bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.DeleteFunc(e.since, func(c change, entered time.Time) bool {
		if tasks[c.task] != c.running {
			return false
		}
		e.took = append(e.took, at.Sub(entered).Seconds())
		return true
	})
}

// expect has settled wait for n changes more.
func (e *entries) expect(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.expected += n
}

// settled is an error while a change that is expected is not published.
func (e *entries) settled() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.took) < e.expected {
		return fmt.Errorf("%d changes are not published", e.expected-len(e.took))
	}
	return nil
}

func (e *entries) latencies() []float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.took)
}

// keep has started tell of the next task.
func (e *entries) keep() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.first = time.Time{}
}

// started is when the event of the first task that started since keep entered.
func (e *entries) started() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.first
}

// fileWatch looks at a file every other millisecond, for a rename into its place.
type fileWatch struct {
	path    string
	entered *entries
	ended   chan struct{}
	done    sync.WaitGroup
	once    sync.Once

	mu      sync.Mutex
	renamed time.Time
	count   int
	tasks   []string
}

func watchFile(path string, e *entries) *fileWatch {
	w := &fileWatch{path: path, entered: e, ended: make(chan struct{})}
	w.done.Go(w.run)
	return w
}

func (w *fileWatch) stop() {
	w.once.Do(func() { close(w.ended) })
	w.done.Wait()
}

func (w *fileWatch) run() {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var last os.FileInfo
	for {
		select {
		case <-w.ended:
			return
		case <-tick.C:
		}
		info, err := os.Stat(w.path)
		if err != nil || last != nil && os.SameFile(last, info) && last.ModTime().Equal(info.ModTime()) {
			continue
		}
		last = info
		w.read(time.Now())
	}
}

func (w *fileWatch) read(at time.Time) {
	text, err := os.ReadFile(w.path)
	if err != nil {
		return // replaced meanwhile: the next look reads it
	}
	tasks, count := taskIDs(text)
	w.mu.Lock()
	w.renamed, w.count, w.tasks = at, count, slices.Collect(maps.Keys(tasks))
	w.mu.Unlock()
	w.entered.published(at, tasks)
}

// taskIDs are those of a target file's targets, and how many targets it has.
func taskIDs(text []byte) (tasks map[string]bool, targets int) {
	label := []byte(`"ecs_task_id":"`)
	tasks = map[string]bool{}
	for {
		i := bytes.Index(text, label)
		if i < 0 {
			return tasks, targets
		}
		text = text[i+len(label):]
		id, _, _ := bytes.Cut(text, []byte(`"`))
		tasks[string(id)] = true
		targets++
	}
}

// shows is an error unless the file has that many targets.
func (w *fileWatch) shows(targets int) error {
	if n := w.targets(); n != targets {
		return fmt.Errorf("%d targets, want %d", n, targets)
	}
	return nil
}

func (w *fileWatch) targets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// last is when the file was last replaced.
func (w *fileWatch) last() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.renamed
}

// anyTask is one of those published.
func (w *fileWatch) anyTask(pick func(n int) int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tasks[pick(len(w.tasks))]
}

package inventory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// call is a kind of call that can fail by itself for a while, as when one
// operation is denied; anyCall is when credentials have expired.
type call int

const (
	callClusters call = iota
	callList
	callDescribe
	callDefinition
	callInstance
	callService
	anyCall
	calls
)

// truth is a task as it really is: all its versions, and the moments of its
// life.
type truth struct {
	arn      string
	versions []Task
	changed  time.Time // when the last version came
	started  time.Time
	stopping time.Time // zero while it is meant to run
	former   bool      // its cluster was deleted
}

// String is short, for the words of a history.
func (t *Task) String() string {
	return fmt.Sprintf("%s version %d %s/%s", t.ARN, t.Version, t.LastStatus, t.DesiredStatus)
}

func (u *truth) now() *Task { return &u.versions[len(u.versions)-1] }

func (u *truth) alive() bool { return u.stopping.IsZero() }

// message is an event under way.
type message struct {
	due   time.Time
	event Event
}

// character says which kinds of misfortune a history has.
type character struct {
	exact    bool // none that loses an event or delays it much: nothing may count as missed
	queue    bool // there are events; otherwise it only polls
	gaps     bool // the queue goes and comes back
	drops    bool // events get lost though the queue is there
	late     bool // events come up to forty minutes late
	restarts bool // the store is lost now and then
	skips    bool // events older than a listing are skipped, as a backlog is
	deletes  bool // the cluster is deleted, deleted and recreated, or not named for a while
}

// world is an ECS of one cluster that misleads as the real one does, and its
// queue of events.
type world struct {
	character
	r       *rand.Rand
	now     time.Time
	scope   Scope
	tasks   []*truth
	exists  bool
	skew    time.Duration // of AWS's clock
	calm    bool          // no faults from here on
	down    [calls]time.Time
	storm   time.Time // until when most calls are throttled
	lag     time.Time // until when answers are behind more often
	sending bool      // the queue is there
	// subscribed is when events began to be sent.
	subscribed time.Time
	queue      []message
}

var (
	epoch  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	health = []string{"HEALTHY", "UNHEALTHY", "UNKNOWN"}
	values = map[string]map[string]string{"app": {"A": "1"}}
	tags   = []map[string]string{{"v": "1"}, {"v": "2"}}
	arns   = func() (out [128]string) {
		for i := range out {
			out[i] = fmt.Sprintf("t/%03d", i)
		}
		return out
	}()
)

func newWorld(seed uint64) world {
	r := rand.New(rand.NewPCG(seed, 7))
	w := world{r: r, now: epoch, scope: Scope{Account: "1", Region: "r", Cluster: "c"}, exists: true}
	w.skew = time.Duration(r.IntN(599)-299) * time.Second
	w.queue = make([]message, 0, 32)
	if w.character.queue = r.IntN(5) > 0; w.character.queue {
		w.exact = r.IntN(4) == 0
	}
	if !w.exact {
		w.gaps, w.drops, w.late = r.IntN(3) == 0, r.IntN(3) == 0, r.IntN(2) == 0
		w.restarts, w.deletes = r.IntN(3) == 0, r.IntN(3) == 0
	}
	if w.skips = r.IntN(3) == 0; w.skips {
		w.skew /= 3 // whoever skips knows AWS's clock better
	}
	w.sending = w.character.queue
	return w
}

// chance is true once in n times, never in calm.
func (w *world) chance(n int) bool { return !w.calm && w.r.IntN(n) == 0 }

func (w *world) seconds(from, to int) time.Duration {
	return time.Duration(from+w.r.IntN(to-from)) * time.Second
}

// fails says whether a call fails now.
func (w *world) fails(c call) bool {
	if w.calm {
		return false
	}
	return w.now.Before(w.down[c]) || w.now.Before(w.down[anyCall]) || w.now.Before(w.storm) && w.r.IntN(5) > 0 || w.r.IntN(40) == 0
}

// change does one of the things that happen to tasks: it starts one, changes
// what raises no version, or takes it a step further in its life.
func (w *world) change(what int) {
	if !w.exists {
		return
	}
	u := w.pick()
	if what < 2 && len(w.tasks) < 10 || u == nil {
		w.start()
		return
	}
	next := *u.now()
	switch {
	case what == 2:
		u.now().HealthStatus, u.now().Tags = health[w.r.IntN(len(health))], tags[w.r.IntN(len(tags))]
		return
	case next.LastStatus == StatusPending:
		next.LastStatus = StatusRunning
	case u.alive() && what < 4: // an attachment or a container
		next.AvailabilityZone += "."
	case u.alive():
		next.DesiredStatus, u.stopping = StatusStopped, w.now
	case next.LastStatus == StatusStopped:
		return
	default:
		next.LastStatus = StatusStopped
	}
	next.Version++
	w.put(u, next)
}

// pick is a task of the present cluster.
func (w *world) pick() *truth {
	if len(w.tasks) == 0 {
		return nil
	}
	if u := w.tasks[w.r.IntN(len(w.tasks))]; !u.former {
		return u
	}
	return nil
}

func (w *world) start() {
	n := len(w.tasks)
	u := &truth{arn: arns[n], started: w.now}
	w.tasks = append(w.tasks, u)
	t := Task{
		ARN: u.arn, Scope: w.scope, Version: 1, LastStatus: StatusPending, DesiredStatus: StatusRunning,
		Definition: definitions[n%len(definitions)].ARN, Group: services[n/2%len(services)], Tags: tags[0], Environment: values,
	}
	if n%len(definitions) == 2 {
		t.Instance = instances[n%len(instances)].ARN
	}
	w.put(u, t)
}

func (w *world) put(u *truth, t Task) {
	u.versions = append(u.versions, t)
	u.changed = w.now
	w.send(t)
	if !w.exact && w.chance(6) {
		w.send(t) // at least once
	}
}

// send puts an event on its way.
func (w *world) send(t Task) {
	if !w.sending || w.drops && w.chance(8) {
		return
	}
	delay := w.seconds(0, 20)
	if w.late && w.chance(3) {
		delay = w.seconds(30, []int{300, 2400}[w.r.IntN(2)])
	}
	t.Tags = nil
	w.queue = append(w.queue, message{w.now.Add(delay), Event{At: w.now.Add(w.skew), Task: &t}})
}

// putOff keeps back all events under way, as a queue that nobody reads does.
func (w *world) putOff(d time.Duration) {
	for i := range w.queue {
		w.queue[i].due = w.queue[i].due.Add(d)
	}
}

// rubbish is an event of another cluster, or of a task that never was.
func (w *world) rubbish() {
	t := Task{ARN: "t/ghost", Scope: w.scope, LastStatus: StatusRunning, DesiredStatus: StatusRunning, Definition: definitions[0].ARN}
	if w.r.IntN(2) == 0 {
		t.Scope.Cluster, t.Version = "foreign", 3
	}
	w.queue = append(w.queue, message{w.now, Event{At: w.now.Add(w.skew), Task: &t}})
}

// delete ends the cluster and all its tasks.
func (w *world) delete() {
	for _, u := range w.tasks {
		if u.alive() {
			u.stopping = w.now
			next := *u.now()
			next.DesiredStatus = StatusStopped
			next.Version++
			w.put(u, next)
		}
		u.former = true
	}
	w.exists = false
}

// next takes the next event that is due until then, in the order of due times.
func (w *world) next(until time.Time) (message, bool) {
	at := -1
	for i := range w.queue {
		if !w.queue[i].due.After(until) && (at < 0 || w.queue[i].due.Before(w.queue[at].due)) {
			at = i
		}
	}
	if at < 0 {
		return message{}, false
	}
	m := w.queue[at]
	w.queue = slices.Delete(w.queue, at, at+1)
	return m, true
}

func (w *world) lags() bool { return w.now.Before(w.lag) && w.chance(2) }

// lists says whether a listing names a task: it may omit one that runs and name
// one that stopped within the minute.
func (w *world) lists(u *truth) bool {
	wrong := w.chance(8) || w.lags()
	switch {
	case u.former:
		return false
	case u.alive():
		return !wrong || w.toldExactly(u.started)
	}
	return wrong && w.now.Sub(u.stopping) < time.Minute && !w.toldExactly(u.stopping)
}

// toldExactly says that ECS does not mislead about what was then: nobody had
// subscribed, so that no event tells of it, and the history is exact.
func (w *world) toldExactly(at time.Time) bool { return w.exact && !at.After(w.subscribed) }

// answer is what a describe tells of a task: perhaps the version before one that
// has just come, or that a young task is missing, or nothing.
func (w *world) answer(d *Description, u *truth, asked string) {
	fault := 99
	if !w.calm {
		fault = w.r.IntN(12)
	}
	if w.lags() {
		fault = 2
	}
	switch {
	case u == nil, u.former, !u.alive() && w.now.Sub(u.stopping) > 2*time.Minute, fault == 0 && w.now.Sub(u.started) < time.Minute:
		d.Missing = append(d.Missing, asked)
	case fault == 1:
		d.Failed = append(d.Failed, asked)
	default:
		t := *u.now()
		if fault == 2 && len(u.versions) > 1 && w.now.Sub(u.changed) < time.Minute && !w.toldExactly(u.changed) {
			t = u.versions[len(u.versions)-2]
		}
		d.Tasks = append(d.Tasks, &t)
	}
}

func (w *world) find(name string) *truth {
	id := nameOf(name) // held tasks are named by id
	for _, u := range w.tasks {
		if u.arn[2:] == id {
			return u
		}
	}
	return nil
}

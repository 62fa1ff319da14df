package main

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// soakLook is how often the directory is looked at.
	soakLook = 100 * time.Millisecond
	// soakPromtool is how often promtool is asked too.
	soakPromtool = 15 * time.Second
	// soakFaultsShown is how many of each kind of violation are told in full.
	soakFaultsShown = 10
)

// soakJudge reads every state of the published directory that lasts, and holds it
// against what really runs.
type soakJudge struct {
	s       *soak
	reader  *soakReader
	tool    string
	stopped chan struct{}
	done    sync.WaitGroup
	once    sync.Once
	looking sync.Mutex        // held by who looks
	last    map[string]string // the state looked at last

	mu        sync.Mutex
	published map[string]soakTarget
	seen      map[string]string // key: object, of those that were ever published
	gone      map[string]bool   // those of them that were taken back
	inherited map[string]bool   // addresses published when the controller was killed
	found     soakFound
}

// soakFound is what the judge has seen.
type soakFound struct {
	looks, states, configurations, promtool int
	lost, resurrected, twice, invalid       int
}

func newSoakJudge(s *soak) *soakJudge {
	return &soakJudge{
		s: s, reader: newSoakReader(s.output), tool: binary(s.t, "PROMTOOL_BIN", "../../bin/tools/promtool"),
		stopped: make(chan struct{}), seen: map[string]string{}, gone: map[string]bool{},
	}
}

// start judges until stop, which may be called more than once.
func (j *soakJudge) start() {
	j.done.Go(func() {
		look, check := time.NewTicker(soakLook), time.NewTicker(soakPromtool)
		defer look.Stop()
		defer check.Stop()
		for {
			select {
			case <-j.stopped:
				return
			case <-check.C:
				j.check()
			case <-look.C:
				j.look()
			}
		}
	})
}

func (j *soakJudge) stop() {
	j.once.Do(func() { close(j.stopped) })
	j.done.Wait()
}

// look judges what is published now. A state that changes while it is read is
// left to the next look.
func (j *soakJudge) look() {
	j.looking.Lock()
	defer j.looking.Unlock()
	before, err := j.reader.state()
	if err != nil {
		return
	}
	targets, err := j.reader.targets(before)
	after, stateErr := j.reader.state()
	if stateErr != nil || errors.Is(err, errMoving) || !maps.Equal(before, after) {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.looks++
	if err != nil {
		j.violation(&j.found.invalid, "what is published is refused: %v", err)
		return
	}
	if !maps.Equal(j.last, before) {
		j.found.states++
		if j.last["current"] != before["current"] {
			j.found.configurations++
		}
		j.last = before
	}
	j.judge(targets)
}

// judge holds targets against the truth; the caller holds the lock.
func (j *soakJudge) judge(targets []soakTarget) {
	truth := j.s.truth() // after what was read: what runs now did so then
	published := make(map[string]soakTarget, len(targets))
	owners := make(map[string]string, len(targets))
	for _, t := range targets {
		published[t.key] = t
		if other, ok := owners[t.address]; ok && other != t.key && !j.inherited[t.address] {
			j.violation(&j.found.twice, "one address has two targets: %s and %s", other, t.key)
		}
		owners[t.address] = t.key
		if j.gone[t.key] {
			j.violation(&j.found.resurrected, "%s of %s in %s is resurrected: %s", t.key, t.object, t.job, j.s.tell(t.key))
			delete(j.gone, t.key)
		}
		j.seen[t.key] = t.object
	}
	j.published = published
	for key, object := range j.seen {
		_, there := published[key]
		switch listener, runs := truth[key]; {
		case !j.s.objects.has(object): // removed: its targets may go, and come back with it
			if !there {
				delete(j.seen, key)
				delete(j.gone, key)
			}
		case there:
		case runs && !j.gone[key] && j.s.meant(listener):
			j.violation(&j.found.lost, "%s of %s runs and is lost: %+v", key, object, listener)
			fallthrough
		default:
			j.gone[key] = true
		}
	}
}

// violation counts one, and tells of the first few.
func (j *soakJudge) violation(count *int, format string, args ...any) {
	if *count++; *count <= soakFaultsShown {
		j.s.t.Errorf("%s  %s", time.Now().Format(soakClock), fmt.Sprintf(format, args...))
	}
	if *count == 1 {
		j.s.t.Logf("published is %s; before it came\n  %s", j.last["current"], strings.Join(j.s.journal.lines(), "\n  "))
	}
}

// killed: a controller that starts anew has only what is published. It cannot
// know of tasks that were taken back, nor the subnet of a target that it holds: of
// two at one address neither may be taken for the other's heir.
func (j *soakJudge) killed() {
	j.look() // at what it has published last
	j.mu.Lock()
	defer j.mu.Unlock()
	clear(j.gone)
	j.inherited = map[string]bool{}
	for _, t := range j.published {
		j.inherited[t.address] = true
	}
	maps.DeleteFunc(j.seen, func(key, _ string) bool { _, ok := j.published[key]; return !ok })
}

// check has promtool judge what is published now. What is swapped or collected
// while it reads is given another try.
func (j *soakJudge) check() {
	var out []byte
	var err error
	for range 3 {
		cmd := exec.Command(j.tool, "check", "config", filepath.Join(j.s.output, "current", "prometheus.yml")) //nolint:noctx // it ends by itself
		if out, err = cmd.CombinedOutput(); err == nil {
			break
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.promtool++
	if err != nil {
		j.violation(&j.found.invalid, "promtool refuses what is published: %v: %s", err, tail(string(out), 1000))
	}
}

// targetsOf counts what is published of an object.
func (j *soakJudge) targetsOf(object string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range j.published {
		if t.object == object {
			n++
		}
	}
	return n
}

// without is an error while a target of one of the tasks is published.
func (j *soakJudge) without(tasks map[string]bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for key := range j.published {
		if id, _, _ := strings.Cut(key, " "); tasks[id] {
			return fmt.Errorf("%s is", key)
		}
	}
	return nil
}

// disagree says how what is published differs from what is to be scraped.
func (j *soakJudge) disagree() error {
	want := j.s.wanted()
	j.mu.Lock()
	defer j.mu.Unlock()
	var missing, surplus []string
	for key := range want {
		if _, ok := j.published[key]; !ok {
			missing = append(missing, key)
		}
	}
	for key := range j.published {
		if _, ok := want[key]; !ok {
			surplus = append(surplus, key)
		}
	}
	if len(missing)+len(surplus) == 0 {
		return nil
	}
	slices.Sort(missing)
	slices.Sort(surplus)
	return fmt.Errorf("of %d targets %d are missing and %d too many\nmissing %v\nsurplus %v", len(want), len(missing), len(surplus), short(missing), short(surplus))
}

func (j *soakJudge) totals() soakFound {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.found
}

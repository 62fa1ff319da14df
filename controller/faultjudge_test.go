package controller_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
)

// watchedOutput is the published directory, whose every state is judged.
type watchedOutput struct {
	controller.Directory
	judge *judge
}

// WriteTargets implements reconcile.Output.
func (o *watchedOutput) WriteTargets(now time.Time, pools []artifact.Pool) (reconcile.Published, error) {
	done, err := o.Directory.WriteTargets(now, pools)
	o.judge.look(o.Path())
	return done, err
}

// judge holds every published state against what really runs.
type judge struct {
	t      *testing.T
	world  *faultWorld
	looked chan struct{} // one slot: something has been published
	lost   []string      // machines that have crashed

	mu        sync.Mutex
	published map[string]bool // targets, as "task address"
	seen      map[string]bool // those that were ever published
	gone      map[string]bool // those of them that were taken back
	restarted bool
}

func newJudge(t *testing.T, w *faultWorld) *judge {
	return &judge{t: t, world: w, looked: make(chan struct{}, 1), seen: map[string]bool{}, gone: map[string]bool{}}
}

// look reads the directory as Prometheus does and judges it. A target of a task
// that runs and was published once is there; one that was taken back, which only
// the end of its task allows, is not.
func (j *judge) look(output string) {
	published, twice, err := readTargets(output)
	if err != nil {
		j.t.Errorf("what is published cannot be read: %v", err)
		return
	}
	truth := j.truth() // after the publication: what runs now did so then
	j.mu.Lock()
	defer j.mu.Unlock()
	if twice != "" && !j.restarted {
		j.t.Errorf("one address has two targets: %s", twice)
	}
	for key := range published {
		if j.gone[key] {
			j.t.Errorf("%s is resurrected", key)
		}
		j.seen[key] = true
	}
	for key := range j.seen {
		if published[key] {
			continue
		}
		if truth[key] && j.world.meant(key) {
			j.t.Errorf("%s runs and is lost; %s", key, j.world.known(key))
		}
		j.gone[key] = true
	}
	j.published = published
	select {
	case j.looked <- struct{}{}:
	default:
	}
}

// meant says that a target's task is meant to run: one that has been told to stop
// serves for a moment longer.
func (w *faultWorld) meant(key string) bool {
	id, _, _ := strings.Cut(key, " ")
	info, err := w.Task(id)
	return err == nil && info.DesiredStatus == "RUNNING"
}

// known is what the inventory knows of a target's task.
func (w *faultWorld) known(key string) string {
	id, _, _ := strings.Cut(key, " ")
	snap := w.watcher.Snapshot()
	for _, t := range snap.Tasks {
		if t.ID() == id {
			return fmt.Sprintf("the inventory has it: %+v, definition %v, instance %+v", t, snap.Definitions[t.Definition] != nil, snap.Instances[t.Instance])
		}
	}
	return fmt.Sprintf("the inventory has %d tasks, and not this one: %+v", len(snap.Tasks), snap.Scopes)
}

// has says whether a target is published.
func (j *judge) has(key string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.published[key]
}

// restarts: a controller that has just started has only what is published. It
// cannot know which tasks have ended, nor the subnet of a target that it holds:
// of two at one address neither may be taken for the other's heir.
func (j *judge) restarts() {
	j.mu.Lock()
	defer j.mu.Unlock()
	clear(j.gone)
	j.restarted = true
}

// truth is what runs and serves.
func (j *judge) truth() map[string]bool {
	out := map[string]bool{}
	for _, l := range j.world.Listeners() {
		out[l.TaskARN[strings.LastIndexByte(l.TaskARN, '/')+1:]+" "+l.Address] = true
	}
	return out
}

// disagree says how what is published differs from the truth.
func (j *judge) disagree() error {
	truth := j.truth()
	j.mu.Lock()
	defer j.mu.Unlock()
	if maps.Equal(truth, j.published) {
		return nil
	}
	return fmt.Errorf("published\n  %s\nrunning\n  %s", lines(j.published), lines(truth))
}

func lines(set map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), "\n  ")
}

// readTargets is what an output directory publishes. It is an error if a file is
// damaged. twice names two targets that have one address, if there are any.
func readTargets(output string) (published map[string]bool, twice string, err error) {
	dir, err := target.Open(output, target.Options{ReadOnly: true})
	if err != nil {
		return nil, "", err
	}
	bundle, damage, err := dir.Live()
	if err != nil {
		return nil, "", err
	}
	for _, d := range damage {
		if !strings.Contains(d.Error(), "no configuration is published") {
			return nil, "", d
		}
	}
	published, owners := map[string]bool{}, map[string]string{}
	for _, pool := range bundle.Pools {
		if pool.Self() {
			continue
		}
		for _, t := range pool.Targets {
			key := t.Origin.Task + " " + t.Labels.Get("__address__")
			published[key] = true
			if other, ok := owners[t.Labels.Get("__address__")]; ok {
				twice = other + " and " + key
			}
			owners[t.Labels.Get("__address__")] = key
		}
	}
	return published, twice, nil
}

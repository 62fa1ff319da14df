package plan

import (
	"slices"
	"strings"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// Stages of an object's funnel: what it is asked about, in this order.
type stage uint8

const (
	stageClusters stage = iota
	stageServices
	stageTasks
	stageContainers
	stageEndpoints
	stageTargets
)

var stageNames = [...]string{"clusters", "services", "tasks", "containers", "endpoints", "targets"}

// step is what became of one thing that an object was asked about.
type step struct {
	stage     stage
	object    *spec.Object
	task      *inventory.Task
	container string
	address   string // from the endpoints on
	// fault is why it was left out; nil where it was taken on to the next stage.
	fault *fault
	// found is what was met where the fault, which several things share, says
	// what is wrong with it; "" is nothing to tell.
	found string
	// part is the part of the selector that does not hold, in place of a fault;
	// why says it in words.
	part    part
	matcher *matcher
	// target is the one that came of it, at the last stage.
	target *artifact.Target
	// held is why the target is published although nothing is known of it now.
	held *fault
}

func (s *step) taken() bool { return s.fault == nil && s.part == partNone }

// trace is told what becomes of everything. A nil one, as in an ordinary Build,
// costs nothing.
type trace func(step)

// parts tells what a selector says of tasks, as a whole.
func (tr trace) tasks(b *builder, records []*record, p part) {
	if tr == nil {
		return
	}
	for _, rec := range records {
		tr(step{stage: stageOf(p), object: b.object, task: rec.task, part: p, matcher: b.matcher})
	}
}

// stageOf is the stage at which a part of the selector is asked.
func stageOf(p part) stage {
	switch p {
	case partAccounts, partRegions, partClusters:
		return stageClusters
	case partServices:
		return stageServices
	case partContainers, partDockerLabels, partEnvironment:
		return stageContainers
	}
	return stageTasks
}

// containers tells which containers of a task an object takes, and why not the
// others.
func (tr trace) containers(b *builder, w *workload) {
	if tr == nil {
		return
	}
	for i := range w.definition.Containers {
		c := &w.definition.Containers[i]
		s := step{
			stage: stageContainers, object: b.object, task: w.task, container: c.Name,
			part: b.matcher.container(w.task, c), matcher: b.matcher,
		}
		if s.part == partNone && w.running(c.Name) == nil {
			s.fault = &fault{CodeNotRunning, c.Name, "the container does not run: its last status is " + statusOf(w.task, c.Name)}
		}
		tr(s)
	}
	for _, c := range w.task.Containers {
		if w.definition.Container(c.Name) == nil {
			tr(step{stage: stageContainers, object: b.object, task: w.task, container: c.Name, fault: &fault{
				CodeInjected, c.Name, "the container is not in the task definition: ECS added it (Service Connect, GuardDuty)",
			}})
		}
	}
}

func statusOf(t *inventory.Task, container string) string {
	for _, c := range t.Containers {
		if c.Name == container && c.LastStatus != "" {
			return c.LastStatus
		}
	}
	return "not known"
}

// silent tells of the selected containers that ask for nothing, and say nothing
// wrong either.
func (tr trace) silent(b *builder, w *workload, requests []request, faults []fault) {
	if tr == nil {
		return
	}
	for _, c := range w.selected {
		asks := slices.ContainsFunc(requests, func(q request) bool { return len(q.containers) == 0 || slices.Contains(q.containers, c) }) ||
			slices.ContainsFunc(faults, func(f fault) bool { return f.container == c.Name || f.container == "" })
		if !asks && w.running(c.Name) != nil {
			tr.left(stageEndpoints, b, w.task, "", &fault{CodeNotAsked, c.Name, "the container says nothing that asks to be scraped"})
		}
	}
}

// left tells that something was left out at a stage; f is not nil.
func (tr trace) left(at stage, b *builder, t *inventory.Task, address string, f *fault) {
	if tr != nil {
		tr(step{stage: at, object: b.object, task: t, container: f.container, address: address, fault: f})
	}
}

// endpoint tells that a request is answered at an address.
func (tr trace) endpoint(b *builder, t *inventory.Task, e endpoint) {
	if tr != nil {
		tr(step{stage: stageEndpoints, object: b.object, task: t, container: e.container.Name, address: e.String()})
	}
}

// owner remembers which container a target is of: its address may say it no more.
func (tr trace) owner(r *run, t *artifact.Target, e endpoint) {
	if tr == nil {
		return
	}
	if r.containers == nil {
		r.containers = map[uint64]string{}
	}
	r.containers[t.Labels.Hash()] = e.container.Name
}

// retired tells that an endpoint's address is a newer task's.
func (tr trace) retired(b *builder, t *inventory.Task, e endpoint, newer *inventory.Task) {
	if tr != nil {
		tr(step{
			stage: stageTargets, object: b.object, task: t, container: e.container.Name, address: e.String(), found: newer.ARN,
			fault: &fault{CodeAddressRetired, e.container.Name, "its address belongs to a newer task now"},
		})
	}
}

// withheld tells that a target of the plan is left out after all, and what was
// found that is in its way.
func (tr trace) withheld(r *run, t *artifact.Target, f *fault, found string) {
	if tr == nil {
		return
	}
	if o := r.objectNamed(t.Origin.Object); o != nil {
		tr(step{stage: stageTargets, object: o, task: r.taskOf(t.Origin), address: t.Address(), fault: f, found: found})
	}
}

// targets tells of all targets that are in the plan.
func (tr trace) targets(r *run) {
	if tr == nil {
		return
	}
	for _, p := range r.plan.Bundle.Pools {
		for i := range p.Targets {
			t := &p.Targets[i]
			if o := r.objectNamed(t.Origin.Object); o != nil {
				tr(step{
					stage: stageTargets, object: o, task: r.taskOf(t.Origin), container: r.containers[t.Labels.Hash()],
					address: t.Address(), target: t, held: r.whyHeld(t),
				})
			}
		}
	}
}

func (r *run) objectNamed(name string) *spec.Object {
	i, ok := slices.BinarySearchFunc(r.in.Choice.Targets, name, func(o *spec.Object, name string) int { return strings.Compare(o.Name, name) })
	if !ok {
		return nil
	}
	return r.in.Choice.Targets[i]
}

// whereabouts are where a task is found again.
type whereabouts struct {
	scope inventory.Scope
	task  string // id
}

// taskOf is the task that a target is of; nil where the snapshot lacks it.
func (r *run) taskOf(o artifact.Origin) *inventory.Task {
	if r.traced == nil {
		r.traced = make(map[whereabouts]*inventory.Task, len(r.in.Snapshot.Tasks))
		for _, t := range r.in.Snapshot.Tasks {
			r.traced[whereabouts{t.Scope, t.ID()}] = t
		}
	}
	return r.traced[whereabouts{ScopeOf(o), o.Task}]
}

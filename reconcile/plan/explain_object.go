package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// explainObjects makes the funnel of each object in one Build.
func explainObjects(in Input, objects []*spec.Object) []ObjectExplanation {
	funnels := map[string]*funnel{}
	for _, o := range objects {
		funnels[o.Name] = newFunnel(in.Snapshot, o)
	}
	traced(in, func(s step) {
		if f := funnels[s.object.Name]; f != nil {
			f.add(&s)
		}
	})
	out := make([]ObjectExplanation, 0, len(objects))
	for _, o := range objects {
		out = append(out, funnels[o.Name].explanation())
	}
	return out
}

// funnel collects the steps of one object.
type funnel struct {
	snapshot *inventory.Snapshot
	object   *spec.Object
	levels   [len(stageNames)]level
	targets  []TargetExplanation
	held     map[string]*cause // by code and wish
}

// level is one stage of a funnel. Clusters and services are told once for each
// of their tasks and counted once.
type level struct {
	seen map[string]bool // clusters and services by name: whether taken
	all  int
	took int
	left map[string]*cause // by code and wish
}

// cause counts one reason.
type cause struct {
	reason
	count   int
	example string
	found   map[string]int
}

func newFunnel(s *inventory.Snapshot, o *spec.Object) *funnel {
	f := &funnel{snapshot: s, object: o, held: map[string]*cause{}}
	for i := range f.levels {
		f.levels[i].seen, f.levels[i].left = map[string]bool{}, map[string]*cause{}
	}
	m := newMatcher(&o.ScrapeTarget.Selector)
	for _, st := range s.Scopes {
		if st.State != inventory.Gone {
			nobody := &inventory.Task{Scope: st.Scope}
			f.cluster(&step{stage: stageClusters, object: o, task: nobody, part: onlyCluster(m.kin(nobody, s)), matcher: m})
		}
	}
	for _, t := range s.Tasks {
		if !t.Running() {
			f.idle(m, t)
		}
	}
	return f
}

// onlyCluster drops what a task without anything but a cluster fails.
func onlyCluster(p part) part {
	if stageOf(p) != stageClusters {
		return partNone
	}
	return p
}

// idle counts a task that does not run, or is not meant to, in a service that
// the object takes.
func (f *funnel) idle(m *matcher, t *inventory.Task) {
	if p := m.kin(t, f.snapshot); p != partNone && stageOf(p) < stageTasks {
		return
	}
	f.add(&step{stage: stageTasks, object: f.object, task: t, fault: notRunning(t)})
}

func notRunning(t *inventory.Task) *fault {
	return &fault{CodeNotRunning, "", fmt.Sprintf("the task is %s and is meant to be %s",
		orDefault(t.LastStatus, "of no known status"), orDefault(t.DesiredStatus, "so"))}
}

func (f *funnel) add(s *step) {
	switch s.stage {
	case stageClusters:
		return // every cluster was counted at the beginning, with tasks or without
	case stageServices:
		f.once(stageServices, serviceOf(s.task), s)
		return
	case stageTasks:
		f.once(stageServices, serviceOf(s.task), &step{stage: stageServices, object: s.object, task: s.task})
	case stageTargets:
		f.target(s)
	}
	f.count(s)
}

func (f *funnel) target(s *step) {
	if s.target == nil {
		return
	}
	f.targets = append(f.targets, TargetExplanation{Address: s.address, Task: s.target.Origin.Task, Labels: s.target.Labels})
	if s.held != nil {
		countIn(f.held, reason{code: s.held.code, wanted: s.held.message}, s.address)
	}
}

func (f *funnel) cluster(s *step) { f.once(stageClusters, s.task.Scope.String(), s) }

// once counts a cluster or a service at its first task.
func (f *funnel) once(at stage, name string, s *step) {
	if _, again := f.levels[at].seen[name]; !again {
		f.levels[at].seen[name] = s.taken()
		f.count(s)
	}
}

// serviceOf names a service within all clusters, or the family of tasks that no
// service started.
func serviceOf(t *inventory.Task) string {
	if name := t.Service(); name != "" {
		return t.Scope.String() + "/" + name
	}
	return t.Scope.String() + "/family " + t.Family()
}

func (f *funnel) count(s *step) {
	l := &f.levels[s.stage]
	l.all++
	if s.taken() {
		l.took++
		return
	}
	countIn(l.left, s.why(f.snapshot), exampleOf(s))
}

// countIn counts one more thing for a reason.
func countIn(causes map[string]*cause, why reason, example string) {
	key := why.code + "\x00" + why.wanted
	t := causes[key]
	if t == nil {
		t = &cause{reason: why, example: example, found: map[string]int{}}
		causes[key] = t
	}
	t.count++
	t.example = min(t.example, example)
	if why.found != "" {
		t.found[why.found]++
	}
}

// exampleOf names the thing that a step is about.
func exampleOf(s *step) string {
	switch {
	case s.stage == stageClusters:
		return s.task.Scope.String()
	case s.stage == stageServices:
		return serviceOf(s.task)
	case s.task == nil:
		return s.address
	}
	name := s.task.ARN
	if s.container != "" {
		name += " container " + s.container
	}
	if s.address != "" {
		name += " at " + s.address
	}
	return name
}

func (f *funnel) explanation() ObjectExplanation {
	out := ObjectExplanation{Object: f.object.ID, Targets: f.targets, Held: mostFirst(f.held)}
	for i := range f.levels {
		l := &f.levels[i]
		out.Funnel = append(out.Funnel, FunnelStage{Name: stageNames[i], Seen: l.all, Taken: l.took, Left: mostFirst(l.left)})
	}
	return out
}

// mostFirst are all reasons, the most frequent first.
func mostFirst(causes map[string]*cause) []Left {
	var out []Left
	for _, t := range causes {
		out = append(out, Left{Code: t.code, Message: t.message(), Count: t.count, Example: t.example})
	}
	slices.SortFunc(out, func(a, b Left) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message))
	})
	return out
}

// mostFound is how many different values a reason lists.
const mostFound = 5

// message is what was wanted and what was found instead, the most frequent first.
func (t *cause) message() string {
	if len(t.found) == 0 {
		return t.wanted
	}
	values := slices.SortedFunc(maps.Keys(t.found), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.found[b], t.found[a]), strings.Compare(a, b))
	})
	var parts []string
	for _, v := range values[:min(len(values), mostFound)] {
		parts = append(parts, fmt.Sprintf("%s (%d)", v, t.found[v]))
	}
	if more := len(values) - mostFound; more > 0 {
		parts = append(parts, "and "+counted(more, "other value"))
	}
	return t.wanted + "; found " + strings.Join(parts, ", ")
}

package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// Input is everything that a plan is a function of.
type Input struct {
	Choice *Choice
	// Files is what Choice.Render gave.
	Files artifact.Files
	// Config is prometheus.yml among them, as Prometheus resolves it.
	Config   *config.Config
	Snapshot *inventory.Snapshot
	// Sources are those that the inventory watches.
	Sources []inventory.Source
	// Self is where this Prometheus and the controller serve their own metrics.
	Self Self
	// Live are the pools that are published now: what a scope that is not
	// synced yet keeps.
	Live []artifact.Pool
	// Changed tells which objects are others than an earlier process published. It
	// matters where scopes are restored.
	Changed Changed
	// Shard is which of the Prometheus that share the targets this one is, from 0.
	// It matters where the PrometheusConfig says that there are several.
	Shard int

	// observe is given the labels of every endpoint before relabelling.
	observe func(*spec.Object, labels.Labels)
}

// Plan is what Prometheus should read, and what was left out.
type Plan struct {
	Bundle   artifact.Bundle
	Findings []Finding
	// Targets counts the targets of each ScrapeTarget, by name.
	Targets map[string]int
	// Held counts targets that are published only because their scope is not
	// synced yet.
	Held int
	// Dropped counts the targets of each ScrapeTarget that its own relabelConfigs
	// drop, and Withheld those that findings keep from being published, although
	// Prometheus would take them, by name.
	Dropped, Withheld map[string]int
	// Unread says that not every cluster has been read yet.
	Unread bool
	// OtherShards counts the targets that fall to other shards.
	OtherShards int
	// Absent counts by object, by name, why there are no more targets.
	Absent map[string]*Absence
}

// Build computes the plan.
func Build(in Input) *Plan { return newRun(in).build() }

func newRun(in Input) *run {
	r := &run{
		in:       in,
		settings: map[string]*config.ScrapeConfig{},
		pools:    map[string]*artifact.Pool{},
		defaults: in.Choice.defaultLabels(in.Sources),
		tasks:    group(in.Snapshot),
		claims:   claims{},
		facts:    map[inventory.Scope]inventory.Facts{},
		lacking:  map[inventory.Scope]map[string]string{},
		needs:    map[string]inventory.Facts{},
		homes:    map[string]Pool{},
		keepers:  map[string]*keeper{},
		blind:    map[share]bool{},
		held:     map[uint64]reserve{},
		findings: findings{},
		plan:     &Plan{Targets: map[string]int{}, Dropped: map[string]int{}, Withheld: map[string]int{}, Absent: map[string]*Absence{}},
	}
	for _, st := range in.Snapshot.Scopes {
		r.facts[st.Scope], r.lacking[st.Scope] = st.Facts, st.Lacking
	}
	for _, sc := range in.Config.ScrapeConfigs {
		r.settings[sc.JobName] = sc
	}
	for _, p := range in.Choice.Pools() {
		r.pools[p.Path] = &artifact.Pool{Name: p.Name, Path: p.Path}
		if class, ok := in.Choice.Config.PrometheusConfig.Class(p.Class); ok && !mayRetarget(class) {
			r.pools[p.Path].Guarded = schemeOf(spec.Field(class.ScrapeConfig.Node, "scheme"))
		}
	}
	r.restored = restoredTasks(in.Snapshot)
	r.claims.collect(in.Snapshot)
	return r
}

func (r *run) build() *Plan {
	for _, o := range r.in.Choice.Targets {
		r.object(o)
	}
	r.alertmanagers()
	r.self()
	r.warn()
	r.hold()
	out := r.finish()
	r.trace.targets(r)
	return out
}

// run is the state of one Build.
type run struct {
	in       Input
	settings map[string]*config.ScrapeConfig
	pools    map[string]*artifact.Pool // by path
	defaults []string
	tasks    [][]*inventory.Task
	claims   claims
	facts    map[inventory.Scope]inventory.Facts   // that each scope was listed with
	lacking  map[inventory.Scope]map[string]string // why not all that is asked for
	needs    map[string]inventory.Facts            // of each ScrapeTarget
	homes    map[string]Pool                       // of each ScrapeTarget
	keepers  map[string]*keeper                    // by pool and object, made when they are first needed
	blind    map[share]bool
	held     map[uint64]reserve // by the hashes of the labels of held targets
	restored restored
	findings findings
	plan     *Plan
	trace    trace
	// Made for the trace alone.
	traced     map[place]*inventory.Task
	containers map[uint64]string // by the hashes of the labels of their targets
}

// share is an object's part in a task.
type share struct{ object, task string }

// object adds the targets of one ScrapeTarget.
func (r *run) object(o *spec.Object) {
	pool := classPool(o.ScrapeTarget.Class())
	if o.ScrapeTarget.ScrapeConfig.Node != nil {
		pool = ownPool(o)
	}
	r.plan.Targets[o.Name] = 0
	r.homes[o.Name] = pool
	r.needs[o.Name] = needs(o)
	settings, ok := r.settings[pool.Name]
	if _, known := r.in.Choice.Config.PrometheusConfig.Class(o.ScrapeTarget.Class()); !ok || !known {
		r.find(o, nil, fault{code: CodeUnknownClass, message: UnknownClass(r.in.Choice.Config, o)})
		return
	}
	b, err := r.newBuilder(o, pool, settings)
	if err != nil {
		r.find(o, nil, fault{code: CodeInvalidTarget, message: err.Error()})
		return
	}
	for _, tasks := range r.tasks {
		r.kin(b, tasks)
	}
}

// kin adds the targets of an object in tasks that no selector can tell apart.
func (r *run) kin(b *builder, tasks []*inventory.Task) {
	first := tasks[0]
	p := b.matcher.kin(first, r.in.Snapshot)
	if p != partNone && p != partServiceTags { // of tags it must first be known that there are none
		r.trace.tasks(b, tasks, p)
		return
	}
	if f := r.unjudged(b.object.Name, first.Scope); f != nil {
		for _, t := range tasks {
			if f.code == CodeFactsMissing {
				r.miss(stageTasks, b, t, "", f)
			} else {
				r.absent(b.object.Name).Unknown++
				r.trace.left(stageTasks, b, t, "", f)
			}
		}
		return
	}
	if p != partNone {
		r.trace.tasks(b, tasks, p)
		return
	}
	for _, t := range tasks {
		if p := b.matcher.task(t); p != partNone {
			r.trace.tasks(b, []*inventory.Task{t}, p)
			continue
		}
		r.task(b, t)
	}
}

// notKnown is why an object cannot be judged in a scope: what it needs has not
// been read yet, which is nothing wrong, or cannot be read.
func (r *run) notKnown(needs inventory.Facts, scope inventory.Scope) *fault {
	what := strings.Join(r.facts[scope].Lacks(needs), ", ")
	var reasons []string
	for _, reason := range r.lacking[scope] {
		reasons = append(reasons, reason)
	}
	if len(reasons) == 0 {
		return &fault{code: CodeNotKnown, message: "the object needs " + what + ", which have not been read yet; what is published stays"}
	}
	slices.Sort(reasons)
	return &fault{code: CodeFactsMissing, message: fmt.Sprintf("the object needs %s of cluster %s, which cannot be read, so what is published stays: %s",
		what, scope, strings.Join(slices.Compact(reasons), "; "))}
}

// UnknownClass says that the object's class is not declared, and which are.
func UnknownClass(config, o *spec.Object) string {
	names := []string{spec.DefaultClass}
	for _, c := range config.PrometheusConfig.ScrapeClasses {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return fmt.Sprintf("%s declares no scrape class %q, but %s: declare it in spec.scrapeClasses or name one of these",
		config.ID, o.ScrapeTarget.Class(), strings.Join(slices.Compact(names), ", "))
}

func (r *run) workload(t *inventory.Task, d *inventory.Definition) *workload {
	return &workload{
		task: t, definition: d, instance: r.in.Snapshot.Instances[t.Instance],
		ipv6: r.in.Choice.Config.PrometheusConfig.PrefersIPv6(),
	}
}

// task adds the targets of one object in one running task that it selects.
func (r *run) task(b *builder, t *inventory.Task) {
	d := r.in.Snapshot.Definitions[t.Definition]
	if d == nil {
		r.miss(stageTasks, b, t, "", &fault{code: CodeNoDefinition, message: noDefinition(t)})
		return
	}
	r.trace.tasks(b, []*inventory.Task{t}, partNone)
	w := r.workload(t, d)
	w.selected = b.matcher.choose(t, d)
	r.trace.containers(b, w)
	if len(w.selected) == 0 {
		return
	}
	requests, faults := b.asker.ask(w)
	for i := range faults {
		if faults[i].code == CodeBadInterval {
			r.find(b.object, t, faults[i]) // its path is scraped, at another interval
			continue
		}
		r.miss(stageEndpoints, b, t, "", &faults[i])
	}
	if len(requests)+len(faults) == 0 {
		r.silent(b, w)
	}
	r.trace.silent(b, w, requests, faults)
	seen := map[string]int{}
	for i := range requests {
		r.request(b, w, &requests[i], seen)
	}
}

// request adds the targets of one request, but none at an address and path, with
// the same scheme and parameters, that the task was seen to have been asked at.
func (r *run) request(b *builder, w *workload, q *request, seen map[string]int) {
	endpoints, faults := w.resolve(q)
	for i := range faults {
		r.miss(stageEndpoints, b, w.task, "", &faults[i])
	}
	for _, e := range endpoints {
		key := orDefault(q.scheme, b.settings.Scheme) + "://" + e.String() + q.metricsPath() + q.query()
		if first, again := seen[key]; again {
			r.again(b, w, e, first, q.endpoint)
			continue
		}
		seen[key] = q.endpoint
		r.trace.endpoint(b, w.task, e)
		r.add(b, w, e, q)
	}
}

// again leaves out what a task is asked twice. Containers that tell one port are
// meant to be one target; two endpoints of the spec are not.
func (r *run) again(b *builder, w *workload, e endpoint, first, second int) {
	if first == second {
		r.trace.left(stageEndpoints, b, w.task, e.String(), &fault{CodeSameAddress, e.container.Name, "the task is asked at this address and path already, with the same parameters"})
		return
	}
	r.miss(stageEndpoints, b, w.task, e.String(), &fault{CodeSameAddress, e.container.Name, fmt.Sprintf(
		"spec.endpoints[%d] asks for the address and path that spec.endpoints[%d] asks for already, with the same parameters: remove one of them, or give it another path", second-1, first-1)})
}

func (r *run) add(b *builder, w *workload, e endpoint, q *request) {
	if newer := r.claims.newer(w, e.address); newer != nil {
		r.trace.retired(b, w.task, e, newer)
		r.find(b.object, w.task, retired(e, newer))
		return
	}
	target, f := b.target(w, e, q)
	if f != nil {
		r.miss(stageTargets, b, w.task, e.String(), f)
		return
	}
	r.trace.owner(r, &target, e)
	pool := r.pools[b.pool.Path]
	pool.Targets = append(pool.Targets, target)
}

func noDefinition(t *inventory.Task) string {
	return fmt.Sprintf("task definition %s cannot be described", t.Definition)
}

func retired(e endpoint, newer *inventory.Task) fault {
	return fault{CodeAddressRetired, e.container.Name, fmt.Sprintf("its address %s belongs to the newer task %s now", e.address, newer.ARN)}
}

// miss notes that something of an object is left out at a stage, and why.
func (r *run) miss(at stage, b *builder, t *inventory.Task, address string, f *fault) {
	r.trace.left(at, b, t, address, f)
	r.find(b.object, t, *f)
}

func (r *run) find(o *spec.Object, t *inventory.Task, f fault) { r.findFor(o.ID, o.Name, t, f) }

// findFor notes what is missing of an object whose targets have that origin. A
// task of which it is not known where it is reached is one whose published
// targets stay.
func (r *run) findFor(id spec.ID, origin string, t *inventory.Task, f fault) {
	switch f.code {
	case CodeDropped:
		r.plan.Dropped[origin]++ // as the object asks
		return
	case CodeRetarget, CodeIllegalLabel:
		r.plan.Withheld[origin]++
	}
	r.findings.add(id, t, f)
	if f.code == CodeNoAddress || f.code == CodeNoDefinition {
		r.blind[share{origin, t.ID()}] = true
	}
}

// same says that two targets are one, whoever asks for it.
func (r *run) same(second, first artifact.Target) bool {
	if !labels.Equal(first.Labels, second.Labels) {
		return false
	}
	r.trace.withheld(r, &second, &fault{code: CodeDuplicate, message: "the same target with the same labels is there for " + ownerOf(first.Origin.Object)}, "")
	if a, b := first.Origin.Object, second.Origin.Object; a != b && a != "" && b != "" {
		r.findings.add(spec.ID{Kind: spec.KindScrapeTarget, Name: b}, nil, fault{code: CodeDuplicate, message: fmt.Sprintf(
			"%s/%s asks for the same targets with the same labels: narrow one of the selectors, or remove one object", spec.KindScrapeTarget, a)})
	}
	return true
}

// finish sorts everything and drops what is twice.
func (r *run) finish() *Plan {
	for _, p := range r.in.Choice.Pools() {
		pool := r.pools[p.Path]
		slices.SortStableFunc(pool.Targets, artifact.Target.Compare)
		pool.Targets = slices.CompactFunc(pool.Targets, r.same)
	}
	r.settle()
	for _, p := range r.in.Choice.Pools() {
		pool := r.pools[p.Path]
		for _, t := range pool.Targets {
			if t.Origin.Object != "" && pool.Scraped() {
				r.plan.Targets[t.Origin.Object]++
			}
		}
		r.plan.Bundle.Pools = append(r.plan.Bundle.Pools, *pool)
	}
	r.plan.Bundle.Config = r.in.Files
	r.plan.Findings = r.findings.sorted()
	return r.plan
}

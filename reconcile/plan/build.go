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
	// Places are where the targets of each ScrapeTarget that has any are, by name.
	Places map[string]Place
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

// Place is where targets are.
type Place struct {
	Pool   string            // the scrape pool
	Scopes []inventory.Scope // that they are from, sorted
}

// run is the state of a Build, and of those that follow it with the same specs.
type run struct {
	// Of the specs.
	settings map[string]*config.ScrapeConfig
	defaults []string
	shards   int
	needs    map[string]inventory.Facts // of each ScrapeTarget
	homes    map[string]Pool            // of each ScrapeTarget
	builders []*builder
	lookouts []*lookout
	outside  *outside

	// Of what runs, kept up to date.
	snapshot  *inventory.Snapshot
	facts     map[inventory.Scope]inventory.Facts   // that each scope was listed with
	lacking   map[inventory.Scope]map[string]string // why not all that is asked for
	restored  restored
	records   []*record // by task of the snapshot; nil where it does not run
	claims    claims
	pools     map[string]*pool // by path
	ordered   []*pool          // by path
	scores    map[string]*score
	blind     map[share]int
	noted     register
	crowds    crowds
	clashes   clashes
	left      map[string]*score   // of what records give and is left out, by object
	rankings  map[string]*ranking // of objects that have, or had, too many targets
	published liveIndex
	staying   []*member          // targets of other shards that stay in this one
	touched   []*member          // since the last Build
	origins   map[string]origins // of the live pools, by path

	// Of one Build.
	in       Input
	without  heed
	into     *record            // that is being planned; nil while none is
	keepers  map[string]*keeper // by pool and object, made when they are first needed
	kept     []*member          // held targets
	former   []*member          // those of the Build before
	held     map[uint64]reserve // by the hashes of the labels of held targets
	findings findings           // that no record makes
	plan     *Plan
	trace    trace
	// Made for the trace alone.
	traced     map[whereabouts]*inventory.Task
	containers map[uint64]string // by the hashes of the labels of their targets
}

// share is an object's part in a task.
type share struct{ object, task string }

// newRun prepares all that follows from the specs.
func newRun(in Input) *run {
	r := &run{
		settings: map[string]*config.ScrapeConfig{},
		defaults: in.Choice.defaultLabels(in.Sources),
		shards:   in.Choice.Config.PrometheusConfig.Shards,
		needs:    map[string]inventory.Facts{},
		homes:    map[string]Pool{},
		claims:   claims{places: map[claim]*place{}},
		pools:    map[string]*pool{},
		scores:   map[string]*score{},
		blind:    map[share]int{},
		noted:    register{all: map[Finding]*noted{}},
		crowds:   newCrowds(),
		clashes:  clashes{map[clash]*tally{}, map[string]int{}},
		left:     map[string]*score{},
		rankings: map[string]*ranking{},
		origins:  map[string]origins{},
		in:       in,
		findings: findings{},
	}
	for _, sc := range in.Config.ScrapeConfigs {
		r.settings[sc.JobName] = sc
	}
	r.makePools()
	for _, o := range in.Choice.Targets {
		r.object(o)
	}
	r.lookFor(in.Choice.Config.PrometheusConfig.Alertmanagers)
	r.lookOutside()
	r.warn()
	for _, f := range r.findings {
		r.noted.count(r.noted.finding(f.Object, fault{code: f.Code, container: f.Container, message: f.Message}), nil, 1)
	}
	return r
}

func (r *run) build(in Input) *Plan {
	r.former = r.kept
	r.in, r.kept, r.held, r.keepers, r.findings = in, nil, map[uint64]reserve{}, map[string]*keeper{}, findings{}
	r.plan = &Plan{Targets: map[string]int{}, Places: map[string]Place{}, Dropped: map[string]int{}, Withheld: map[string]int{}, Absent: map[string]*Absence{}}
	due := r.follow(in.Snapshot)
	r.replan(due)
	for _, rec := range due {
		r.enter(rec)
	}
	r.summarise()
	r.alertmanagers()
	r.hold()
	r.settle()
	r.plan.Bundle.Config = in.Files
	r.plan.Findings = r.findings.over(r.noted.list(r.records, r.heeds(heedFirstTasks)))
	r.trace.targets(r)
	return r.plan
}

// summarise has the plan count what all records say.
func (r *run) summarise() {
	for _, o := range r.in.Choice.Targets {
		r.plan.Targets[o.Name] = 0
	}
	for origin, t := range r.scores {
		if t.dropped > 0 {
			r.plan.Dropped[origin] = t.dropped
		}
		if t.withheld > 0 {
			r.plan.Withheld[origin] = t.withheld
		}
		if t.silent+t.unknown > 0 {
			*r.absent(origin) = Absence{Silent: t.silent, Unknown: t.unknown}
		}
	}
}

// object prepares one ScrapeTarget.
func (r *run) object(o *spec.Object) {
	pool := classPool(o.ScrapeTarget.Class())
	if o.ScrapeTarget.ScrapeConfig.Node != nil {
		pool = ownPool(o)
	}
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
	r.builders = append(r.builders, b)
}

// replan plans some tasks, object by object.
func (r *run) replan(due []*record) {
	families := group(due)
	for _, b := range r.builders {
		b.begin(r.in.Snapshot)
		for _, records := range families {
			r.kin(b, records)
		}
	}
	for _, l := range r.lookouts {
		l.matcher.begin()
		for _, records := range families {
			r.alertmanagerKin(l, records)
		}
	}
	r.into = nil
}

// kin adds the targets of an object in tasks that no selector can tell apart.
func (r *run) kin(b *builder, records []*record) {
	first := records[0].task
	p := b.matcher.kin(first, r.in.Snapshot)
	if p != partNone && p != partServiceTags { // of tags it must first be known that there are none
		r.trace.tasks(b, records, p)
		return
	}
	if f := r.unjudged(b.object.Name, first.Scope); f != nil {
		for _, r.into = range records {
			if f.code == CodeFactsMissing {
				r.miss(stageTasks, b, r.into.task, "", f)
			} else {
				r.into.say(remark{origin: b.object.Name, kind: unknownRemark})
				r.trace.left(stageTasks, b, r.into.task, "", f)
			}
		}
		return
	}
	if p != partNone {
		r.trace.tasks(b, records, p)
		return
	}
	for i, rec := range records {
		if p := b.matcher.task(rec.task); p != partNone {
			r.trace.tasks(b, records[i:i+1], p)
			continue
		}
		r.into, b.told = rec, 0
		r.task(b, rec)
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
func (r *run) task(b *builder, rec *record) {
	t := rec.task
	d := r.in.Snapshot.Definitions[t.Definition]
	if d == nil {
		r.miss(stageTasks, b, t, "", &fault{code: CodeNoDefinition, message: noDefinition(t)})
		return
	}
	r.trace.tasks(b, []*record{rec}, partNone)
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
	if newer := r.claims.newer(r.into, w, e.address); newer != nil {
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
	r.into.targets = append(r.into.targets, member{Target: target, pool: r.pools[b.pool.Path]})
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
	if r.into == nil {
		r.findAnyway(id, origin, t, f)
		return
	}
	switch f.code {
	case CodeDropped:
		r.into.say(remark{origin: origin, kind: droppedRemark}) // as the object asks
		return
	case CodeRetarget, CodeIllegalLabel:
		r.into.say(remark{origin: origin, kind: withheldRemark})
	case CodeNoAddress, CodeNoDefinition:
		r.into.say(remark{origin: origin, kind: blindRemark})
	}
	r.into.say(remark{origin: origin, kind: findingRemark, finding: r.noted.finding(id, f), counts: t != nil})
}

// findAnyway is findFor of what no running task gives.
func (r *run) findAnyway(id spec.ID, origin string, t *inventory.Task, f fault) {
	if f.code == CodeRetarget || f.code == CodeIllegalLabel {
		r.plan.Withheld[origin]++
	}
	r.findings.add(id, t, f)
}

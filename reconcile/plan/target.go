package plan

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// Labels that ecs-scrape gives to targets unless defaultLabels says otherwise.
const (
	labelAccount   = "ecs_account"
	labelRegion    = "ecs_region"
	labelCluster   = "ecs_cluster"
	labelService   = "ecs_service"
	labelFamily    = "ecs_task_family"
	labelTaskID    = "ecs_task_id"
	labelContainer = "ecs_container"
)

var standardLabels = []string{labelCluster, labelService, labelFamily, labelTaskID, labelContainer}

// defaultLabels are the configured ones, or the standard ones; account and
// region are added where the configuration watches more than one.
func (c *Choice) defaultLabels(sources []inventory.Source) []string {
	names := standardLabels
	if d := c.Config.PrometheusConfig.DefaultLabels; d != nil {
		names = *d
	}
	names = slices.Clone(names)
	roles, regions := map[string]bool{}, map[string]bool{}
	for _, s := range sources {
		roles[s.RoleARN] = true
		regions[s.Region] = true
	}
	if len(roles) > 1 {
		names = append(names, labelAccount)
	}
	if len(regions) > 1 {
		names = append(names, labelRegion)
	}
	return names
}

// builder makes the targets of one object in one pool. It is for one goroutine.
type builder struct {
	object   *spec.Object
	pool     Pool
	settings *config.ScrapeConfig // the pool's job as Prometheus resolves it
	defaults []string
	matcher  *matcher
	asker    asker
	lb       *labels.Builder

	snapshot *inventory.Snapshot
	guard    *guard
	judge    *judge
	rules    []rule
	meta     *metaWriter
	implied  labels.Labels  // what Prometheus sets by itself of the pool's settings
	minimum  model.Duration // the shortest interval
	told     model.Duration // the shorter one that was noted last
	// spelled are the interval and the timeout that were spelled out last.
	spelled struct {
		of [2]model.Duration
		as [2]string
	}
	// note takes what is to be said of the object, and withholds nothing.
	note func(fault)
	// observe is given the labels before relabelling, all of them; nil is nobody.
	observe func(labels.Labels)
}

// newBuilder is for an object in the pool that it is scraped in.
func (r *run) newBuilder(o *spec.Object, pool Pool, settings *config.ScrapeConfig) (*builder, error) {
	rules, err := compileRules(o.ScrapeTarget.RelabelConfigs.Node, settings.MetricNameValidationScheme)
	if err != nil {
		return nil, err
	}
	b := &builder{
		object: o, pool: pool, settings: settings,
		defaults: r.defaults,
		matcher:  newMatcher(&o.ScrapeTarget.Selector),
		asker:    newAsker(o.ScrapeTarget),
		lb:       labels.NewBuilder(labels.EmptyLabels()),

		guard: newGuard(r.in.Choice.Config, o, r.settings[classPool(pool.Class).Name]),
		judge: newJudge(settings),
		rules: rules,
		note:  func(f fault) { r.find(o, nil, f) },
	}
	b.minimum, _ = model.ParseDuration(r.in.Choice.Config.PrometheusConfig.Enforced.MinInterval)
	looks := readsOf(o.ScrapeTarget)
	if r.in.observe != nil {
		b.observe = func(l labels.Labels) { r.in.observe(o, l) }
		looks.labelmap(".*")
	}
	b.meta = newMetaWriter(looks)
	if b.starts() {
		scrape.PopulateDiscoveredLabels(b.lb, settings, nil, nil)
		b.implied = b.lb.Labels()
	}
	return b, nil
}

// begin prepares the builder for the tasks of a snapshot.
func (b *builder) begin(s *inventory.Snapshot) {
	b.snapshot = s
	b.matcher.begin()
	b.meta.begin()
}

// starts says that the labels which Prometheus would start from matter, and not
// only those that are written.
func (b *builder) starts() bool { return len(b.rules) > 0 || b.observe != nil }

// target is the target of an endpoint, with final labels, as it is written, or
// why there is none.
func (b *builder) target(w *workload, e endpoint, want *request) (artifact.Target, *fault) {
	b.discover(&subject{workload: w, container: e.container, endpoint: e, snapshot: b.snapshot}, want)
	if b.observe != nil {
		b.observe(b.lb.Labels())
	}
	if f := b.relabel(); f != nil {
		return artifact.Target{}, f
	}
	t := artifact.Target{Labels: b.lb.Labels(), Origin: artifact.Origin{
		Object:  b.object.Name,
		Account: w.task.Scope.Account,
		Region:  w.task.Scope.Region,
		Cluster: w.task.Scope.Cluster,
		Task:    w.task.ID(),
	}}
	t.Origin.Moved = t.Address() != e.address.String()
	f := b.guard.refuse(t.Labels, t.Origin.Moved)
	if f == nil {
		f = b.judge.refuse(t.Labels)
	}
	if f != nil {
		f.container = e.container.Name
	}
	return t, f
}

// discover sets what Prometheus would start from: what it sets by itself, the
// __meta_ecs_* labels that are looked at, then the default labels, and labels
// and labelsFrom over them.
func (b *builder) discover(s *subject, want *request) {
	b.lb.Reset(b.implied)
	b.lb.Set(model.AddressLabel, s.endpoint.String())
	b.lb.Set(model.JobLabel, jobName(b.object.ScrapeTarget, want, s.task))
	b.lb.Set(model.SchemeLabel, orDefault(want.scheme, b.settings.Scheme))
	b.lb.Set(model.MetricsPathLabel, want.metricsPath())
	interval, timeout := b.timing(want)
	b.lb.Set(model.ScrapeIntervalLabel, interval)
	b.lb.Set(model.ScrapeTimeoutLabel, timeout)
	for name, values := range want.params {
		if len(values) > 0 {
			b.lb.Set(model.ParamLabelPrefix+name, values[0])
		}
	}
	if b.starts() {
		b.meta.write(b.lb, s)
	}
	if !want.bare {
		b.setDefaults(s)
	}
	for name, value := range want.labels {
		b.lb.Set(name, value)
	}
	for name, value := range b.object.ScrapeTarget.Labels {
		b.lb.Set(name, value) // "" removes the label
	}
	for name, from := range b.object.ScrapeTarget.LabelsFrom {
		if value := b.valueOf(&from, s); value != "" {
			b.lb.Set(name, value)
		}
	}
}

func (b *builder) setDefaults(s *subject) {
	for _, name := range b.defaults {
		if name == labelTaskID && s.definition.Mode() == inventory.NetworkHost {
			continue // instance outlives a deploy there, and so should its series
		}
		b.lb.Set(name, defaultLabel(name, s.task, s.container))
	}
}

// valueOf is what a label of labelsFrom is to be, or "".
func (b *builder) valueOf(from *spec.LabelSource, s *subject) string {
	switch {
	case from.TaskTag != "":
		return s.task.Tags[from.TaskTag]
	case from.ServiceTag != "":
		return tagsOf(s.service())[from.ServiceTag]
	case from.DockerLabel != "":
		return s.container.DockerLabels[from.DockerLabel]
	case from.Environment != "":
		if value, ok := s.task.Environment[s.container.Name][from.Environment]; ok {
			return value
		}
		return s.container.Environment[from.Environment]
	}
	return b.meta.meta(from.Meta, s)
}

// timing is the endpoint's interval and timeout, else the pool's. A timeout
// that is only inherited gives way to a shorter interval, as in Prometheus.
func (b *builder) timing(want *request) (interval, timeout string) {
	i := b.settings.ScrapeInterval
	if want.interval != "" {
		i, _ = model.ParseDuration(want.interval)
	}
	i = b.raise(i)
	t := min(b.settings.ScrapeTimeout, i)
	if want.timeout != "" {
		t, _ = model.ParseDuration(want.timeout)
	}
	if t > i { // of what was served before the interval became shorter; else it is refused
		b.note(fault{code: CodeTimeoutCapped, message: fmt.Sprintf(
			"a timeout of %s is lowered to the interval %s, beyond which Prometheus refuses it: lower it, or set the endpoint's interval", t, i)})
		t = i
	}
	if b.spelled.as[0] == "" || b.spelled.of != [2]model.Duration{i, t} {
		b.spelled.of, b.spelled.as = [2]model.Duration{i, t}, [2]string{i.String(), t.String()}
	}
	return b.spelled.as[0], b.spelled.as[1]
}

// raise is the interval, or the shortest one that is allowed.
func (b *builder) raise(interval model.Duration) model.Duration {
	if interval >= b.minimum || interval <= 0 {
		return interval
	}
	if b.told == interval {
		return b.minimum
	}
	b.told = interval
	b.note(raised(interval, b.minimum))
	return b.minimum
}

func raised(interval, minimum model.Duration) fault {
	return fault{code: CodeIntervalRaised, message: fmt.Sprintf(
		"an interval of %s is raised to %s, the PrometheusConfig's spec.enforced.min_interval: ask for no shorter one", interval, minimum)}
}

func jobName(s *spec.ScrapeTargetSpec, want *request, t *inventory.Task) string {
	return orDefault(s.JobName, orDefault(want.job, orDefault(t.Service(), t.Family())))
}

func defaultLabel(name string, t *inventory.Task, c *inventory.ContainerDefinition) string {
	switch name {
	case labelAccount:
		return t.Scope.Account
	case labelRegion:
		return t.Scope.Region
	case labelCluster:
		return t.Scope.Cluster
	case labelService:
		return t.Service()
	case labelFamily:
		return t.Family()
	case labelTaskID:
		return t.ID()
	case labelContainer:
		return c.Name
	}
	return ""
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

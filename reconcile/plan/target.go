package plan

import (
	"fmt"
	"net"
	"slices"
	"strings"

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

// builder makes the targets of one object in one pool.
type builder struct {
	object   *spec.Object
	pool     Pool
	settings *config.ScrapeConfig // the pool's job as Prometheus resolves it
	defaults []string
	matcher  *matcher
	asker    asker
	lb       *labels.Builder
}

// target is the target of an endpoint, with final labels, as it is written, or
// why there is none.
func (b *builder) target(w *workload, e endpoint, want *request) (artifact.Target, *fault) {
	t := b.build(w, e, want)
	if why := b.judge(t); why != "" {
		return t, &fault{CodeInvalidTarget, e.container.Name, fmt.Sprintf("Prometheus refuses %s: %s", e, why)}
	}
	return t, nil
}

func (b *builder) build(w *workload, e endpoint, want *request) artifact.Target {
	b.lb.Reset(labels.EmptyLabels())
	address := e.String()
	b.lb.Set(model.AddressLabel, address)
	b.lb.Set(model.InstanceLabel, address)
	b.lb.Set(model.JobLabel, jobName(b.object.ScrapeTarget, w.task, want.job))
	b.lb.Set(model.SchemeLabel, orDefault(want.scheme, b.settings.Scheme))
	b.lb.Set(model.MetricsPathLabel, want.metricsPath())
	interval, timeout := b.timing(want)
	b.lb.Set(model.ScrapeIntervalLabel, interval)
	b.lb.Set(model.ScrapeTimeoutLabel, timeout)
	if b.pool.Own != "" {
		b.lb.Set(PoolLabel, b.pool.Own)
	}
	for _, name := range b.defaults {
		if want.bare {
			break
		}
		if name == labelTaskID && w.definition.Mode() == inventory.NetworkHost {
			continue // instance outlives a deploy there, and so should its series
		}
		b.lb.Set(name, defaultLabel(name, w.task, e.container))
	}
	for name, value := range b.object.ScrapeTarget.Labels {
		b.lb.Set(name, value) // "" removes the label
	}
	return artifact.Target{Labels: b.lb.Labels(), Origin: artifact.Origin{
		Object:  b.object.Name,
		Account: w.task.Scope.Account,
		Region:  w.task.Scope.Region,
		Cluster: w.task.Scope.Cluster,
		Task:    w.task.ID(),
	}}
}

// timing is the endpoint's interval and timeout, else the pool's. A timeout
// that is only inherited gives way to a shorter interval, as in Prometheus.
func (b *builder) timing(want *request) (interval, timeout string) {
	i := b.settings.ScrapeInterval
	if want.interval != "" {
		i, _ = model.ParseDuration(want.interval)
	}
	t := min(b.settings.ScrapeTimeout, i)
	if want.timeout != "" {
		t, _ = model.ParseDuration(want.timeout)
	}
	return i.String(), t.String()
}

// jobName is the object's, else the one that the container asks for.
func jobName(s *spec.ScrapeTargetSpec, t *inventory.Task, asked string) string {
	return orDefault(s.JobName, orDefault(asked, orDefault(t.Service(), t.Family())))
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

// judge returns why Prometheus would not scrape the target, or "".
func (b *builder) judge(t artifact.Target) string {
	discovered := make(model.LabelSet, t.Labels.Len())
	t.Labels.Range(func(l labels.Label) {
		discovered[model.LabelName(l.Name)] = model.LabelValue(l.Value)
	})
	final, err := scrape.PopulateLabels(b.lb, b.settings, discovered, nil)
	switch {
	case err != nil:
		return strings.TrimSpace(err.Error())
	case final.IsEmpty():
		return "relabel_configs of its pool drop it"
	}
	return unusable(t.Labels)
}

// unusable is what Prometheus accepts of a target although it can never be
// scraped, or "".
func unusable(l labels.Labels) string {
	if _, port, _ := net.SplitHostPort(l.Get(model.AddressLabel)); port == "0" {
		return "port 0 cannot be connected to"
	}
	if scheme := l.Get(model.SchemeLabel); scheme != "http" && scheme != "https" {
		return fmt.Sprintf("scheme %q is neither http nor https", scheme)
	}
	return ""
}

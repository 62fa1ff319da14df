package plan

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// Choice is the part of a set that one Prometheus loads.
type Choice struct {
	Config  *spec.Object
	Targets []*spec.Object // ScrapeTargets, by name
	Rules   []*spec.Object // PrometheusRules, by name

	// probing renders a ScrapeTarget to be judged: in a pool of its own, with its
	// relabelConfigs, which are run here and not written otherwise.
	probing bool
}

// Choose picks the PrometheusConfig of that name, or the only one where name is
// empty, and the objects that its selectors choose. The objects have unique
// identities.
//
// No PrometheusConfig, or several without a name, is an error, and nothing changes.
func Choose(objects []*spec.Object, name string) (*Choice, error) {
	config, err := chooseConfig(objects, name)
	if err != nil {
		return nil, err
	}
	targets, err := selected(objects, spec.KindScrapeTarget, config.PrometheusConfig.ScrapeTargetSelector)
	if err != nil {
		return nil, fmt.Errorf("%s: spec.scrapeTargetSelector: %w", config.Position, err)
	}
	rules, err := selected(objects, spec.KindPrometheusRule, config.PrometheusConfig.RuleSelector)
	if err != nil {
		return nil, fmt.Errorf("%s: spec.ruleSelector: %w", config.Position, err)
	}
	return &Choice{Config: config, Targets: targets, Rules: rules}, nil
}

func chooseConfig(objects []*spec.Object, name string) (*spec.Object, error) {
	var found []*spec.Object
	var names []string
	for _, o := range objects {
		if o.PrometheusConfig == nil {
			continue
		}
		names = append(names, o.Name)
		if name == "" || o.Name == name {
			found = append(found, o)
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("the specs hold no valid PrometheusConfig: add one, `spec: {}` is enough to begin with")
	case len(found) == 0:
		return nil, fmt.Errorf("the specs hold no PrometheusConfig named %q, but %s: mend --prometheus.name", name, strings.Join(names, ", "))
	case len(found) > 1:
		return nil, fmt.Errorf("the specs hold %d PrometheusConfigs (%s): say which with --prometheus.name", len(names), strings.Join(names, ", "))
	}
	return found[0], nil
}

func selected(objects []*spec.Object, kind string, by *metav1.LabelSelector) ([]*spec.Object, error) {
	selector := labels.Everything()
	if by != nil {
		s, err := metav1.LabelSelectorAsSelector(by)
		if err != nil {
			return nil, err
		}
		selector = s
	}
	var out []*spec.Object
	for _, o := range objects {
		if o.Kind == kind && selector.Matches(labels.Set(o.Metadata.Labels)) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *spec.Object) int { return a.Compare(b.ID) })
	return out, nil
}

// Want says what the choice needs of the inventory. Where the configuration
// names no ECS sources, fallback is watched.
func (c *Choice) Want(fallback []inventory.Source) inventory.Want {
	w := inventory.Want{Sources: fallback}
	if ecs := c.Config.PrometheusConfig.ECS; len(ecs) > 0 {
		w.Sources = nil
		for _, s := range ecs {
			w.Sources = append(w.Sources, inventory.Source{
				Region: s.Region, RoleARN: s.RoleARN, ExternalID: s.ExternalID, Clusters: s.Clusters, EventsQueue: s.EventsQueue,
			})
		}
	}
	for _, o := range c.Targets {
		w.Facts = joined(w.Facts, needs(o))
	}
	for i := range c.Config.PrometheusConfig.Alertmanagers {
		w.Facts = joined(w.Facts, selectorNeeds(&c.Config.PrometheusConfig.Alertmanagers[i].Selector))
	}
	return w
}

// Shard is which of the shards this Prometheus is, from 0: the one that it was
// told, or the only one. told is nil where it was told nothing.
func (c *Choice) Shard(told *int) (int, error) {
	shards := max(1, c.Config.PrometheusConfig.Shards)
	switch {
	case told == nil && shards > 1:
		return 0, fmt.Errorf("spec.shards of %s is %d: say which of them this Prometheus is with --prometheus.shard, from 0 to %d", c.Config.ID, shards, shards-1)
	case told == nil:
		return 0, nil
	case *told < 0 || *told >= shards:
		return 0, fmt.Errorf("--prometheus.shard is %d, and spec.shards of %s is %d: give one from 0 to %d, or raise spec.shards", *told, c.Config.ID, shards, shards-1)
	}
	return *told, nil
}

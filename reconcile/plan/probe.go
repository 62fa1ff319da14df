package plan

import (
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// Probe renders just enough of the configuration to have one object judged by
// Prometheus: for a PrometheusConfig its own settings and classes, for a
// ScrapeTarget the global settings and a pool of its own, its relabelConfigs
// included, for a PrometheusRule its rule file. The object may come from outside of the choice that config makes.
func Probe(config, o *spec.Object) (artifact.Files, error) {
	if o.PrometheusConfig != nil {
		return (&Choice{Config: o}).Render()
	}
	bare := *config.PrometheusConfig
	bare.Config, bare.Alertmanagers, bare.SelfScrape = spec.Verbatim{}, nil, new(bool)
	bare.Prometheus.Agent = false // a rule is judged, although an agent does not load it
	if global := spec.Field(config.PrometheusConfig.Config.Node, "global"); global != nil {
		bare.Config.Node = mapping(pair("global", global))
	}
	stripped := *config
	stripped.PrometheusConfig = &bare
	c := &Choice{Config: &stripped}
	if o.ScrapeTarget != nil {
		c.Targets, c.probing = []*spec.Object{o}, true
	} else {
		c.Rules = []*spec.Object{o}
	}
	return c.Render()
}

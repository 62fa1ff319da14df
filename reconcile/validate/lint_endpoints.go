package validate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/prometheus/common/model"

	"ecs-scrape/spec"
)

// twins finds endpoints that cost each other their targets: a container is asked
// once for a port, path and parameters, and what differs in path or parameters
// alone has one set of labels, unless a rule tells it apart.
func (l *linter) twins(s *spec.ScrapeTargetSpec) {
	ruled := len(content(s.RelabelConfigs.Node)) > 0
	for i := range s.Endpoints {
		e, before := &s.Endpoints[i], s.Endpoints[:i]
		at := index("spec.endpoints", i)
		if first := slices.IndexFunc(before, func(o spec.Endpoint) bool { return samePort(e, &o) && sameRequest(e, &o) }); first >= 0 {
			l.addAt(CodeSameEndpoint, at, "has the port, path and params of %s, so only that one is scraped; remove one of them", index("spec.endpoints", first))
			continue
		}
		first := slices.IndexFunc(before, func(o spec.Endpoint) bool { return samePort(e, &o) })
		if first < 0 || ruled {
			continue
		}
		from, to := apart(e, &before[first])
		l.addAt(CodeSameLabels, at, "has the port of %s and so all its labels, and of targets with equal labels only one is scraped; tell them apart by relabelConfigs: [{source_labels: [%s], target_label: %s}]",
			index("spec.endpoints", first), from, to)
	}
}

// samePort says that both endpoints have the same port of every container.
func samePort(a, b *spec.Endpoint) bool {
	return a.Port == b.Port && sameSource(a.PortFrom, b.PortFrom)
}

// sameRequest says that both ask for the same of a port. Which scheme and how
// often does not make them two.
func sameRequest(a, b *spec.Endpoint) bool {
	return metricsPath(a) == metricsPath(b) && sameSource(a.PathFrom, b.PathFrom) && maps.EqualFunc(a.Params, b.Params, slices.Equal[[]string])
}

func sameSource(a, b *spec.ValueSource) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func metricsPath(e *spec.Endpoint) string { return cmp.Or(e.Path, "/metrics") }

// apart is the label that differs between two endpoints, and a name for it that
// series may have.
func apart(a, b *spec.Endpoint) (from, to string) {
	if metricsPath(a) == metricsPath(b) && sameSource(a.PathFrom, b.PathFrom) {
		for _, params := range []map[string][]string{a.Params, b.Params} {
			for _, name := range slices.Sorted(maps.Keys(params)) {
				if !slices.Equal(a.Params[name], b.Params[name]) {
					return model.ParamLabelPrefix + name, "param_" + name
				}
			}
		}
	}
	return model.MetricsPathLabel, "metrics_path"
}

package validate

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"ecs-scrape/spec"
)

// twins finds endpoints that cost each other their targets: a container is asked
// once for a scheme, port, path and parameters, and what differs in all of these
// but the port has one set of labels, unless a rule tells it apart. scheme is that
// of endpoints without one.
func (l *linter) twins(s *spec.ScrapeTargetSpec, scheme string) {
	ruled := len(content(s.RelabelConfigs.Node)) > 0
	for i := range s.Endpoints {
		e, before := &s.Endpoints[i], s.Endpoints[:i]
		at := index("spec.endpoints", i)
		if first := slices.IndexFunc(before, func(o spec.Endpoint) bool { return samePort(e, &o) && differsIn(e, &o, scheme) == "" }); first >= 0 {
			l.addAt(CodeSameEndpoint, at, "has the scheme, port, path and params of %s, so only that one is scraped; remove one of them", index("spec.endpoints", first))
			continue
		}
		first := slices.IndexFunc(before, func(o spec.Endpoint) bool { return samePort(e, &o) })
		if first < 0 || ruled {
			continue
		}
		from := differsIn(e, &before[first], scheme)
		l.addAt(CodeSameLabels, at, "has the port of %s and so all its labels, and of targets with equal labels only one is scraped; tell them apart by relabelConfigs: [{source_labels: [%s], target_label: %s}]",
			index("spec.endpoints", first), from, strings.Trim(from, "_"))
	}
}

// samePort says that both endpoints have the same port of every container.
func samePort(a, b *spec.Endpoint) bool {
	return a.Port == b.Port && sameSource(a.PortFrom, b.PortFrom)
}

func sameSource(a, b *spec.ValueSource) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func metricsPath(e *spec.Endpoint) string { return cmp.Or(e.Path, "/metrics") }

// differsIn is a label by which two requests of one port differ, or "". How often
// they are made does not make them two.
func differsIn(a, b *spec.Endpoint, scheme string) string {
	if metricsPath(a) != metricsPath(b) || !sameSource(a.PathFrom, b.PathFrom) {
		return model.MetricsPathLabel
	}
	for _, params := range []map[string][]string{a.Params, b.Params} {
		for _, name := range slices.Sorted(maps.Keys(params)) {
			if !slices.Equal(a.Params[name], b.Params[name]) {
				return model.ParamLabelPrefix + name
			}
		}
	}
	if cmp.Or(a.Scheme, scheme) != cmp.Or(b.Scheme, scheme) {
		return model.SchemeLabel
	}
	return ""
}

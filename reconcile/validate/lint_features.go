package validate

import (
	"fmt"
	"strings"

	"ecs-scrape/reconcile/validate/releases"
	"ecs-scrape/spec"
)

// features tells those that the declared Prometheus does not know. Where no version
// is declared, any that ever was will do.
func (l *linter) features(s *spec.PrometheusConfigSpec) {
	version, declared := releases.ParseVersion(s.Prometheus.Version)
	for i, list := range s.Prometheus.Features {
		for f := range strings.SplitSeq(list, ",") {
			if why := unknownFeature(f, version, declared); why != "" {
				l.addAt(CodeFeature, index("spec.prometheus.features", i), "%q %s", f, why)
			}
		}
	}
}

// unknownFeature is why a Prometheus ignores a feature, with the remedy, or "".
func unknownFeature(name string, version releases.Version, declared bool) string {
	const remedy = "mend or remove it, here and in --enable-feature"
	span, known := releases.Known().Feature(name)
	switch newest := releases.Known().Newest(); {
	case !known && newest.Before(version):
		return fmt.Sprintf("is no feature of a Prometheus up to %s, the newest that this ecs-scrape knows; %s, unless it is new in %s", newest, remedy, version)
	case !known:
		return "is no feature that Prometheus knows, so it ignores it; " + remedy
	case !declared || span.Has(version):
		return ""
	case span.Over(version):
		return fmt.Sprintf("is no feature any more since Prometheus %s, and %s ignores it; remove it, here and in --enable-feature", span.Gone, version)
	}
	return fmt.Sprintf("is a feature since Prometheus %s, and %s ignores it; raise spec.prometheus.version and the Prometheus itself, or remove it, here and in --enable-feature", span.Since, version)
}

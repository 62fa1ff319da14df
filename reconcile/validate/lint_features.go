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

// version tells one that the table does not hold: not everything can be judged.
func (l *linter) version(s *spec.PrometheusConfigSpec) {
	version, declared := releases.ParseVersion(s.Prometheus.Version)
	oldest, newest := releases.Known().Oldest(), releases.Known().Newest()
	const path = "spec.prometheus.version"
	switch {
	case declared && version.Before(oldest):
		l.addAt(CodeVersion, path, "Prometheus %s is older than %s, the oldest that this ecs-scrape knows, and is judged as that one: it may refuse the whole configuration for what is not found here; declare the version that runs, and run %s or newer", version, oldest, oldest)
	case declared && newest.Before(version):
		l.addAt(CodeVersion, path, "Prometheus %s is newer than %s, the newest that this ecs-scrape knows, and is judged as that one: what is new in it is refused here, and what it no longer knows is not found; declare the version that runs, or take a newer ecs-scrape", version, newest)
	}
}

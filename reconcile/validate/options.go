package validate

import (
	"strings"

	"github.com/prometheus/common/model"

	"ecs-scrape/reconcile/validate/releases"
	"ecs-scrape/spec"
)

// Options say which Prometheus judges. The zero value is a server of the version
// that this program is built with, without features.
type Options struct {
	// Features are those of --enable-feature.
	Features []string
	// Agent is --agent: neither rules, nor alerting, nor remote_read.
	Agent bool
	// Names is how names in rules are judged; unset is as the configuration says.
	Names model.ValidationScheme
	// Version is the one that is declared; zero where none is.
	Version releases.Version
	// Lenient is what the function of that name says.
	Lenient bool
}

// OptionsOf are those of the Prometheus that a PrometheusConfig declares. Names
// are legacy where it is older than 3, or where the configuration says so.
func OptionsOf(s *spec.PrometheusConfigSpec) Options {
	o := Options{Agent: s.Prometheus.Agent}
	o.Version, _ = releases.ParseVersion(s.Prometheus.Version)
	for _, f := range s.Prometheus.Features {
		o.Features = append(o.Features, strings.Split(f, ",")...) // as in the flag
	}
	if s.Prometheus.Before3() || scalarAt(s.Config.Node, "global", schemeField) == "legacy" {
		o.Names = model.LegacyValidation
	}
	return o
}

// Lenient takes what any Prometheus up to this version may take: for files that
// were judged before, by whom is not known.
func Lenient() Options {
	return Options{Lenient: true}
}

// Features of --enable-feature that change what a rule may say.
const (
	featureFunctions = "promql-experimental-functions"
	featureFill      = "promql-binop-fill-modifiers"
	featureDurations = "promql-duration-expr"
	featureRanges    = "promql-extended-range-selectors"
	featureNames     = "utf8-names" // of Prometheus 2
)

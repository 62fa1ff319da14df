package validate

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

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

// Lenient takes what any Prometheus of this version may take: for files that
// were judged before, by whom is not known.
func Lenient() Options {
	return Options{Features: []string{featureFunctions, featureFill}}
}

// Features of --enable-feature that change what a rule may say.
const (
	featureFunctions = "promql-experimental-functions"
	featureFill      = "promql-binop-fill-modifiers"
)

func (o Options) parser() parser.Parser {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions: slices.Contains(o.Features, featureFunctions),
		EnableBinopFillModifiers:    slices.Contains(o.Features, featureFill),
	})
}

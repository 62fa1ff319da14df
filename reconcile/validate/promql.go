package validate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/parser/posrange"

	"ecs-scrape/reconcile/validate/releases"
	"ecs-scrape/spec"
)

// dialect is the PromQL of the declared release: what our parser takes, without
// what that release does not have, and with what it had under another name.
type dialect struct {
	parser.Parser               // ours, with the declared features
	renaming      parser.Parser // ours, for what it knows only as experimental
	options       Options
	version       releases.Version
}

// errDialect is what the declared release does not have.
type errDialect struct{ error }

// renamed are the functions that our parser knows by another name.
func renamed(name string) string {
	if name == "holt_winters" {
		return "double_exponential_smoothing"
	}
	return ""
}

func (o Options) dialect() dialect {
	d := dialect{options: o, version: o.Version}
	if d.version == (releases.Version{}) {
		d.version = releases.Known().Newest()
	}
	options := parser.Options{
		EnableExperimentalFunctions:  o.Lenient || slices.Contains(o.Features, featureFunctions),
		EnableBinopFillModifiers:     o.Lenient || d.has(featureFill),
		ExperimentalDurationExpr:     o.Lenient || d.durations(),
		EnableExtendedRangeSelectors: o.Lenient || d.has(featureRanges),
	}
	d.Parser = parser.NewParser(options)
	options.EnableExperimentalFunctions = true
	d.renaming = parser.NewParser(options)
	return d
}

// has says that a feature is declared, and that the release knows it.
func (d dialect) has(feature string) bool {
	span, known := releases.Known().Feature(feature)
	return slices.Contains(d.options.Features, feature) && (!known || span.Has(d.version))
}

// durations says that the release takes duration expressions.
func (d dialect) durations() bool {
	span, _ := releases.Known().PromQL(releases.Syntax, releases.DurationExpr)
	return span.Has(d.version) || d.has(featureDurations)
}

// ParseExpr is as of [parser.Parser]; an error may be an errDialect.
func (d dialect) ParseExpr(input string) (parser.Expr, error) {
	uses := usesOf(input)
	if !d.options.Lenient {
		if err := d.judge(uses); err != nil {
			return nil, err
		}
	}
	text, moves := ours(input, uses)
	if len(moves) == 0 {
		return d.Parser.ParseExpr(input)
	}
	expr, err := d.renaming.ParseExpr(text)
	return expr, moved(err, input, moves)
}

// judge is all that the release does not have, each once.
func (d dialect) judge(uses []use) error {
	old := slices.ContainsFunc(uses, func(u use) bool { return u.list == releases.Functions && renamed(u.name) != "" })
	var whys []string
	for _, u := range uses {
		why := d.lacks(u)
		if why == "" {
			why = d.disabled(u, old)
		}
		if why != "" && !slices.Contains(whys, why) {
			whys = append(whys, why)
		}
	}
	if len(whys) == 0 {
		return nil
	}
	return errDialect{errors.New(strings.Join(whys, "; "))}
}

// lacks is why the release does not take it, with the remedy, or "".
func (d dialect) lacks(u use) string {
	span, known := releases.Known().PromQL(u.list, u.name)
	if u.list == releases.Syntax && u.name == releases.QuotedGrouping && !spec.PlainLabel(u.label) && !d.has(featureNames) {
		span.Since = releases.Version{Major: 3}
	}
	switch {
	case !known, span.Has(d.version), d.ofDurations(u):
		return ""
	case !span.Over(d.version):
		return fmt.Sprintf("Prometheus %s has no %s (since %s): raise spec.prometheus.version and the Prometheus itself, or write it without", d.version, u, span.Since)
	}
	remedy := "write it without"
	if other := renamed(u.name); other != "" {
		remedy = fmt.Sprintf("write %s, its name since %s, which needs the feature %s", other, span.Gone, featureFunctions)
	}
	if d.options.Version == (releases.Version{}) {
		return fmt.Sprintf("Prometheus %s, which is meant where no version is declared, has no %s any more (gone since %s): %s, or declare an older Prometheus in spec.prometheus.version", d.version, u, span.Gone, remedy)
	}
	return fmt.Sprintf("Prometheus %s has no %s any more (gone since %s): %s", d.version, u, span.Gone, remedy)
}

// ofDurations says that the word may be one of a duration expression, which is a
// feature of its own.
func (d dialect) ofDurations(u use) bool {
	return u.list == releases.Functions && slices.Contains([]string{"step", "range", "min_of", "max_of"}, u.name) && d.durations()
}

// disabled is why an experimental function is not taken where our parser would
// take it: it is no longer experimental there, or was renamed beside it.
func (d dialect) disabled(u use, renaming bool) string {
	span, known := releases.Known().PromQL(releases.Experimental, u.name)
	if !known || u.list != releases.Functions || !span.Has(d.version) || slices.Contains(d.options.Features, featureFunctions) {
		return ""
	}
	switch {
	case span.Over(releases.Known().Newest()):
		return fmt.Sprintf("%s is experimental in Prometheus %s (until %s): declare the feature %s and give it to --enable-feature, or raise spec.prometheus.version and the Prometheus itself", u, d.version, span.Gone, featureFunctions)
	case renaming:
		return fmt.Sprintf("%s is experimental in Prometheus %s: declare the feature %s and give it to --enable-feature", u, d.version, featureFunctions)
	}
	return ""
}

// move is where a name was replaced by a longer one.
type move struct{ at, by int }

// ours is the expression in our parser's words.
func ours(input string, uses []use) (string, []move) {
	var b strings.Builder
	var moves []move
	done := 0
	for _, u := range uses {
		other := renamed(u.name)
		if u.list != releases.Functions || other == "" {
			continue
		}
		b.WriteString(input[done:u.at])
		b.WriteString(other)
		moves = append(moves, move{at: b.Len(), by: len(other) - len(u.name)})
		done = u.at + len(u.name)
	}
	b.WriteString(input[done:])
	return b.String(), moves
}

// moved is the parser's error with the places of the expression as it is written.
func moved(err error, input string, moves []move) error {
	var all parser.ParseErrors
	if !errors.As(err, &all) {
		return err
	}
	for i := range all {
		all[i].Query = input
		all[i].PositionRange.Start = back(all[i].PositionRange.Start, moves)
		all[i].PositionRange.End = back(all[i].PositionRange.End, moves)
	}
	return err
}

func back(at posrange.Pos, moves []move) posrange.Pos {
	out := at
	for _, m := range moves {
		if int(at) >= m.at {
			out -= posrange.Pos(m.by)
		}
	}
	return out
}

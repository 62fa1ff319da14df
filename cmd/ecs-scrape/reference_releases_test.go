package main

import (
	"fmt"
	"strings"
	"testing"

	"ecs-scrape/reconcile/validate/releases"
)

// releasesPage says what each release of Prometheus added.
func releasesPage(*testing.T) string {
	table := releases.Known()
	var b strings.Builder
	fmt.Fprintf(&b, generated+"# Prometheus releases\n\n"+
		"What each release of Prometheus from %s to %s added to its configuration, to rule files and to the PromQL in them, as far as it can be written here, and what it took away. "+
		"It is read from the releases' own modules. An object that has a field, a value or something of PromQL which the Prometheus declared in [`spec.prometheus.version`](prometheus-config.md#prometheus) does not know is refused, alone; "+
		"a feature that it does not know is a [warning](lints.md). Everything else is as old as %s or older.\n\n"+
		"The middle column says where: in which section, or as a value of which field. Of a section that is new, its own fields are not listed.\n",
		table.Oldest(), table.Newest(), table.Oldest())
	for i := len(table.Releases()) - 1; i > 0; i-- {
		changes := table.Changes(table.Releases()[i])
		if len(changes) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| what | where | |\n| --- | --- | --- |\n", table.Releases()[i])
		for _, c := range changes {
			what := ""
			if c.Gone {
				what = "gone"
			}
			b.WriteString(row(code(releases.Example(c.Name)), where(c), what))
		}
	}
	return b.String()
}

func where(c releases.Change) string {
	switch {
	case c.Kind == releases.KindFeature:
		return "`--enable-feature`"
	case c.Kind == releases.KindFunction:
		return "PromQL: function"
	case c.Kind == releases.KindExperimental:
		return "PromQL: function that needs `--enable-feature=promql-experimental-functions`"
	case c.Kind == releases.KindAggregator:
		return "PromQL: aggregator"
	case c.Kind == releases.KindSyntax:
		return "PromQL: syntax"
	case len(c.Of) == 0:
		return "`prometheus.yml`"
	}
	text := code(strings.Join(c.Of, "`, `"))
	if c.Kind == releases.KindValue {
		return "value of " + text
	}
	return text
}

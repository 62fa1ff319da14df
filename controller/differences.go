package controller

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ecs-scrape/controller/target"
	"ecs-scrape/spec"
)

// difference is something about Prometheus that was not declared, or is odd.
type difference struct {
	text string
	// grave is what may have Prometheus refuse or lack what is published.
	grave bool
}

// differences compares a Prometheus with what the PrometheusConfig declares; nil
// is one that is not known.
func differences(declared *spec.PrometheusVersion, a target.About) []difference {
	var out []difference
	if declared != nil {
		out = append(out, versionDiffers(declared.Version, a.Version)...)
		out = append(out, agentDiffers(declared.Agent, a.Agent)...)
		out = append(out, featuresDiffer(declared.Features, a)...)
	}
	if !a.Lifecycle {
		out = append(out, difference{text: "Prometheus was started without --web.enable-lifecycle, so it loads a configuration only when it is restarted or signalled: add the flag"})
	}
	if a.AutoReload != "" {
		out = append(out, difference{text: fmt.Sprintf(
			"Prometheus looks for a changed configuration by itself too (--config.auto-reload, every %s), so it may load one before it is asked to; that counts all the same, and the flag can be taken out", a.AutoReload)})
	}
	return out
}

func versionDiffers(declared, actual string) []difference {
	want, have := numbers(declared), numbers(actual)
	if len(want) == 0 || len(have) == 0 {
		return nil // not declared, or not known to its build
	}
	have = have[:min(len(want), len(have))]
	switch minor := minorOf(actual); slices.Compare(have, want[:len(have)]) {
	case -1:
		return []difference{{grave: true, text: fmt.Sprintf(
			"the PrometheusConfig declares version %s, but Prometheus %s answers: it may refuse what is newer than itself; upgrade it, or declare %q in spec.prometheus.version", declared, actual, minor)}}
	case 1:
		return []difference{{text: fmt.Sprintf(
			"the PrometheusConfig declares version %s, but Prometheus %s answers: objects may not use what it knows beyond that until spec.prometheus.version is %q", declared, actual, minor)}}
	}
	return nil
}

// numbers are the parts of a version such as 2.42.0+ds, up to three.
func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(strings.TrimPrefix(version, "v"), ".") {
		digits := part[:len(part)-len(strings.TrimLeft(part, "0123456789"))]
		n, err := strconv.Atoi(digits)
		if err != nil || len(out) == 3 {
			break
		}
		out = append(out, n)
		if digits != part {
			break // what follows is no release
		}
	}
	return out
}

// minorOf is the version as it is declared: 3.15 of 3.15.2.
func minorOf(version string) string {
	parts := []string{}
	for _, n := range numbers(version) {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func agentDiffers(declared, actual bool) []difference {
	switch {
	case declared && !actual:
		return []difference{{grave: true, text: "the PrometheusConfig declares an agent, but Prometheus was started without --agent, so no rules are published for it: start it with --agent, or take out spec.prometheus.agent"}}
	case !declared && actual:
		return []difference{{grave: true, text: "Prometheus was started with --agent, which the PrometheusConfig does not declare: it refuses rules and alerting; set spec.prometheus.agent, or start it without --agent"}}
	}
	return nil
}

// featuresDiffer tells of features of --enable-feature. Two of them have become
// flags, and are told of otherwise.
func featuresDiffer(declared []string, a target.About) []difference {
	have := slices.Clone(a.Features)
	if a.AutoReload != "" {
		have = append(have, "auto-reload-config")
	}
	var want []string
	for _, f := range declared {
		for name := range strings.SplitSeq(f, ",") { // as in the flag
			want = append(want, strings.TrimSpace(name))
		}
	}
	without := func(of, all []string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(f string) bool {
			return f == "" || f == "agent" || slices.Contains(all, f)
		})
	}
	var out []difference
	if lacks := without(want, have); len(lacks) > 0 {
		out = append(out, difference{grave: true, text: fmt.Sprintf(
			"the PrometheusConfig declares what Prometheus was started without: add %s to --enable-feature, or take it out of spec.prometheus.features", strings.Join(lacks, ", "))})
	}
	if more := without(a.Features, append(want, "auto-reload-config")); len(more) > 0 {
		out = append(out, difference{text: fmt.Sprintf(
			"Prometheus was started with --enable-feature=%s, which the PrometheusConfig does not declare: add it to spec.prometheus.features, so that specs are judged with it", strings.Join(more, ","))})
	}
	return out
}

package validate

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// rule looks at a PrometheusRule by itself.
func (l *linter) rule() {
	l.each(l.object.PrometheusRule.Groups.Node, l.object.GroupsPath(), func(group *yaml.Node, path string) {
		if n := spec.Field(group, "interval"); n != nil {
			l.interval(n, path+".interval")
		}
	})
}

// OfAgent warns of rules that an agent is to load.
func OfAgent(config *spec.Object, rules []*spec.Object) []spec.Problem {
	var out []spec.Problem
	for _, o := range rules {
		l := &linter{object: o}
		l.add(CodeRuleOfAgent, o.PrometheusRule.Groups.Node, o.GroupsPath(), "%s runs as an agent, which evaluates no rules, so these are left out; leave them out of its ruleSelector", config.ID)
		out = append(out, l.found...)
	}
	return out
}

// NotSelected warns of an object that no PrometheusConfig selects.
func NotSelected(o *spec.Object) spec.Problem {
	selector := "scrapeTargetSelector"
	if o.PrometheusRule != nil {
		selector = "ruleSelector"
	}
	l := &linter{object: o}
	l.addAt(CodeNotSelected, "metadata.labels", "no PrometheusConfig selects it, so nobody serves it; give it the labels that a spec.%s asks for, or widen one", selector)
	return l.found[0]
}

// Across finds what is wrong with rules only together: records and alerts that
// are there twice, and groups of one name in several objects. The objects are
// sorted by name; a finding is of the later one. objects of other kinds are
// passed over.
func Across(objects []*spec.Object) []spec.Problem {
	a := across{rules: map[string]seen{}, groups: map[string]seen{}}
	for _, o := range objects {
		if o.PrometheusRule != nil {
			a.object(o)
		}
	}
	return a.found
}

type across struct {
	rules  map[string]seen // where each was seen first
	groups map[string]seen
	found  []spec.Problem
}

type seen struct {
	id spec.ID
	at spec.Position
}

func (a *across) object(o *spec.Object) {
	l := &linter{object: o}
	l.each(o.PrometheusRule.Groups.Node, o.GroupsPath(), func(group *yaml.Node, path string) {
		name := spec.Field(group, "name")
		if name == nil {
			return // Prometheus says so
		}
		first, ok := a.groups[name.Value]
		if ok && first.id != o.ID {
			l.add(CodeDuplicateGroup, name, path+".name",
				"a group %q is also in %s at %s, which few pages and alerts tell apart; rename one", name.Value, first.id, first.at)
		} else if !ok {
			a.groups[name.Value] = seen{o.ID, l.position(name)}
		}
		l.each(spec.Field(group, "rules"), path+".rules", func(rule *yaml.Node, path string) { a.rule(l, group, rule, path) })
	})
	a.found = append(a.found, l.found...)
}

func (a *across) rule(l *linter, group, rule *yaml.Node, path string) {
	kind, name := "record", scalarAt(rule, "record")
	if name == "" {
		kind, name = "alert", scalarAt(rule, "alert")
	}
	if name == "" {
		return // Prometheus says so
	}
	labels := map[string]string{}
	collect(labels, spec.Field(group, "labels"))
	collect(labels, spec.Field(rule, "labels"))
	key := kind + "\x00" + name + "\x00" + labelText(labels)
	n := spec.Field(rule, kind)
	first, ok := a.rules[key]
	if !ok {
		a.rules[key] = seen{l.object.ID, l.position(n)}
		return
	}
	l.add(CodeDuplicateRule, n, path+"."+kind,
		"the %s %s is also in %s at %s with the same labels, so both may write the same series; rename one, or give one a label of its own",
		kind, strconv.Quote(name), first.id, first.at)
}

// collect adds the fields of a mapping.
func collect(into map[string]string, n *yaml.Node) {
	for name, value := range spec.Pairs(n) {
		into[name.Value] = value.Value
	}
}

// labelText is a text for each set of labels.
func labelText(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, "%q=%q,", name, labels[name])
	}
	return b.String()
}

// mostWatches is half of the inotify instances that the kernel grants a user,
// who may run another Prometheus on the host.
const mostWatches = 64

// Watches is a warning of the PrometheusConfig where Prometheus would open too
// many watches for target files: one for each distinct file_sd_configs entry,
// ours among them.
func Watches(cfg *config.Config, o *spec.Object) []spec.Problem {
	var jobs, alertmanagers discovery.Configs
	for _, sc := range cfg.ScrapeConfigs {
		jobs = append(jobs, sc.ServiceDiscoveryConfigs...)
	}
	for _, am := range cfg.AlertingConfig.AlertmanagerConfigs {
		alertmanagers = append(alertmanagers, am.ServiceDiscoveryConfigs...)
	}
	n := len(watched(jobs)) + len(watched(alertmanagers))
	if n <= mostWatches {
		return nil
	}
	l := &linter{object: o}
	l.addAt(CodeWatches, "spec", "Prometheus would watch %d file_sd_configs, and of 128 inotify instances of its user on the host those beyond stop working without a word; let jobs share equal file_sd_configs, or use fewer scrape classes, to have at most %d", n, mostWatches)
	return l.found
}

// watched are the distinct file discoveries. Prometheus opens one watch for
// those that are equal.
func watched(all discovery.Configs) []*file.SDConfig {
	var out []*file.SDConfig
	for _, c := range all {
		f, ok := c.(*file.SDConfig)
		if ok && !slices.ContainsFunc(out, func(o *file.SDConfig) bool { return reflect.DeepEqual(o, f) }) {
			out = append(out, f)
		}
	}
	return out
}

package main

import (
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ecs-scrape/controller"
	"ecs-scrape/controller/ecs"
	"ecs-scrape/reconcile"
)

var descPattern = regexp.MustCompile(`fqName: "([^"]+)", help: "((?:[^"\\]|\\.)*)",(?: unit: "[^"]*",)? constLabels: \{[^}]*\}, variableLabels: \{([^}]*)\}`)

// metricsPage describes every ecs_scrape_ metric that a running controller has.
func metricsPage(t *testing.T) string {
	t.Helper()
	watcher, err := ecs.New(ecs.Options{})
	must(t, err)
	registry := newRegistry()
	registry.MustRegister(awsCollector{watcher}, serviceCollector{watcher})
	descs := &describer{Registerer: registry}
	r := reconcile.New(nil, watcher, nil, nil, reconcile.Options{})
	controller.New(r, watcher, nil, nil, controller.NewMetrics(descs), controller.Options{Log: slog.New(slog.DiscardHandler)})
	descs.add(awsCollector{watcher})
	descs.add(serviceCollector{watcher})
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	var rows []string
	labels := map[string]bool{}
	for _, d := range descs.all {
		m := descPattern.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("cannot read %s", d)
		}
		for label := range strings.SplitSeq(m[3], ",") {
			if label != "" {
				labels[label] = true
			}
		}
		rows = append(rows, row(code(m[1]), strings.ReplaceAll(code(m[3]), ",", "`, `"), cell(m[2])))
	}
	slices.Sort(rows)
	return generated + "# Metrics\n\n`ecs-scrape run` serves these at `/metrics`, beside those of the Go runtime, of the process, and `ecs_scrape_build_info`.\n" +
		"Counters are there at zero from the start. A time that has not come yet is 0. [Runbooks](runbooks.md) has the alerts on them.\n\n" +
		"| metric | labels | meaning |\n| --- | --- | --- |\n" + strings.Join(rows, "") +
		"\n## What bounds the labels\n\nNo label holds a task, an address, or a text of somebody else's.\n\n" +
		"| label | as many as |\n| --- | --- |\n" + boundsOf(t, labels)
}

// labelBounds say of each label what bounds the number of its values.
func labelBounds() map[string]string {
	return map[string]string{
		"account":   "accounts that `spec.ecs` names",
		"region":    "regions that `spec.ecs` names",
		"cluster":   "clusters there that `spec.ecs` asks for; one that is gone is left out",
		"service":   "services of those clusters, and one for tasks without; one that has no task is forgotten after an hour, unless it is known to be there",
		"kind":      "the three kinds",
		"name":      "objects of the specs",
		"type":      "the three types of conditions",
		"code":      "[codes of findings](findings.md)",
		"result":    "fixed, as the meaning says",
		"place":     "fixed, as the meaning says",
		"version":   "one series at a time",
		"cause":     "fixed, as the meaning says",
		"category":  "[categories](flags.md#categories-of---ecsquota)",
		"operation": "operations of AWS that are called, some fifteen",
		"queue":     "queues that `spec.ecs` names",
		"desired":   "one series at a time",
		"published": "one series at a time",
		"confirmed": "one series at a time",
	}
}

func boundsOf(t *testing.T, labels map[string]bool) string {
	t.Helper()
	bounds := labelBounds()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(bounds)), slices.Sorted(maps.Keys(labels))); diff != "" {
		t.Fatalf("say in labelBounds what bounds each label: -said +used\n%s", diff)
	}
	var b strings.Builder
	for _, label := range slices.Sorted(maps.Keys(bounds)) {
		b.WriteString(row(code(label), bounds[label]))
	}
	return b.String()
}

// describer registers, and remembers the descriptions.
type describer struct {
	prometheus.Registerer
	all []*prometheus.Desc
}

func (d *describer) MustRegister(cs ...prometheus.Collector) {
	d.Registerer.MustRegister(cs...)
	for _, c := range cs {
		d.add(c)
	}
}

func (d *describer) add(c prometheus.Collector) {
	ch := make(chan *prometheus.Desc, 64)
	c.Describe(ch)
	close(ch)
	for desc := range ch {
		d.all = append(d.all, desc)
	}
}

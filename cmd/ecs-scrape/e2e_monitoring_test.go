package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/prometheus/promql/parser"

	"ecs-scrape/controller/awssim"
)

// TestMonitoring: a real Prometheus loads the rules of examples/monitoring from
// the controller that they are about, every selector in them and in the dashboard
// finds something there, and every expression of the dashboard returns data. No
// alert is about to fire while all is well, and those are that should when it is not.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{EventDelay: 50 * time.Millisecond})
	w.populate()
	w.env = []string{
		"ECS_SCRAPE_ECS_EVENTS_QUEUE=" + w.sim.SubscribeQueue("ecs-events"), "ECS_SCRAPE_ECS_SERVICE_METRICS=true",
	}
	w.write("config.yaml", w.prometheusConfig(""))
	w.write("named.yaml", scrapeNamed)
	for _, name := range []string{"recording.yaml", "alerts-controller.yaml", "alerts-services.yaml"} {
		w.write(name, string(readExampleFile(t, filepath.Join(moduleDir, "examples", "monitoring", "specs", name))))
	}
	w.startAll(current(t))
	w.ready()
	w.eventually("events arrive", w.eventsWork)
	must(t, w.sim.Scale("prod", "api", 4)) // so that an event is applied
	w.lintMetrics()

	well, wrong := monitoringExpressions(t)
	for _, expr := range slices.Sorted(maps.Keys(well)) {
		w.returnsData(well[expr], expr)
	}
	w.eventually("no alert is about to fire", func() error {
		return w.alerting(`ALERTS{alertname=~"Ecs.*"}`, 0)
	})

	w.write("named.yaml", strings.Replace(scrapeNamed, "[{port: metrics}]", "[{port: metrics}, {port: nothing}]", 1))
	for _, expr := range slices.Sorted(maps.Keys(wrong)) {
		w.returnsData(wrong[expr], expr)
	}
	w.eventually("the alert of tasks that are left out", func() error {
		return w.alerting(`ALERTS{alertname="EcsScrapeTasksLeftOut", name="named", code="no-such-port"}`, 1)
	})
	w.write("named.yaml", scrapeNamed+"  unknown: field\n")
	w.eventually("the alert of an invalid object", func() error {
		return w.alerting(`ALERTS{alertname="EcsScrapeObjectInvalid", name="named"}`, 1)
	})
	tasks, err := w.sim.RunningTasks("prod", "api")
	must(t, err)
	for _, task := range tasks[:3] {
		must(t, w.sim.CrashTask(task, 1))
	}
	w.eventually("the alert of a crash loop", func() error {
		return w.alerting(`ALERTS{alertname="EcsServiceCrashLoop", service="api"}`, 1)
	})
}

// monitoringExpressions are those of the dashboard, and the selectors of all rules,
// each with where it is: those that return data while all is well, and those that
// do while an object misses something, of which there is no series else.
func monitoringExpressions(t *testing.T) (well, wrong map[string]string) {
	t.Helper()
	well, wrong = map[string]string{}, map[string]string{}
	for where, expr := range readDashboard(t).expressions() {
		well[expr] = where
		addSelectors(t, well, where, expr)
	}
	for _, r := range monitoringRules(t) {
		addSelectors(t, well, r.Alert+r.Record, r.Expr)
	}
	for expr, where := range well {
		if strings.Contains(expr, "ecs_scrape_object_findings") {
			wrong[expr] = where
			delete(well, expr)
		}
	}
	return well, wrong
}

// addSelectors adds the selectors of an expression, for their newest samples.
func addSelectors(t *testing.T, to map[string]string, where, expr string) {
	t.Helper()
	parsed, err := promParser().ParseExpr(expr)
	must(t, err)
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			newest := parser.VectorSelector{Name: s.Name, LabelMatchers: s.LabelMatchers}
			to[newest.String()] = where
		}
		return nil
	})
}

// returnsData waits until an expression has a value.
func (w *world) returnsData(where, expr string) {
	w.t.Helper()
	w.eventually(where+" has data: "+expr, func() error {
		n, err := w.query(expr)
		if err == nil && n == 0 {
			err = errors.New("it has none")
		}
		return err
	})
}

// alerting is an error unless the expression has that many series.
func (w *world) alerting(expr string, want int) error {
	n, err := w.query(expr)
	if err == nil && n != want {
		err = fmt.Errorf("%d series of %s, want %d", n, expr, want)
	}
	return err
}

// lintMetrics holds all that the controller serves to Prometheus's rules for names.
func (w *world) lintMetrics() {
	w.t.Helper()
	body, err := get("http://" + w.web + "/metrics")
	must(w.t, err)
	problems, err := promlint.New(bytes.NewReader(body)).Lint()
	if err != nil || len(problems) > 0 {
		w.t.Errorf("lint: %v, %v", problems, err)
	}
}

package controller

import (
	"strings"
	"testing"
	"time"

	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// TestPublishFailing: the time stands from the first failure in a row until a pass
// succeeds, and nobody is told of one that is over.
func TestPublishFailing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const name = "ecs_scrape_publish_failing_since_timestamp_seconds"
		if n := testCounter(t, w, name); n != 0 {
			t.Errorf("before: since %v", n)
		}
		began := time.Now()
		w.output.Fail("WriteTargets", errBroken)
		w.inventory.Scale(3)
		w.wait(time.Minute)
		since, failed := testCounter(t, w, name), testCounter(t, w, "ecs_scrape_publish_failures_total")
		if since < float64(began.Unix()) || since > float64(began.Add(5*time.Second).Unix()) || failed < 2 {
			t.Errorf("since %v, began at %v, %v failures", since, began.Unix(), failed)
		}
		w.output.Fail("WriteTargets", nil)
		w.wait(time.Minute)
		if n := testCounter(t, w, name); n != 0 || w.output.Targets() != 3 {
			t.Errorf("after: since %v, %d targets", n, w.output.Targets())
		}
	})
}

// TestObjectMetrics: what is wrong with objects, and what is wrong and of none.
func TestObjectMetrics(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		want := func(n float64, name string, values ...string) {
			t.Helper()
			if got := testCounter(t, w, name, values...); got != n {
				t.Errorf("%s %q is %v, not %v", name, values, got, n)
			}
		}
		want(1, "ecs_scrape_objects", spec.KindScrapeTarget)
		want(0, "ecs_scrape_object_findings")
		w.write(map[string]string{
			"rule.yaml":   strings.Replace(ruleText("first"), "expr: up", "expr: sum(", 1),
			"broken.yaml": "kind: [",
			"zzz.yaml":    strings.NewReplacer("{name: api}", "{name: zzz}", "port: 8080", "port: nothing").Replace(targetText),
		})
		want(1, "ecs_scrape_specs_problems_without_object")
		want(2, "ecs_scrape_specs_problems")
		want(2, "ecs_scrape_objects", spec.KindScrapeTarget)
		want(1, "ecs_scrape_object_findings", spec.KindScrapeTarget, "zzz", plan.CodeNoPort)
		w.write(map[string]string{"broken.yaml": "", "zzz.yaml": "", "api.yaml": ""})
		want(0, "ecs_scrape_objects", spec.KindScrapeTarget)
		if n, ok := w.gauge("ecs_scrape_objects"); !ok {
			t.Errorf("a kind of which there is none has no series: %v", n)
		}
		want(0, "ecs_scrape_specs_problems_without_object")
		want(1, "ecs_scrape_specs_problems")
		want(0, "ecs_scrape_object_findings")
	})
}

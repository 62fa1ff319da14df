package main

import (
	"encoding/json"
	"slices"
	"strings"

	"ecs-scrape/reconcile/plan"
)

// everythingIsExplained asks the running controller about every published
// target, every object and one task that nothing scrapes.
func (w *world) everythingIsExplained() {
	w.t.Helper()
	s, err := w.status()
	must(w.t, err)
	all := w.explain()
	for _, o := range s.Objects {
		i := slices.IndexFunc(all.Objects, func(e plan.ObjectExplanation) bool { return e.Object.Name == o.Name })
		if o.Kind == "ScrapeTarget" && (i < 0 || len(all.Objects[i].Targets) != o.Targets) {
			w.t.Errorf("the explanation of %s has not its %d targets", o.Name, o.Targets)
		}
	}
	for _, p := range s.Pools {
		for _, target := range p.Targets {
			if target.Object == "" {
				continue // of Prometheus or the controller itself
			}
			if got := w.explain(target.Address); !taken(got, target.Object) {
				w.t.Errorf("%s is scraped for %s, which the explanation does not say: %+v", target.Address, target.Object, got)
			}
		}
	}
	tasks, err := w.sim.RunningTasks("prod", "quiet")
	must(w.t, err)
	for _, arn := range tasks {
		got := w.explain(arn)
		if len(got.Tasks) != 1 || taken(got, "") || got.Tasks[0].Verdicts[0].Message == "" {
			w.t.Errorf("nothing scrapes %s, and the explanation is %+v", arn, got)
		}
	}
}

// taken says whether an object, or any, takes something of the explained tasks.
func taken(e *plan.Explanation, object string) bool {
	return slices.ContainsFunc(e.Tasks, func(t plan.TaskExplanation) bool {
		return slices.ContainsFunc(t.Verdicts, func(v plan.Verdict) bool {
			return len(v.Targets) > 0 && (object == "" || v.Object.Name == object)
		})
	})
}

// explain asks the controller by the command line.
func (w *world) explain(query ...string) *plan.Explanation {
	w.t.Helper()
	code, text := w.command(append([]string{"explain", "--url", "http://" + w.web, "--format", "json"}, query...)...)
	if code != exitOK {
		w.t.Fatalf("explain %s: exit code %d: %s", strings.Join(query, ""), code, text)
	}
	e := &plan.Explanation{}
	must(w.t, json.Unmarshal([]byte(text), e))
	return e
}

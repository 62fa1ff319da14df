package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// TestManyFindings: of an object with many the first are printed, and where the
// others are.
func TestManyFindings(t *testing.T) {
	target, config := spec.ID{Kind: spec.KindScrapeTarget, Name: "wide"}, spec.ID{Kind: spec.KindPrometheusConfig, Name: "main"}
	pass := &reconcile.Pass{Plan: &plan.Plan{}, Objects: []reconcile.ObjectStatus{{ID: target}, {ID: config}}}
	var want []string
	for _, id := range []spec.ID{target, config} {
		for i := range mostFindings + 1 {
			pass.Plan.Findings = append(pass.Plan.Findings, plan.Finding{Object: id, Code: plan.CodeNoPort, Message: fmt.Sprint(i)})
			if i < mostFindings {
				want = append(want, fmt.Sprintf("%s: no-such-port: %d", id, i))
			}
		}
	}
	want = append(want,
		"ScrapeTarget/wide: ... and 1 finding more; `ecs-scrape explain wide`, with the same flags, tells of everything that is left out, and /api/v1/status of a running controller has all",
		"PrometheusConfig/main: ... and 1 finding more; /api/v1/status of a running controller has all", "")
	var out strings.Builder
	printFindings(&out, pass)
	if diff := cmp.Diff(strings.Join(want, "\n"), out.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

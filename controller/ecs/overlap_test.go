package ecs

import (
	"testing"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// A cluster that two sources ask for is polled once, by the first of them, and
// stays when either of them goes.
func TestOverlappingSourcesPollOnce(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/reader"
	for name, sources := range map[string][]inventory.Source{
		"same credentials":   {{Clusters: []string{"prod"}}, {}},
		"one is in the role": {{Region: "us-east-1"}, {Region: "us-east-1", RoleARN: role}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{}))
			w.AllowRole(role, "")
			fargate(t, w.Place, "prod", 150)
			fargate(t, w.Place, "test", 1)
			w.Want(inventory.Want{Sources: sources})
			wantTasks(t, w.good(), 151) // of which accounts the sources are may only be known now
			w.ResetCalls()
			w.must(w.Scale("prod", "web", 160))
			wantTasks(t, w.good(), 161)
			w.wantCalls("ListTasks", 3)
			w.wantCalls("DescribeTasks", 1)
			w.Want(inventory.Want{Sources: sources[1:]})
			w.must(w.Scale("prod", "web", 170))
			snap := w.good()
			wantTasks(t, snap, 171)
			wantState(t, snap, "prod", inventory.Synced)
			w.Want(inventory.Want{Sources: sources})
			wantTasks(t, w.good(), 171)
		})
	}
}

// A source that leaves a cluster to another says nothing of it when it fails
// itself.
func TestOverlappedSourceFailsAlone(t *testing.T) {
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{}))
	const role = "arn:aws:iam::123456789012:role/unknown"
	fargate(t, w.Place, "prod", 1)
	w.Want(inventory.Want{Sources: []inventory.Source{{Region: "us-east-1"}, {Region: "us-east-1", RoleARN: role}}})
	wantState(t, w.bad("AccessDenied"), "prod", inventory.Synced)
	wantState(t, w.bad("AccessDenied"), "prod", inventory.Synced)
}

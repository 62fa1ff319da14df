package ecs

import (
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

func TestRunFollowsTheAccount(t *testing.T) {
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{PollInterval: 20 * time.Millisecond}))
	fargate(t, w.Place, "prod", 2)
	w.run()
	w.want()
	w.eventually("two tasks", func(s *inventory.Snapshot) bool { return len(s.Tasks) == 2 })
	w.must(w.Scale("prod", "web", 5))
	w.eventually("five tasks", func(s *inventory.Snapshot) bool { return len(s.Tasks) == 5 })
	w.must(w.Scale("prod", "web", 1))
	w.eventually("one task", func(s *inventory.Snapshot) bool { return len(s.Tasks) == 1 })
	release := w.Deny(awssim.Match{Operation: "ListTasks"})
	w.eventually("stale", func(s *inventory.Snapshot) bool { return s.Scopes[0].State == inventory.Stale })
	release()
	w.eventually("synced again", func(s *inventory.Snapshot) bool { return s.Scopes[0].State == inventory.Synced })
	w.want("other")
	w.eventually("gone", func(s *inventory.Snapshot) bool {
		return len(s.Tasks) == 0 && s.Status(inventory.Scope{
			Account: w.Place.Scope().Account, Region: "us-east-1", Cluster: "prod",
		}).State == inventory.Gone
	})
}

func TestHangingRegionLeavesTheOther(t *testing.T) {
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, unlimited(Options{PollInterval: 20 * time.Millisecond, CallTimeout: 500 * time.Millisecond}))
	fargate(t, w.Place, "prod", 1)
	fargate(t, w.Region("", "us-west-2"), "prod", 1)
	w.Want(inventory.Want{Sources: []inventory.Source{{Region: "us-east-1"}, {Region: "us-west-2"}}})
	w.run()
	w.eventually("two tasks", func(s *inventory.Snapshot) bool { return len(s.Tasks) == 2 })
	defer w.Hang(awssim.Match{Region: "us-west-2"})()
	w.must(w.Scale("prod", "web", 3))
	w.eventually("four tasks", func(s *inventory.Snapshot) bool { return len(s.Tasks) == 4 })
	w.eventually("stale", func(s *inventory.Snapshot) bool { return len(s.Scopes) == 2 && s.Scopes[1].State == inventory.Stale })
}

func TestAssumedRole(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	const role = "arn:aws:iam::210987654321:role/reader"
	w.AllowRole(role, "secret-id")
	fargate(t, w.Region("210987654321", "us-east-1"), "theirs", 3)
	fargate(t, w.Place, "ours", 1)
	w.Want(inventory.Want{Sources: []inventory.Source{{}, {RoleARN: role, ExternalID: "secret-id"}}})
	snap := w.good()
	wantTasks(t, snap, 4)
	if st := status(t, snap, "theirs"); st.Scope.Account != "210987654321" {
		t.Errorf("scope %v", st.Scope)
	}
	if len(w.Stats().Operations) == 0 || len(w.Stats().Polls) != 2 {
		t.Errorf("stats %+v", w.Stats())
	}
}

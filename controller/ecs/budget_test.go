package ecs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

func TestBudgetIsNeverExceeded(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	for _, cluster := range []string{"a", "b", "c", "d"} {
		fargate(t, w.Place, cluster, 500)
	}
	w.want()
	for range 3 {
		wantTasks(t, w.good(), 2000)
	}
	var attempts uint64
	for _, op := range w.Stats().Operations {
		attempts += op.Calls
	}
	total := 0
	for _, c := range w.Calls() {
		total += c.Calls
		if c.Throttled != 0 {
			t.Errorf("%s was throttled %d times", c.Operation, c.Throttled)
		}
	}
	if uint64(total) != attempts {
		t.Errorf("%d calls counted, %d made", attempts, total)
	}
}

func TestThrottlingSlowsDown(t *testing.T) {
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()}, Options{QuotaShare: 1})
	fargate(t, w.Place, "prod", 5)
	w.want()
	w.good()
	w.Throttle(awssim.Match{Operation: "ListTasks"}, 1)
	wantTasks(t, w.good(), 5) // the retry works
	for _, b := range w.Stats().Budgets {
		if b.Account == "" {
			continue
		}
		slowed := b.Rate < b.Full*0.75
		if slowed != (b.Category == ClusterResourceRead) {
			t.Errorf("%s at %.1f of %.1f calls a second", b.Category, b.Rate, b.Full)
		}
	}
	for _, op := range w.Stats().Operations {
		if op.Operation == "ListTasks" && (op.Throttled != 1 || op.Calls != 3) {
			t.Errorf("counted %+v", op)
		}
	}
}

func TestParseQuota(t *testing.T) {
	for _, c := range []struct{ in, bad string }{
		{in: "cluster-resource-read=400/80"},
		{in: "ec2-describe-instances=1/0.5"},
		{in: "cluster-read", bad: "want CATEGORY=BURST/REFILL"},
		{in: "cluster-read=5", bad: "want CATEGORY=BURST/REFILL"},
		{in: "clusters=5/5", bad: `no category "clusters"`},
		{in: "cluster-read=0.5/5", bad: "burst"},
		{in: "cluster-read=x/5", bad: "burst"},
		{in: "cluster-read=5/0", bad: "refill"},
		{in: "cluster-read=5/NaN", bad: "refill"},
		{in: "cluster-read=5/Inf", bad: "refill"},
	} {
		category, quota, err := ParseQuota(c.in)
		if c.bad == "" {
			if err != nil || quota.Burst < 1 || category == "" {
				t.Errorf("%s: %v %v %v", c.in, category, quota, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%s: error %v, want %q in it", c.in, err, c.bad)
		}
	}
	_, got, _ := ParseQuota("cluster-resource-read=400/80")
	if diff := cmp.Diff(Quota{Burst: 400, Refill: 80}, got); diff != "" {
		t.Error(diff)
	}
}

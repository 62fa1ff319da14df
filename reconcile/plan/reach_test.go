package plan

import (
	"testing"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// TestMayReach: what is not known of a cluster may be anything.
func TestMayReach(t *testing.T) {
	t.Parallel()
	narrow := &spec.Selector{Accounts: []string{"1"}, Regions: []string{"r"}, Clusters: []string{"shop-*", "web"}}
	for _, c := range []struct {
		selector *spec.Selector
		at       inventory.Scope
		want     bool
	}{
		{&spec.Selector{}, inventory.Scope{Account: "1", Region: "r", Cluster: "c"}, true},
		{narrow, inventory.Scope{Account: "1", Region: "r", Cluster: "shop-prod"}, true},
		{narrow, inventory.Scope{Account: "1", Region: "r", Cluster: "web"}, true},
		{narrow, inventory.Scope{Account: "1", Region: "r", Cluster: "shop"}, false},
		{narrow, inventory.Scope{Account: "2", Region: "r", Cluster: "web"}, false},
		{narrow, inventory.Scope{Account: "1", Region: "s", Cluster: "web"}, false},
		{narrow, inventory.Scope{Cluster: "web"}, true},
		{narrow, inventory.Scope{Region: "s"}, false},
		{narrow, inventory.Scope{}, true},
	} {
		if got := MayReach(c.selector, c.at); got != c.want {
			t.Errorf("%+v in %+v: %t", c.selector, c.at, got)
		}
	}
	for _, c := range []struct {
		clusters []string
		want     bool
	}{{nil, true}, {[]string{"web"}, true}, {[]string{"other", "shop-a"}, true}, {[]string{"other"}, false}, {[]string{"w*"}, true}, {[]string{"x*"}, true}} {
		if got := MayReachAny(narrow, inventory.Scope{Region: "r"}, c.clusters); got != c.want {
			t.Errorf("clusters %q: %t", c.clusters, got)
		}
	}
	if MayReachAny(narrow, inventory.Scope{Region: "s"}, nil) {
		t.Error("another region")
	}
}

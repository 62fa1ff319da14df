package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// TestUnreadClusters: an object that may ask for a cluster that was never read says
// so, although it has targets elsewhere; one that does not ask for it is in order.
func TestUnreadClusters(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(map[string]string{
			"narrow.yaml": strings.NewReplacer("name: api", "name: narrow", "{services: [api]}", "{services: [api], clusters: [prod, other-*]}", "8080", "8081").Replace(targetText),
			"none.yaml":   strings.NewReplacer("name: api", "name: none", "{services: [api]}", "{services: [none], clusters: [prod]}").Replace(targetText),
		})
		denied := inventory.ScopeStatus{
			Scope: inventory.Scope{Account: prod.Account, Region: prod.Region, Cluster: "shop-prod"}, State: inventory.Unsynced, Since: time.Unix(5, 0), Reason: "denied",
		}
		w.inventory.Become(inventory.ScopeStatus{Scope: prod, State: inventory.Synced}, denied)
		w.wait(window)
		const unread = "cluster 111111111111/us-east-1/shop-prod has not been read yet"
		wantConditions(t, w, "ScrapeTarget/api", "Accepted=True Valid", "Ready=True Served: targets may be missing: "+unread, "Stale=True StaleScopes: "+unread)
		if since := w.c.Status().Objects[2].Conditions[2].Since; !since.Equal(time.Unix(5, 0)) {
			t.Errorf("since %v", since)
		}
		wantConditions(t, w, "ScrapeTarget/narrow", "Accepted=True Valid", "Ready=True Served", "Stale=False Fresh")
		wantConditions(t, w, "ScrapeTarget/none", "Accepted=True Valid", "Ready=False NoTargets: selects no running container that is known; not every cluster has been read yet", "Stale=False Fresh")
		if s := w.c.Status(); kindsOf(s.Reasons) != "cluster" {
			t.Errorf("%+v", s.Reasons)
		}
		w.inventory.Become(inventory.ScopeStatus{Scope: prod, State: inventory.Synced})
		w.wait(window)
		wantConditions(t, w, "ScrapeTarget/api", "Accepted=True Valid", "Ready=True Served", "Stale=False Fresh")
	})
}

// TestHorizon: what is not listed, never listed, or only known of an earlier process.
func TestHorizon(t *testing.T) {
	t.Parallel()
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	scope := func(cluster string) inventory.Scope {
		return inventory.Scope{Account: "1", Region: "r", Cluster: cluster}
	}
	s := &inventory.Snapshot{
		Sources: []inventory.SourceStatus{
			{Source: inventory.Source{Region: "s"}, Since: at(3)},
			{Source: inventory.Source{Region: "t", Clusters: []string{"x"}}},
			{Account: "1", Region: "r", Listed: true},
		},
		Scopes: []inventory.ScopeStatus{
			{Scope: scope("gone"), State: inventory.Gone},
			{Scope: scope("kept"), State: inventory.Stale, Restored: at(1), Since: at(2)},
			{Scope: scope("stale"), State: inventory.Stale, Since: at(4)},
			{Scope: scope("synced"), State: inventory.Synced},
		},
	}
	for i := range 9 {
		s.Scopes = append(s.Scopes, inventory.ScopeStatus{Scope: scope(fmt.Sprintf("unread-%d", i)), State: inventory.Unsynced})
	}
	h := newHorizon(s)
	for _, c := range []struct {
		selector spec.Selector
		targets  []inventory.Scope
		want     string
		since    time.Time
	}{
		{spec.Selector{}, nil, "the clusters of region s have not been listed yet; the clusters of region t have not been listed yet; cluster 1/r/kept has not been read yet; and 9 more", at(2)},
		{spec.Selector{Regions: []string{"t"}, Clusters: []string{"y"}}, nil, "", time.Time{}},
		{spec.Selector{Regions: []string{"r"}, Clusters: []string{"kept", "synced", "gone"}}, []inventory.Scope{scope("kept"), scope("synced")}, "cluster 1/r/kept has not been read yet", at(2)},
		{spec.Selector{Regions: []string{"r"}, Clusters: []string{"stale"}}, nil, "", time.Time{}},
		{spec.Selector{Regions: []string{"r"}, Clusters: []string{"stale"}}, []inventory.Scope{scope("stale")}, "cluster 1/r/stale cannot be read now", at(4)},
		{spec.Selector{Regions: []string{"r"}, Clusters: []string{"unread-1"}}, []inventory.Scope{scope("unknown"), scope("unread-1")}, "cluster 1/r/unread-1 has not been read yet; cluster 1/r/unknown has not been read yet", time.Time{}},
	} {
		b := h.of(&c.selector).with(&c.selector, s, c.targets)
		if diff := cmp.Diff(c.want, b.text()); diff != "" || !b.since.Equal(c.since) {
			t.Errorf("%+v: %v, -want +got\n%s", c.selector, b.since, diff)
		}
	}
}

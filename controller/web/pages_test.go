package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// holds fails where a page lacks a text.
func holds(t *testing.T, body string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not hold %q:\n%s", want, body)
		}
	}
}

func lacks(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(body, text) {
			t.Errorf("the page holds %q", text)
		}
	}
}

func TestEmptyOverview(t *testing.T) {
	t.Parallel()
	body := page(t, &controller.Status{State: controller.StateOK, Healthy: true}, nil, "/").Body.String()
	holds(t, body, "There are no objects yet.", "No cluster is known yet.", "Everything the specs ask for is published", "Nothing to do.", "Nothing has been published since the start.")
	lacks(t, body, "http-equiv", "Hold", "0001-01-01")
}

func conditions(ready, reason string) []reconcile.Condition {
	return []reconcile.Condition{{Type: reconcile.AcceptedType, Status: reconcile.True, Reason: reconcile.ReasonValid}, {Type: reconcile.ReadyType, Status: ready, Reason: reason, Message: "says " + reason}}
}

// some is a status with an object of each class.
func some() *controller.Status {
	now := time.Now()
	return &controller.Status{
		State: controller.StateDegraded, Message: "cart.yaml:9:5: spec: is wrong", Healthy: true, Ready: true, Time: now,
		Reasons: []controller.Reason{
			{Kind: controller.ReasonObjects, Message: "cart.yaml:9:5: spec: is wrong", Count: 2, Since: now.Add(-3 * time.Minute)},
			{Kind: controller.ReasonCluster, Message: "cluster old: denied", Count: 1, Since: now.Add(-2*time.Hour - time.Minute)},
		},
		LastError:  &controller.ErrorStatus{At: now.Add(-3 * time.Hour), Until: now.Add(-26 * time.Minute), Message: "was away"},
		Config:     controller.ConfigStatus{Desired: "0123456789abcdef", Published: "0123456789abcdef", Confirmed: "fedcba9876543210"},
		Prometheus: controller.PrometheusStatus{Version: "3.15.0", Differences: []string{"declares 2.42"}, Unread: []string{"a", "b"}, Lag: 31.4},
		Targets:    controller.TargetsStatus{Total: 12},
		Objects: []controller.ObjectStatus{
			{Kind: "ScrapeTarget", Name: "good", Accepted: true, Targets: 7, Conditions: conditions(reconcile.True, reconcile.ReasonServed)},
			{Kind: "ScrapeTarget", Name: "empty", Accepted: true, Conditions: conditions(reconcile.False, reconcile.ReasonNoTargets)},
			{Kind: "ScrapeTarget", Name: "late", Accepted: true, Conditions: conditions(reconcile.Unknown, reconcile.ReasonUnconfirmed)},
			{Kind: "PrometheusRule", Name: "theirs", Accepted: true, Conditions: conditions(reconcile.False, reconcile.ReasonNotSelected)},
			{
				Kind: "ScrapeTarget", Name: "cart", Place: "cart.yaml:2:1", Served: "r1", Observed: "r2", Message: "cart.yaml:9:5: spec: is wrong", Targets: 5,
				Conditions: []reconcile.Condition{{Type: reconcile.AcceptedType, Status: reconcile.False, Reason: reconcile.ReasonInvalid}},
			},
		},
		Problems: []spec.Problem{
			{Position: spec.Position{File: "cart.yaml", Line: 9, Column: 5}, Object: spec.ID{Kind: "ScrapeTarget", Name: "cart"}, Path: "spec", Message: "is wrong"},
			{Position: spec.Position{File: "scrap.yaml", Line: 1}, Message: "is no document"},
		},
		Findings: []plan.Finding{{Object: spec.ID{Kind: "ScrapeTarget", Name: "empty"}, Code: "no-port", Message: "no port"}},
		Scopes: []inventory.ScopeStatus{
			{Scope: inventory.Scope{Cluster: "fresh"}, State: inventory.Synced, SyncedAt: now.Add(-12 * time.Second)},
			{Scope: inventory.Scope{Cluster: "old"}, State: inventory.Stale, SyncedAt: now.Add(-3 * time.Hour), Since: now.Add(-2*time.Hour - time.Minute), Reason: "denied"},
		},
		Sources:  []inventory.SourceStatus{{Source: inventory.Source{EventsQueue: "https://sqs/1/events"}, Region: "eu-west-1", Listed: true, Events: &inventory.EventsStatus{Working: true}}},
		Usage:    []controller.Usage{{Account: "111122223333", Region: "eu-west-1", Calls: 7, Throttled: 2, Budgets: []controller.Budget{{Category: "cluster-resource-read", Rate: 5, Full: 10, Waiting: 3}}}},
		Removals: []controller.Removal{{Cluster: "fresh", Task: "arn:aws:ecs:eu-west-1:1:task/fresh/abc", Since: now.Add(-90 * time.Second)}},
		Changes: []controller.Change{
			{At: now.Add(-5 * time.Minute), Kind: "configuration", Summary: "two objects changed", Objects: []spec.ID{{Kind: "ScrapeTarget", Name: "cart"}}, Diff: "--- a\n+++ b\n-old line\n+new line\n"},
			{At: now.Add(-time.Hour), Kind: "targets", Summary: "3 targets more"},
		},
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	body := page(t, some(), nil, "/").Body.String()
	holds(t, body, "ScrapeTarget cart is broken", "Mend it at cart.yaml:2:1. Until then its last valid version is served.", "cart.yaml:9:5: spec: is wrong",
		"3.15.0", "declares 2.42", "2 target files not read yet, the oldest for 31 s", `class="warn">2 target files`, "And 1 more", "A cluster cannot be read", "cluster old: denied", "3 min ago</time>; not over yet", "26 min ago</time>: was away", "another one", "scrap.yaml:1: is no document",
		`<a href="object?kind=ScrapeTarget&amp;name=cart">cart</a>`, "12 s ago", "stale for <time", "2 h</time>", "two objects changed", "5 min ago",
		`href="changes#change-1"`)
	if cart, good := strings.Index(body, ">cart</a>"), strings.Index(body, ">good</a>"); cart > good {
		t.Error("the broken object does not come first")
	}
	lacks(t, body, "new line", "everything else is served")

	s := some()
	s.Prometheus.Lag = 9
	holds(t, page(t, s, nil, "/").Body.String(), "<p>2 target files not read yet, the oldest for 9 s: Prometheus takes up to ten</p>")
}

// TestStaleObjects: many objects of a cluster that cannot be read name it, and the
// clusters say why.
func TestStaleObjects(t *testing.T) {
	t.Parallel()
	s := &controller.Status{State: controller.StateDegraded, Healthy: true}
	stale := []reconcile.Condition{{Type: reconcile.ReadyType, Status: reconcile.True}, {Type: reconcile.StaleType, Status: reconcile.True, Reason: reconcile.ReasonStaleScopes, Message: "cluster 1/r/c cannot be read now"}}
	s.Objects = []controller.ObjectStatus{{Kind: "ScrapeTarget", Name: "a", Accepted: true, Conditions: stale}}
	for _, path := range []string{"/", "/object?kind=ScrapeTarget&name=a"} {
		holds(t, page(t, s, nil, path).Body.String(), `cluster 1/r/c cannot be read now (<a href="clusters">the clusters</a> say why)`)
	}
}

// TestChangesOfObject: of a change of several, the lines of this one.
func TestChangesOfObject(t *testing.T) {
	t.Parallel()
	s := some()
	s.Changes = []controller.Change{{
		Kind: "targets", Summary: "cart: 1 added; good: 1 added", Objects: []spec.ID{{Kind: "ScrapeTarget", Name: "cart"}, {Kind: "ScrapeTarget", Name: "good"}},
		Diff: "@@ ScrapeTarget/cart @@\n+ 10.0.0.1:80 mine\n@@ ScrapeTarget/good @@\n+ 10.0.0.2:80 theirs\n",
	}}
	body := page(t, s, nil, "/object?kind=ScrapeTarget&name=cart").Body.String()
	holds(t, body, "10.0.0.1:80 mine")
	lacks(t, body, "10.0.0.2:80 theirs")
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ state, shown, hidden string }{
		{"broken", "cart", "good"},
		{"attention", "empty", "cart"},
		{"waiting", "late", "cart"},
		{"ok", "good", "cart"},
		{"off", "theirs", "good"},
		{"nonsense", "good", "nobody"},
	} {
		body := page(t, some(), nil, "/?state="+c.state).Body.String()
		holds(t, body, "name="+c.shown+`"`)
		lacks(t, body, "name="+c.hidden+`"`)
	}
	body := page(t, &controller.Status{Objects: some().Objects[:1]}, nil, "/?state=broken").Body.String()
	holds(t, body, "No object is in that state.")
}

// TestRefresh: only who asks for it gets it, without a box to type into, and
// never a search.
func TestRefresh(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/": "", "/?refresh=5": "5", "/?refresh=0": "", "/?refresh=x": "", "/?refresh=1": "2", "/clusters?refresh=999999": "3600", "/search?refresh=5": ""} {
		body := page(t, some(), nil, path).Body.String()
		if got := strings.Contains(body, `http-equiv="refresh" content="`+want+`"`); got != (want != "") {
			t.Errorf("%s: refresh is %t", path, got)
		}
		if got := strings.Contains(body, "<input"); got != (want == "") {
			t.Errorf("%s: a box to type into: %t", path, got)
		}
	}
	holds(t, page(t, some(), nil, "/?state=ok&refresh=5").Body.String(), `<a href="./?state=ok">stop</a>`)
	holds(t, page(t, some(), nil, "/?state=ok").Body.String(), `<a href="./?state=ok&amp;refresh=5">`)
}

func TestClusters(t *testing.T) {
	t.Parallel()
	body := page(t, some(), nil, "/clusters").Body.String()
	holds(t, body, "denied", "7 calls, 2 throttled", "cluster-resource-read", "slowed", "5.0", "queue events", "arrive",
		"arn:aws:ecs:eu-west-1:1:task/fresh/abc", "1 min</time>")
	if old, fresh := strings.Index(body, ">old<"), strings.Index(body, ">fresh<"); old > fresh {
		t.Error("the stale cluster does not come first")
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	body := page(t, some(), nil, "/changes").Body.String()
	holds(t, body, `id="change-1"`, `<span class="removed">-old line`, `<span class="added">&#43;new line`, `<span class="head">--- a`, "3 targets more",
		`<a href="object?kind=ScrapeTarget&amp;name=cart">cart</a>`)
}

// TestObject: all that belongs to it and nothing else.
func TestObject(t *testing.T) {
	t.Parallel()
	s := some()
	s.Pools = []controller.PoolStatus{{Targets: []controller.TargetStatus{
		{Address: "10.0.0.1:80", Object: "cart", Labels: labels.FromStrings("__scheme__", "https", "__metrics_path__", "/m", "job", "x")},
		{Address: "10.0.0.2:80", Object: "good"},
	}}}
	explained := &plan.Explanation{Objects: []plan.ObjectExplanation{{
		Object: spec.ID{Kind: "ScrapeTarget", Name: "cart"},
		Funnel: []plan.FunnelStage{{Name: "clusters", Seen: 4, Taken: 1, Left: []plan.Left{{Code: "clusters", Message: "other clusters", Count: 3, Example: "dev"}}}},
	}}}
	body := page(t, s, explained, "/object?kind=ScrapeTarget&name=cart").Body.String()
	holds(t, body, "cart.yaml:9:5", "is wrong", "Its last valid version is served.", "https://10.0.0.1:80/m", "job=", "two objects changed", "new line",
		"other clusters", "such as dev", `width="25%"`)
	lacks(t, body, "10.0.0.2", "no document", "3 targets more", "__scheme__")

	body = page(t, s, explained, "/object?kind=PrometheusRule&name=theirs").Body.String()
	lacks(t, body, "From clusters to targets", "It has no targets")
	holds(t, page(t, s, nil, "/object?kind=ScrapeTarget&name=empty").Body.String(), "no-port", "It has no targets.")
	holds(t, page(t, s, nil, "/object?kind=ScrapeTarget&name=gone").Body.String(), "There is no ScrapeTarget/gone")
}

// TestSearch: by an object's name one is sent there, anything else is looked up.
func TestSearch(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"cart": "object?kind=ScrapeTarget&name=cart", "ScrapeTarget%2Fcart": "object?kind=ScrapeTarget&name=cart", "+cart+": "object?kind=ScrapeTarget&name=cart",
	} {
		w := page(t, some(), nil, "/search?q="+query)
		if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != want {
			t.Errorf("%s: %d, to %q", query, w.Code, got)
		}
	}
	holds(t, page(t, some(), nil, "/search?q=nobody").Body.String(), "Nothing of that name.", "nobody of that name", `value="nobody"`, "first six characters")
	holds(t, page(t, some(), &plan.Explanation{}, "/search?q=a").Body.String(), "Objects whose name contains it", ">cart</a>")
	holds(t, page(t, some(), nil, "/search?q="+strings.Repeat("ä", 400)).Body.String(), "longer than any name")
	holds(t, page(t, some(), nil, "/search?q=").Body.String(), "<h1>Search</h1>", "first six characters")
}

// TestSearchTask: who takes it, and of the others the nearest first.
func TestSearchTask(t *testing.T) {
	t.Parallel()
	id := func(name string) spec.ID { return spec.ID{Kind: "ScrapeTarget", Name: name} }
	verdicts := []plan.Verdict{
		{Object: id("far"), Code: "clusters", Message: "another cluster"},
		{Object: id("near"), Code: "no-port", Message: "the port is not mapped"},
	}
	task := plan.TaskExplanation{Task: "arn:aws:ecs:eu-west-1:1:task/prod/0123456789abcdef0123456789abcdef", Status: "RUNNING", Verdicts: verdicts}
	body := page(t, some(), &plan.Explanation{Tasks: []plan.TaskExplanation{task}}, "/search?q=012345").Body.String()
	holds(t, body, "not scraped", "<dd>prod</dd>", "the port is not mapped", "another cluster")
	if near, far := strings.Index(body, ">near<"), strings.Index(body, ">far<"); near > far {
		t.Error("the nearest does not come first")
	}
	task.Verdicts = append(task.Verdicts, plan.Verdict{Object: id("good"), Targets: []plan.TargetExplanation{{Address: "10.0.0.1:80", Labels: labels.FromStrings("job", "x")}}})
	body = page(t, some(), &plan.Explanation{Tasks: []plan.TaskExplanation{task}}, "/search?q=012345").Body.String()
	holds(t, body, `<span class="pill ok">scraped</span>`, ">good</a> scrapes it", "2 other ScrapeTargets do not take it")
}

// TestLargeFleet: pages of 100,000 targets, 5,000 objects and as much of
// everything else as there may be stay small.
func TestLargeFleet(t *testing.T) {
	t.Parallel()
	s := some()
	pool := controller.PoolStatus{}
	for i := range 100_000 {
		pool.Targets = append(pool.Targets, controller.TargetStatus{
			Address: fmt.Sprintf("10.%d.%d.%d:9090", i>>16, i>>8&255, i&255), Object: fmt.Sprintf("object-%d", i%200),
			Labels: labels.FromStrings("job", "checkout", "ecs_cluster", "production", "ecs_service", "checkout", "ecs_task_family", "checkout", "ecs_task_id", fmt.Sprintf("%032d", i), "ecs_container", "app"),
		})
	}
	s.Pools = []controller.PoolStatus{pool}
	for i := range 5_000 {
		id := spec.ID{Kind: "ScrapeTarget", Name: fmt.Sprintf("object-%d", i)}
		s.Objects = append(s.Objects, controller.ObjectStatus{Kind: id.Kind, Name: id.Name, Place: "a.yaml:1:1", Message: strings.Repeat("wrong ", 20), Targets: 500})
		s.Problems = append(s.Problems, spec.Problem{Position: spec.Position{File: fmt.Sprintf("scrap-%d.yaml", i)}, Message: strings.Repeat("wrong ", 20)})
		s.Findings = append(s.Findings, plan.Finding{Object: spec.ID{Kind: "ScrapeTarget", Name: "object-1"}, Code: "x", Message: strings.Repeat("wrong ", 20)})
		s.Scopes = append(s.Scopes, inventory.ScopeStatus{Scope: inventory.Scope{Cluster: fmt.Sprintf("cluster-%d", i)}, State: inventory.Synced})
		s.Changes = append(s.Changes, controller.Change{Kind: "targets", Summary: "3 targets more", Diff: strings.Repeat("+a line of some length\n", 150)})
	}
	for _, path := range []string{"/", "/?state=broken&page=3", "/object?kind=ScrapeTarget&name=object-1", "/object?kind=ScrapeTarget&name=object-1&targets=3", "/clusters", "/changes", "/search?q=object"} {
		w := page(t, s, &plan.Explanation{}, path)
		if n := w.Body.Len(); w.Code != http.StatusOK || n > 300_000 {
			t.Errorf("%s: %d, %d bytes", path, w.Code, n)
		}
	}
	body := page(t, s, nil, "/object?kind=ScrapeTarget&name=object-1&targets=3").Body.String()
	holds(t, body, "401 to 500 of 500", "Next ›</span>", `href="object?kind=ScrapeTarget&amp;name=object-1&amp;targets=2"`)
	lacks(t, body, "From clusters to targets")
	holds(t, page(t, s, nil, "/?page=999").Body.String(), "5001 to 5005 of 5005")
}

package controller

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// testCounter sums a counter over all series that have the label values.
func testCounter(t *testing.T, w *world, name string, values ...string) float64 {
	t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			has := true
			for _, v := range values {
				has = has && strings.Contains(m.String(), strconv.Quote(v))
			}
			if has {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// TestListsAreNeverNull: whoever reads the JSON need not ask whether a list is there.
func TestListsAreNeverNull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.source.Fail(errBroken)
		release := w.source.Hang()
		w.start(w.server)
		w.wait(0)
		check := func(when string) {
			t.Helper()
			data, err := json.Marshal(w.c.Status())
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(data), ":null") {
				t.Errorf("%s: %s", when, data)
			}
			var fields map[string]any
			if err := json.Unmarshal(data, &fields); err != nil {
				t.Fatal(err)
			}
			for _, list := range []string{"objects", "problems", "findings", "sources", "scopes", "pools", "overdue", "usage", "removals", "changes", "reasons"} {
				if _, ok := fields[list].([]any); !ok {
					t.Errorf("%s: %s is %v", when, list, fields[list])
				}
			}
		}
		check("before the first pass")
		release()
		w.wait(0)
		check("without specs")
		w.source.Fail(nil)
		w.wait(time.Hour)
		check("when all is well")
		w.write(map[string]string{"main.yaml": ""})
		check("without a PrometheusConfig")
		w.stop()
	})
}

func TestStatusOfObjects(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		served := w.c.Status().Objects[1].Served
		w.write(map[string]string{
			"rule.yaml": strings.Replace(ruleText("first"), "expr: up", "expr: sum(", 1),
			"new.yaml":  strings.Replace(ruleText("new"), "expr: up", "expr: sum(", 1),
			"api2.yaml": strings.Replace(targetText, "8080", "1", 1),
		})
		const why = ": spec.groups[0].rules[0].expr: g/a: could not parse expression: 1:5: parse error: unclosed left parenthesis"
		got := slices.Clone(w.c.Status().Objects)
		for i := range got {
			got[i].Observed, got[i].Conditions, got[i].LastChange = "", nil, time.Time{}
		}
		want := []ObjectStatus{
			{Kind: "PrometheusConfig", Name: "main", Place: "main.yaml:1:1", Served: got[0].Served, Accepted: true},
			{Kind: "PrometheusRule", Name: "first", Place: "rule.yaml:6:41", Served: served, Message: "rule.yaml:6:41" + why + " (its last valid version is served)"},
			{Kind: "PrometheusRule", Name: "new", Place: "new.yaml:6:41", Message: "new.yaml:6:41" + why + " (no version of it that was valid is known here, so it is left out)"},
			{Kind: "ScrapeTarget", Name: "api", Place: "api.yaml:1:1", Served: got[3].Served, Targets: 1, Message: "api2.yaml:3:18: metadata.name: ScrapeTarget/api is also at api.yaml:1:1, which is the one in use: rename one of them"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		w.source.Set(map[string]string{"main.yaml": "", "rule.yaml": ruleText("first"), "new.yaml": ""})
		w.inventory.Trigger()
		w.wait(window)
		if o := w.c.Status().Objects[0]; o.Accepted || o.Message != "cannot be judged yet (its last valid version stays)" {
			t.Errorf("a PrometheusConfig that is missing: %+v", o)
		}
	})
}

// TestWithheldIsCounted: a target that is withheld is no target, and no secret.
func TestWithheldIsCounted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(map[string]string{"zzz.yaml": strings.NewReplacer("{name: api}", "{name: zzz}", "port: 8080", "port: 8080, path: /other").Replace(targetText)})
		s := w.c.Status()
		o := s.Objects[len(s.Objects)-1]
		if s.Targets.Withheld != 1 || o.Name != "zzz" || o.Withheld != 1 || o.Targets != 0 || o.Findings != 1 {
			t.Errorf("%+v, %+v", s.Targets, o)
		}
		if got := testCounter(t, w, "ecs_scrape_object_targets_withheld", "zzz"); got != 1 {
			t.Errorf("the metric is %v", got)
		}
	})
}

func TestStates(t *testing.T) {
	t.Parallel()
	problem := spec.Problem{Position: spec.Position{File: "a.yaml"}, Message: "is wrong"}
	confirmed := ConfigStatus{Desired: "a", Published: "a", Confirmed: "a"}
	scope := func(state inventory.State, reason string) []inventory.ScopeStatus {
		return []inventory.ScopeStatus{{Scope: prod, State: state, Reason: reason}}
	}
	fault := func(kind, message string) reasons { return reasons{kind: {Kind: kind, Message: message, Count: 1}} }
	for _, c := range []struct {
		name           string
		status         Status
		faults         reasons
		state, message string
		ready          bool
	}{
		{"all is well", Status{Config: confirmed, Scopes: scope(inventory.Synced, "")}, nil, StateOK, "", true},
		{"a failed pass", Status{Config: confirmed}, fault(ReasonPass, "broken on purpose"), StateDegraded, "broken on purpose", true},
		{"a refusal", Status{Config: ConfigStatus{Error: "no"}}, fault(ReasonRefused, "no"), StateDegraded, "no", false},
		{"a problem", Status{Config: confirmed, Problems: []spec.Problem{problem}}, nil, StateDegraded, "a.yaml: is wrong", true},
		{"waiting", Status{Config: ConfigStatus{Desired: "b", Published: "b"}}, nil, StatePending, "waiting for Prometheus to load the configuration", false},
		{"another is confirmed", Status{Config: ConfigStatus{Desired: "b", Published: "a", Confirmed: "a"}}, nil, StatePending, "waiting for Prometheus to load the configuration", false},
		{"a region", Status{Config: confirmed, Sources: []inventory.SourceStatus{{Source: inventory.Source{Region: "eu-west-1"}, Reason: "denied"}}}, nil, StateDegraded, "region eu-west-1: denied", true},
		{"a stale cluster", Status{Config: confirmed, Scopes: scope(inventory.Stale, "throttled")}, nil, StateDegraded, "cluster 111111111111/us-east-1/prod: throttled", true},
		{"a denied fact", Status{Config: confirmed, Scopes: []inventory.ScopeStatus{{Scope: prod, State: inventory.Synced, Lacking: map[string]string{"services": "describe services: denied"}}}}, nil, StateDegraded, "cluster 111111111111/us-east-1/prod: describe services: denied", true},
		{"an overdue cluster", Status{Config: confirmed, Scopes: scope(inventory.Stale, "throttled"), Overdue: []Overdue{{Account: "1", Region: "r", Cluster: "c", Since: time.Unix(0, 0), Reason: "denied"}}}, nil, StateDegraded, "cluster 1/r/c has not been read since 1970-01-01T00:00:00Z, its targets are as last known: denied", true},
		{"a lost queue", Status{Config: confirmed, Sources: []inventory.SourceStatus{{Region: "eu-west-1", Events: &inventory.EventsStatus{Reason: "denied"}}}}, nil, StateDegraded, "region eu-west-1 is polled, its events do not arrive: denied", true},
		{"a working queue", Status{Config: confirmed, Sources: []inventory.SourceStatus{{Events: &inventory.EventsStatus{Working: true}}}}, nil, StateOK, "", true},
		{"a cluster that was not read yet", Status{Config: confirmed, Scopes: scope(inventory.Unsynced, "")}, nil, StateOK, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.status
			r := reasons{}
			maps.Copy(r, c.faults)
			s.judge(r)
			if s.State != c.state || s.Message != c.message || s.Ready != c.ready {
				t.Errorf("%s, %q, ready %v", s.State, s.Message, s.Ready)
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		release := w.source.Hang()
		w.start(w.server)
		w.wait(0)
		lint := func() {
			t.Helper()
			problems, err := testutil.GatherAndLint(w.registry)
			if err != nil || len(problems) > 0 {
				t.Errorf("lint: %v, %v", problems, err)
			}
		}
		lint()
		zero := `# HELP ecs_scrape_reconciles_total Passes that found something to do, by result.
# TYPE ecs_scrape_reconciles_total counter
ecs_scrape_reconciles_total{result="error"} 0
ecs_scrape_reconciles_total{result="success"} 0
# HELP ecs_scrape_reloads_total Configurations that Prometheus confirmed, rejected, or left unconfirmed.
# TYPE ecs_scrape_reloads_total counter
ecs_scrape_reloads_total{result="confirmed"} 0
ecs_scrape_reloads_total{result="rejected"} 0
ecs_scrape_reloads_total{result="unconfirmed"} 0
# HELP ecs_scrape_target_file_writes_total Target files written.
# TYPE ecs_scrape_target_file_writes_total counter
ecs_scrape_target_file_writes_total 0
`
		if err := testutil.GatherAndCompare(w.registry, strings.NewReader(zero), "ecs_scrape_reconciles_total", "ecs_scrape_reloads_total", "ecs_scrape_target_file_writes_total"); err != nil {
			t.Error(err)
		}
		release()
		w.wait(0)
		rejected(t, w)
		lint()
		for name, want := range map[string]float64{
			"ecs_scrape_target_file_writes_total": 3, "ecs_scrape_ready": 0, "ecs_scrape_object_targets": 1,
			"ecs_scrape_object_condition": 7, "ecs_scrape_config_rejected": 1, "ecs_scrape_cluster_synced": 1, "ecs_scrape_config_info": 1,
		} {
			if got := testCounter(t, w, name); got != want {
				t.Errorf("%s is %v, not %v", name, got, want)
			}
		}
		if got := testCounter(t, w, "ecs_scrape_reloads_total", "rejected"); got != 1 {
			t.Errorf("%v rejections", got)
		}
		if got := testCounter(t, w, "ecs_scrape_reloads_total", "confirmed"); got != 2 {
			t.Errorf("%v confirmations", got)
		}
		w.stop()
	})
}

func TestAcceptedIsKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		kept, err := reconcile.DecodeAccepted([]byte(w.output.state[AcceptedFile]))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for id := range maps.Keys(kept) {
			names = append(names, id.String())
		}
		slices.Sort(names)
		if diff := cmp.Diff([]string{"PrometheusConfig/main", "PrometheusRule/first", "ScrapeTarget/api"}, names); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

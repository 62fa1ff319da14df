package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// older is the world as an earlier process left it, with these tasks.
func (w *world) older(ids ...string) *inventory.Snapshot {
	out := w.Snapshot
	out.Sources = []inventory.SourceStatus{{Source: inventory.Source{Region: prod.Region}, Reason: "not asked yet"}}
	out.Scopes = slices.Clone(w.Scopes)
	out.Scopes[0].State, out.Scopes[0].Restored = inventory.Stale, time.Unix(2000, 0)
	out.Tasks = slices.DeleteFunc(slices.Clone(w.Tasks), func(t *inventory.Task) bool { return !slices.Contains(ids, t.ID()) })
	return &out
}

// TestUnchangedObjectsKeepWhatIsPublished: whatever a restored cluster holds, it
// may be older than what is published.
func TestUnchangedObjectsKeepWhatIsPublished(t *testing.T) {
	w := replicas(4)
	doc := scrapeTarget("web", anyPort+"  labelsFrom: {stage: {environment: STAGE}}\n")
	live := build(t, w.older(), build(t, &w.Snapshot, nil, bareConfig, doc).Bundle.Pools, bareConfig, doc).Bundle.Pools
	if artifact.Found(live) != 4 {
		t.Fatalf("%d targets are published", artifact.Found(live))
	}
	for name, edit := range map[string]func(*inventory.Snapshot){
		"the same":    func(*inventory.Snapshot) {},
		"fewer tasks": func(s *inventory.Snapshot) { s.Tasks = s.Tasks[1:] },
		"one that has ended": func(s *inventory.Snapshot) {
			ended := *s.Tasks[0]
			ended.ARN += "9"
			at("10.0.0.9")(&ended)
			s.Tasks = append(s.Tasks, &ended)
		},
		"another address": func(s *inventory.Snapshot) {
			other := *s.Tasks[0]
			at("10.0.0.8")(&other)
			s.Tasks[0] = &other
		},
		"fewer facts":    func(s *inventory.Snapshot) { s.Scopes[0].Facts = inventory.Facts{} },
		"no definitions": func(s *inventory.Snapshot) { s.Definitions = nil },
	} {
		t.Run(name, func(t *testing.T) {
			snap := w.older("t1", "t2", "t3", "t4")
			edit(snap)
			p := build(t, snap, live, bareConfig, doc)
			if diff := cmp.Diff(string(live[0].Encode()), string(p.Bundle.Pools[0].Encode())); diff != "" || p.Held != 4 || len(p.Findings) != 0 || !p.Unread {
				t.Errorf("holds %d, finds %v, unread %v\n%s", p.Held, p.Findings, p.Unread, diff)
			}
			without := slices.Clone(live)
			without[0].Targets = slices.Clone(live[0].Targets)
			for i := range without[0].Targets {
				without[0].Targets[i].Origin = artifact.Origin{}
			}
			in := input(t, snap, without, bareConfig, doc)
			in.Changed.Config = true
			if p := Build(in); p.Held != 4 {
				t.Errorf("where the record is lost it holds %d", p.Held)
			}
		})
	}
}

// TestChangedObjectsArePlannedWithRestoredTasks: a change of the specs acts while
// AWS is away, on the tasks that are known; others keep their targets as they are.
func TestChangedObjectsArePlannedWithRestoredTasks(t *testing.T) {
	w := replicas(3)
	web := scrapeTarget("web", anyPort)
	live := build(t, &w.Snapshot, nil, bareConfig, web).Bundle.Pools
	all := []string{"web http://10.0.0.1:9090/metrics", "web http://10.0.0.2:9090/metrics", "web http://10.0.0.3:9090/metrics"}
	moved := scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 9090, path: /m}]\n")
	for _, tt := range []struct {
		name    string
		changed Changed
		docs    []string
		want    []string
	}{
		{"nothing", Changed{}, []string{bareConfig, web}, all},
		{"an object", Changed{Targets: map[string]bool{"web": true}}, []string{bareConfig, moved}, []string{"web http://10.0.0.1:9090/m", "web http://10.0.0.2:9090/m", all[2]}},
		{"the configuration", Changed{Config: true}, []string{bareConfig, moved}, []string{"web http://10.0.0.1:9090/m", "web http://10.0.0.2:9090/m", all[2]}},
		{
			"a new object",
			Changed{Targets: map[string]bool{"new": true}},
			[]string{bareConfig, web, scrapeTarget("new", "  selector: {services: [web]}\n  endpoints: [{port: 9100}]\n")},
			append([]string{"new http://10.0.0.1:9100/metrics", "new http://10.0.0.2:9100/metrics"}, all...),
		},
		{"it selects nothing now", Changed{Targets: map[string]bool{"web": true}}, []string{bareConfig, scrapeTarget("web", "  selector: {services: [x]}\n  endpoints: [{port: 9090}]\n")}, all[2:]},
		{"it needs what is not known", Changed{Targets: map[string]bool{"web": true}}, []string{bareConfig, scrapeTarget("web", "  selector: {taskTags: {matchLabels: {a: b}}}\n  endpoints: [{port: 9090}]\n")}, all},
		{"it is deleted", Changed{}, []string{bareConfig}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := input(t, w.older("t1", "t2"), live, tt.docs...)
			in.Changed = tt.changed
			got := urls(Build(in))
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

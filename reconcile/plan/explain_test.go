package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/inventory"
)

// stages are "name taken/seen: count code" of a funnel.
func stages(o ObjectExplanation) []string {
	var out []string
	for _, s := range o.Funnel {
		line := fmt.Sprintf("%s %d/%d", s.Name, s.Taken, s.Seen)
		for _, l := range s.Left {
			line += fmt.Sprintf(", %d %s", l.Count, l.Code)
		}
		out = append(out, line)
	}
	return out
}

// mixedWorld has something to leave out at every stage.
func mixedWorld() *world {
	w := newWorld()
	dev := prod
	dev.Cluster = "dev"
	w.Scopes = append(w.Scopes, inventory.ScopeStatus{Scope: dev, State: inventory.Synced, Facts: w.Scopes[0].Facts})
	app := container("app", port("metrics", 9090))
	app.Environment = map[string]string{"PROMETHEUS": "true"}
	shy := container("app", port("metrics", 9090))
	shy.Environment = map[string]string{"PROMETHEUS": "a-secret"}
	web := w.define("web", "awsvpc", app, container("proxy", port("http", 80)))
	quiet := w.define("quiet", "awsvpc", shy)
	nameless := w.define("nameless", "awsvpc", container("app", port("http", 80)))
	w.Definitions[nameless].Containers[0].Environment = map[string]string{"PROMETHEUS": "true"}
	w.run("aaaaaaaa1", "web", web, at("10.0.0.1"))
	w.run("aaaaaaaa2", "web", web, func(t *inventory.Task) { at("10.0.0.2")(t); t.LastStatus = "PENDING" })
	w.run("aaaaaaaa3", "web-canary", web, func(t *inventory.Task) {
		at("10.0.0.3")(t)
		t.Containers = append(t.Containers, inventory.Container{Name: "ecs-service-connect-x", LastStatus: "RUNNING"})
		t.Containers[0].LastStatus = "PENDING"
	})
	w.run("bbbbbbbb1", "quiet", quiet, at("10.0.1.1"))
	w.run("cccccccc1", "nameless", nameless, at("10.0.2.1"))
	w.run("dddddddd1", "other", nameless, at("10.0.3.1"))
	w.run("eeeeeeee1", "web", web, func(t *inventory.Task) { at("10.0.4.1")(t); t.Scope = dev })
	return w
}

const mixedTarget = `
  selector:
    clusters: [prod]
    services: ["web*", quiet, nameless]
    environment: {matchLabels: {PROMETHEUS: "true"}}
  endpoints: [{port: metrics}]`

func TestExplainObject(t *testing.T) {
	in := input(t, &mixedWorld().Snapshot, nil, bareConfig, scrapeTarget("app", mixedTarget))
	got := Explain(in, "app")
	if len(got.Objects) != 1 {
		t.Fatalf("explains %d objects", len(got.Objects))
	}
	want := []string{
		"clusters 1/2, 1 clusters",
		"services 4/5, 1 services",
		"tasks 4/5, 1 not-running",
		"containers 2/7, 3 environment, 1 not-in-definition, 1 not-running",
		"endpoints 1/2, 1 no-such-port",
		"targets 1/1",
	}
	if diff := cmp.Diff(want, stages(got.Objects[0])); diff != "" {
		t.Errorf("funnel (-want +got):\n%s", diff)
	}
	text := got.Text()
	for _, say := range []string{
		"ScrapeTarget/app: 1 target\n",
		"selector.clusters wants prod; found dev (1) [clusters]",
		"selector.services wants web* or quiet or nameless; found other (1)",
		`selector.environment wants PROMETHEUS to be "true"; found PROMETHEUS is not set (2), PROMETHEUS is set, differs (1)`,
		"the task is PENDING and is meant to be RUNNING",
		"http://10.0.0.1:9090/metrics {",
	} {
		if !strings.Contains(text, say) {
			t.Errorf("does not say %q:\n%s", say, text)
		}
	}
	if strings.Contains(text, "a-secret") {
		t.Errorf("shows the value of an environment variable:\n%s", text)
	}
}

// TestExplainIsThePlan: it counts the targets that a Build makes.
func TestExplainIsThePlan(t *testing.T) {
	in := input(t, &mixedWorld().Snapshot, nil, bareConfig, scrapeTarget("app", mixedTarget), scrapeTarget("all", "\n  selector: {}\n  endpoints: [{port: 80}]"))
	p := Build(in)
	for _, o := range Explain(in, "").Objects {
		last := o.Funnel[len(o.Funnel)-1]
		if last.Taken != p.Targets[o.Object.Name] || len(o.Targets) != last.Taken {
			t.Errorf("%s: explains %d targets, lists %d, planned %d", o.Object, last.Taken, len(o.Targets), p.Targets[o.Object.Name])
		}
	}
}

func TestExplainTask(t *testing.T) {
	w := mixedWorld()
	bridge := w.define("bridge", "bridge", container("app", port("metrics", 9090)))
	w.instance()
	w.run("ffffffff1", "hosted", bridge, func(t *inventory.Task) {
		t.Instance, t.StartedAt = "ci-1", time.Unix(5, 0)
		t.Containers[0].Bindings, t.Containers[0].RuntimeID = []inventory.PortBinding{bind(9090, 32768)}, "docker-1"
	})
	in := input(t, &w.Snapshot, nil, bareConfig,
		scrapeTarget("app", mixedTarget),
		scrapeTarget("hosted", "\n  selector: {services: [hosted], containers: [app]}\n  endpoints: [{port: metrics}]"))
	tests := []struct {
		query string
		want  []string // task's last digits: object -> address, or code
	}{
		{"aaaaaaaa1", []string{"1: app -> 10.0.0.1:9090", "1: hosted -> services"}},
		{"arn:aws:ecs:us-east-1:111122223333:task/prod/aaaaaaaa1", []string{"1: app -> 10.0.0.1:9090", "1: hosted -> services"}},
		{"aaaaaaaa2", []string{"2: app -> not-running", "2: hosted -> not-running"}},
		{"aaaaaaaa3", []string{"3: app -> not-running", "3: hosted -> services"}},
		{"aaaaaaaa1/proxy", []string{"1: app -> environment", "1: hosted -> services"}},
		{"bbbbbbbb1", []string{"1: app -> environment", "1: hosted -> services"}},
		{"cccccccc1", []string{"1: app -> no-such-port", "1: hosted -> services"}},
		{"eeeeeeee1", []string{"1: app -> clusters", "1: hosted -> services"}},
		{"10.0.0.1", []string{"1: app -> 10.0.0.1:9090", "1: hosted -> services"}},
		{"10.0.0.1:80", []string{"1: app -> other-address", "1: hosted -> services"}},
		{"10.1.0.1:32768", []string{"1: app -> services", "1: hosted -> 10.1.0.1:32768"}},
		{"docker-1", []string{"1: app -> services", "1: hosted -> 10.1.0.1:32768"}},
		{"ffff", nil},
		{"10.9.9.9", nil},
		{"nonsense", nil},
	}
	for _, tt := range tests {
		var got []string
		for _, task := range Explain(in, tt.query).Tasks {
			for _, v := range task.Verdicts {
				line := fmt.Sprintf("%s: %s -> %s", task.Task[len(task.Task)-1:], v.Object.Name, v.Code)
				for _, target := range v.Targets {
					line += target.Address
				}
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("explain %s (-want +got):\n%s", tt.query, diff)
		}
	}
}

// TestExplainNeighbours: of the tasks that share an instance's address, those
// are told of that have to do with the port.
func TestExplainNeighbours(t *testing.T) {
	w := newWorld()
	w.Scopes[0].Facts.Environment = slices.Sorted(slices.Values(ecsSDVariables))
	w.instance()
	lists := container("app", port("metrics", 9090))
	lists.Environment = map[string]string{"PROMETHEUS": "true", "PROMETHEUS_ENDPOINT": "/a,/b,2m:/c"}
	refuses := container("app", port("metrics", 9090))
	refuses.Environment = map[string]string{"PROMETHEUS": "false"}
	bridge := map[string]string{"1": w.define("lists", "bridge", lists), "2": w.define("refuses", "bridge", refuses)}
	for id, def := range bridge {
		w.run("aaaaaaaa"+id, "web", def, func(t *inventory.Task) {
			host := uint16(32768)
			if id == "2" {
				host++
			}
			t.Instance, t.Containers[0].Bindings = "ci-1", []inventory.PortBinding{bind(9090, host)}
		})
	}
	in := input(t, &w.Snapshot, nil, bareConfig, scrapeTarget("app", "\n  selector: {}\n  convention: prometheus-ecs-sd"))
	for query, want := range map[string]string{
		"10.1.0.1:32768": "1: ", // scraped
		"10.1.0.1:32769": "2: nothing-asked",
	} {
		var got []string
		for _, task := range Explain(in, query).Tasks {
			got = append(got, task.Task[len(task.Task)-1:]+": "+task.Verdicts[0].Code)
		}
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("explain %s (-want +got):\n%s", query, diff)
		}
	}
	for _, task := range Explain(in, "10.1.0.1:1").Tasks {
		if v := task.Verdicts[0]; v.Code == CodeOtherAddress && !strings.HasSuffix(v.Message, "at 10.1.0.1:32768 only") {
			t.Errorf("message is %q", v.Message)
		}
	}
	if funnel := stages(Explain(in, "app").Objects[0]); !slices.Contains(funnel, "endpoints 3/4, 1 nothing-asked") {
		t.Errorf("a path at another interval than asked for is left out of the funnel: %q", funnel)
	}
}

// TestExplainUnsure: what is not known is said, so that silence is no answer.
func TestExplainUnsure(t *testing.T) {
	w := newWorld()
	w.Sources[0].Listed, w.Sources[0].Reason = false, "AccessDenied"
	w.Scopes[0].State, w.Scopes[0].Reason = inventory.Stale, "throttled"
	want := []string{
		"region us-east-1: its clusters are not known: AccessDenied",
		"cluster 111122223333/us-east-1/prod is stale: throttled",
	}
	if diff := cmp.Diff(want, Explain(input(t, &w.Snapshot, nil, bareConfig), "").Unsure); diff != "" {
		t.Errorf("unsure (-want +got):\n%s", diff)
	}
}

func FuzzExplainQuery(f *testing.F) {
	w := mixedWorld()
	in := input(f, &w.Snapshot, nil, bareConfig, scrapeTarget("app", mixedTarget))
	for _, seed := range []string{"app", "aaaaaaaa1/app", "10.0.0.1:80", "[::1]:80", "", "/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		e := Explain(in, query)
		host, _ := addressIn(query)
		for _, task := range e.Tasks {
			if host == (netip.Addr{}) && !strings.Contains(task.Task, strings.SplitN(query, "/", 2)[0]) {
				t.Errorf("%q explains %s", query, task.Task)
			}
		}
	})
}

// TestExplainHides: of a variable's value nothing is told but what is true of it.
func TestExplainHides(t *testing.T) {
	app := container("app", port("", 80))
	app.Environment = map[string]string{"PROMETHEUS": "prod"}
	w := newWorld()
	w.run("aaaaaaaa1", "web", w.define("web", "awsvpc", app), at("10.0.0.1"))
	for requirement, want := range map[string]string{
		"operator: NotIn, values: [dev, prod]": `wants PROMETHEUS to be none of ["dev" "prod"]; found PROMETHEUS is set to one of these (1)`,
		"operator: In, values: [dev, test]":    `wants PROMETHEUS to be one of ["dev" "test"]; found PROMETHEUS is set, differs (1)`,
		"operator: DoesNotExist":               `wants PROMETHEUS not to be set; found PROMETHEUS is set (1)`,
	} {
		in := input(t, &w.Snapshot, nil, bareConfig, scrapeTarget("app", "  selector: {environment: {matchExpressions: [{key: PROMETHEUS, "+requirement+"}]}}\n  endpoints: [{port: 80}]\n"))
		if text := Explain(in, "app").Text(); !strings.Contains(text, want) {
			t.Errorf("%s: want %q in\n%s", requirement, want, text)
		}
	}
}

// TestExplainGroups: what is wrong with many for one reason is told once.
func TestExplainGroups(t *testing.T) {
	w := replicas(7)
	in := input(t, &w.Snapshot, nil, bareConfig, scrapeTarget("a", anyPort), scrapeTarget("b", "  selector: {}\n  endpoints: [{port: 9090, path: /b}]\n"))
	for found, text := range map[string]string{
		"http://10.0.0.1:9090/metrics (1), ": Explain(in, "b").Text(),
		"and 2 other values":                 Explain(in, "b").Text(),
		"7 left out: all its labels are those of another target, of ScrapeTarget/a; found ":                           Explain(in, "b").Text(),
		"all its labels are those of another target, of ScrapeTarget/a; found http://10.0.0.3:9090/metrics [same-lab": Explain(in, "10.0.0.3").Text(),
	} {
		if !strings.Contains(text, found) {
			t.Errorf("want %q in\n%s", found, text)
		}
	}
	w = newWorld()
	def := w.define("web", "awsvpc", container("app"))
	for i := range 4 {
		w.run(fmt.Sprintf("old%d", i), "web", def, at(fmt.Sprintf("10.0.0.%d", i/2)))
		w.Tasks[i].StartedAt = time.Unix(int64(1000+i), 0)
	}
	in = input(t, &w.Snapshot, nil, bareConfig, scrapeTarget("a", anyPort))
	if text := Explain(in, "a").Text(); !strings.Contains(text, "2 left out: its address belongs to a newer task now; found arn:") {
		t.Errorf("got\n%s", text)
	}
}

// TestExplainPublishedAddress: a target is found by the address that it ends up
// with, too.
func TestExplainPublishedAddress(t *testing.T) {
	w := replicas(3)
	proxied := "  selector: {}\n  endpoints: [{port: 9090}]\n  relabelConfigs:\n  - {source_labels: [__meta_ecs_task_id], regex: %s, target_label: __address__, replacement: '%s'}\n"
	in := input(t, &w.Snapshot, nil, bareConfig,
		scrapeTarget("box", fmt.Sprintf(proxied, "t1", "Blackbox.local:9115")), scrapeTarget("ip", fmt.Sprintf(proxied, "t2", "10.0.0.3:9115")))
	for query, want := range map[string][]string{
		"Blackbox.local:9115": {"t1 Blackbox.local:9115 box"},
		"blackbox.local":      {"t1 Blackbox.local:9115 box"},
		"blackbox.local:80":   nil,
		"10.0.0.3:9115":       {"t2 10.0.0.3:9115 ip"},
		"10.0.0.3":            {"t3 10.0.0.3:9090 box", "t2 10.0.0.3:9115 ip"},
	} {
		var got []string
		for _, task := range Explain(in, query).Tasks {
			for _, v := range task.Verdicts {
				for _, target := range v.Targets {
					got = append(got, target.Task+" "+target.Address+" "+v.Object.Name)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", query, diff)
		}
	}
}

// TestExplainMovedContainer: a container is known to be scraped wherever its
// target has been sent.
func TestExplainMovedContainer(t *testing.T) {
	w := newWorld()
	w.run("aaaaaaaa1", "web", w.define("web", "awsvpc", container("app", port("m", 9090)), container("proxy", port("p", 80))), at("10.0.0.1"))
	in := input(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  endpoints: [{port: m}]\n  relabelConfigs: [{target_label: __address__, replacement: 'box:9115'}]\n"))
	for query, want := range map[string]string{
		"aaaaaaaa1/app":   "ScrapeTarget/web scrapes it:\n    http://box:9115/metrics",
		"aaaaaaaa1/proxy": "ScrapeTarget/web does not scrape it: the object scrapes this task at box:9115 only [other-address]",
	} {
		if text := Explain(in, query).Text(); !strings.Contains(text, want) {
			t.Errorf("%s: want %q in\n%s", query, want, text)
		}
	}
}

// TestExplainHeld: targets of which nothing is known are said to be held, and why.
func TestExplainHeld(t *testing.T) {
	w := replicas(3)
	live := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("a", anyPort)).Bundle.Pools
	for _, tt := range []struct {
		name, target string
		edit         func(*world)
		want         []Left
	}{
		{"known", anyPort, func(*world) {}, nil},
		{"nothing is known", anyPort, func(w *world) { w.Snapshot = *notRead() }, []Left{
			{Code: "not-known-yet", Message: "cluster 111122223333/us-east-1/prod has not been read yet", Count: 3, Example: "10.0.0.1:9090"},
		}},
		{"a new question", "  selector: {taskTags: {matchLabels: {a: b}}}\n  endpoints: [{port: 9090}]\n", func(*world) {}, []Left{
			{Code: "not-known-yet", Message: "the object needs the tags of tasks, which have not been read yet; what is published stays", Count: 3, Example: "10.0.0.1:9090"},
		}},
		{"no definition", anyPort, func(w *world) { clear(w.Definitions) }, []Left{
			{Code: "no-address", Message: "where its task is reached cannot be told", Count: 3, Example: "10.0.0.1:9090"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := replicas(3)
			tt.edit(w)
			e := Explain(input(t, &w.Snapshot, live, bareConfig, scrapeTarget("a", tt.target)), "a")
			if diff := cmp.Diff(tt.want, e.Objects[0].Held); diff != "" || len(e.Objects[0].Targets) != 3 {
				t.Errorf("%d targets; -want +got\n%s", len(e.Objects[0].Targets), diff)
			}
			for _, h := range tt.want {
				if line := "  held            3 of 3, published before: " + h.Message + " ["; !strings.Contains(e.Text(), line) {
					t.Errorf("%q is not in\n%s", line, e.Text())
				}
			}
		})
	}
}

// TestExplainWithheld: what is taken out at the end has its reason too.
func TestExplainWithheld(t *testing.T) {
	w := newWorld()
	def := w.define("web", "awsvpc", container("app", port("", 80), port("", 81)))
	for i := range 4 {
		w.run(fmt.Sprintf("aaaaaaaa%d", i), "web", def, at(fmt.Sprintf("10.0.0.%d", i+1)))
	}
	config := strings.Replace(bareConfig, "spec: {}", "spec: {shards: 2, enforced: {targets_per_object: 3}}", 1)
	in := input(t, &w.Snapshot, nil, config,
		scrapeTarget("a", "\n  selector: {}\n  endpoints: [{port: 80}]"),
		scrapeTarget("b", "\n  selector: {}\n  endpoints: [{port: 80}]\n  relabelConfigs: [{source_labels: [__address__], regex: '10.0.0.1:.*', action: drop}]"))
	p := Build(in)
	for _, o := range Explain(in, "").Objects {
		last := o.Funnel[len(o.Funnel)-1]
		left := 0
		for _, l := range last.Left {
			left += l.Count
		}
		if last.Taken != p.Targets[o.Object.Name] || last.Seen != 4 || last.Taken+left != 4 {
			t.Errorf("%s: %+v; planned %d", o.Object, last, p.Targets[o.Object.Name])
		}
	}
}

package plan

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/file" // registers file_sd_configs

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

var prod = inventory.Scope{Account: "111122223333", Region: "us-east-1", Cluster: "prod"}

const bareConfig = "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n"

// decode reads specs that must be good.
func decode(t testing.TB, docs ...string) []*spec.Object {
	t.Helper()
	set := spec.Decode([]spec.File{{Name: "test.yaml", Data: []byte(strings.Join(docs, "\n---\n"))}})
	for _, p := range set.Problems {
		t.Fatalf("fixture: %v", p)
	}
	return set.Objects
}

func scrapeTarget(name, body string) string {
	return "apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: " + name + "}\nspec:\n" + body
}

// build plans the objects over a snapshot.
func build(t testing.TB, snap *inventory.Snapshot, live []artifact.Pool, docs ...string) *Plan {
	t.Helper()
	return Build(input(t, snap, live, docs...))
}

func input(t testing.TB, snap *inventory.Snapshot, live []artifact.Pool, docs ...string) Input {
	t.Helper()
	choice, err := Choose(decode(t, docs...), "")
	if err != nil {
		t.Fatal(err)
	}
	files, err := choice.Render()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(string(files[artifact.ConfigFile]), promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return Input{
		Choice: choice, Files: files, Config: cfg, Snapshot: snap, Live: live,
		Sources: []inventory.Source{{Region: prod.Region}},
	}
}

// addresses are "address path container" of all targets.
func addresses(p *Plan) []string {
	out := []string{}
	for _, pool := range p.Bundle.Pools {
		for _, t := range pool.Targets {
			out = append(out, fmt.Sprintf("%s%s %s", t.Address(), t.Labels.Get("__metrics_path__"), t.Labels.Get("ecs_container")))
		}
	}
	return out
}

func codes(p *Plan) []string {
	out := []string{}
	for _, f := range p.Findings {
		out = append(out, f.Code+" "+f.Container)
	}
	return out
}

// world is a snapshot under construction.
type world struct{ inventory.Snapshot }

func newWorld() *world {
	return &world{inventory.Snapshot{
		Sources: []inventory.SourceStatus{{Source: inventory.Source{Region: prod.Region}, Account: prod.Account, Region: prod.Region, Listed: true}},
		Scopes: []inventory.ScopeStatus{{
			Scope: prod, State: inventory.Synced, Facts: inventory.Facts{Environment: []string{"PROMETHEUS", "STAGE"}},
		}},
		Definitions: map[string]*inventory.Definition{},
		Instances:   map[string]*inventory.Instance{},
	}}
}

func (w *world) define(name, mode string, containers ...inventory.ContainerDefinition) string {
	arn := "arn:aws:ecs:us-east-1:111122223333:task-definition/" + name + ":1"
	w.Definitions[arn] = &inventory.Definition{ARN: arn, NetworkMode: mode, Containers: containers}
	return arn
}

// instance adds the instance "ci-1", at 10.1.0.1.
func (w *world) instance() {
	w.Instances["ci-1"] = &inventory.Instance{ARN: "ci-1", MachineID: "i-1", IPv4: netip.MustParseAddr("10.1.0.1")}
}

// run adds a running task; its containers are those of the definition.
func (w *world) run(id, service, definition string, edit func(*inventory.Task)) *inventory.Task {
	t := &inventory.Task{
		ARN: "arn:aws:ecs:us-east-1:111122223333:task/prod/" + id, Scope: prod, Version: 3,
		LastStatus: "RUNNING", DesiredStatus: "RUNNING", LaunchType: "FARGATE", Definition: definition,
		AvailabilityZone: "us-east-1a", StartedAt: time.Unix(1000, 0),
	}
	if service != "" {
		t.Group = "service:" + service
	}
	for _, c := range w.Definitions[definition].Containers {
		t.Containers = append(t.Containers, inventory.Container{Name: c.Name, LastStatus: "RUNNING"})
	}
	if edit != nil {
		edit(t)
	}
	w.Tasks = append(w.Tasks, t)
	return t
}

func at(ip string) func(*inventory.Task) {
	return func(t *inventory.Task) {
		for i := range t.Containers {
			t.Containers[i].Addresses = []netip.Addr{netip.MustParseAddr(ip)}
		}
		t.Interface = &inventory.Interface{SubnetID: "subnet-1", IPv4: netip.MustParseAddr(ip)}
	}
}

func port(name string, container uint16) inventory.PortMapping {
	return inventory.PortMapping{Name: name, Container: inventory.PortRange{First: container, Last: container}, Protocol: "tcp"}
}

func container(name string, ports ...inventory.PortMapping) inventory.ContainerDefinition {
	return inventory.ContainerDefinition{Name: name, Essential: true, Ports: ports}
}

func bind(container, host uint16) inventory.PortBinding {
	return inventory.PortBinding{
		Container: inventory.PortRange{First: container, Last: container},
		Host:      inventory.PortRange{First: host, Last: host}, Protocol: "tcp",
	}
}

func TestPortRules(t *testing.T) {
	udp := inventory.PortMapping{Name: "stats", Container: inventory.PortRange{First: 8125, Last: 8125}, Protocol: "udp"}
	ranged := inventory.PortMapping{Container: inventory.PortRange{First: 7000, Last: 7010}, Protocol: "tcp"}
	tests := []struct {
		name      string
		mode      string
		defs      []inventory.ContainerDefinition
		edit      func(*inventory.Task)
		selector  string
		port      string
		addresses []string
		findings  []string
	}{
		{
			name: "awsvpc, by name", mode: "awsvpc", port: "metrics", edit: at("10.0.0.1"),
			defs:      []inventory.ContainerDefinition{container("app", port("http", 80), port("metrics", 9090)), container("proxy")},
			addresses: []string{"10.0.0.1:9090/metrics app"},
		},
		{
			name: "awsvpc, mapped number belongs to the container that maps it", mode: "awsvpc", port: "9090", edit: at("10.0.0.1"),
			defs:      []inventory.ContainerDefinition{container("proxy", port("", 80)), container("app", port("", 9090))},
			addresses: []string{"10.0.0.1:9090/metrics app"},
		},
		{
			name: "awsvpc, unmapped number, one target for the first essential container", mode: "awsvpc", port: "9090", edit: at("10.0.0.1"),
			defs:      []inventory.ContainerDefinition{{Name: "init"}, container("app"), container("proxy")},
			addresses: []string{"10.0.0.1:9090/metrics app"},
		},
		{
			name: "awsvpc, unmapped number, for the only selected container", mode: "awsvpc", port: "9090", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{container("app"), container("proxy")}, selector: "containers: [proxy]",
			addresses: []string{"10.0.0.1:9090/metrics proxy"},
		},
		{
			name: "awsvpc, IPv6 only", mode: "awsvpc", port: "9090", edit: at("2001:db8::1"),
			defs:      []inventory.ContainerDefinition{container("app")},
			addresses: []string{"[2001:db8::1]:9090/metrics app"},
		},
		{
			name: "awsvpc, address of the attachment where the container tells none", mode: "awsvpc", port: "9090",
			defs: []inventory.ContainerDefinition{container("app")},
			edit: func(t *inventory.Task) {
				at("10.0.0.1")(t)
				t.Containers[0].Addresses = nil
			},
			addresses: []string{"10.0.0.1:9090/metrics app"},
		},
		{
			name: "no address is a finding", mode: "awsvpc", port: "9090",
			defs: []inventory.ContainerDefinition{container("app")}, findings: []string{"no-address app"},
		},
		{
			name: "a name that no container has is a finding", mode: "awsvpc", port: "metrics", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{container("app", port("http", 80))}, findings: []string{"no-such-port app"},
		},
		{
			name: "UDP is no port to scrape", mode: "awsvpc", port: "stats", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{container("app", udp)}, findings: []string{"no-such-port app"},
		},
		{
			name: "a container that does not run is no target", mode: "awsvpc", port: "9090",
			defs: []inventory.ContainerDefinition{container("app")},
			edit: func(t *inventory.Task) {
				at("10.0.0.1")(t)
				t.Containers[0].LastStatus = "STOPPED"
			},
		},
		{
			name: "bridge, dynamic port", mode: "bridge", port: "8080",
			defs: []inventory.ContainerDefinition{container("app", port("", 8080))},
			edit: func(t *inventory.Task) {
				t.Instance = "ci-1"
				t.Containers[0].Bindings = []inventory.PortBinding{bind(9999, 32000), bind(8080, 32768)}
			},
			addresses: []string{"10.1.0.1:32768/metrics app"},
		},
		{
			name: "bridge is the mode of a definition that names none; range", mode: "", port: "7003",
			defs: []inventory.ContainerDefinition{container("app", ranged)},
			edit: func(t *inventory.Task) {
				t.Instance = "ci-1"
				t.Containers[0].Bindings = []inventory.PortBinding{{
					Container: inventory.PortRange{First: 7000, Last: 7010}, Host: inventory.PortRange{First: 40000, Last: 40010}, Protocol: "tcp",
				}}
			},
			addresses: []string{"10.1.0.1:40003/metrics app"},
		},
		{
			name: "bridge, both containers map it: two endpoints", mode: "bridge", port: "8080",
			defs: []inventory.ContainerDefinition{container("a", port("", 8080)), container("b", port("", 8080))},
			edit: func(t *inventory.Task) {
				t.Instance = "ci-1"
				t.Containers[0].Bindings = []inventory.PortBinding{bind(8080, 32768)}
				t.Containers[1].Bindings = []inventory.PortBinding{bind(8080, 32769)}
			},
			addresses: []string{"10.1.0.1:32768/metrics a", "10.1.0.1:32769/metrics b"},
		},
		{
			name: "bridge, unmapped number is a finding", mode: "bridge", port: "8081",
			defs: []inventory.ContainerDefinition{container("app", port("", 8080))},
			edit: func(t *inventory.Task) { t.Instance = "ci-1" }, findings: []string{"no-such-port app"},
		},
		{
			name: "bridge, mapped but not bound is a finding", mode: "bridge", port: "8080",
			defs: []inventory.ContainerDefinition{container("app", port("", 8080))},
			edit: func(t *inventory.Task) { t.Instance = "ci-1" }, findings: []string{"port-not-bound app"},
		},
		{
			name: "bridge, unknown instance is a finding", mode: "bridge", port: "8080",
			defs: []inventory.ContainerDefinition{container("app", port("", 8080))},
			edit: func(t *inventory.Task) { t.Instance = "ci-9" }, findings: []string{"no-address app"},
		},
		{
			name: "host, unmapped number", mode: "host", port: "9100",
			defs:      []inventory.ContainerDefinition{container("node-exporter")},
			edit:      func(t *inventory.Task) { t.Instance = "ci-1" },
			addresses: []string{"10.1.0.1:9100/metrics node-exporter"},
		},
		{
			name: "a task that is stopping is no target", mode: "awsvpc", port: "9090",
			defs: []inventory.ContainerDefinition{container("app")},
			edit: func(t *inventory.Task) {
				at("10.0.0.1")(t)
				t.DesiredStatus = "STOPPED"
			},
		},
		{
			name: "a container that the definition lacks is no error", mode: "awsvpc", port: "9090",
			defs: []inventory.ContainerDefinition{container("app")},
			edit: func(t *inventory.Task) {
				t.Containers = append(t.Containers, inventory.Container{Name: "ecs-service-connect-x", LastStatus: "RUNNING"})
				at("10.0.0.1")(t)
			},
			addresses: []string{"10.0.0.1:9090/metrics app"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			w.instance()
			w.run("t1", "web", w.define("web", tt.mode, tt.defs...), tt.edit)
			p := build(t, &w.Snapshot, nil, bareConfig,
				scrapeTarget("web", "  selector: {"+tt.selector+"}\n  endpoints: [{port: "+tt.port+"}]\n"))
			if diff := cmp.Diff(append([]string{}, tt.addresses...), addresses(p)); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{}, tt.findings...), codes(p)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelector(t *testing.T) {
	w := newWorld()
	app := container("app", port("metrics", 9090))
	app.Environment = map[string]string{"PROMETHEUS": "true"}
	app.DockerLabels = map[string]string{"5m:/a": "Cost Center"}
	w.run("t1", "checkout-api", w.define("checkout", "awsvpc", app, container("log-router")), func(t *inventory.Task) {
		at("10.0.0.1")(t)
		t.Environment = map[string]map[string]string{"app": {"STAGE": "blue"}}
	})
	w.run("t2", "", w.define("batch", "awsvpc", container("job")), at("10.0.0.2"))
	tests := []struct {
		selector string
		want     int
	}{
		{"{}", 2},
		{"accounts: ['111122223333']", 2},
		{"accounts: ['999999999999']", 0},
		{"regions: [eu-west-1, us-east-1]", 2},
		{"regions: [eu-west-1]", 0},
		{"availabilityZones: [us-east-1b]", 0},
		{"clusters: ['pr*']", 2},
		{"clusters: [staging, prod]", 2},
		{"clusters: [staging]", 0},
		{"services: ['checkout-*']", 1},
		{"services: ['*']", 1}, // a standalone task has no service
		{"families: [batch]", 1},
		{"containers: [app]", 1},
		{"containers: [nothing]", 0},
		{"launchTypes: [EC2]", 0},
		{"launchTypes: [EC2, FARGATE]", 2},
		{"healthStatus: [UNKNOWN]", 2},
		{"healthStatus: [HEALTHY]", 0},
		{"environment: {matchLabels: {PROMETHEUS: 'true'}}", 1},
		{"environment: {matchLabels: {PROMETHEUS: 'false'}}", 0},
		{"environment: {matchLabels: {STAGE: blue}}", 1}, // an override
		{"environment: {matchExpressions: [{key: STAGE, operator: NotIn, values: [blue]}]}", 2}, // log-router, job
		{"environment: {matchExpressions: [{key: PROMETHEUS, operator: DoesNotExist}]}", 2},
		{"dockerLabels: {matchLabels: {'5m:/a': Cost Center}}", 1},
		{"services: ['checkout-*'], containers: [app], launchTypes: [FARGATE]", 1},
		{"services: ['checkout-*'], containers: [app], launchTypes: [EC2]", 0},
	}
	for _, tt := range tests {
		t.Run(tt.selector, func(t *testing.T) {
			selector := tt.selector
			if selector != "{}" {
				selector = "{" + selector + "}"
			}
			p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("x", "  selector: "+selector+"\n  endpoints: [{port: 9090}]\n"))
			if got := p.Targets["x"]; got != tt.want {
				t.Errorf("got %d targets, want %d: %v", got, tt.want, addresses(p))
			}
		})
	}
}

func TestLabels(t *testing.T) {
	w := newWorld()
	w.instance()
	w.run("t1", "web", w.define("web", "awsvpc", container("app")), at("10.0.0.1"))
	w.run("t2", "node", w.define("node", "host", container("exporter")), func(t *inventory.Task) { t.Instance = "ci-1" })
	config := `apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec:
  config: {global: {scrape_interval: 20s, scrape_timeout: 15s}}
  scrapeClasses: [{name: tls, scrapeConfig: {scheme: https, scrape_interval: 60s}}]
`
	p := build(t, &w.Snapshot, nil, config,
		scrapeTarget("web", "  selector: {services: [web]}\n  endpoints: [{port: 9090, path: /m, interval: 5s}]\n  scrapeClass: tls\n  labels: {tier: web, ecs_task_family: ''}\n"),
		scrapeTarget("node", "  selector: {services: [node]}\n  endpoints: [{port: 9100}]\n  jobName: node\n  scrapeConfig: {sample_limit: 9}\n"),
	)
	var got []string
	for _, pool := range p.Bundle.Pools {
		for _, target := range pool.Targets {
			got = append(got, pool.Path+" "+target.Labels.String())
		}
	}
	want := []string{
		`targets/class/tls/targets.json {__address__="10.0.0.1:9090", __metrics_path__="/m", __scheme__="https", __scrape_interval__="5s", __scrape_timeout__="5s", ecs_cluster="prod", ecs_container="app", ecs_service="web", ecs_task_id="t1", instance="10.0.0.1:9090", job="web", tier="web"}`,
		`targets/own/13/node.json {__address__="10.1.0.1:9100", __ecs_scrape_pool="node", __metrics_path__="/metrics", __scheme__="http", __scrape_interval__="20s", __scrape_timeout__="15s", ecs_cluster="prod", ecs_container="exporter", ecs_service="node", ecs_task_family="node", instance="10.1.0.1:9100", job="node"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRenderIsDeterministicAndComplete(t *testing.T) {
	docs := []string{
		`apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec:
  config:
    global: {scrape_interval: 30s, external_labels: {replica: "${HOSTNAME}"}}
    scrape_configs:
    - job_name: static
      static_configs: [{targets: ["127.0.0.1:1"]}]
  scrapeClasses:
  - name: default
    scrapeConfig: {proxy_url: "http://127.0.0.1:3128", sample_limit: 100, metric_relabel_configs: [{action: labeldrop, regex: a}]}
`,
		scrapeTarget("own", "  selector: {}\n  endpoints: [{port: 1}]\n  scrapeConfig: {sample_limit: 500, label_limit: 7, metric_relabel_configs: [{action: labeldrop, regex: b}]}\n"),
		"apiVersion: ecs-scrape/v1\nkind: PrometheusRule\nmetadata: {name: up}\nspec: {groups: [{name: g, rules: [{record: a, expr: up}]}]}\n",
	}
	want := `# Written by ecs-scrape from the specs. Edits are overwritten.
global: {scrape_interval: 30s, external_labels: {replica: "${HOSTNAME}"}}
rule_files:
  - rules/up.yml
scrape_configs:
  - job_name: static
    static_configs: [{targets: ["127.0.0.1:1"]}]
  - job_name: ecs-scrape/class/default
    proxy_url: "http://127.0.0.1:3128"
    sample_limit: 100
    metric_relabel_configs: [{action: labeldrop, regex: a}]
    file_sd_configs:
      - files:
          - ../targets/class/default/*.json
        refresh_interval: 30s
  - job_name: ecs-scrape/target/own
    proxy_url: "http://127.0.0.1:3128"
    sample_limit: 100
    metric_relabel_configs:
      - {action: labeldrop, regex: a}
      - {action: labeldrop, regex: b}
    label_limit: 7
    relabel_configs:
      - source_labels:
          - __ecs_scrape_pool
        regex: own
        action: keep
    file_sd_configs:
      - files:
          - ../targets/own/15/*.json
        refresh_interval: 30s
  - job_name: ecs-scrape/self/controller
    file_sd_configs:
      - files:
          - ../targets/self/controller/targets.json
        refresh_interval: 30s
  - job_name: ecs-scrape/self/prometheus
    file_sd_configs:
      - files:
          - ../targets/self/prometheus/targets.json
        refresh_interval: 30s
`
	for range 20 {
		rand.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
		choice, err := Choose(decode(t, docs...), "main")
		if err != nil {
			t.Fatal(err)
		}
		files, err := choice.Render()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(files["prometheus.yml"])); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if got := files.Paths(); !slices.Equal(got, []string{"prometheus.yml", "rules/up.yml"}) {
			t.Fatalf("files %v", got)
		}
	}
}

func TestPlanDoesNotDependOnOrder(t *testing.T) {
	w := newWorld()
	def := w.define("web", "awsvpc", container("app"))
	for i := range 20 {
		w.run(fmt.Sprintf("t%02d", i), "web", def, at(fmt.Sprintf("10.0.0.%d", i+1)))
	}
	docs := []string{bareConfig}
	for i := range 5 {
		docs = append(docs, scrapeTarget(fmt.Sprintf("s%d", i), fmt.Sprintf("  selector: {}\n  endpoints: [{port: %d}, {port: name}]\n", 9000+i)))
	}
	first := build(t, &w.Snapshot, nil, docs...)
	for range 10 {
		rand.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
		rand.Shuffle(len(w.Tasks), func(i, j int) { w.Tasks[i], w.Tasks[j] = w.Tasks[j], w.Tasks[i] })
		again := build(t, &w.Snapshot, nil, docs...)
		if !slices.Equal(addresses(first), addresses(again)) || first.Bundle.Digest() != again.Bundle.Digest() {
			t.Fatal("equal inputs gave different targets")
		}
		if diff := cmp.Diff(first.Findings, again.Findings); diff != "" {
			t.Fatalf("findings (-first +again):\n%s", diff)
		}
	}
}

func TestHeldTargets(t *testing.T) {
	gone := scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 9090}]\n")
	origin := func(object, region, cluster string) artifact.Origin {
		return artifact.Origin{Object: object, Account: prod.Account, Region: region, Cluster: cluster}
	}
	source := inventory.SourceStatus{Source: inventory.Source{Region: prod.Region}, Account: prod.Account, Region: prod.Region}
	listed := source
	listed.Listed = true
	narrow := inventory.SourceStatus{Source: inventory.Source{Region: prod.Region, Clusters: []string{"staging-*"}}}
	scope := func(s inventory.State) []inventory.ScopeStatus {
		return []inventory.ScopeStatus{{Scope: prod, State: s}}
	}
	tests := []struct {
		name    string
		origin  artifact.Origin
		sources []inventory.SourceStatus
		scopes  []inventory.ScopeStatus
		held    bool
	}{
		{"nothing is known yet", origin("web", "us-east-1", "prod"), []inventory.SourceStatus{source}, nil, true},
		{"no source at all has been tried", origin("web", "us-east-1", "prod"), nil, nil, false},
		{"its cluster has not been looked up", origin("web", "us-east-1", "prod"), []inventory.SourceStatus{listed}, nil, true},
		{"its cluster is not synced", origin("web", "us-east-1", "prod"), []inventory.SourceStatus{listed}, scope(inventory.Unsynced), true},
		{"its cluster is synced", origin("web", "us-east-1", "prod"), []inventory.SourceStatus{listed}, scope(inventory.Synced), false},
		{"its cluster is stale, and known", origin("web", "us-east-1", "prod"), []inventory.SourceStatus{listed}, scope(inventory.Stale), false},
		{"its cluster is gone", origin("web", "us-east-1", "prod"), []inventory.SourceStatus{listed}, scope(inventory.Gone), false},
		{"its spec was deleted", origin("old", "us-east-1", "prod"), []inventory.SourceStatus{source}, nil, false},
		{"its region is no longer configured", origin("web", "eu-west-1", "prod"), []inventory.SourceStatus{source}, nil, false},
		{"its cluster is no longer configured", origin("web", "us-east-1", "prod"), []inventory.SourceStatus{narrow}, nil, false},
		{"its record was lost, and something is unknown", artifact.Origin{}, []inventory.SourceStatus{listed}, scope(inventory.Unsynced), true},
		{"its record was lost, and everything is known", artifact.Origin{}, []inventory.SourceStatus{listed}, scope(inventory.Synced), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			w.run("t1", "web", w.define("web", "awsvpc", container("app")), at("10.9.9.9"))
			published := build(t, &w.Snapshot, nil, bareConfig, gone).Bundle.Pools
			published[0].Targets[0].Origin = tt.origin
			empty := &inventory.Snapshot{Sources: tt.sources, Scopes: tt.scopes}
			p := build(t, empty, published, bareConfig, gone)
			if got := p.Held == 1 && len(addresses(p)) == 1; got != tt.held {
				t.Errorf("held %v, want %v (%v)", got, tt.held, addresses(p))
			}
		})
	}
}

// TestNewEnvironmentName: an object that begins to name a variable which the
// scope was not listed with keeps its targets until it was.
func TestNewEnvironmentName(t *testing.T) {
	w := newWorld()
	app := container("app")
	app.Environment = map[string]string{"PROMETHEUS": "true"}
	w.run("t1", "web", w.define("web", "awsvpc", app), at("10.0.0.1"))
	all := scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 9090}]\n")
	asks := scrapeTarget("web", "  selector: {environment: {matchLabels: {PROMETHEUS: 'true'}}}\n  endpoints: [{port: 9090}]\n")
	live := build(t, &w.Snapshot, nil, bareConfig, all).Bundle.Pools
	w.Scopes[0].Facts = inventory.Facts{}
	if p := build(t, &w.Snapshot, live, bareConfig, asks); p.Held != 1 {
		t.Errorf("%d targets held before the variable was listed, want 1", p.Held)
	}
	w.Scopes[0].Facts = inventory.Facts{Environment: []string{"PROMETHEUS"}}
	if p := build(t, &w.Snapshot, live, bareConfig, asks); p.Held != 0 || p.Targets["web"] != 1 {
		t.Errorf("%d held and %d targets afterwards, want 0 and 1", p.Held, p.Targets["web"])
	}
}

// TestFactsThatCannotBeRead: the object that needs them says so and keeps what it
// has; the others go on.
func TestFactsThatCannotBeRead(t *testing.T) {
	w := newWorld()
	w.run("t1", "web", w.define("web", "awsvpc", container("app")), at("10.0.0.1"))
	all := scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 9090}]\n")
	live := build(t, &w.Snapshot, nil, bareConfig, all).Bundle.Pools
	asks := scrapeTarget("web", "  selector: {serviceTags: {matchLabels: {team: shop}}}\n  endpoints: [{port: 9090}]\n")
	other := strings.NewReplacer("{name: web}", "{name: other}", "9090", "9091").Replace(all)
	w.Scopes[0].Lacking = map[string]string{"services": "describe services: AccessDenied"}
	p := build(t, &w.Snapshot, live, bareConfig, asks, other)
	want := []string{"ScrapeTarget/web facts-missing the object needs the services of tasks of cluster 111122223333/us-east-1/prod, " +
		"which cannot be read, so what is published stays: describe services: AccessDenied"}
	if diff := cmp.Diff(want, messages(p)); diff != "" || p.Held != 1 || p.Targets["web"] != 1 || p.Targets["other"] != 1 {
		t.Errorf("targets %v, %d held; findings -want +got\n%s", p.Targets, p.Held, diff)
	}
}

func TestNewerTaskRetiresAddress(t *testing.T) {
	w := newWorld()
	def := w.define("web", "awsvpc", container("app"))
	w.run("old", "web", def, at("10.0.0.1"))
	w.run("new", "web", def, func(t *inventory.Task) {
		at("10.0.0.1")(t)
		t.StartedAt = time.Unix(2000, 0)
	})
	other := w.run("elsewhere", "web", def, at("10.0.0.1"))
	other.Interface.SubnetID = "subnet-of-another-vpc"
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 9090}]\n"))
	var ids []string
	for _, target := range p.Bundle.Pools[0].Targets {
		ids = append(ids, target.Labels.Get("ecs_task_id"))
	}
	if diff := cmp.Diff([]string{"elsewhere", "new"}, ids); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"address-retired app"}, codes(p)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestChooseErrors(t *testing.T) {
	second := strings.Replace(bareConfig, "main", "second", 1)
	tests := []struct {
		name string
		docs []string
		pick string
		want string
	}{
		{"none", []string{scrapeTarget("x", "  selector: {}\n  endpoints: [{port: 1}]\n")}, "", "no valid PrometheusConfig"},
		{"two", []string{bareConfig, second}, "", "2 PrometheusConfigs (main, second)"},
		{"another", []string{bareConfig}, "third", `no PrometheusConfig named "third", but main`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Choose(decode(t, tt.docs...), tt.pick)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if c, err := Choose(decode(t, bareConfig, second), "second"); err != nil || c.Config.Name != "second" {
		t.Errorf("by name: %v, %v", c, err)
	}
}

func TestUnknownClassIsAFinding(t *testing.T) {
	p := build(t, &newWorld().Snapshot, nil, bareConfig, scrapeTarget("x", "  selector: {}\n  endpoints: [{port: 1}]\n  scrapeClass: nope\n"))
	if diff := cmp.Diff([]string{"unknown-class "}, codes(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHeldTargetsFollowTheirObject: an object that changes its pool while its
// cluster cannot be read takes its targets along.
func TestHeldTargetsFollowTheirObject(t *testing.T) {
	w := newWorld()
	w.run("t1", "web", w.define("web", "awsvpc", container("app")), at("10.0.0.1"))
	class := scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 9090}]\n")
	own := class + "  scrapeConfig: {sample_limit: 9}\n"
	unknown := &inventory.Snapshot{Sources: []inventory.SourceStatus{{Source: inventory.Source{Region: prod.Region}}}}
	for _, change := range [][2]string{{class, own}, {own, class}} {
		want := build(t, &w.Snapshot, nil, bareConfig, change[1])
		live := build(t, &w.Snapshot, nil, bareConfig, change[0]).Bundle.Pools
		got := build(t, unknown, live, bareConfig, change[1])
		for i, pool := range want.Bundle.Pools {
			if diff := cmp.Diff(string(pool.Encode()), string(got.Bundle.Pools[i].Encode())); diff != "" {
				t.Errorf("%s (-read +held):\n%s", pool.Path, diff)
			}
		}
	}
}

// TestBlindTasksKeepTheirTargets: a task whose instance or definition cannot be
// told keeps what is published of it, and only that.
func TestBlindTasksKeepTheirTargets(t *testing.T) {
	w := newWorld()
	w.instance()
	def := w.define("web", "bridge", container("app", port("", 8080), port("", 8081)))
	bound := func(t *inventory.Task) {
		t.Instance = "ci-1"
		t.Containers[0].Bindings = []inventory.PortBinding{bind(8080, 32768), bind(8081, 32769)}
	}
	w.run("t1", "web", def, bound)
	spec := scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 8080}, {port: 8081}]\n")
	live := build(t, &w.Snapshot, nil, bareConfig, spec).Bundle.Pools
	want := []string{"10.1.0.1:32768/metrics app", "10.1.0.1:32769/metrics app"}

	instances, definitions := w.Instances, w.Definitions
	w.Instances = nil
	if diff := cmp.Diff(want, addresses(build(t, &w.Snapshot, live, bareConfig, spec))); diff != "" {
		t.Errorf("without its instance (-want +got):\n%s", diff)
	}
	w.Instances, w.Definitions = instances, nil
	if diff := cmp.Diff(want, addresses(build(t, &w.Snapshot, live, bareConfig, spec))); diff != "" {
		t.Errorf("without its definition (-want +got):\n%s", diff)
	}
	w.Definitions, w.Tasks = definitions, nil
	if got := addresses(build(t, &w.Snapshot, live, bareConfig, spec)); len(got) > 0 {
		t.Errorf("without the task: %v", got)
	}
}

func TestNewerTaskRetiresHostPort(t *testing.T) {
	w := newWorld()
	w.instance()
	def := w.define("web", "bridge", container("app", port("", 8080)))
	for i, id := range []string{"old", "new"} {
		w.run(id, "web", def, func(t *inventory.Task) {
			t.Instance = "ci-1"
			t.StartedAt = time.Unix(int64(1000*i), 0)
			t.Containers[0].Bindings = []inventory.PortBinding{bind(8080, 32768)}
		})
	}
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 8080}]\n"))
	targets := p.Bundle.Pools[0].Targets
	if len(targets) != 1 || targets[0].Labels.Get("ecs_task_id") != "new" {
		t.Errorf("targets %v", targets)
	}
	if diff := cmp.Diff([]string{"address-retired app"}, codes(p)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestFindingsAreSharedByTasks: a selector that is too wide has one finding,
// not one for every task.
func TestFindingsAreSharedByTasks(t *testing.T) {
	w := newWorld()
	def := w.define("web", "awsvpc", container("app"))
	for i := range 3 {
		w.run(fmt.Sprintf("t%d", 3-i), "web", def, at(fmt.Sprintf("10.0.0.%d", i+1)))
	}
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  endpoints: [{port: metrics}]\n"))
	if len(p.Findings) != 1 || p.Findings[0].Tasks != 3 {
		t.Fatalf("findings %+v", p.Findings)
	}
	if got := (Finding{Task: "t1", Tasks: 2}).Where(); got != "task t1, and in 1 more task" {
		t.Errorf("of two tasks: %s", got)
	}
	want := "task arn:aws:ecs:us-east-1:111122223333:task/prod/t1, container app, and in 2 more tasks"
	if got := p.Findings[0].Where(); got != want {
		t.Errorf("where %q, want %q", got, want)
	}
}

// TestTwoObjectsOneTarget: the second object that asks for the same target is
// told so.
func TestTwoObjectsOneTarget(t *testing.T) {
	w := newWorld()
	def := w.define("web", "awsvpc", container("app"))
	w.run("t1", "web", def, at("10.0.0.1"))
	w.run("t2", "web", def, at("10.0.0.2"))
	body := "  selector: {}\n  endpoints: [{port: 9090}]\n"
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("a", body), scrapeTarget("b", body))
	want := []Finding{{
		Object: spec.ID{Kind: spec.KindScrapeTarget, Name: "b"}, Code: CodeDuplicate,
		Message: "ScrapeTarget/a asks for the same targets with the same labels: narrow one of the selectors, or remove one object",
	}}
	if diff := cmp.Diff(want, p.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if p.Targets["a"] != 2 || p.Targets["b"] != 0 {
		t.Errorf("targets %v", p.Targets)
	}
}

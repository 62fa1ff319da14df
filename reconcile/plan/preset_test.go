package plan

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/inventory"
)

// saying are "scheme://address path interval job container" of all targets.
func saying(p *Plan) []string {
	out := []string{}
	for _, pool := range p.Bundle.Pools {
		for _, t := range pool.Targets {
			out = append(out, fmt.Sprintf("%s://%s%s %s %s %s", t.Labels.Get("__scheme__"), t.Address(), t.Labels.Get("__metrics_path__"),
				t.Labels.Get("__scrape_interval__"), t.Labels.Get("job"), t.Labels.Get("ecs_container")))
		}
	}
	return out
}

// labelled adds docker labels.
func labelled(c inventory.ContainerDefinition, pairs ...string) inventory.ContainerDefinition {
	c.DockerLabels = map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		c.DockerLabels[pairs[i]] = pairs[i+1]
	}
	return c
}

type presetCase struct {
	name     string
	mode     string
	defs     []inventory.ContainerDefinition
	edit     func(*inventory.Task)
	targets  []string
	findings []string
}

// check plans the convention for a task of the family "shop-web" and the service
// "web", in a class whose interval is 45s.
func (tt presetCase) check(t *testing.T, convention, more string) {
	t.Helper()
	w := knowing(ecsSDVariables...)
	w.run("t1", "web", w.define("shop-web", tt.mode, tt.defs...), tt.edit)
	config := "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {config: {global: {scrape_interval: 45s}}}\n"
	p := build(t, &w.Snapshot, nil, config, scrapeTarget("web", "  selector: {}\n  convention: "+convention+"\n"+more))
	if diff := cmp.Diff(append([]string{}, tt.targets...), saying(p)); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	got := codes(p)
	slices.Sort(got)
	if diff := cmp.Diff(append([]string{}, tt.findings...), got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func checkPreset(t *testing.T, convention string, tests []presetCase) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.check(t, convention, "") })
	}
}

func single(c inventory.ContainerDefinition) []inventory.ContainerDefinition {
	return []inventory.ContainerDefinition{c}
}

func TestPrometheusECSSD(t *testing.T) {
	app := container("app", port("", 8080), port("", 9102))
	on := func(c inventory.ContainerDefinition, pairs ...string) []inventory.ContainerDefinition {
		return single(says(c, append([]string{"PROMETHEUS", "true"}, pairs...)...))
	}
	// The order of ECS's answer is not the definition's.
	bound := onInstance(bind(8080, 32769), bind(9102, 32768))
	checkPreset(t, "prometheus-ecs-sd", []presetCase{
		{
			name: "awsvpc, the first mapping", mode: "awsvpc", defs: on(app), edit: at("10.0.0.1"),
			targets: []string{"http://10.0.0.1:8080/metrics 45s shop-web app"},
		},
		{
			name: "awsvpc, port 80 where nothing is mapped", mode: "awsvpc", defs: on(container("app")), edit: at("10.0.0.1"),
			targets: []string{"http://10.0.0.1:80/metrics 45s shop-web app"},
		},
		{
			name: "awsvpc, PROMETHEUS_PORT; the container port counts in bridge mode only", mode: "awsvpc", edit: at("10.0.0.1"),
			defs:    on(app, "PROMETHEUS_PORT", "9102", "PROMETHEUS_CONTAINER_PORT", "nonsense"),
			targets: []string{"http://10.0.0.1:9102/metrics 45s shop-web app"},
		},
		{
			name: "host, the first mapping", mode: "host", defs: on(app), edit: onInstance(),
			targets: []string{"http://10.1.0.1:8080/metrics 45s shop-web app"},
		},
		{
			name: "host, PROMETHEUS_PORT", mode: "host", defs: on(container("app"), "PROMETHEUS_PORT", "9100"), edit: onInstance(),
			targets: []string{"http://10.1.0.1:9100/metrics 45s shop-web app"},
		},
		{
			name: "bridge, the first mapping's host port", mode: "bridge", defs: on(app), edit: bound,
			targets: []string{"http://10.1.0.1:32769/metrics 45s shop-web app"},
		},
		{
			name: "bridge, the first mapping that is bound", mode: "bridge", defs: on(app), edit: onInstance(bind(9102, 32768)),
			targets: []string{"http://10.1.0.1:32768/metrics 45s shop-web app"},
		},
		{
			name: "bridge, PROMETHEUS_CONTAINER_PORT by its binding", mode: "bridge", defs: on(app, "PROMETHEUS_CONTAINER_PORT", "9102"), edit: bound,
			targets: []string{"http://10.1.0.1:32768/metrics 45s shop-web app"},
		},
		{
			name: "bridge, PROMETHEUS_PORT is the host's, and wins", mode: "bridge", edit: bound,
			defs:    on(app, "PROMETHEUS_CONTAINER_PORT", "9102", "PROMETHEUS_PORT", "9999"),
			targets: []string{"http://10.1.0.1:9999/metrics 45s shop-web app"},
		},
		{
			name: "bridge, PROMETHEUS_CONTAINER_PORT that is not mapped loses only its own container", mode: "bridge", edit: bound,
			defs: append(on(app, "PROMETHEUS_CONTAINER_PORT", "8080"), says(container("side", port("", 81)), "PROMETHEUS", "true", "PROMETHEUS_CONTAINER_PORT", "82")),
			targets: []string{
				"http://10.1.0.1:32769/metrics 45s shop-web app",
			},
			findings: []string{"no-such-port side"},
		},
		{
			name: "bridge, nothing is mapped", mode: "bridge", defs: on(container("app")), edit: onInstance(),
			findings: []string{"no-port-value app"},
		},
		{
			name: "bridge, nothing is bound", mode: "bridge", defs: on(app), edit: onInstance(),
			findings: []string{"port-not-bound app"},
		},
		{
			name: "what is no port", mode: "awsvpc", edit: at("10.0.0.1"),
			defs: append(on(app, "PROMETHEUS_PORT", "http"), says(container("b"), "PROMETHEUS", "true", "PROMETHEUS_PORT", "70000")),

			findings: []string{"bad-port app", "bad-port b"},
		},
		{
			name: "only true enables", mode: "awsvpc", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{
				says(container("a"), "PROMETHEUS", "false"), says(container("b"), "PROMETHEUS", "0"), says(container("c"), "PROMETHEUS", ""),
				says(container("d"), "PROMETHEUS", "True"), says(container("e"), "PROMETHEUS", "1"), container("f"), says(container("g"), "PROMETHEUS_PORT", "80"),
			},
			findings: []string{"not-enabled d", "not-enabled e"},
		},
		{
			name: "a run-time override disables", mode: "awsvpc", defs: on(app), edit: overriding("app", "PROMETHEUS", "false", at("10.0.0.1")),
		},
		{
			name: "lists of paths and intervals", mode: "awsvpc", edit: at("10.0.0.1"),
			defs: on(app, "PROMETHEUS_ENDPOINT", "5m:/a, 30s:/b,/c:d,15s:/e:f,1m:/g"),
			targets: []string{
				"http://10.0.0.1:8080/a 5m shop-web app", "http://10.0.0.1:8080/b 30s shop-web app", "http://10.0.0.1:8080/c:d 45s shop-web app",
				"http://10.0.0.1:8080/e:f 15s shop-web app", "http://10.0.0.1:8080/g 1m shop-web app",
			},
		},
		{
			name: "intervals are whole words, else the class's", mode: "awsvpc", edit: at("10.0.0.1"),
			defs:     on(app, "PROMETHEUS_ENDPOINT", "115s:/a,2m:/b"),
			targets:  []string{"http://10.0.0.1:8080/a 45s shop-web app", "http://10.0.0.1:8080/b 45s shop-web app"},
			findings: []string{"bad-interval app", "bad-interval app"},
		},
		{
			name: "entries that are wrong do not hurt the others", mode: "awsvpc", edit: at("10.0.0.1"),
			defs:     on(app, "PROMETHEUS_ENDPOINT", "/a,metrics,30s:,,/a,5m:/a"),
			targets:  []string{"http://10.0.0.1:8080/a 45s shop-web app"},
			findings: []string{"bad-interval app", "bad-path app", "bad-path app", "bad-path app"},
		},
		{
			name: "every container of its own", mode: "awsvpc", edit: at("10.0.0.1"),
			defs:    append(on(app), says(container("side", port("", 9901)), "PROMETHEUS", "true", "PROMETHEUS_ENDPOINT", "/stats")),
			targets: []string{"http://10.0.0.1:8080/metrics 45s shop-web app", "http://10.0.0.1:9901/stats 45s shop-web side"},
		},
		{
			name: "no labels", mode: "awsvpc", defs: on(app, "PROMETHEUS_NOLABELS", "true"), edit: at("10.0.0.1"),
			targets: []string{"http://10.0.0.1:8080/metrics 45s shop-web "},
		},
		{
			name: "no labels only for true", mode: "awsvpc", defs: on(app, "PROMETHEUS_NOLABELS", "1"), edit: at("10.0.0.1"),
			targets: []string{"http://10.0.0.1:8080/metrics 45s shop-web app"},
		},
	})
}

// TestPrometheusECSSDNoLabels: the instance of a target without labels is its
// address, one for each task.
func TestPrometheusECSSDNoLabels(t *testing.T) {
	w := knowing(ecsSDVariables...)
	d := w.define("shop-web", "awsvpc", says(container("app", port("", 8080)), "PROMETHEUS", "true", "PROMETHEUS_NOLABELS", "true"))
	w.run("t1", "web", d, at("10.0.0.1"))
	w.run("t2", "web", d, at("10.0.0.2"))
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  convention: prometheus-ecs-sd\n"))
	var got []string
	for _, target := range p.Bundle.Pools[0].Targets {
		got = append(got, target.Labels.String())
	}
	want := []string{
		`{__address__="10.0.0.1:8080", __metrics_path__="/metrics", __scheme__="http", __scrape_interval__="1m", __scrape_timeout__="10s", instance="10.0.0.1:8080", job="shop-web", metrics_path="/metrics"}`,
		`{__address__="10.0.0.2:8080", __metrics_path__="/metrics", __scheme__="http", __scrape_interval__="1m", __scrape_timeout__="10s", instance="10.0.0.2:8080", job="shop-web", metrics_path="/metrics"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPrometheusECSDiscovery(t *testing.T) {
	const (
		portLabel, path, scheme = "PROMETHEUS_EXPORTER_PORT", "PROMETHEUS_EXPORTER_PATH", "PROMETHEUS_EXPORTER_SCHEME"
		host, job, dynamic      = "PROMETHEUS_EXPORTER_SERVER_NAME", "PROMETHEUS_EXPORTER_JOB_NAME", "PROMETHEUS_DYNAMIC_EXPORT"
	)
	app := container("app", port("", 8080), port("", 9121))
	udp := inventory.PortMapping{Container: inventory.PortRange{First: 8125, Last: 8125}, Protocol: "udp"}
	ranged := inventory.PortMapping{Container: inventory.PortRange{First: 7000, Last: 7010}, Protocol: "tcp"}
	bound := onInstance(bind(8080, 32768), bind(9121, 32769))
	checkPreset(t, "prometheus-ecs-discovery", []presetCase{
		{
			name: "awsvpc", mode: "awsvpc", defs: single(labelled(app, portLabel, "9121", path, "/m", scheme, "https", job, "redis")), edit: at("10.0.0.1"),
			targets: []string{"https://10.0.0.1:9121/m 45s redis app"},
		},
		{
			name: "awsvpc, defaults; the port need not be mapped", mode: "awsvpc", defs: single(labelled(app, portLabel, "9999", path, "", scheme, "", job, "")), edit: at("10.0.0.1"),
			targets: []string{"http://10.0.0.1:9999/metrics 45s shop-web app"},
		},
		{
			name: "bridge, a container port", mode: "bridge", defs: single(labelled(app, portLabel, "9121")), edit: bound,
			targets: []string{"http://10.1.0.1:32769/metrics 45s shop-web app"},
		},
		{
			name: "bridge, not mapped", mode: "bridge", defs: single(labelled(app, portLabel, "9122")), edit: bound,
			findings: []string{"no-such-port app"},
		},
		{
			name: "host", mode: "host", defs: single(labelled(app, portLabel, "9121")), edit: onInstance(),
			targets: []string{"http://10.1.0.1:9121/metrics 45s shop-web app"},
		},
		{
			name: "server names", mode: "bridge", edit: onInstance(bind(9121, 32769), bind(9121, 32770), bind(9121, 32771)),
			defs: []inventory.ContainerDefinition{
				labelled(container("a", port("", 9121)), portLabel, "9121", host, "metrics.example.com//"),
				labelled(container("b", port("", 9121)), portLabel, "9121", host, "2001:db8::1"),
				labelled(container("c", port("", 9121)), portLabel, "9121", host, "http://c.example.com/"),
			},
			targets:  []string{"http://[2001:db8::1]:32770/metrics 45s shop-web b", "http://metrics.example.com:32769/metrics 45s shop-web a"},
			findings: []string{"bad-host c"},
		},
		{
			name: "dynamic, bridge", mode: "bridge", defs: single(labelled(container("app", port("", 8080), udp), dynamic, "1", path, "/m")), edit: bound,
			targets: []string{"http://10.1.0.1:32768/m 45s shop-web app"},
		},
		{
			name: "dynamic, awsvpc", mode: "awsvpc", defs: single(labelled(container("app", port("", 8080)), dynamic, "1")), edit: at("10.0.0.1"),
			targets: []string{"http://10.0.0.1:8080/metrics 45s shop-web app"},
		},
		{
			name: "dynamic, host", mode: "host", defs: single(labelled(container("app", port("", 8080)), dynamic, "1")), edit: onInstance(),
			targets: []string{"http://10.1.0.1:8080/metrics 45s shop-web app"},
		},
		{
			name: "dynamic and a port: the port says which", mode: "bridge", defs: single(labelled(app, dynamic, "1", portLabel, "9121")), edit: bound,
			targets: []string{"http://10.1.0.1:32769/metrics 45s shop-web app"},
		},
		{
			name: "dynamic, not exactly one", mode: "bridge", edit: bound,
			defs: []inventory.ContainerDefinition{
				labelled(app, dynamic, "1"), labelled(container("none", udp), dynamic, "1"), labelled(container("range", ranged), dynamic, "1"),
			},
			findings: []string{"ambiguous-port app", "ambiguous-port range", "no-port-value none"},
		},
		{
			name: "dynamic only for 1", mode: "awsvpc", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{
				labelled(container("a", port("", 80)), dynamic, "0"), labelled(container("b", port("", 81)), dynamic, "true"), labelled(container("c", port("", 82))),
			},
			findings: []string{"not-enabled b"},
		},
		{
			name: "all that is wrong is told", mode: "awsvpc", edit: at("10.0.0.1"),
			defs:     single(labelled(app, portLabel, "metrics", path, "m", scheme, "HTTPS", host, "/")),
			findings: []string{"bad-host app", "bad-path app", "bad-port app", "bad-scheme app"},
		},
	})
}

func TestCloudWatchAgent(t *testing.T) {
	const portLabel, path = "ECS_PROMETHEUS_EXPORTER_PORT", "ECS_PROMETHEUS_METRICS_PATH"
	app := container("app", port("", 8080), port("", 9121))
	checkPreset(t, "cloudwatch-agent", []presetCase{
		{
			name: "awsvpc", mode: "awsvpc", defs: single(labelled(app, portLabel, "9121", path, "/m", "job", "redis")), edit: at("10.0.0.1"),
			targets: []string{"http://10.0.0.1:9121/m 45s redis app"},
		},
		{
			name: "awsvpc, defaults; the port need not be mapped", mode: "awsvpc", defs: single(labelled(app, portLabel, "9999")), edit: at("10.0.0.1"),
			targets: []string{"http://10.0.0.1:9999/metrics 45s web app"},
		},
		{
			name: "bridge", mode: "bridge", defs: single(labelled(app, portLabel, "9121")), edit: onInstance(bind(8080, 32768), bind(9121, 32769)),
			targets: []string{"http://10.1.0.1:32769/metrics 45s web app"},
		},
		{
			name: "host", mode: "host", defs: single(labelled(app, portLabel, "9121")), edit: onInstance(),
			targets: []string{"http://10.1.0.1:9121/metrics 45s web app"},
		},
		{
			name: "wrong, and without the words", mode: "awsvpc", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{
				labelled(app, portLabel, "x", path, "m"), labelled(container("a"), path, "/m", "job", "x"), container("b"), labelled(container("c"), portLabel, ""),
			},
			findings: []string{"bad-path app", "bad-port app"},
		},
	})
}

func TestPrometheusIO(t *testing.T) {
	const scrape, portLabel, path, scheme = "prometheus.io/scrape", "prometheus.io/port", "prometheus.io/path", "prometheus.io/scheme"
	app := container("app", port("", 8080), port("", 9121))
	checkPreset(t, "prometheus.io", []presetCase{
		{
			name: "awsvpc", mode: "awsvpc", defs: single(labelled(app, scrape, "true", portLabel, "9121", path, "/m", scheme, "https")), edit: at("10.0.0.1"),
			targets: []string{"https://10.0.0.1:9121/m 45s web app"},
		},
		{
			name: "bridge, a container port", mode: "bridge", defs: single(labelled(app, scrape, "true", portLabel, "9121")), edit: onInstance(bind(9121, 32769)),
			targets: []string{"http://10.1.0.1:32769/metrics 45s web app"},
		},
		{
			name: "host", mode: "host", defs: single(labelled(app, scrape, "true", portLabel, "9121")), edit: onInstance(),
			targets: []string{"http://10.1.0.1:9121/metrics 45s web app"},
		},
		{
			name: "every container of its own", mode: "awsvpc", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{
				labelled(container("a"), scrape, "true", portLabel, "1001"), labelled(container("b"), scrape, "true", portLabel, "1002"),
			},
			targets: []string{"http://10.0.0.1:1001/metrics 45s web a", "http://10.0.0.1:1002/metrics 45s web b"},
		},
		{
			name: "a port is needed, also where one is mapped", mode: "awsvpc", edit: at("10.0.0.1"),
			defs:     single(labelled(container("app", port("", 8080)), scrape, "true")),
			findings: []string{"no-port-value app"},
		},
		{
			name: "only true enables", mode: "awsvpc", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{
				labelled(container("a"), scrape, "false", portLabel, "1"), labelled(container("b"), scrape, "yes", portLabel, "2"), labelled(container("c"), portLabel, "3"),
			},
			findings: []string{"not-enabled b"},
		},
		{
			name: "all that is wrong is told", mode: "awsvpc", edit: at("10.0.0.1"),
			defs:     single(labelled(app, scrape, "true", portLabel, "0", path, "m", scheme, "tcp")),
			findings: []string{"bad-path app", "bad-port app", "bad-scheme app"},
		},
	})
}

// TestPresetJob: the object's jobName wins over what a container asks for.
func TestPresetJob(t *testing.T) {
	presetCase{
		mode: "awsvpc", defs: single(labelled(container("app"), "ECS_PROMETHEUS_EXPORTER_PORT", "1", "job", "theirs")), edit: at("10.0.0.1"),
		targets: []string{"http://10.0.0.1:1/metrics 45s ours app"},
	}.check(t, "cloudwatch-agent", "  jobName: ours\n")
}

// TestPresetNeeds: only a convention that reads the environment
// asks for variables to be kept.
func TestPresetNeeds(t *testing.T) {
	for name, want := range map[string]int{"prometheus-ecs-sd": 5, "prometheus-ecs-discovery": 0, "cloudwatch-agent": 0, "prometheus.io": 0} {
		o := decode(t, scrapeTarget("web", "  selector: {}\n  convention: "+name+"\n"))[0]
		if got := len(needs(o).Environment); got != want {
			t.Errorf("%s: %d variables, want %d", name, got, want)
		}
	}
}

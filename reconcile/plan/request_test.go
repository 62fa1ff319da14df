package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/inventory"
)

// says adds environment variables, docker labels where the key has a dot.
func says(c inventory.ContainerDefinition, pairs ...string) inventory.ContainerDefinition {
	c.Environment, c.DockerLabels = map[string]string{}, map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		if strings.Contains(pairs[i], ".") {
			c.DockerLabels[pairs[i]] = pairs[i+1]
		} else {
			c.Environment[pairs[i]] = pairs[i+1]
		}
	}
	return c
}

// onInstance places the task on the instance at 10.1.0.1, with these bindings
// of its first container and those that follow, one each.
func onInstance(bindings ...inventory.PortBinding) func(*inventory.Task) {
	return func(t *inventory.Task) {
		t.Instance = "ci-1"
		for i, b := range bindings {
			c := min(i, len(t.Containers)-1)
			t.Containers[c].Bindings = append(t.Containers[c].Bindings, b)
		}
	}
}

// knowing is a world whose scope was listed with these variables.
func knowing(variables ...string) *world {
	w := newWorld()
	w.instance()
	slices.Sort(variables)
	w.Scopes[0].Facts.Environment = variables
	return w
}

func overriding(container, name, value string, edit func(*inventory.Task)) func(*inventory.Task) {
	return func(t *inventory.Task) {
		edit(t)
		t.Environment = map[string]map[string]string{container: {name: value}}
	}
}

func TestFromContainers(t *testing.T) {
	const portFrom, labelFrom = "portFrom: {environment: PORT}", "portFrom: {dockerLabel: app.port}"
	udp := inventory.PortMapping{Name: "stats", Container: inventory.PortRange{First: 8125, Last: 8125}, Protocol: "udp"}
	ranged := inventory.PortMapping{Name: "many", Container: inventory.PortRange{First: 7000, Last: 7010}, Protocol: "tcp"}
	tests := []struct {
		name      string
		mode      string
		defs      []inventory.ContainerDefinition
		edit      func(*inventory.Task)
		endpoint  string
		addresses []string
		findings  []string
	}{
		{
			name: "a number from the environment", mode: "awsvpc", endpoint: portFrom, edit: at("10.0.0.1"),
			defs:      []inventory.ContainerDefinition{says(container("app"), "PORT", "9102")},
			addresses: []string{"10.0.0.1:9102/metrics app"},
		},
		{
			name: "a run-time override wins", mode: "awsvpc", endpoint: portFrom, edit: overriding("app", "PORT", "9103", at("10.0.0.1")),
			defs:      []inventory.ContainerDefinition{says(container("app"), "PORT", "9102")},
			addresses: []string{"10.0.0.1:9103/metrics app"},
		},
		{
			name: "an override of another container is none", mode: "awsvpc", endpoint: portFrom, edit: overriding("proxy", "PORT", "9103", at("10.0.0.1")),
			defs:      []inventory.ContainerDefinition{says(container("app"), "PORT", "9102")},
			addresses: []string{"10.0.0.1:9102/metrics app"},
		},
		{
			name: "an override that empties it takes it away", mode: "awsvpc", endpoint: portFrom, edit: overriding("app", "PORT", "", at("10.0.0.1")),
			defs:     []inventory.ContainerDefinition{says(container("app"), "PORT", "9102")},
			findings: []string{"no-port-value app"},
		},
		{
			name: "the name of a mapping of this container", mode: "bridge", endpoint: labelFrom,
			edit:      onInstance(bind(8080, 32768), bind(8080, 32769)),
			defs:      []inventory.ContainerDefinition{says(container("a", port("web", 8080))), says(container("b", port("metrics", 8080)), "app.port", "metrics")},
			addresses: []string{"10.1.0.1:32769/metrics b"},
		},
		{
			name: "the name of a mapping of another container", mode: "awsvpc", endpoint: labelFrom, edit: at("10.0.0.1"),
			defs:     []inventory.ContainerDefinition{says(container("a"), "app.port", "metrics"), container("b", port("metrics", 8080))},
			findings: []string{"bad-port a"},
		},
		{
			name: "names of UDP and of a range, and what is no number", mode: "awsvpc", endpoint: labelFrom, edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{
				says(container("a", udp), "app.port", "stats"), says(container("b", ranged), "app.port", "many"),
				says(container("c"), "app.port", "70000"), says(container("d"), "app.port", "0"), says(container("e"), "app.port", "080"),
				says(container("f"), "app.port", "-1"), says(container("g"), "app.port", " 80"), says(container("h"), "app.port", "8080"),
			},
			addresses: []string{"10.0.0.1:8080/metrics h"},
			findings:  []string{"bad-port a", "bad-port b", "bad-port c", "bad-port d", "bad-port e", "bad-port f", "bad-port g"},
		},
		{
			name: "without a port, one that tells none asks for nothing", mode: "awsvpc", endpoint: portFrom, edit: at("10.0.0.1"),
			defs:      []inventory.ContainerDefinition{container("init"), says(container("app"), "PORT", "9102"), container("proxy")},
			addresses: []string{"10.0.0.1:9102/metrics app"},
		},
		{
			name: "nobody tells: one finding for the task", mode: "awsvpc", endpoint: portFrom, edit: at("10.0.0.1"),
			defs:     []inventory.ContainerDefinition{container("app"), container("proxy")},
			findings: []string{"no-port-value "},
		},
		{
			name: "with a port, it stands in", mode: "bridge", endpoint: portFrom + ", port: metrics",
			edit: onInstance(bind(8080, 32768), bind(9090, 32769)),
			defs: []inventory.ContainerDefinition{
				says(container("app", port("", 8080)), "PORT", "8080"), container("proxy", port("metrics", 9090)),
			},
			addresses: []string{"10.1.0.1:32768/metrics app", "10.1.0.1:32769/metrics proxy"},
		},
		{
			name: "containers that tell the same port: one target, of the container that maps it", mode: "awsvpc", endpoint: portFrom, edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{
				says(container("proxy"), "PORT", "9102"), says(container("app", port("", 9102)), "PORT", "9102"),
			},
			addresses: []string{"10.0.0.1:9102/metrics app"},
		},
		{
			name: "a bad value is no obstacle to the others", mode: "bridge", endpoint: portFrom, edit: onInstance(bind(9999, 32768), bind(8080, 32769)),
			defs: []inventory.ContainerDefinition{
				says(container("a", port("", 8080)), "PORT", "8080"), says(container("b", port("", 8080)), "PORT", "8080"),
				says(container("c"), "PORT", "x"), says(container("d"), "PORT", "8080"),
			},
			addresses: []string{"10.1.0.1:32769/metrics b"},
			findings:  []string{"bad-port c", "no-such-port d", "port-not-bound a"},
		},
		{
			name: "paths and ports together", mode: "awsvpc", endpoint: portFrom + ", pathFrom: {environment: PATH}, path: /default", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{
				says(container("a"), "PORT", "1001", "PATH", "/a:b"), says(container("b"), "PORT", "1002"),
				says(container("c"), "PORT", "1003", "PATH", "metrics"), says(container("d"), "PATH", "/d"),
			},
			addresses: []string{"10.0.0.1:1001/a:b a", "10.0.0.1:1002/default b"},
			findings:  []string{"bad-path c"},
		},
		{
			name: "only the path: that of the container that has the port", mode: "awsvpc", endpoint: "port: 9090, pathFrom: {dockerLabel: app.path}", edit: at("10.0.0.1"),
			defs: []inventory.ContainerDefinition{
				says(container("proxy", port("", 80)), "app.path", "/proxy"), says(container("app", port("", 9090)), "app.path", "/app"),
			},
			addresses: []string{"10.0.0.1:9090/app app"},
		},
		{
			name: "only the path, two containers that have the port", mode: "bridge", endpoint: "port: 9090, pathFrom: {dockerLabel: app.path}",
			edit: onInstance(bind(9090, 32768), bind(9090, 32769), bind(1, 1)),
			defs: []inventory.ContainerDefinition{
				says(container("a", port("", 9090)), "app.path", "/a"), says(container("b", port("", 9090))), says(container("c", port("", 9090)), "app.path", "/c"),
			},
			addresses: []string{"10.1.0.1:32768/a a", "10.1.0.1:32769/metrics b"},
			findings:  []string{"port-not-bound c"},
		},
		{
			name: "only the path, and a port that no container has", mode: "bridge", endpoint: "port: 9091, pathFrom: {dockerLabel: app.path}", edit: onInstance(),
			defs:     []inventory.ContainerDefinition{says(container("app", port("", 9090)), "app.path", "/a")},
			findings: []string{"no-such-port app"},
		},
		{
			name: "a container that does not run says nothing wrong", mode: "awsvpc", endpoint: portFrom,
			defs: []inventory.ContainerDefinition{says(container("init"), "PORT", "x"), says(container("app"), "PORT", "9102")},
			edit: func(t *inventory.Task) {
				at("10.0.0.1")(t)
				t.Containers[0].LastStatus = "STOPPED"
			},
			addresses: []string{"10.0.0.1:9102/metrics app"},
		},
		{
			name: "paths that Prometheus escapes", mode: "awsvpc", endpoint: "port: 9090, pathFrom: {dockerLabel: app.path}", edit: at("10.0.0.1"),
			defs:     []inventory.ContainerDefinition{says(container("app", port("", 9090)), "app.path", "/probe?module=http")},
			findings: []string{"bad-path app"},
		},
		{
			name: "the own port is not of a neighbour where its container does not run", mode: "awsvpc", endpoint: portFrom + ", port: 9102",
			defs: []inventory.ContainerDefinition{says(container("app", port("", 9102))), says(container("sidecar"))},
			edit: func(t *inventory.Task) {
				at("10.0.0.1")(t)
				t.Containers[0].LastStatus = "STOPPED"
			},
		},
		{
			name: "the own port is its container's where a neighbour does not run", mode: "awsvpc", endpoint: portFrom + ", port: 9102",
			defs: []inventory.ContainerDefinition{says(container("app", port("", 9102))), says(container("sidecar"))},
			edit: func(t *inventory.Task) {
				at("10.0.0.1")(t)
				t.Containers[1].LastStatus = "STOPPED"
			},
			addresses: []string{"10.0.0.1:9102/metrics app"},
		},
		{
			name: "none is missed where only what tells a port runs", mode: "bridge", endpoint: portFrom + ", port: 9102",
			defs: []inventory.ContainerDefinition{says(container("init")), says(container("app", port("", 8080)), "PORT", "8080")},
			edit: func(t *inventory.Task) {
				onInstance(bind(1, 1), bind(8080, 32768))(t)
				t.Containers[0].LastStatus = "STOPPED"
			},
			addresses: []string{"10.1.0.1:32768/metrics app"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := knowing("PORT", "PATH")
			w.run("t1", "web", w.define("web", tt.mode, tt.defs...), tt.edit)
			p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  endpoints: [{"+tt.endpoint+"}]\n"))
			expect(t, p, tt.addresses, tt.findings)
		})
	}
}

func expect(t *testing.T, p *Plan, addr, findings []string) {
	t.Helper()
	got := codes(p)
	slices.Sort(got)
	if diff := cmp.Diff(append([]string{}, addr...), addresses(p)); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append([]string{}, findings...), got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	for _, f := range p.Findings {
		if f.Task == "" || f.Tasks != 1 || !strings.ContainsAny(f.Message, ":;") {
			t.Errorf("names no task, or no remedy: %+v", f)
		}
	}
}

func TestWrongPath(t *testing.T) {
	for path, ok := range map[string]bool{
		"/": true, "/metrics": true, "/a%20b:c;d=e&f": true, "/größe": true,
		"": false, "metrics": false, "/a?b=c": false, "/a#b": false, "/a b": false, "/a\n": false, "/\xff": false,
	} {
		if why := wrongPath(path); (why == "") != ok {
			t.Errorf("%q: %q", path, why)
		}
	}
}

// TestFindingsHideTheEnvironment: a docker label's value is shown, an
// environment variable's never, nor the port that it is.
func TestFindingsHideTheEnvironment(t *testing.T) {
	const secret = "54321"
	w := knowing(append([]string{"PORT", "PATH"}, ecsSDVariables...)...)
	defs := []inventory.ContainerDefinition{
		says(container("unmapped"), "PORT", secret), says(container("unbound", port("", 54321)), "PORT", secret),
		says(container("bad"), "PORT", "x"+secret, "PROMETHEUS", secret), says(container("path", port("", 80)), "PORT", "80", "PATH", secret),
		says(container("port"), "PROMETHEUS", "true", "PROMETHEUS_PORT", secret+secret, "PROMETHEUS_ENDPOINT", secret+":/m,"+secret),
		says(container("mapped"), "PROMETHEUS", "true", "PROMETHEUS_CONTAINER_PORT", secret),
		says(container("label"), "app.port", "shown"),
	}
	w.run("t1", "web", w.define("web", "bridge", defs...), func(t *inventory.Task) {
		t.Instance = "ci-1"
		t.Containers[3].Bindings = []inventory.PortBinding{bind(80, 32768)}
	})
	p := build(t, &w.Snapshot, nil, bareConfig,
		scrapeTarget("a", "  selector: {}\n  endpoints: [{portFrom: {environment: PORT}, pathFrom: {environment: PATH}}, {portFrom: {dockerLabel: app.port}}]\n"),
		scrapeTarget("b", "  selector: {}\n  convention: prometheus-ecs-sd\n"))
	want := []string{
		"bad-path path", "bad-port bad", "bad-port label", "no-such-port unmapped", "port-not-bound unbound",
		"bad-interval port", "bad-path port", "bad-port port", "no-such-port mapped", "not-enabled bad",
	}
	if diff := cmp.Diff(want, codes(p)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	for _, f := range p.Findings {
		if strings.Contains(f.Message, secret) {
			t.Errorf("shows a value: %s", f.Message)
		}
		if f.Container == "label" && !strings.Contains(f.Message, `docker label "app.port" is "shown"`) {
			t.Errorf("does not show the docker label's value: %s", f.Message)
		}
	}
}

// TestFindingCountsTasks: what is missing twice in a task is missing in one.
func TestFindingCountsTasks(t *testing.T) {
	w := knowing()
	d := w.define("web", "awsvpc", container("app"))
	w.run("t1", "web", d, at("10.0.0.1"))
	w.run("t2", "web", d, at("10.0.0.2"))
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  endpoints: [{port: metrics}, {port: metrics, path: /b}]\n"))
	if len(p.Findings) != 1 || p.Findings[0].Tasks != 2 {
		t.Errorf("want one finding in two tasks, got %+v", p.Findings)
	}
}

// TestPortMisses: each reason why a port is not found has words of its
// own, and what one container misses does not keep another from its target.
func TestPortMisses(t *testing.T) {
	udp := inventory.PortMapping{Name: "stats", Container: inventory.PortRange{First: 8125, Last: 8125}, Protocol: "udp"}
	ranged := inventory.PortMapping{Name: "many", Container: inventory.PortRange{First: 7000, Last: 7010}, Protocol: "tcp"}
	w := knowing()
	w.run("t1", "web", w.define("web", "bridge",
		container("a", port("metrics", 8080), udp), container("b", port("", 8080), ranged), container("sidecar", port("admin", 9901))),
		func(t *inventory.Task) {
			t.Instance = "ci-1"
			t.Containers[0].Bindings = []inventory.PortBinding{bind(8080, 32768)}
			t.Containers[1].Bindings = []inventory.PortBinding{{
				Container: inventory.PortRange{First: 7000, Last: 7010}, Host: inventory.PortRange{First: 40000, Last: 40004}, Protocol: "tcp",
			}}
			t.Containers = append(t.Containers, inventory.Container{Name: "guardduty", LastStatus: "RUNNING"})
		})
	for endpoint, want := range map[string]string{
		"nothing": `no TCP port mapping is named "nothing": name one in the task definition's portMappings, or give the container port as a number`,
		"stats":   `the port mapping "stats" of container "a" is udp, and only TCP can be scraped: name a TCP port`,
		"many":    `the port mapping "many" of container "b" is a range: give one of the ports 7000 to 7010 as a number`,
		"admin":   `the port mapping "admin" is of container "sidecar", not of any of the containers "a", "b": select that container, or name another port`,
		"8125":    `TCP port 8125 is not mapped by any of the containers "a", "b", and in bridge mode a port is reachable only if it is mapped: add it to portMappings`,
		"8080":    `TCP port 8080 is bound to no host port: if the task is not just starting, look at its network bindings`,
		"7007":    `TCP port 7007 is bound to no host port: if the task is not just starting, look at its network bindings`,
		"7004":    "",
	} {
		t.Run(endpoint, func(t *testing.T) {
			p := build(t, &w.Snapshot, nil, bareConfig,
				scrapeTarget("web", "  selector: {containers: [a, b]}\n  endpoints: [{port: metrics}, {port: "+endpoint+", path: /other}]\n"))
			got := ""
			if len(p.Findings) > 0 {
				got = p.Findings[0].Message
			}
			same := func(f Finding) bool { return f.Code == CodeSameLabels } // the paths of one port
			if got != want || len(slices.DeleteFunc(p.Findings, same)) > 1 {
				t.Errorf("got  %q (%+v)\nwant %q", got, p.Findings, want)
			}
			if first := addresses(p)[0]; first != "10.1.0.1:32768/metrics a" {
				t.Errorf("the other endpoint is lost: %s", first)
			}
		})
	}
}

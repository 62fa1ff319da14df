package plan

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ecs-scrape/reconcile/inventory"
)

// FuzzECSSDEndpoint: one entry for each comma, each of which is a path and an
// interval that is allowed, or says that it is wrong; and what it read, written
// out, reads the same.
func FuzzECSSDEndpoint(f *testing.F) {
	for _, s := range []string{"", "/metrics", "5m:/a,30s:/b", "30s:/a:b,/c:d", "115s:/x", "2m:/x", ",", ":", "::", "15s", "15s:", " 1m:/a ", "/\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		entries := parseECSSDEndpoint(value)
		if want := strings.Count(value, ",") + 1; len(entries) != want {
			t.Fatalf("%d entries, want %d", len(entries), want)
		}
		for _, e := range entries {
			if e.badPath == isPath(e.path) || e.interval != "" && (e.badInterval || !slices.Contains(ecsSDIntervals, e.interval)) {
				t.Errorf("%q: %+v", value, e)
			}
			if e.badPath || e.badInterval {
				continue
			}
			text := e.path
			if e.interval != "" {
				text = e.interval + ":" + e.path
			}
			if again := parseECSSDEndpoint(text); len(again) != 1 || again[0] != e {
				t.Errorf("%q is read as %+v, and written out as %+v", value, e, again)
			}
		}
	})
}

// FuzzPresets: whatever a container says, every preset gives requests that can
// be resolved to addresses that can be connected to, or a fault with the
// container's name; it never changes what it reads, nor shows a variable.
func FuzzPresets(f *testing.F) {
	f.Add("true", "9102", "30s:/metrics,/b", "https", "host.example.com/", uint8(0))
	f.Add("1", "metrics", "metrics", "HTTP", "http://x:1", uint8(1))
	f.Add("True", "65536", "", "", "", uint8(2))
	f.Add("true", "0x50", "/a:b", "http", "::1", uint8(3))
	f.Fuzz(func(t *testing.T, enabled, port, path, scheme, host string, mode uint8) {
		w := fuzzWorkload(enabled, port, path, scheme, host, mode)
		for name, p := range presets {
			requests, faults := p.ask(w)
			for i := range requests {
				endpoints, more := w.resolve(&requests[i])
				faults = append(faults, more...)
				for _, e := range endpoints {
					checkEndpoint(t, name, e, &requests[i])
				}
			}
			for _, fault := range faults {
				if fault.container == "" || fault.code == "" || fault.message == "" {
					t.Errorf("%s: %+v", name, fault)
				}
			}
		}
	})
}

func fuzzWorkload(enabled, port, path, scheme, host string, mode uint8) *workload {
	c := inventory.ContainerDefinition{
		Name: "app", Essential: true,
		Ports: []inventory.PortMapping{
			{Name: "stats", Container: inventory.PortRange{First: 9102, Last: 9102}, Protocol: "udp"},
			{Name: "metrics", Container: inventory.PortRange{First: 9102, Last: 9102}, Protocol: "tcp"},
			{Container: inventory.PortRange{First: 65530, Last: 65535}, Protocol: "tcp"},
		}[:mode/4%4],
		Environment: map[string]string{
			ecsSDEnabled: enabled, ecsSDEndpoint: path, ecsSDPort: port, ecsSDContainerPort: port, ecsSDNoLabels: enabled,
		},
		DockerLabels: map[string]string{
			"prometheus.io/scrape": enabled, "prometheus.io/port": port, "prometheus.io/path": path, "prometheus.io/scheme": scheme,
			"PROMETHEUS_EXPORTER_PORT": port, "PROMETHEUS_EXPORTER_PATH": path, "PROMETHEUS_EXPORTER_SCHEME": scheme,
			"PROMETHEUS_EXPORTER_SERVER_NAME": host, "PROMETHEUS_DYNAMIC_EXPORT": enabled,
			"ECS_PROMETHEUS_EXPORTER_PORT": port, "ECS_PROMETHEUS_METRICS_PATH": path,
		},
	}
	if mode >= 128 { // then the other ports count
		delete(c.Environment, ecsSDPort)
		delete(c.DockerLabels, "PROMETHEUS_EXPORTER_PORT")
	}
	d := &inventory.Definition{NetworkMode: []string{"awsvpc", "bridge", "host", "none"}[mode%4], Containers: []inventory.ContainerDefinition{c}}
	return &workload{
		definition: d, selected: []*inventory.ContainerDefinition{&d.Containers[0]},
		instance: &inventory.Instance{IPv4: netip.MustParseAddr("10.1.0.1")},
		task: &inventory.Task{Definition: "task-definition/web:1", Containers: []inventory.Container{{
			Name: "app", LastStatus: inventory.StatusRunning, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")},
			Bindings: []inventory.PortBinding{
				{Container: inventory.PortRange{First: 9102, Last: 9102}, Host: inventory.PortRange{First: 32768, Last: 32768}, Protocol: "tcp"},
				{Container: inventory.PortRange{First: 65530, Last: 65535}, Host: inventory.PortRange{First: 65533, Last: 65535}, Protocol: "tcp"},
			},
		}}},
	}
}

func checkEndpoint(t *testing.T, preset string, e endpoint, q *request) {
	t.Helper()
	host, port, err := net.SplitHostPort(e.String())
	number, _ := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || number == 0 || !isHost(host):
		t.Errorf("%s: %q is no address: %v", preset, e, err)
	case !isPath(q.metricsPath()):
		t.Errorf("%s: path %q", preset, q.path)
	case q.scheme != "" && q.scheme != "http" && q.scheme != "https":
		t.Errorf("%s: scheme %q", preset, q.scheme)
	case q.interval != "" && !slices.Contains(ecsSDIntervals, q.interval):
		t.Errorf("%s: interval %q", preset, q.interval)
	}
}

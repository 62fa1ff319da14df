package main

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

// spot is a place where a task can run: a family of its own in a cluster of its
// own, whose container has a port mapping named metrics at 9090.
type spot struct {
	family    string
	mode      string
	launch    string
	machines  [][]string // addresses of the instances, IPv4 before IPv6
	tasks     [][]string // addresses of awsvpc tasks
	hostPort  int        // the next dynamic one
	port      awssim.Port
	addressIn awssim.AddressIn
	daemon    bool
	run       *awssim.RunTask // standalone; otherwise a service

	want     []string // by default, and with ipFamily: IPv4
	wantIPv6 []string // with ipFamily: IPv6; nil: the same
}

func spots() []spot {
	override := map[string]map[string]string{"app": {"METRICS_PORT": "9191"}}
	return []spot{
		{family: "fargate", launch: awssim.LaunchFargate, tasks: [][]string{{"10.0.1.1"}, {"10.0.1.2"}}, want: []string{"10.0.1.1:9090", "10.0.1.2:9090"}},
		{family: "fargate-ipv6", launch: awssim.LaunchFargate, tasks: [][]string{{"2001:db8::1:3"}}, want: []string{"[2001:db8::1:3]:9090"}},
		{
			family: "fargate-dual", launch: awssim.LaunchFargate, tasks: [][]string{{"10.0.1.4", "2001:db8::1:4"}},
			want: []string{"10.0.1.4:9090"}, wantIPv6: []string{"[2001:db8::1:4]:9090"},
		},
		{
			family: "fargate-attachment", launch: awssim.LaunchFargate, addressIn: awssim.AddressInAttachment,
			tasks: [][]string{{"10.0.1.5", "2001:db8::1:5"}}, want: []string{"10.0.1.5:9090"}, wantIPv6: []string{"[2001:db8::1:5]:9090"},
		},
		{
			family: "fargate-containers", launch: awssim.LaunchFargate, addressIn: awssim.AddressInContainers,
			tasks: [][]string{{"10.0.1.6", "2001:db8::1:6"}}, want: []string{"10.0.1.6:9090"}, wantIPv6: []string{"[2001:db8::1:6]:9090"},
		},
		{family: "ec2-awsvpc", launch: awssim.LaunchEC2, machines: [][]string{{"10.0.2.1"}}, tasks: [][]string{{"10.0.2.2"}}, want: []string{"10.0.2.2:9090"}},
		{
			family: "ec2-bridge", mode: awssim.ModeBridge, launch: awssim.LaunchEC2, machines: [][]string{{"10.0.2.3"}}, hostPort: 40001,
			want: []string{"10.0.2.3:40001"},
		},
		{
			family: "ec2-bridge-dual", mode: awssim.ModeBridge, launch: awssim.LaunchEC2, machines: [][]string{{"10.0.2.4", "2001:db8::2:4"}},
			hostPort: 40002, want: []string{"10.0.2.4:40002"}, wantIPv6: []string{"[2001:db8::2:4]:40002"},
		},
		{
			family: "ec2-bridge-fixed", mode: awssim.ModeBridge, launch: awssim.LaunchEC2, machines: [][]string{{"10.0.2.5"}},
			port: awssim.Port{Name: "metrics", Container: 9090, Host: 8081}, want: []string{"10.0.2.5:8081"},
		},
		{
			family: "ec2-bridge-range", mode: awssim.ModeBridge, launch: awssim.LaunchEC2, machines: [][]string{{"10.0.2.6"}}, hostPort: 50000,
			port: awssim.Port{Range: "9088-9095"}, want: []string{"10.0.2.6:50002"},
		},
		{family: "ec2-host", mode: awssim.ModeHost, launch: awssim.LaunchEC2, machines: [][]string{{"10.0.2.7"}}, want: []string{"10.0.2.7:9090"}},
		{
			family: "ec2-host-ipv6", mode: awssim.ModeHost, launch: awssim.LaunchEC2, machines: [][]string{{"2001:db8::2:8"}},
			want: []string{"[2001:db8::2:8]:9090"},
		},
		{
			family: "daemon", mode: awssim.ModeHost, launch: awssim.LaunchEC2, daemon: true, machines: [][]string{{"10.0.2.9"}, {"10.0.2.10"}},
			want: []string{"10.0.2.10:9090", "10.0.2.9:9090"},
		},
		{family: "managed-awsvpc", launch: awssim.LaunchManaged, machines: [][]string{{"10.0.3.1"}}, tasks: [][]string{{"10.0.3.2"}}, want: []string{"10.0.3.2:9090"}},
		{
			family: "managed-bridge", mode: awssim.ModeBridge, launch: awssim.LaunchManaged, machines: [][]string{{"10.0.3.3"}}, hostPort: 40003,
			want: []string{"10.0.3.3:40003"},
		},
		{family: "managed-host", mode: awssim.ModeHost, launch: awssim.LaunchManaged, machines: [][]string{{"10.0.3.4"}}, want: []string{"10.0.3.4:9090"}},
		{
			family: "anywhere-bridge", mode: awssim.ModeBridge, launch: awssim.LaunchExternal, machines: [][]string{{"192.168.4.1"}}, hostPort: 40004,
			want: []string{"192.168.4.1:40004"},
		},
		{family: "anywhere-host", mode: awssim.ModeHost, launch: awssim.LaunchExternal, machines: [][]string{{"192.168.4.2"}}, want: []string{"192.168.4.2:9090"}},
		{
			family: "anywhere-daemon", mode: awssim.ModeHost, launch: awssim.LaunchExternal, daemon: true, machines: [][]string{{"192.168.4.3"}},
			want: []string{"192.168.4.3:9090"},
		},
		{
			family: "standalone", launch: awssim.LaunchFargate, tasks: [][]string{{"10.0.5.1"}}, run: &awssim.RunTask{},
			want: []string{"10.0.5.1:9090"},
		},
		{
			family: "batch", launch: awssim.LaunchEC2, machines: [][]string{{"10.0.5.2"}}, mode: awssim.ModeHost,
			run:  &awssim.RunTask{Group: "5f2d0c1e-batch-job", StartedBy: "aws-batch", Environment: override},
			want: []string{"10.0.5.2:9191"},
		},
		{
			family: "override", launch: awssim.LaunchFargate, tasks: [][]string{{"10.0.5.3"}}, run: &awssim.RunTask{Environment: override},
			want: []string{"10.0.5.3:9191"},
		},
	}
}

// TestEveryPlaceATaskCanRun: the target of a task is where it answers, whatever
// the launch type, network mode and family of addresses.
func TestEveryPlaceATaskCanRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()})
	want := map[string]map[string][]string{"IPv4": {}, "IPv6": {}}
	for _, s := range spots() {
		s.create(t, w.sim.Place)
		want["IPv4"][s.family], want["IPv6"][s.family] = s.want, s.want
		if s.wantIPv6 != nil {
			want["IPv6"][s.family] = s.wantIPv6
		}
	}
	// Without the variable it is the number, which a mapping or a range maps.
	w.write("target.yaml", `apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: all}
spec:
  selector: {}
  endpoints:
  - {port: 9090, portFrom: {environment: METRICS_PORT}}
`)
	for extra, family := range map[string]string{"": "IPv4", "  ipFamily: IPv4\n": "IPv4", "  ipFamily: IPv6\n": "IPv6"} {
		w.write("config.yaml", w.prometheusConfig("  selfScrape: false\n"+extra))
		code, out := w.command("render", "--specs", w.specs, "--output", w.output)
		if code != 0 {
			t.Fatalf("render: exit %d: %s", code, out)
		}
		if diff := cmp.Diff(want[family], w.rendered()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", extra, diff)
		}
	}
}

func (s *spot) create(t *testing.T, p *awssim.Place) {
	t.Helper()
	p.CreateCluster(s.family, nil)
	for _, addresses := range s.machines {
		force(p, addresses)
		_, err := p.AddInstance(s.family, awssim.Instance{Launch: s.launch})
		must(t, err)
	}
	for _, addresses := range s.tasks {
		force(p, addresses)
	}
	if s.hostPort != 0 {
		p.NextHostPort(s.hostPort)
	}
	d := awssim.TaskDefinition{Family: s.family, NetworkMode: s.mode, AddressIn: s.addressIn}
	if s.mode == "" {
		d.NetworkMode = awssim.ModeAWSVPC
	}
	if s.port == (awssim.Port{}) {
		s.port = awssim.Port{Name: "metrics", Container: 9090}
	}
	d.Containers = []awssim.Container{{Name: "app", Image: "app:1", Ports: []awssim.Port{s.port}}}
	_, err := p.RegisterTaskDefinition(d)
	must(t, err)
	if s.run != nil {
		s.run.TaskDefinition, s.run.Launch = s.family, s.launch
		_, err = p.RunTask(s.family, *s.run)
	} else {
		err = p.CreateService(s.family, awssim.Service{
			Name: s.family, TaskDefinition: s.family, Launch: s.launch, Daemon: s.daemon, Desired: max(1, len(s.tasks)),
		})
	}
	must(t, err)
}

// force makes the next task or instance have these addresses.
func force(p *awssim.Place, addresses []string) {
	first := netip.MustParseAddr(addresses[0])
	if len(addresses) > 1 {
		p.NextDualStack(first, netip.MustParseAddr(addresses[1]))
	} else {
		p.NextAddress(first)
	}
}

// rendered are the addresses in the output directory, by family.
func (w *world) rendered() map[string][]string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.output, "targets", "class", "default", "targets.json"))
	must(w.t, err)
	var groups []struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	must(w.t, json.Unmarshal(data, &groups))
	out := map[string][]string{}
	for _, g := range groups {
		family := g.Labels["ecs_task_family"]
		out[family] = append(out[family], g.Targets...)
		slices.Sort(out[family])
	}
	return out
}

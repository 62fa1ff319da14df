package main

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// The account and region that the examples live in unless they say otherwise.
const (
	exampleMainAccount = "123456789012"
	exampleRegion      = "eu-west-1"
)

// exampleTime is when every example was recorded.
func exampleTime() time.Time { return time.Date(2026, time.March, 2, 9, 30, 0, 0, time.UTC) }

// exampleAccounts builds, by the name of the example, what runs in its account
// when its snapshot is recorded.
func exampleAccounts() map[string]func(*testing.T, *awssim.Sim) {
	return map[string]func(*testing.T, *awssim.Sim){
		"alertmanagers-and-secrets":        alertmanagersAccount,
		"bridge-dynamic-ports":             bridgeAccount,
		"daemon-exporters":                 daemonAccount,
		"fargate-named-port":               fargateAccount,
		"migrate-cloudwatch-agent":         cloudWatchAgentAccount,
		"migrate-prometheus-ecs-discovery": ecsDiscoveryAccount,
		"migrate-prometheus-ecs-sd":        ecsSDAccount,
		"migrate-prometheus-io":            prometheusIOAccount,
		"monitoring":                       monitoringAccount,
		"multi-region":                     multiRegionAccounts,
		"rules":                            rulesAccount,
		"scrape-classes-and-own-pools":     classesAccount,
	}
}

// recordExample records the snapshot of an example by `ecs-scrape snapshot`,
// with the times of this run replaced, and answers what really listens.
func recordExample(t *testing.T, name, specs string) (snapshot []byte, listeners []awssim.Listener) {
	t.Helper()
	sim, err := awssim.Start(awssim.Options{
		Account: exampleMainAccount, Region: exampleRegion, Seed: 1, Now: exampleTime, Quotas: awssim.NoQuotas(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	exampleAccounts()[name](t, sim)
	useAccount(t, sim)
	out := runExampleCommand(t, "snapshot", "--specs", specs)
	return withoutTimes(t, out), sim.Listeners()
}

// useAccount points the AWS SDK at the simulator and at nothing of this machine's.
func useAccount(t *testing.T, sim *awssim.Sim) {
	t.Helper()
	for _, variable := range sim.Env() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	nothing := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", nothing)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nothing)
	t.Setenv("AWS_PROFILE", "")
}

// withoutTimes sets the times at which clusters were listed to exampleTime.
func withoutTimes(t *testing.T, data []byte) []byte {
	t.Helper()
	var s inventory.Snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	for i := range s.Scopes {
		if s.Scopes[i].State != inventory.Synced {
			t.Fatalf("recorded %+v, which is not synced", s.Scopes[i])
		}
		s.Scopes[i].SyncedAt = exampleTime()
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(&s); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// exampleCluster is a cluster that an example is built in.
type exampleCluster struct {
	t     *testing.T
	place *awssim.Place
	name  string
	tags  map[string]string // of the tasks of services that are started from here on
}

func newExampleCluster(t *testing.T, place *awssim.Place, name string) exampleCluster {
	t.Helper()
	place.CreateCluster(name, nil)
	return exampleCluster{t: t, place: place, name: name}
}

// machine adds a container instance in a zone, with a private address.
func (c exampleCluster) machine(launch, zone, address string) {
	c.t.Helper()
	c.add(awssim.Instance{Launch: launch, Zone: zone}, address)
}

// namedMachine adds an EC2 instance that a page tells the id of.
func (c exampleCluster) namedMachine(id, zone, address string) {
	c.t.Helper()
	c.add(awssim.Instance{ID: id, Zone: zone}, address)
}

func (c exampleCluster) add(i awssim.Instance, address string) {
	c.t.Helper()
	c.addresses(address)
	if _, err := c.place.AddInstance(c.name, i); err != nil {
		c.t.Fatal(err)
	}
}

// fargate starts a service on Fargate, a task for each address. The family has the service's name.
func (c exampleCluster) fargate(service string, containers []awssim.Container, addresses ...string) {
	c.t.Helper()
	c.addresses(addresses...)
	c.register(service, awssim.ModeAWSVPC, containers)
	c.start(awssim.Service{Name: service, TaskDefinition: service, Launch: awssim.LaunchFargate, Desired: len(addresses)})
}

// awsvpc starts a service on the cluster's EC2 instances, whose tasks have addresses of their own.
func (c exampleCluster) awsvpc(service string, containers []awssim.Container, addresses ...string) {
	c.t.Helper()
	c.addresses(addresses...)
	c.register(service, awssim.ModeAWSVPC, containers)
	c.start(awssim.Service{Name: service, TaskDefinition: service, Desired: len(addresses)})
}

// bridge starts a service in bridge mode on the cluster's EC2 instances.
func (c exampleCluster) bridge(service string, tasks int, containers ...awssim.Container) {
	c.t.Helper()
	c.register(service, awssim.ModeBridge, containers)
	c.start(awssim.Service{Name: service, TaskDefinition: service, Desired: tasks})
}

// daemon starts a task in host mode on each machine of the launch type.
func (c exampleCluster) daemon(service, launch string, container awssim.Container) {
	c.t.Helper()
	c.register(service, awssim.ModeHost, []awssim.Container{container})
	c.start(awssim.Service{Name: service, TaskDefinition: service, Launch: launch, Daemon: true})
}

// runOnce starts a task that belongs to no service on Fargate.
func (c exampleCluster) runOnce(family string, container awssim.Container, address string) {
	c.t.Helper()
	c.addresses(address)
	c.register(family, awssim.ModeAWSVPC, []awssim.Container{container})
	if _, err := c.place.RunTask(c.name, awssim.RunTask{TaskDefinition: family, Launch: awssim.LaunchFargate}); err != nil {
		c.t.Fatal(err)
	}
}

func (c exampleCluster) addresses(addresses ...string) {
	for _, a := range addresses {
		c.place.NextAddress(netip.MustParseAddr(a))
	}
}

// register registers a family. Where it has an envoy, tasks also get the
// container that Service Connect adds to them.
func (c exampleCluster) register(family, mode string, containers []awssim.Container) {
	c.t.Helper()
	d := awssim.TaskDefinition{Family: family, NetworkMode: mode, Containers: containers}
	if slices.ContainsFunc(containers, func(c awssim.Container) bool { return c.Name == "envoy" }) {
		d.Extra = []awssim.Container{{Name: "ecs-service-connect-3kf9x"}}
	}
	if _, err := c.place.RegisterTaskDefinition(d); err != nil {
		c.t.Fatal(err)
	}
}

func (c exampleCluster) start(s awssim.Service) {
	c.t.Helper()
	s.TaskTags = c.tags
	if err := c.place.CreateService(c.name, s); err != nil {
		c.t.Fatal(err)
	}
}

package awssim_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

// bindings writes a container's bindings as text.
func bindings(c ecstypes.Container) []string {
	var out []string
	for _, b := range c.NetworkBindings {
		if b.ContainerPortRange != nil {
			out = append(out, fmt.Sprintf("%s %s->%s/%s", *b.BindIP, *b.ContainerPortRange, *b.HostPortRange, b.Protocol))
			continue
		}
		out = append(out, fmt.Sprintf("%s %d->%d/%s", *b.BindIP, *b.ContainerPort, *b.HostPort, b.Protocol))
	}
	return out
}

// addresses lists what the simulator says listens.
func addresses(sim *awssim.Sim) []string {
	var out []string
	for _, l := range sim.Listeners() {
		out = append(out, l.Address)
	}
	return out
}

func TestAWSVPC(t *testing.T) {
	tests := []struct {
		name                  string
		in                    awssim.AddressIn
		container, attachment bool
	}{
		{"both", awssim.AddressInBoth, true, true},
		{"containers", awssim.AddressInContainers, true, false},
		{"attachment", awssim.AddressInAttachment, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sim := start(t, awssim.Options{})
			d := web("web", awssim.ModeAWSVPC)
			d.AddressIn = test.in
			service(t, sim.Place, d, awssim.LaunchFargate, 1)
			task := describe(t, sim.Place, only(t, sim.Place, "web"))
			info, err := sim.Task(*task.TaskArn)
			must(t, err)
			if got := len(task.Containers[0].NetworkInterfaces) == 1; got != test.container {
				t.Errorf("address in container: %v, want %v", got, test.container)
			}
			if got := len(task.Attachments) == 1; got != test.attachment {
				t.Fatalf("attachment: %v, want %v", got, test.attachment)
			}
			if test.container && *task.Containers[0].NetworkInterfaces[0].PrivateIpv4Address != info.Address {
				t.Errorf("container has another address than %s", info.Address)
			}
			if test.attachment && (detail(task, "privateIPv4Address") != info.Address || *task.Attachments[0].Type != "ElasticNetworkInterface") {
				t.Errorf("attachment %+v, want address %s", task.Attachments[0], info.Address)
			}
			if diff := cmp.Diff([]string{info.Address + ":8080"}, addresses(sim)); diff != "" {
				t.Errorf("listeners (-want +got):\n%s", diff)
			}
		})
	}
}

// detail is a detail of a task's first attachment.
func detail(task ecstypes.Task, name string) string {
	for _, d := range task.Attachments[0].Details {
		if *d.Name == name {
			return *d.Value
		}
	}
	return ""
}

func TestBridge(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	_, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	d := awssim.TaskDefinition{Family: "web", Containers: []awssim.Container{{
		Name:    "app",
		Ports:   []awssim.Port{{Container: 8080}, {Range: "9000-9002"}, {Container: 53, Protocol: "udp"}, {Container: 80, Host: 8000}},
		Metrics: []awssim.Metrics{{Port: 8080}, {Port: 9001, Path: "/m"}, {Port: 7777}, {Port: 80}},
	}}}
	service(t, sim.Place, d, awssim.LaunchEC2, 1)
	task := describe(t, sim.Place, only(t, sim.Place, "web"))
	want := []string{
		"0.0.0.0 8080->32768/tcp", ":: 8080->32768/tcp",
		"0.0.0.0 9000-9002->32769-32771/tcp", ":: 9000-9002->32769-32771/tcp",
		"0.0.0.0 53->32772/udp", ":: 53->32772/udp",
		"0.0.0.0 80->8000/tcp", ":: 80->8000/tcp",
	}
	if diff := cmp.Diff(want, bindings(task.Containers[0])); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	info, err := sim.Task(*task.TaskArn)
	must(t, err)
	// Port 7777 is listened on but not mapped: nobody reaches it.
	wantListeners := []string{info.Address + ":32768", info.Address + ":32770", info.Address + ":8000"}
	if diff := cmp.Diff(wantListeners, addresses(sim)); diff != "" {
		t.Errorf("listeners (-want +got):\n%s", diff)
	}
	if len(task.Attachments) != 0 || len(task.Containers[0].NetworkInterfaces) != 0 {
		t.Errorf("a bridge task has interfaces: %v", task.Attachments)
	}
}

func TestDynamicPortsAreNotSoonReused(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	_, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	service(t, sim.Place, web("web", awssim.ModeBridge), awssim.LaunchEC2, 1)
	first := addresses(sim)
	must(t, sim.StopTask(only(t, sim.Place, "web"), "test"))
	if slices.Equal(first, addresses(sim)) {
		t.Errorf("the replacement has the same port %v", first)
	}
	sim.NextHostPort(32768)
	must(t, sim.StopTask(only(t, sim.Place, "web"), "test"))
	if !slices.Equal(first, addresses(sim)) {
		t.Errorf("listeners %v, want the forced %v", addresses(sim), first)
	}
}

func TestHostMode(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	for range 3 {
		_, err := sim.AddInstance("prod", awssim.Instance{})
		must(t, err)
	}
	// Four tasks of a fixed port find room on three instances only.
	service(t, sim.Place, web("web", awssim.ModeHost), awssim.LaunchEC2, 4)
	if got := len(sim.Listeners()); got != 3 {
		t.Fatalf("%d listeners, want 3", got)
	}
	task := describe(t, sim.Place, list(t, sim.Place)[0])
	if len(task.Containers[0].NetworkBindings) != 0 {
		t.Errorf("a host task has bindings %v", bindings(task.Containers[0]))
	}
	_, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	if got := len(sim.Listeners()); got != 4 {
		t.Errorf("%d listeners once there is room, want 4", got)
	}
}

func TestForcedAddresses(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.NextAddress(netip.MustParseAddr("10.9.8.7"))
	service(t, sim.Place, web("first", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	sim.NextAddress(netip.MustParseAddr("10.9.8.7"))
	service(t, sim.Place, web("second", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	sim.NextAddress(netip.MustParseAddr("fd00::7"))
	service(t, sim.Place, web("third", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	if diff := cmp.Diff([]string{"10.9.8.7:8080", "10.9.8.7:8080", "[fd00::7]:8080"}, addresses(sim)); diff != "" {
		t.Errorf("listeners (-want +got):\n%s", diff)
	}
	task := describe(t, sim.Place, only(t, sim.Place, "third"))
	if got := *task.Containers[0].NetworkInterfaces[0].Ipv6Address; got != "fd00::7" {
		t.Errorf("address %s, want fd00::7", got)
	}
	if got := detail(task, "privateIPv6Address"); got != "fd00::7" {
		t.Errorf("attachment's address %s, want fd00::7", got)
	}
}

func TestAddressesAreUnique(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 500)
	other := sim.Region("", "eu-west-1")
	service(t, other, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 500)
	all := addresses(sim)
	if unique := slices.Compact(slices.Clone(all)); len(all) != 1000 || len(unique) != 1000 {
		t.Errorf("%d listeners at %d addresses, want 1000 of each", len(all), len(unique))
	}
}

func TestExtraContainersAndStoppedOnes(t *testing.T) {
	sim := start(t, awssim.Options{})
	d := web("web", awssim.ModeAWSVPC)
	d.Containers = append(d.Containers, awssim.Container{Name: "side", Sidecar: true, Metrics: []awssim.Metrics{{Port: 9090}}})
	d.Extra = []awssim.Container{{Name: "ecs-service-connect-x", Metrics: []awssim.Metrics{{Port: 9901}}}}
	service(t, sim.Place, d, awssim.LaunchFargate, 1)
	arn := only(t, sim.Place, "web")
	if got := len(sim.Listeners()); got != 3 {
		t.Errorf("%d listeners, want 3", got)
	}
	must(t, sim.StopContainer(arn, "side", 1))
	task := describe(t, sim.Place, arn)
	got := map[string]string{}
	for _, c := range task.Containers {
		got[*c.Name] = *c.LastStatus
	}
	want := map[string]string{"app": "RUNNING", "side": "STOPPED", "ecs-service-connect-x": "RUNNING"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	if len(sim.Listeners()) != 2 || task.Version != 3 || *task.LastStatus != "RUNNING" {
		t.Errorf("%d listeners, version %d, %s", len(sim.Listeners()), task.Version, *task.LastStatus)
	}
}

// TestForcedAddressHasItsSubnet: an address that one task had is the same place
// for the next.
func TestForcedAddressHasItsSubnet(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 3)
	for _, arn := range list(t, sim.Place) {
		before := describe(t, sim.Place, arn)
		info, err := sim.Task(arn)
		must(t, err)
		must(t, sim.Scale("prod", "web", 0))
		sim.NextAddress(netip.MustParseAddr(info.Address))
		must(t, sim.Scale("prod", "web", 1))
		after := describe(t, sim.Place, only(t, sim.Place, "web"))
		if diff := cmp.Diff(details(before), details(after)); diff != "" {
			t.Errorf("subnet and address (-want +got):\n%s", diff)
		}
	}
}

// details are the subnet and the address of a task's interface.
func details(t ecstypes.Task) []string {
	var out []string
	for _, d := range t.Attachments[0].Details {
		if *d.Name == "subnetId" || *d.Name == "privateIPv4Address" {
			out = append(out, *d.Value)
		}
	}
	return out
}

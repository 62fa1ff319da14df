package ecs

import (
	"net/netip"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/inventory"
)

func TestDecodeTolerates(t *testing.T) {
	for name, in := range map[string]types.Task{
		"nothing":      {},
		"a name alone": {TaskArn: aws.String("t")},
		"empty parts": {
			TaskArn: aws.String("t"), Attachments: []types.Attachment{{}, {Type: aws.String("eni"), Details: []types.KeyValuePair{{}}}},
			Containers: []types.Container{{}, {Name: aws.String("c"), NetworkBindings: []types.NetworkBinding{{}}, NetworkInterfaces: []types.NetworkInterface{{}}}},
			Overrides:  &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{}, {Environment: []types.KeyValuePair{{}}}}},
			Tags:       []types.Tag{{}},
		},
		"nonsense": {
			TaskArn: aws.String("t"), LastStatus: aws.String("DANCING"), LaunchType: "MOON",
			Containers: []types.Container{{
				Name: aws.String("c"), NetworkInterfaces: []types.NetworkInterface{{PrivateIpv4Address: aws.String("10.0.0.999")}},
				NetworkBindings: []types.NetworkBinding{
					{ContainerPort: aws.Int32(99999), HostPort: aws.Int32(-1)},
					{ContainerPortRange: aws.String("9-5"), HostPortRange: aws.String("x")},
				},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			task, ok := decodeTask(inventory.Scope{}, in, inventory.Facts{TaskTags: true})
			if ok != (in.TaskArn != nil) {
				t.Fatalf("decoded: %v", ok)
			}
			if ok && (task.Interface != nil || task.Tags != nil || task.Environment != nil) {
				t.Errorf("made up: %+v", task)
			}
		})
	}
	decodeDefinition("d", &types.TaskDefinition{ContainerDefinitions: []types.ContainerDefinition{{}, {Name: aws.String("c"), PortMappings: []types.PortMapping{{}}}}}, inventory.Facts{})
	decodeContainerInstance(&types.ContainerInstance{Attributes: []types.Attribute{{}}})
}

func TestDecodeBindings(t *testing.T) {
	binding := func(ip string, container, host int32, protocol types.TransportProtocol) types.NetworkBinding {
		return types.NetworkBinding{BindIP: aws.String(ip), ContainerPort: &container, HostPort: &host, Protocol: protocol}
	}
	got := decodeBindings([]types.NetworkBinding{
		binding("::", 8080, 32700, types.TransportProtocolTcp),
		binding("0.0.0.0", 8080, 32768, types.TransportProtocolTcp),
		binding("0.0.0.0", 53, 32769, types.TransportProtocolUdp),
		binding("::", 53, 32769, types.TransportProtocolUdp),
		{ContainerPortRange: aws.String("9000-9003"), HostPortRange: aws.String("40000-40003")},
	})
	one := func(p uint16) inventory.PortRange { return inventory.PortRange{First: p, Last: p} }
	want := []inventory.PortBinding{
		{Container: one(53), Host: one(32769), Protocol: "udp"},
		{Container: one(8080), Host: one(32768), Protocol: "tcp"},
		{Container: inventory.PortRange{First: 9000, Last: 9003}, Host: inventory.PortRange{First: 40000, Last: 40003}, Protocol: "tcp"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeAddresses(t *testing.T) {
	got := decodeAddresses([]types.NetworkInterface{{Ipv6Address: aws.String("fd00::1"), PrivateIpv4Address: aws.String("10.0.0.1")}})
	want := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	eni := decodeInterface([]types.Attachment{
		{Type: aws.String("Service Connect")},
		{Type: aws.String("eni"), Details: []types.KeyValuePair{{Name: aws.String("privateIPv6Address"), Value: aws.String("fd00::2")}}},
	})
	if eni == nil || eni.IPv6 != netip.MustParseAddr("fd00::2") || eni.IPv4.IsValid() {
		t.Errorf("interface %+v", eni)
	}
}

func TestDecodeDefinition(t *testing.T) {
	got := decodeDefinition("d", &types.TaskDefinition{NetworkMode: types.NetworkModeHost, ContainerDefinitions: []types.ContainerDefinition{
		{Name: aws.String("a"), Environment: []types.KeyValuePair{{Name: aws.String("A"), Value: aws.String("1")}, {Name: aws.String("B"), Value: aws.String("2")}}},
		{Name: aws.String("b"), Essential: aws.Bool(false), PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80), HostPort: aws.Int32(0)}}},
	}}, inventory.Facts{Environment: []string{"A"}})
	want := &inventory.Definition{ARN: "d", NetworkMode: "host", Containers: []inventory.ContainerDefinition{
		{Name: "a", Essential: true, Environment: map[string]string{"A": "1"}},
		{Name: "b", Ports: []inventory.PortMapping{{Container: inventory.PortRange{First: 80, Last: 80}, Protocol: "tcp"}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

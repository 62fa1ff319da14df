package ecs

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-scrape/reconcile/inventory"
)

// decodeTask reduces a task to what the inventory keeps; false where it has
// not even a name. Whatever else is missing or odd is left out.
func decodeTask(scope inventory.Scope, t types.Task, facts inventory.Facts) (*inventory.Task, bool) {
	if aws.ToString(t.TaskArn) == "" {
		return nil, false
	}
	out := &inventory.Task{
		ARN:              *t.TaskArn,
		Scope:            scope,
		Version:          t.Version,
		LastStatus:       aws.ToString(t.LastStatus),
		DesiredStatus:    aws.ToString(t.DesiredStatus),
		HealthStatus:     string(t.HealthStatus),
		Group:            aws.ToString(t.Group),
		StartedBy:        aws.ToString(t.StartedBy),
		StartedAt:        utc(t.StartedAt),
		LaunchType:       string(t.LaunchType),
		PlatformFamily:   aws.ToString(t.PlatformFamily),
		PlatformVersion:  aws.ToString(t.PlatformVersion),
		AvailabilityZone: aws.ToString(t.AvailabilityZone),
		Definition:       aws.ToString(t.TaskDefinitionArn),
		Instance:         aws.ToString(t.ContainerInstanceArn),
		Containers:       decodeContainers(t.Containers),
		Interface:        decodeInterface(t.Attachments),
		Environment:      decodeOverrides(t.Overrides, facts),
	}
	if facts.TaskTags {
		out.Tags = decodeTags(t.Tags)
	}
	return out, true
}

// crashed says that a task stops by itself: an essential container has exited, or
// it could not start (Amazon ECS API, data type Task, stopCode).
func crashed(code string) bool {
	switch types.TaskStopCode(code) { //nolint:exhaustive // all others are somebody's will
	case types.TaskStopCodeEssentialContainerExited, types.TaskStopCodeTaskFailedToStart:
		return true
	}
	return false
}

func decodeContainers(in []types.Container) []inventory.Container {
	out := make([]inventory.Container, 0, len(in))
	for _, c := range in {
		if aws.ToString(c.Name) == "" {
			continue
		}
		out = append(out, inventory.Container{
			Name:         *c.Name,
			ID:           strings.Clone(nameOf(aws.ToString(c.ContainerArn))), // and not the whole ARN with it
			RuntimeID:    aws.ToString(c.RuntimeId),
			Image:        aws.ToString(c.Image),
			LastStatus:   aws.ToString(c.LastStatus),
			HealthStatus: string(c.HealthStatus),
			Addresses:    decodeAddresses(c.NetworkInterfaces),
			Bindings:     decodeBindings(c.NetworkBindings),
		})
	}
	slices.SortStableFunc(out, func(a, b inventory.Container) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.RuntimeID, b.RuntimeID))
	})
	return orNil(out)
}

func decodeAddresses(in []types.NetworkInterface) []netip.Addr {
	var out []netip.Addr
	for _, n := range in {
		for _, text := range []*string{n.PrivateIpv4Address, n.Ipv6Address} {
			if a := address(text); a.IsValid() {
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare) // IPv4 sorts before IPv6
	return slices.Compact(out)
}

// decodeInterface finds the task's own network interface. The API calls it
// ElasticNetworkInterface, events call it eni.
func decodeInterface(in []types.Attachment) *inventory.Interface {
	for _, a := range in {
		kind := strings.ToLower(aws.ToString(a.Type))
		if (kind != "elasticnetworkinterface" && kind != "eni") || aws.ToString(a.Status) == "DELETED" {
			continue
		}
		var out inventory.Interface
		for _, d := range a.Details {
			switch strings.ToLower(aws.ToString(d.Name)) {
			case "networkinterfaceid":
				out.ID = aws.ToString(d.Value)
			case "subnetid":
				out.SubnetID = aws.ToString(d.Value)
			case "privateipv4address":
				out.IPv4 = address(d.Value)
			case "privateipv6address", "ipv6address":
				out.IPv6 = address(d.Value)
			}
		}
		if out != (inventory.Interface{}) {
			return &out
		}
	}
	return nil
}

// decodeBindings keeps one binding per container port and protocol: the IPv6
// twin of a binding tells nothing new, even where Docker gave it a port of its
// own.
func decodeBindings(in []types.NetworkBinding) []inventory.PortBinding {
	type candidate struct {
		inventory.PortBinding
		twin bool
	}
	var found []candidate
	for _, b := range in {
		container, ok := portRange(b.ContainerPort, b.ContainerPortRange)
		host, bound := portRange(b.HostPort, b.HostPortRange)
		if !ok || !bound {
			continue
		}
		found = append(found, candidate{
			PortBinding: inventory.PortBinding{Container: container, Host: host, Protocol: protocol(b.Protocol)},
			twin:        strings.Contains(aws.ToString(b.BindIP), ":"),
		})
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(compareRange(a.Container, b.Container), cmp.Compare(a.Protocol, b.Protocol),
			compareBool(a.twin, b.twin), compareRange(a.Host, b.Host))
	})
	var out []inventory.PortBinding
	for _, c := range found {
		if n := len(out); n > 0 && out[n-1].Container == c.Container && out[n-1].Protocol == c.Protocol {
			continue
		}
		out = append(out, c.PortBinding)
	}
	return out
}

// decodeOverrides keeps only the variables that facts name; every other value
// ends here.
func decodeOverrides(in *types.TaskOverride, facts inventory.Facts) map[string]map[string]string {
	if in == nil {
		return nil
	}
	var out map[string]map[string]string
	for _, c := range in.ContainerOverrides {
		env := decodeEnvironment(c.Environment, facts)
		if len(env) == 0 || aws.ToString(c.Name) == "" {
			continue
		}
		if out == nil {
			out = map[string]map[string]string{}
		}
		out[*c.Name] = env
	}
	return out
}

func decodeEnvironment(in []types.KeyValuePair, facts inventory.Facts) map[string]string {
	var out map[string]string
	for _, kv := range in {
		name := aws.ToString(kv.Name)
		if name == "" || !facts.Holds(name) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = aws.ToString(kv.Value)
	}
	return out
}

func decodeTags(in []types.Tag) map[string]string {
	var out map[string]string
	for _, tag := range in {
		if aws.ToString(tag.Key) == "" {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[*tag.Key] = aws.ToString(tag.Value)
	}
	return out
}

// portRange reads a port, or a range as "8000-8010".
func portRange(port *int32, text *string) (inventory.PortRange, bool) {
	if s := aws.ToString(text); s != "" {
		first, last, ranged := strings.Cut(s, "-")
		if !ranged {
			last = first
		}
		a, errA := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
		b, errB := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
		return inventory.PortRange{First: uint16(a), Last: uint16(b)}, errA == nil && errB == nil && 0 < a && a <= b
	}
	p, ok := portNumber(port)
	return inventory.PortRange{First: p, Last: p}, ok
}

// portNumber is false for a port that is absent, 0 or impossible.
func portNumber(port *int32) (uint16, bool) {
	p := aws.ToInt32(port)
	if p <= 0 || p > 65535 {
		return 0, false
	}
	return uint16(p), true
}

func protocol[T ~string](p T) string {
	if p == "" {
		return "tcp"
	}
	return strings.ToLower(string(p))
}

func address(text *string) netip.Addr {
	a, err := netip.ParseAddr(aws.ToString(text))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func compareRange(a, b inventory.PortRange) int {
	return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func orNil[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

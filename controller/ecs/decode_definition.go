package ecs

import (
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"ecs-scrape/reconcile/inventory"
)

// decodeDefinition reduces a task definition revision; of its environment only
// the variables that facts name stay.
func decodeDefinition(arn string, d *types.TaskDefinition, facts inventory.Facts) *inventory.Definition {
	out := &inventory.Definition{ARN: arn, NetworkMode: string(d.NetworkMode)}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if aws.ToString(c.Name) == "" {
			continue
		}
		out.Containers = append(out.Containers, inventory.ContainerDefinition{
			Name:         *c.Name,
			Image:        aws.ToString(c.Image),
			Essential:    c.Essential == nil || *c.Essential, // the API's default
			Environment:  decodeEnvironment(c.Environment, facts),
			DockerLabels: decodeLabels(c.DockerLabels),
			Ports:        decodePorts(c.PortMappings),
		})
	}
	return out
}

func decodeLabels(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	return in
}

func decodePorts(in []types.PortMapping) []inventory.PortMapping {
	var out []inventory.PortMapping
	for _, p := range in {
		container, ok := portRange(p.ContainerPort, p.ContainerPortRange)
		if !ok {
			continue
		}
		host, _ := portNumber(p.HostPort)
		out = append(out, inventory.PortMapping{
			Name: aws.ToString(p.Name), Container: container, Host: host, Protocol: protocol(p.Protocol),
		})
	}
	return out
}

// decodeContainerInstance keeps what ECS itself knows of an instance; its
// addresses are for the machine's own API to tell.
func decodeContainerInstance(c *types.ContainerInstance) *inventory.Instance {
	out := &inventory.Instance{ARN: aws.ToString(c.ContainerInstanceArn), MachineID: aws.ToString(c.Ec2InstanceId)}
	for _, a := range c.Attributes {
		value := aws.ToString(a.Value)
		switch aws.ToString(a.Name) {
		case "ecs.instance-type":
			out.Type = value
		case "ecs.availability-zone":
			out.AvailabilityZone = value
		case "ecs.vpc-id":
			out.VPC = value
		case "ecs.subnet-id":
			out.SubnetID = value
		}
	}
	return out
}

// machine is what the machine's own API tells of it.
type machine struct {
	ipv4, ipv6      netip.Addr
	public          netip.Addr
	tags            map[string]string
	kind, zone      string
	network, subnet string
}

func decodeEC2(i *ec2types.Instance) machine {
	m := machine{
		ipv4:    address(i.PrivateIpAddress),
		ipv6:    address(i.Ipv6Address),
		public:  address(i.PublicIpAddress),
		tags:    decodeEC2Tags(i.Tags),
		kind:    string(i.InstanceType),
		network: aws.ToString(i.VpcId), subnet: aws.ToString(i.SubnetId),
	}
	if i.Placement != nil {
		m.zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	for _, n := range i.NetworkInterfaces {
		for _, a := range n.Ipv6Addresses {
			if !m.ipv6.IsValid() {
				m.ipv6 = address(a.Ipv6Address)
			}
		}
	}
	return m
}

// decodeNetworkInterface keeps the VPC and the public address, if it has one.
func decodeNetworkInterface(n *ec2types.NetworkInterface) inventory.Interface {
	out := inventory.Interface{VPC: aws.ToString(n.VpcId)}
	if n.Association != nil {
		out.PublicIPv4 = address(n.Association.PublicIp)
	}
	return out
}

func decodeEC2Tags(in []ec2types.Tag) map[string]string {
	same := make([]types.Tag, len(in))
	for i, tag := range in {
		same[i] = types.Tag{Key: tag.Key, Value: tag.Value}
	}
	return decodeTags(same)
}

func decodeService(s *types.Service) *inventory.Service {
	return &inventory.Service{
		ARN: aws.ToString(s.ServiceArn), Name: aws.ToString(s.ServiceName), Status: aws.ToString(s.Status), Tags: decodeTags(s.Tags),
	}
}

func decodeSSM(i *ssmtypes.InstanceInformation) machine {
	var m machine
	if a := address(i.IPAddress); a.Is4() {
		m.ipv4 = a
	} else {
		m.ipv6 = a
	}
	return m
}

// with adds what the machine's own API tells, where it tells.
func with(i inventory.Instance, m machine) *inventory.Instance {
	i.IPv4, i.IPv6, i.PublicIPv4, i.Tags = m.ipv4, m.ipv6, m.public, m.tags
	for _, f := range []struct {
		to   *string
		from string
	}{{&i.Type, m.kind}, {&i.AvailabilityZone, m.zone}, {&i.VPC, m.network}, {&i.SubnetID, m.subnet}} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	return &i
}

package plan

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"ecs-scrape/reconcile/inventory"
)

// metaPrefix begins the names of the labels that only rules and labelsFrom see.
const metaPrefix = model.MetaLabelPrefix + "ecs_"

// MetaLabel is one of the __meta_ecs_* labels, or a family of them. Those that
// Prometheus's own ECS discovery has mean what they mean there (Prometheus,
// discovery/aws/ecs.go).
type MetaLabel struct {
	// Name is the whole name; of a family it is the prefix that the sanitised key
	// follows.
	Name string
	// Key is what a family's name ends with, such as "tag"; "" is a single label.
	Key string
	// Meaning is for people.
	Meaning string
	// Facts are what the inventory has to be asked for; none are known of every task.
	Facts inventory.Facts

	value  func(*subject) string
	values func(*subject) map[string]string
}

// MetaLabels are all of them, in the order of the documentation.
func MetaLabels() []MetaLabel { return slices.Clone(metaLabels) }

// covers says that the label, or one of the family, may have this name.
func (m *MetaLabel) covers(name string) bool {
	if m.Key == "" {
		return name == m.Name
	}
	return len(name) > len(m.Name) && strings.HasPrefix(name, m.Name)
}

var (
	factServices   = inventory.Facts{Services: true}
	factInstances  = inventory.Facts{Instances: true}
	factInterfaces = inventory.Facts{Interfaces: true}
	factPublic     = inventory.Facts{Instances: true, Interfaces: true}
)

// metaLabels is the table that the labels, the facts they cost and their
// documentation come from.
var metaLabels = []MetaLabel{
	{Name: metaPrefix + "account_id", Meaning: "the AWS account", value: func(s *subject) string { return s.task.Scope.Account }},
	{Name: metaPrefix + "region", Meaning: "the region", value: func(s *subject) string { return s.task.Scope.Region }},
	{Name: metaPrefix + "availability_zone", Meaning: "the task's availability zone", value: func(s *subject) string { return s.task.AvailabilityZone }},
	{Name: metaPrefix + "cluster", Meaning: "the cluster's name", value: func(s *subject) string { return s.task.Scope.Cluster }},
	{Name: metaPrefix + "cluster_arn", Meaning: "the cluster's ARN", value: (*subject).clusterARN},
	{Name: metaPrefix + "service", Meaning: "the name of the service that started the task", value: func(s *subject) string { return s.task.Service() }},
	{Name: metaPrefix + "service_arn", Meaning: "the ARN of that service", value: func(s *subject) string { return s.task.ServiceARN() }},
	{Name: metaPrefix + "service_status", Meaning: "the status of that service: `ACTIVE`, `DRAINING` or `INACTIVE`", Facts: factServices, value: (*subject).serviceStatus},
	{Name: metaPrefix + "task_arn", Meaning: "the task's ARN", value: func(s *subject) string { return s.task.ARN }},
	{Name: metaPrefix + "task_id", Meaning: "the last part of the task's ARN", value: func(s *subject) string { return s.task.ID() }},
	{Name: metaPrefix + "task_definition", Meaning: "the ARN of the task definition's revision", value: func(s *subject) string { return s.task.Definition }},
	{Name: metaPrefix + "task_family", Meaning: "the task definition's family", value: func(s *subject) string { return s.task.Family() }},
	{Name: metaPrefix + "task_revision", Meaning: "the task definition's revision", value: func(s *subject) string { return s.task.Revision() }},
	{Name: metaPrefix + "task_group", Meaning: "the task's group, `service:NAME` of a service's task", value: func(s *subject) string { return s.task.Group }},
	{Name: metaPrefix + "task_started_by", Meaning: "who started the task: a deployment's id, or what was given to RunTask", value: func(s *subject) string { return s.task.StartedBy }},
	{Name: metaPrefix + "launch_type", Meaning: "`EC2`, `FARGATE`, `EXTERNAL` or `MANAGED_INSTANCES`", value: func(s *subject) string { return s.task.LaunchType }},
	{Name: metaPrefix + "platform_family", Meaning: "the platform, such as `Linux`", value: func(s *subject) string { return s.task.PlatformFamily }},
	{Name: metaPrefix + "platform_version", Meaning: "Fargate's platform version", value: func(s *subject) string { return s.task.PlatformVersion }},
	{Name: metaPrefix + "desired_status", Meaning: "what the task is meant to be", value: func(s *subject) string { return s.task.DesiredStatus }},
	{Name: metaPrefix + "last_status", Meaning: "what the task was last seen as", value: func(s *subject) string { return s.task.LastStatus }},
	{Name: metaPrefix + "health_status", Meaning: "the task's health; `UNKNOWN` without a health check", Facts: inventory.Facts{Health: true}, value: func(s *subject) string { return healthOf(s.task) }},
	{Name: metaPrefix + "network_mode", Meaning: "the definition's network mode: `awsvpc`, `bridge` or `host`. Prometheus's own discovery says `bridge` of host mode too", value: func(s *subject) string { return s.definition.Mode() }},
	{Name: metaPrefix + "ip_address", Meaning: "the IPv4 address: the task's in `awsvpc` mode, else its instance's", value: func(s *subject) string { return addrText(s.address(netip.Addr.Is4)) }},
	{Name: metaPrefix + "ipv6_address", Meaning: "the same, IPv6", value: func(s *subject) string { return addrText(s.address(netip.Addr.Is6)) }},
	{Name: metaPrefix + "public_ip", Meaning: "the public IPv4 address: the task's in `awsvpc` mode, else its instance's", Facts: factPublic, value: (*subject).publicIP},
	{Name: metaPrefix + "subnet_id", Meaning: "the subnet of that address", value: (*subject).subnet},
	{Name: metaPrefix + "vpc_id", Meaning: "the VPC of that address", Facts: factInterfaces, value: (*subject).vpc},
	{Name: metaPrefix + "container_instance_arn", Meaning: "the ARN of the container instance; not on Fargate", value: func(s *subject) string { return s.task.Instance }},
	{Name: metaPrefix + "ec2_instance_id", Meaning: "the instance's id, `i-...`, or `mi-...` of ECS Anywhere", Facts: factInstances, value: (*subject).machineID},
	{Name: metaPrefix + "ec2_instance_type", Meaning: "the instance's type", Facts: factInstances, value: (*subject).machineType},
	{Name: metaPrefix + "ec2_instance_private_ip", Meaning: "the instance's private IPv4 address", Facts: factInstances, value: (*subject).machineIP},
	{Name: metaPrefix + "ec2_instance_public_ip", Meaning: "the instance's public IPv4 address", Facts: factInstances, value: (*subject).machinePublicIP},
	{Name: metaPrefix + "container_name", Meaning: "the container's name", value: func(s *subject) string { return s.container.Name }},
	{Name: metaPrefix + "container_arn", Meaning: "the container's ARN", value: (*subject).containerARN},
	{Name: metaPrefix + "container_runtime_id", Meaning: "the id that the container has on its machine", value: func(s *subject) string { return s.running().RuntimeID }},
	{Name: metaPrefix + "container_image", Meaning: "the container's image", value: (*subject).image},
	{Name: metaPrefix + "container_port", Meaning: "the container's port, whatever the host's; not of a port that a convention gives as the host's", value: (*subject).port},
	{Name: metaPrefix + "container_port_name", Meaning: "the name of that port's mapping", value: func(s *subject) string { return s.endpoint.portName }},
	{Name: metaPrefix + "container_label_", Key: "docker label", Meaning: "each docker label of the container definition", values: func(s *subject) map[string]string { return s.container.DockerLabels }},
	{Name: metaPrefix + "tag_cluster_", Key: "tag", Meaning: "each tag of the cluster", Facts: inventory.Facts{ClusterTags: true}, values: (*subject).clusterTags},
	{Name: metaPrefix + "tag_service_", Key: "tag", Meaning: "each tag of the service", Facts: factServices, values: func(s *subject) map[string]string { return tagsOf(s.service()) }},
	{Name: metaPrefix + "tag_task_", Key: "tag", Meaning: "each tag of the task", Facts: inventory.Facts{TaskTags: true}, values: func(s *subject) map[string]string { return s.task.Tags }},
	{Name: metaPrefix + "tag_ec2_", Key: "tag", Meaning: "each tag of the EC2 instance", Facts: factInstances, values: (*subject).machineTags},
}

// subject is what labels are made of: an endpoint in its workload.
type subject struct {
	*workload
	container *inventory.ContainerDefinition
	endpoint  endpoint
	snapshot  *inventory.Snapshot
}

func (s *subject) service() *inventory.Service { return s.snapshot.Service(s.task) }

// running is the container as the task tells of it; empty where it does not.
func (s *subject) running() *inventory.Container {
	if c := s.workload.running(s.container.Name); c != nil {
		return c
	}
	return &inventory.Container{}
}

func (s *subject) clusterARN() string {
	if prefix, _, ok := strings.Cut(s.task.ARN, ":task/"); ok {
		return prefix + ":cluster/" + s.task.Scope.Cluster
	}
	return ""
}

// containerARN is made from the task's ARN: both have the cluster's name, or
// neither.
func (s *subject) containerARN() string {
	id := s.running().ID
	prefix, rest, ok := strings.Cut(s.task.ARN, ":task/")
	switch {
	case id == "" || !ok:
		return ""
	case strings.Contains(rest, "/"):
		return prefix + ":container/" + rest + "/" + id
	}
	return prefix + ":container/" + id
}

func (s *subject) clusterTags() map[string]string {
	if c := s.snapshot.Cluster(s.task.Scope); c != nil {
		return c.Tags
	}
	return nil
}

func (s *subject) serviceStatus() string {
	if service := s.service(); service != nil {
		return service.Status
	}
	return ""
}

// machine is the container instance; an empty one where there is none.
func (s *subject) machine() *inventory.Instance {
	if s.instance != nil {
		return s.instance
	}
	return &inventory.Instance{}
}

func (s *subject) machineID() string              { return s.machine().MachineID }
func (s *subject) machineType() string            { return s.machine().Type }
func (s *subject) machineIP() string              { return addrText(s.machine().IPv4) }
func (s *subject) machinePublicIP() string        { return addrText(s.machine().PublicIPv4) }
func (s *subject) machineTags() map[string]string { return s.machine().Tags }

// own says that the task has a network interface of its own.
func (s *subject) own() bool { return s.definition.Mode() == inventory.NetworkAWSVPC }

// ownInterface is the task's; an empty one where it is not known.
func (s *subject) ownInterface() *inventory.Interface {
	if s.task.Interface != nil {
		return s.task.Interface
	}
	return &inventory.Interface{}
}

// address is the first address of a kind: the task's own, else its instance's.
func (s *subject) address(kind func(netip.Addr) bool) netip.Addr {
	known := []netip.Addr{s.machine().IPv4, s.machine().IPv6}
	if s.own() {
		i := s.ownInterface()
		known = slices.Concat([]netip.Addr{i.IPv4, i.IPv6}, s.running().Addresses)
	}
	for _, a := range known {
		if kind(a) {
			return a
		}
	}
	return netip.Addr{}
}

func (s *subject) publicIP() string {
	if s.own() {
		return addrText(s.ownInterface().PublicIPv4)
	}
	return s.machinePublicIP()
}

func (s *subject) subnet() string {
	if s.own() {
		return s.ownInterface().SubnetID
	}
	return s.machine().SubnetID
}

func (s *subject) vpc() string {
	if s.own() {
		return s.ownInterface().VPC
	}
	return s.machine().VPC
}

func (s *subject) image() string { return orDefault(s.running().Image, s.container.Image) }

func (s *subject) port() string {
	if s.endpoint.port == 0 {
		return ""
	}
	return strconv.Itoa(int(s.endpoint.port))
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

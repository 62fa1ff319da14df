package inventory

import (
	"net/netip"
	"strings"
	"time"
)

// Statuses of a task and of a container, as ECS spells them.
const (
	StatusPending = "PENDING"
	StatusRunning = "RUNNING"
	StatusStopped = "STOPPED"
)

// Launch types, as ECS spells them.
const (
	LaunchEC2      = "EC2"
	LaunchFargate  = "FARGATE"
	LaunchExternal = "EXTERNAL"
	LaunchManaged  = "MANAGED_INSTANCES"
)

// Network modes of a task definition, as ECS spells them.
const (
	NetworkAWSVPC = "awsvpc"
	NetworkBridge = "bridge"
	NetworkHost   = "host"
	NetworkNone   = "none"
)

// Scope is a cluster of an account and region: the unit that is listed at
// once, synced or stale as a whole, and that keeps its own last known good.
type Scope struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Cluster string `json:"cluster"` // its name, not its ARN
}

// String is "account/region/cluster".
func (s Scope) String() string { return s.Account + "/" + s.Region + "/" + s.Cluster }

// Compare orders scopes by account, region and cluster.
func (s Scope) Compare(o Scope) int {
	if c := strings.Compare(s.Account, o.Account); c != 0 {
		return c
	}
	if c := strings.Compare(s.Region, o.Region); c != 0 {
		return c
	}
	return strings.Compare(s.Cluster, o.Cluster)
}

// Task is an ECS task as DescribeTasks or a task state change event tells it
// (Amazon ECS API, data type Task), reduced to what a target needs.
type Task struct {
	ARN   string `json:"arn"`
	Scope Scope  `json:"scope"`

	// Version rises with each change that starts an event.
	Version       int64  `json:"version"`
	LastStatus    string `json:"lastStatus"`
	DesiredStatus string `json:"desiredStatus"`
	HealthStatus  string `json:"healthStatus,omitempty"`

	Group            string    `json:"group,omitempty"` // "service:NAME" for a service's task
	StartedBy        string    `json:"startedBy,omitempty"`
	StartedAt        time.Time `json:"startedAt,omitzero"`
	LaunchType       string    `json:"launchType,omitempty"`
	PlatformFamily   string    `json:"platformFamily,omitempty"`
	PlatformVersion  string    `json:"platformVersion,omitempty"`
	AvailabilityZone string    `json:"availabilityZone,omitempty"`

	Definition string `json:"definition"`         // task definition ARN
	Instance   string `json:"instance,omitempty"` // container instance ARN; empty on Fargate

	Containers []Container `json:"containers,omitempty"`
	// Interface is the task's own network interface (awsvpc), from its attachment.
	Interface *Interface `json:"interface,omitempty"`
	// Environment holds run-time overrides by container name, restricted to
	// the variables of [Facts.Environment].
	Environment map[string]map[string]string `json:"environment,omitempty"`
	// Tags are present only where [Facts.TaskTags] asked for them.
	Tags map[string]string `json:"tags,omitempty"`
}

// ID is the last part of the ARN.
func (t *Task) ID() string { return nameOf(t.ARN) }

// Service is the name of the service that started the task, or "".
func (t *Task) Service() string {
	name, ok := strings.CutPrefix(t.Group, "service:")
	if !ok {
		return ""
	}
	return name
}

// ServiceARN is the ARN of that service, or "". It is made from the task's own
// ARN, in the form with the cluster's name (Amazon ECS developer guide, "Amazon
// Resource Names (ARNs) and IDs").
func (t *Task) ServiceARN() string {
	service := t.Service()
	prefix, _, ok := strings.Cut(t.ARN, ":task/")
	if service == "" || !ok {
		return ""
	}
	return prefix + ":service/" + t.Scope.Cluster + "/" + service
}

// Family is the task definition's family.
func (t *Task) Family() string { f, _ := splitDefinition(t.Definition); return f }

// Revision is the task definition's revision, as digits.
func (t *Task) Revision() string { _, r := splitDefinition(t.Definition); return r }

// Running says that the task runs and is meant to.
func (t *Task) Running() bool {
	return t.LastStatus == StatusRunning && t.DesiredStatus == StatusRunning
}

// Container is one container of a task.
type Container struct {
	Name         string        `json:"name"`
	ID           string        `json:"id,omitempty"` // last part of its ARN
	RuntimeID    string        `json:"runtimeId,omitempty"`
	Image        string        `json:"image,omitempty"`
	LastStatus   string        `json:"lastStatus,omitempty"`
	HealthStatus string        `json:"healthStatus,omitempty"`
	Addresses    []netip.Addr  `json:"addresses,omitempty"` // of its network interfaces (awsvpc), IPv4 before IPv6
	Bindings     []PortBinding `json:"bindings,omitempty"`  // network bindings (bridge, host), one per container port and protocol
}

// PortBinding is a networkBinding: a container port, or a range of them, and
// the ports of the host it is bound to. A binding of one port has equal ends.
// The IPv6 twin (bindIP "::") of a binding is the same binding.
type PortBinding struct {
	Container PortRange `json:"container"`
	Host      PortRange `json:"host"`
	Protocol  string    `json:"protocol"` // tcp or udp
}

// PortRange is an inclusive range of ports.
type PortRange struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
}

// Contains says whether p is within the range.
func (r PortRange) Contains(p uint16) bool { return r.First <= p && p <= r.Last }

// Interface is the elastic network interface of an awsvpc task.
type Interface struct {
	ID       string     `json:"id,omitempty"`
	SubnetID string     `json:"subnetId,omitempty"`
	IPv4     netip.Addr `json:"ipv4,omitzero"`
	IPv6     netip.Addr `json:"ipv6,omitzero"`
	// PublicIPv4 and VPC are present only where [Facts.Interfaces] asked for them.
	PublicIPv4 netip.Addr `json:"publicIpv4,omitzero"`
	VPC        string     `json:"vpc,omitempty"`
}

// nameOf is the last part of an ARN, or the whole of a name.
func nameOf(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// splitDefinition takes "arn:...:task-definition/family:revision" apart.
func splitDefinition(arn string) (family, revision string) {
	name := nameOf(arn)
	i := strings.LastIndexByte(name, ':')
	if i < 0 {
		return name, ""
	}
	return name[:i], name[i+1:]
}

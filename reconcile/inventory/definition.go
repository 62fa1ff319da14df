package inventory

import "net/netip"

// Definition is a task definition revision (Amazon ECS API, data type
// TaskDefinition). A revision never changes.
type Definition struct {
	ARN         string                `json:"arn"`
	NetworkMode string                `json:"networkMode"` // "" is bridge on Linux
	Containers  []ContainerDefinition `json:"containers"`
}

// Container returns the container of that name, or nil.
func (d *Definition) Container(name string) *ContainerDefinition {
	for i := range d.Containers {
		if d.Containers[i].Name == name {
			return &d.Containers[i]
		}
	}
	return nil
}

// Mode is the network mode, bridge where the definition leaves it out.
func (d *Definition) Mode() string {
	if d.NetworkMode == "" {
		return NetworkBridge
	}
	return d.NetworkMode
}

// ContainerDefinition is one container of a Definition.
type ContainerDefinition struct {
	Name      string `json:"name"`
	Image     string `json:"image,omitempty"`
	Essential bool   `json:"essential,omitempty"`
	// Environment holds only the variables that [Facts.Environment] names.
	Environment  map[string]string `json:"environment,omitempty"`
	DockerLabels map[string]string `json:"dockerLabels,omitempty"`
	Ports        []PortMapping     `json:"ports,omitempty"`
}

// PortMapping is a portMapping of a container definition: one port with equal
// ends, or a containerPortRange.
type PortMapping struct {
	Name      string    `json:"name,omitempty"`
	Container PortRange `json:"container"`
	Host      uint16    `json:"host,omitempty"` // 0: same as the container's (awsvpc, host), or dynamic (bridge)
	Protocol  string    `json:"protocol"`       // tcp or udp
}

// Instance is a container instance and the machine beneath it.
type Instance struct {
	ARN              string     `json:"arn"`       // container instance ARN
	MachineID        string     `json:"machineId"` // i-... (EC2) or mi-... (ECS Anywhere)
	IPv4             netip.Addr `json:"ipv4,omitzero"`
	IPv6             netip.Addr `json:"ipv6,omitzero"`
	Type             string     `json:"type,omitempty"`
	AvailabilityZone string     `json:"availabilityZone,omitempty"`
	VPC              string     `json:"vpc,omitempty"`
	SubnetID         string     `json:"subnetId,omitempty"`
	// PublicIPv4 and Tags, those of the EC2 instance, are present only where
	// [Facts.Instances] asked for them.
	PublicIPv4 netip.Addr        `json:"publicIpv4,omitzero"`
	Tags       map[string]string `json:"tags,omitempty"`
}

// Service is an ECS service (Amazon ECS API, data type Service), present only
// where [Facts.Services] asked for it.
type Service struct {
	ARN    string            `json:"arn"`
	Name   string            `json:"name"`
	Status string            `json:"status,omitempty"` // ACTIVE, DRAINING or INACTIVE
	Tags   map[string]string `json:"tags,omitempty"`
}

// Cluster is an ECS cluster (Amazon ECS API, data type Cluster), present only
// where [Facts.ClusterTags] asked for it.
type Cluster struct {
	ARN  string            `json:"arn"`
	Tags map[string]string `json:"tags,omitempty"`
}

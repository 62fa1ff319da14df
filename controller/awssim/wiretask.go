package awssim

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// dial renders a time: ECS answers epoch seconds, its events ISO strings. A
// zero time is nil and is left out.
type dial func(time.Time) any

func epochSeconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return float64(t.UnixMilli()) / 1000
}

func isoString(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

type wireTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type wirePair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func wireTags(tags map[string]string) []wireTag {
	out := make([]wireTag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, wireTag{key, tags[key]})
	}
	return out
}

func wirePairs(values map[string]string) []wirePair {
	out := make([]wirePair, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, wirePair{name, values[name]})
	}
	return out
}

// wireTask is the Task of the Amazon ECS API reference, and the detail of an
// "ECS Task State Change" event, which adds UpdatedAt and renders times as text.
type wireTask struct {
	Attachments          []wireAttachment `json:"attachments"`
	Attributes           []wirePair       `json:"attributes"`
	AvailabilityZone     string           `json:"availabilityZone,omitempty"`
	ClusterARN           string           `json:"clusterArn"`
	Connectivity         string           `json:"connectivity,omitempty"`
	ConnectivityAt       any              `json:"connectivityAt,omitempty"`
	ContainerInstanceARN string           `json:"containerInstanceArn,omitempty"`
	Containers           []wireContainer  `json:"containers"`
	CPU                  string           `json:"cpu"`
	CreatedAt            any              `json:"createdAt"`
	DesiredStatus        string           `json:"desiredStatus"`
	EnableExecuteCommand bool             `json:"enableExecuteCommand"`
	ExecutionStoppedAt   any              `json:"executionStoppedAt,omitempty"`
	Group                string           `json:"group"`
	HealthStatus         string           `json:"healthStatus,omitempty"`
	LastStatus           string           `json:"lastStatus"`
	LaunchType           string           `json:"launchType"`
	Memory               string           `json:"memory"`
	Overrides            wireOverrides    `json:"overrides"`
	PlatformFamily       string           `json:"platformFamily,omitempty"`
	PlatformVersion      string           `json:"platformVersion,omitempty"`
	PullStartedAt        any              `json:"pullStartedAt,omitempty"`
	PullStoppedAt        any              `json:"pullStoppedAt,omitempty"`
	StartedAt            any              `json:"startedAt,omitempty"`
	StartedBy            string           `json:"startedBy,omitempty"`
	StopCode             string           `json:"stopCode,omitempty"`
	StoppedAt            any              `json:"stoppedAt,omitempty"`
	StoppedReason        string           `json:"stoppedReason,omitempty"`
	StoppingAt           any              `json:"stoppingAt,omitempty"`
	Tags                 []wireTag        `json:"tags,omitempty"`
	TaskARN              string           `json:"taskArn"`
	TaskDefinitionARN    string           `json:"taskDefinitionArn"`
	UpdatedAt            any              `json:"updatedAt,omitempty"`
	Version              int64            `json:"version"`
}

type wireAttachment struct {
	ID      string     `json:"id"`
	Type    string     `json:"type"`
	Status  string     `json:"status"`
	Details []wirePair `json:"details"`
}

type wireContainer struct {
	ContainerARN      string          `json:"containerArn"`
	TaskARN           string          `json:"taskArn"`
	Name              string          `json:"name"`
	Image             string          `json:"image,omitempty"`
	RuntimeID         string          `json:"runtimeId,omitempty"`
	LastStatus        string          `json:"lastStatus"`
	ExitCode          *int            `json:"exitCode,omitempty"`
	NetworkBindings   []wireBinding   `json:"networkBindings"`
	NetworkInterfaces []wireInterface `json:"networkInterfaces"`
	HealthStatus      string          `json:"healthStatus,omitempty"`
	CPU               string          `json:"cpu"`
	Memory            string          `json:"memory,omitempty"`
}

type wireBinding struct {
	BindIP             string `json:"bindIP"`
	ContainerPort      int    `json:"containerPort,omitempty"`
	HostPort           int    `json:"hostPort,omitempty"`
	ContainerPortRange string `json:"containerPortRange,omitempty"`
	HostPortRange      string `json:"hostPortRange,omitempty"`
	Protocol           string `json:"protocol"`
}

type wireInterface struct {
	AttachmentID string `json:"attachmentId"`
	IPv4         string `json:"privateIpv4Address,omitempty"`
	IPv6         string `json:"ipv6Address,omitempty"`
}

type wireOverrides struct {
	ContainerOverrides            []wireContainerOverride `json:"containerOverrides"`
	InferenceAcceleratorOverrides []struct{}              `json:"inferenceAcceleratorOverrides"`
}

type wireContainerOverride struct {
	Name        string     `json:"name"`
	Environment []wirePair `json:"environment,omitempty"`
}

// wire renders the task in the given state, without tags.
func (t *task) wire(state taskState, at dial) wireTask {
	w := wireTask{
		Attachments: []wireAttachment{}, Attributes: []wirePair{{"ecs.cpu-architecture", "x86_64"}},
		AvailabilityZone: t.zone, ClusterARN: t.cluster.arn, CPU: "256", CreatedAt: at(t.created),
		DesiredStatus: state.desired, Group: t.group, HealthStatus: state.health, LastStatus: state.last,
		LaunchType: t.launch, Memory: "512", Overrides: t.wireOverrides(),
		StartedBy: t.startedBy, StopCode: state.code, StoppedReason: state.reason,
		StartedAt: at(state.startedAt), StoppingAt: at(state.stoppingAt), StoppedAt: at(state.stoppedAt),
		ExecutionStoppedAt: at(state.stoppedAt),
		TaskARN:            t.arn, TaskDefinitionARN: t.def.arn, Version: state.version,
	}
	if state.last != statusPending {
		w.Connectivity, w.ConnectivityAt = "CONNECTED", at(t.created)
		w.PullStartedAt, w.PullStoppedAt = at(t.created), at(state.startedAt)
	}
	if t.instance != nil {
		w.ContainerInstanceARN = t.instance.arn
	}
	if t.launch == LaunchFargate {
		w.PlatformFamily, w.PlatformVersion = "Linux", "1.4.0"
	}
	if t.address.IsValid() && t.def.AddressIn != AddressInContainers {
		w.Attachments = append(w.Attachments, t.wireAttachment(state))
	}
	for i := range t.containers {
		w.Containers = append(w.Containers, t.wireContainer(i, state))
	}
	return w
}

func (t *task) wireOverrides() wireOverrides {
	o := wireOverrides{ContainerOverrides: []wireContainerOverride{}, InferenceAcceleratorOverrides: []struct{}{}}
	for _, c := range t.containers {
		if !c.extra {
			o.ContainerOverrides = append(o.ContainerOverrides, wireContainerOverride{c.Name, wirePairs(t.overrides[c.Name])})
		}
	}
	return o
}

func (t *task) wireAttachment(state taskState) wireAttachment {
	a := wireAttachment{ID: t.attachment, Type: "ElasticNetworkInterface", Status: "ATTACHED", Details: []wirePair{
		{"subnetId", t.subnet}, {"networkInterfaceId", t.eni}, {"macAddress", t.mac},
	}}
	if state.last == statusStopped {
		a.Status = "DELETED"
	}
	ipv4, ipv6 := t.place.network.families(t.address)
	if ipv4.IsValid() {
		name := privateName(ipv4, t.place.scope.Region)
		a.Details = append(a.Details, wirePair{"privateDnsName", name}, wirePair{"privateIPv4Address", ipv4.String()})
	}
	if ipv6.IsValid() {
		a.Details = append(a.Details, wirePair{"privateIPv6Address", ipv6.String()})
	}
	return a
}

func (t *task) wireContainer(i int, state taskState) wireContainer {
	c, now := t.containers[i], state.containers[i]
	w := wireContainer{
		ContainerARN: c.arn, TaskARN: t.arn, Name: c.Name, Image: c.Image, LastStatus: now.status, ExitCode: now.exit,
		NetworkBindings: []wireBinding{}, NetworkInterfaces: []wireInterface{}, HealthStatus: now.health, CPU: "0",
	}
	if now.status != statusPending {
		w.RuntimeID = c.runtimeID
		w.NetworkBindings = t.wireBindings(i)
	}
	if t.address.IsValid() && t.def.AddressIn != AddressInAttachment {
		ipv4, ipv6 := t.place.network.families(t.address)
		w.NetworkInterfaces = append(w.NetworkInterfaces, wireInterface{AttachmentID: t.attachment, IPv4: text(ipv4), IPv6: text(ipv6)})
	}
	return w
}

// wireBindings lists each binding twice, as Docker binds IPv4 and IPv6. Host
// mode has none.
func (t *task) wireBindings(container int) []wireBinding {
	out := []wireBinding{}
	if t.def.NetworkMode != ModeBridge {
		return out
	}
	for _, b := range t.ports {
		if b.container != container {
			continue
		}
		for _, ip := range []string{"0.0.0.0", "::"} {
			w := wireBinding{BindIP: ip, Protocol: b.mapping.Protocol}
			if b.mapping.Range != "" {
				w.ContainerPortRange = b.mapping.Range
				w.HostPortRange = strconv.Itoa(b.host) + "-" + strconv.Itoa(b.host+b.n-1)
			} else {
				w.ContainerPort, w.HostPort = b.first, b.host
			}
			out = append(out, w)
		}
	}
	return out
}

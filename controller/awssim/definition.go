package awssim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The launch types.
const (
	LaunchEC2      = "EC2"
	LaunchFargate  = "FARGATE"
	LaunchExternal = "EXTERNAL"
	LaunchManaged  = "MANAGED_INSTANCES"
)

// The network modes.
const (
	ModeAWSVPC = "awsvpc"
	ModeBridge = "bridge"
	ModeHost   = "host"
)

// AddressIn says where the answers about an awsvpc task name its address. AWS
// fills both; some implementations of its API fill only one.
type AddressIn int

// The places that can name an awsvpc task's address.
const (
	AddressInBoth AddressIn = iota
	AddressInContainers
	AddressInAttachment
)

// TaskDefinition is what RegisterTaskDefinition registers as the next revision
// of a family.
type TaskDefinition struct {
	Family string
	// NetworkMode is bridge if empty, as in ECS.
	NetworkMode string
	Containers  []Container
	Tags        map[string]string

	// AddressIn and Extra are the simulator's own: they shape the tasks.
	AddressIn AddressIn
	// Extra are containers which tasks have though the definition lacks them,
	// as Service Connect and GuardDuty add them.
	Extra []Container
}

// Container is a container definition.
type Container struct {
	Name  string
	Image string
	// Sidecar marks a container that is not essential.
	Sidecar          bool
	Environment      map[string]string
	Secrets          []string // names only, as in ECS's answers
	EnvironmentFiles []string // ARNs of S3 objects
	DockerLabels     map[string]string
	Ports            []Port
	// HealthCheck makes tasks HEALTHY once they run; without one they are
	// UNKNOWN.
	HealthCheck bool

	// Metrics says where the container serves metrics. It is the simulator's
	// own and no part of any answer.
	Metrics []Metrics
}

// Port is a port mapping. Either Container or Range is set.
type Port struct {
	Name      string
	Container int
	// Host is the fixed host port in bridge mode; 0 means a dynamic one. In
	// awsvpc and host mode it is the container port.
	Host int
	// Range is a container port range such as "9000-9003".
	Range string
	// Protocol is tcp if empty.
	Protocol    string
	AppProtocol string
}

// Metrics is an endpoint which serves a Prometheus page.
type Metrics struct {
	// Port is the container port.
	Port int
	// Path is "/metrics" if empty.
	Path string
}

// revision is one registered task definition. It never changes.
type revision struct {
	TaskDefinition
	number     int
	arn        string
	registered time.Time
}

// RegisterTaskDefinition adds a revision to a family and answers its ARN.
func (p *Place) RegisterTaskDefinition(d TaskDefinition) (arn string, err error) {
	err = p.change(func() error {
		r, err := p.register(d)
		if err == nil {
			arn = r.arn
		}
		return err
	})
	return arn, err
}

func (p *Place) register(d TaskDefinition) (*revision, error) {
	if d.Family == "" || len(d.Containers) == 0 {
		return nil, badRequest("ClientException", "Family and container definitions should not be empty.")
	}
	d.NetworkMode = cmp.Or(d.NetworkMode, ModeBridge)
	d.Containers, d.Tags = slices.Clone(d.Containers), maps.Clone(d.Tags)
	for i := range d.Containers {
		c := &d.Containers[i]
		c.Image = cmp.Or(c.Image, "registry.example/"+c.Name+":1")
		c.Ports = slices.Clone(c.Ports)
		for j := range c.Ports {
			c.Ports[j].Protocol = cmp.Or(c.Ports[j].Protocol, "tcp")
			if d.NetworkMode != ModeBridge {
				c.Ports[j].Host = c.Ports[j].Container
			}
		}
	}
	number := len(p.families[d.Family]) + 1
	r := &revision{
		TaskDefinition: d,
		number:         number,
		arn:            p.arn("task-definition/" + d.Family + ":" + strconv.Itoa(number)),
		registered:     p.now(),
	}
	p.families[d.Family] = append(p.families[d.Family], r)
	return r, nil
}

// revision finds a task definition by family, family:revision or ARN.
func (p *Place) revision(name string) (*revision, bool) {
	if _, after, ok := strings.Cut(name, ":task-definition/"); ok {
		name = after
	}
	family, number, numbered := strings.Cut(name, ":")
	all := p.families[family]
	if !numbered {
		number = strconv.Itoa(len(all))
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(all) {
		return nil, false
	}
	return all[n-1], true
}

// width is the number of ports that a mapping covers, and its first one.
func (m Port) width() (first, n int) {
	low, high, ranged := strings.Cut(m.Range, "-")
	if !ranged {
		return m.Container, 1
	}
	first, err := strconv.Atoi(low)
	last, err2 := strconv.Atoi(high)
	if err != nil || err2 != nil || last < first {
		return 0, 0
	}
	return first, last - first + 1
}

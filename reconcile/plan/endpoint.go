package plan

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"ecs-scrape/reconcile/inventory"
)

const tcp = "tcp"

// endpoint is a place to scrape: an address that a container listens on.
type endpoint struct {
	container *inventory.ContainerDefinition
	port      uint16 // the container's; 0 where only a literal port is known
	portName  string // of the port's mapping, if it has one
	address   netip.AddrPort
	host      string // in place of the address's host, where not empty
}

// String is the host and port to connect to.
func (e endpoint) String() string {
	if e.host == "" {
		return e.address.String()
	}
	return net.JoinHostPort(e.host, strconv.Itoa(int(e.address.Port())))
}

// fault is why an endpoint of a spec has no address in a task. Its container
// is empty where it concerns the task.
type fault struct {
	code, container, message string
}

// workload is a task with the definition and instance that it refers to and
// the containers that an object selects of it, running ones only.
type workload struct {
	task       *inventory.Task
	definition *inventory.Definition
	instance   *inventory.Instance // nil on Fargate, or where it is not known
	selected   []*inventory.ContainerDefinition
}

// resolve finds where a request is answered in the workload: the port rules of
// the design.
func (w *workload) resolve(q *request) ([]endpoint, *fault) {
	if q.container != nil {
		only := *w
		only.selected = []*inventory.ContainerDefinition{q.container}
		w = &only
	}
	endpoints, f := w.find(q)
	for i := range endpoints {
		endpoints[i].host = q.host
	}
	return endpoints, f
}

func (w *workload) find(q *request) ([]endpoint, *fault) {
	switch {
	case q.literal != 0:
		return w.byLiteral(q.literal)
	case q.port.Name != "":
		return w.byName(q.port.Name)
	}
	return w.byNumber(q.port.Number)
}

// byLiteral is a port of the task's or the instance's address, taken as it is,
// also in bridge mode.
func (w *workload) byLiteral(port uint16) ([]endpoint, *fault) {
	c := w.owner()
	running := w.running(c.Name)
	if running == nil {
		return nil, nil
	}
	addr := w.address(running)
	if !addr.IsValid() {
		return nil, &fault{CodeNoAddress, c.Name, w.whyNoAddress()}
	}
	return []endpoint{{container: c, address: netip.AddrPortFrom(addr, port)}}, nil
}

func (w *workload) byName(name string) ([]endpoint, *fault) {
	for _, c := range w.selected {
		for _, m := range c.Ports {
			if m.Name == name && m.Protocol == tcp {
				return w.listen(c, m.Container.First)
			}
		}
	}
	return nil, &fault{CodeNoPort, w.onlySelected(), fmt.Sprintf(
		"no TCP port mapping is named %q: name one in the task definition's portMappings, or give the container port as a number", name)}
}

// byNumber gives the port to the selected containers that map it. In awsvpc
// and host mode a port that none maps is reachable all the same.
func (w *workload) byNumber(port uint16) ([]endpoint, *fault) {
	var found []endpoint
	var failed *fault
	for _, c := range w.selected {
		if !exposes(c, port) {
			continue
		}
		e, f := w.listen(c, port)
		found = append(found, e...)
		if f != nil {
			failed = f
		}
	}
	switch {
	case len(found) > 0:
		return unique(found), nil
	case failed != nil:
		return nil, failed
	case w.definition.Mode() == inventory.NetworkBridge:
		return nil, &fault{CodeNoPort, w.onlySelected(), fmt.Sprintf(
			"no selected container maps TCP port %d, and in bridge mode a port is reachable only if it is mapped: add it to portMappings", port)}
	}
	return w.listen(w.owner(), port)
}

// owner is the container that an unmapped port is ascribed to: the only
// selected one, else the task's first essential one.
func (w *workload) owner() *inventory.ContainerDefinition {
	if len(w.selected) == 1 {
		return w.selected[0]
	}
	for i := range w.definition.Containers {
		if w.definition.Containers[i].Essential {
			return &w.definition.Containers[i]
		}
	}
	return w.selected[0]
}

func (w *workload) onlySelected() string {
	if len(w.selected) == 1 {
		return w.selected[0].Name
	}
	return ""
}

func exposes(c *inventory.ContainerDefinition, port uint16) bool {
	return slices.ContainsFunc(c.Ports, func(m inventory.PortMapping) bool {
		return m.Protocol == tcp && m.Container.Contains(port)
	})
}

// listen is the address of a container's port in the task's network mode.
func (w *workload) listen(c *inventory.ContainerDefinition, port uint16) ([]endpoint, *fault) {
	running := w.running(c.Name)
	if running == nil {
		return nil, nil // not running: no target and nothing wrong
	}
	addr := w.address(running)
	if !addr.IsValid() {
		return nil, &fault{CodeNoAddress, c.Name, w.whyNoAddress()}
	}
	e := endpoint{container: c, port: port, portName: mappingName(c, port), address: netip.AddrPortFrom(addr, port)}
	if w.definition.Mode() == inventory.NetworkBridge {
		host, ok := hostPort(running, port)
		if !ok {
			return nil, &fault{CodeUnbound, c.Name, fmt.Sprintf("container port %d is bound to no host port", port)}
		}
		e.address = netip.AddrPortFrom(addr, host)
	}
	return []endpoint{e}, nil
}

// mappingName is the name of the TCP port mapping of a container port, or "".
func mappingName(c *inventory.ContainerDefinition, port uint16) string {
	for _, m := range c.Ports {
		if m.Protocol == tcp && m.Container.Contains(port) {
			return m.Name
		}
	}
	return ""
}

// running returns the task's container of that name if it runs.
func (w *workload) running(name string) *inventory.Container {
	for i := range w.task.Containers {
		if c := &w.task.Containers[i]; c.Name == name && c.LastStatus == inventory.StatusRunning {
			return c
		}
	}
	return nil
}

func (w *workload) address(c *inventory.Container) netip.Addr {
	switch w.definition.Mode() {
	case inventory.NetworkAWSVPC:
		if len(c.Addresses) > 0 {
			return c.Addresses[0]
		}
		if i := w.task.Interface; i != nil {
			return firstValid(i.IPv4, i.IPv6)
		}
	case inventory.NetworkBridge, inventory.NetworkHost:
		if w.instance != nil {
			return firstValid(w.instance.IPv4, w.instance.IPv6)
		}
	}
	return netip.Addr{}
}

func (w *workload) whyNoAddress() string {
	switch mode := w.definition.Mode(); mode {
	case inventory.NetworkAWSVPC:
		return "neither the container's network interfaces nor the task's attachment has an address"
	case inventory.NetworkBridge, inventory.NetworkHost:
		return fmt.Sprintf("the address of container instance %q is not known", w.task.Instance)
	default:
		return fmt.Sprintf("network mode %q has no address", mode)
	}
}

func firstValid(addrs ...netip.Addr) netip.Addr {
	for _, a := range addrs {
		if a.IsValid() {
			return a
		}
	}
	return netip.Addr{}
}

// hostPort is the host's port that a container port is bound to, ranges included.
func hostPort(c *inventory.Container, port uint16) (uint16, bool) {
	for _, b := range c.Bindings {
		if b.Protocol == tcp && b.Container.Contains(port) {
			return b.Host.First + (port - b.Container.First), true
		}
	}
	return 0, false
}

// unique keeps one endpoint per address, in order: one target per task, port
// and path, never one per container.
func unique(endpoints []endpoint) []endpoint {
	seen := map[netip.AddrPort]bool{}
	return slices.DeleteFunc(endpoints, func(e endpoint) bool {
		dup := seen[e.address]
		seen[e.address] = true
		return dup
	})
}

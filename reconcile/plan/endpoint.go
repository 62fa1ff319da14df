package plan

import (
	"fmt"
	"iter"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
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
	ipv6       bool // is preferred, where there are both
}

// resolve finds where a request is answered in the workload: the port rules of
// the design. What one container misses is no obstacle to another.
func (w *workload) resolve(q *request) ([]endpoint, []fault) {
	if len(q.containers) > 0 {
		only := *w
		only.selected = q.containers
		w = &only
	}
	endpoints, faults := w.find(q)
	for i := range endpoints {
		endpoints[i].host = q.host
	}
	return endpoints, faults
}

func (w *workload) find(q *request) ([]endpoint, []fault) {
	if q.literal != 0 {
		return w.byLiteral(q.literal)
	}
	var found []endpoint
	var faults []fault
	mapped := false
	for _, c := range w.selected {
		for port := range mappings(c, q.port) {
			mapped = true
			e, f := w.listen(c, port, q)
			if f != nil {
				faults = append(faults, *f)
			} else if e.container != nil {
				found = append(found, e)
			}
		}
	}
	if !mapped {
		return w.unmapped(q)
	}
	return unique(found), faults
}

// unmapped is a port that no selected container maps: in awsvpc and host mode it
// is reachable all the same.
func (w *workload) unmapped(q *request) ([]endpoint, []fault) {
	switch {
	case q.port.Name != "":
		return nil, []fault{{CodeNoPort, w.onlySelected(), w.whyNoName(q.port.Name)}}
	case w.definition.Mode() == inventory.NetworkBridge:
		return nil, []fault{{CodeNoPort, w.onlySelected(), fmt.Sprintf(
			"%s is not mapped by %s, and in bridge mode a port is reachable only if it is mapped: add it to portMappings", q.words(), w.names())}}
	}
	switch e, f := w.listen(w.owner(), q.port.Number, q); {
	case f != nil:
		return nil, []fault{*f}
	case e.container != nil:
		return []endpoint{e}, nil
	}
	return nil, nil
}

// whyNoName says why no selected container has a TCP port mapping of that name.
func (w *workload) whyNoName(name string) string {
	for i := range w.definition.Containers {
		c := &w.definition.Containers[i]
		for _, m := range c.Ports {
			switch {
			case m.Name != name:
			case m.Protocol != tcp:
				return fmt.Sprintf("the port mapping %q of container %q is %s, and only TCP can be scraped: name a TCP port", name, c.Name, m.Protocol)
			case !slices.Contains(w.selected, c):
				return fmt.Sprintf("the port mapping %q is of container %q, not of %s: select that container, or name another port", name, c.Name, w.names())
			case m.Container.First != m.Container.Last:
				return fmt.Sprintf("the port mapping %q of container %q is a range: give one of the ports %d to %d as a number",
					name, c.Name, m.Container.First, m.Container.Last)
			}
		}
	}
	return fmt.Sprintf(
		"no TCP port mapping is named %q: name one in the task definition's portMappings, or give the container port as a number", name)
}

// byLiteral is a port of the task's or the instance's address, taken as it is,
// also in bridge mode.
func (w *workload) byLiteral(port uint16) ([]endpoint, []fault) {
	c := w.owner()
	running := w.running(c.Name)
	if running == nil {
		return nil, nil
	}
	addr := w.address(running)
	if !addr.IsValid() {
		return nil, []fault{{CodeNoAddress, c.Name, w.whyNoAddress()}}
	}
	e := endpoint{container: c, port: port, address: netip.AddrPortFrom(addr, port)}
	if w.definition.Mode() == inventory.NetworkBridge {
		e.port = containerPort(running, port)
	}
	e.portName = mappingName(c, e.port)
	return []endpoint{e}, nil
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

// names are the selected containers, for messages.
func (w *workload) names() string {
	var names []string
	for _, c := range w.selected {
		names = append(names, strconv.Quote(c.Name))
	}
	if len(names) == 1 {
		return "container " + names[0]
	}
	return "any of the containers " + strings.Join(names, ", ")
}

// mappings are the container ports that a port means in one container: those
// that its TCP port mappings map. The name of a range means none of its ports.
func mappings(c *inventory.ContainerDefinition, port spec.Port) iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		for i := range c.Ports {
			m := &c.Ports[i]
			switch {
			case m.Protocol != tcp:
			case port.Name == "" && m.Container.Contains(port.Number):
				yield(port.Number)
				return
			case port.Name != "" && m.Name == port.Name && m.Container.First == m.Container.Last:
				if !yield(m.Container.First) {
					return
				}
			}
		}
	}
}

// exposes says whether the container maps the port.
func exposes(c *inventory.ContainerDefinition, port spec.Port) bool {
	for range mappings(c, port) {
		return true
	}
	return false
}

// listen is the address of a container's port in the task's network mode: no
// endpoint and no fault where the container does not run.
func (w *workload) listen(c *inventory.ContainerDefinition, port uint16, q *request) (endpoint, *fault) {
	running := w.running(c.Name)
	if running == nil {
		return endpoint{}, nil
	}
	addr := w.address(running)
	if !addr.IsValid() {
		return endpoint{}, &fault{CodeNoAddress, c.Name, w.whyNoAddress()}
	}
	e := endpoint{container: c, port: port, portName: mappingName(c, port), address: netip.AddrPortFrom(addr, port)}
	if w.definition.Mode() == inventory.NetworkBridge {
		host, ok := hostPort(running, port)
		if !ok {
			return endpoint{}, &fault{CodeUnbound, c.Name, fmt.Sprintf(
				"%s is bound to no host port: if the task is not just starting, look at its network bindings", q.words())}
		}
		e.address = netip.AddrPortFrom(addr, host)
	}
	return e, nil
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
		known := c.Addresses
		if i := w.task.Interface; i != nil { // the answer may have some only here
			known = append(slices.Clip(known), i.IPv4, i.IPv6)
		}
		return w.preferred(known...)
	case inventory.NetworkBridge, inventory.NetworkHost:
		if w.instance != nil {
			return w.preferred(w.instance.IPv4, w.instance.IPv6)
		}
	}
	return netip.Addr{}
}

// preferred is the first address of the preferred family, else of the other.
func (w *workload) preferred(addrs ...netip.Addr) netip.Addr {
	var other netip.Addr
	for _, a := range addrs {
		switch {
		case !a.IsValid():
		case a.Is6() == w.ipv6:
			return a
		case !other.IsValid():
			other = a
		}
	}
	return other
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

// hostPort is the host's port that a container port is bound to, ranges included.
func hostPort(c *inventory.Container, port uint16) (uint16, bool) {
	for _, b := range c.Bindings {
		if b.Protocol != tcp || !b.Container.Contains(port) {
			continue
		}
		// Ranges of unequal length bind no port beyond the shorter one.
		if behind := port - b.Container.First; behind <= b.Host.Last-b.Host.First {
			return b.Host.First + behind, true
		}
	}
	return 0, false
}

// containerPort is the container port that is bound to a port of the host, or 0.
func containerPort(c *inventory.Container, host uint16) uint16 {
	for _, b := range c.Bindings {
		if b.Protocol != tcp || !b.Host.Contains(host) {
			continue
		}
		if behind := host - b.Host.First; behind <= b.Container.Last-b.Container.First {
			return b.Container.First + behind
		}
	}
	return 0
}

// unique keeps one endpoint per address, in order: one target per task, port
// and path, never one per container.
func unique(endpoints []endpoint) []endpoint {
	if len(endpoints) < 2 {
		return endpoints
	}
	seen := map[netip.AddrPort]bool{}
	return slices.DeleteFunc(endpoints, func(e endpoint) bool {
		dup := seen[e.address]
		seen[e.address] = true
		return dup
	})
}

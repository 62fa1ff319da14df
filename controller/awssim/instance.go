package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Instance describes a container instance to AddInstance.
type Instance struct {
	// ID is made up if empty: "i-..." or, for EXTERNAL, "mi-...".
	ID string
	// Launch is EC2 if empty, EXTERNAL or MANAGED_INSTANCES.
	Launch string
	// Type is an instance type; "m7g.large" if empty.
	Type string
	// Zone is an availability zone of the region; one in turn if empty.
	Zone string
	// Public gives the instance a public address too.
	Public bool
	// Tags are both the EC2 instance's and the container instance's.
	Tags map[string]string
}

// instance is a container instance and the machine that it is.
type instance struct {
	Instance
	seq        int64
	place      *Place
	cluster    *cluster
	arn        string
	id         string // of the container instance
	version    int64
	status     string
	connected  bool
	known      bool // to EC2 or SSM
	zone       int
	address    netip.Addr
	public     netip.Addr
	registered time.Time
	tasks      taskList
	load       int // tasks that are not stopped
	nextPort   int
	ports      map[int]bool // host ports in use
}

// AddInstance registers a container instance and answers the id of its
// machine, "i-..." or "mi-...".
func (p *Place) AddInstance(cluster string, i Instance) (id string, err error) {
	err = p.change(func() error {
		c, err := p.activeCluster(cluster)
		if err != nil {
			return err
		}
		added := c.addInstance(i)
		id = added.ID
		for _, s := range c.sortedServices() {
			s.touch()
		}
		return nil
	})
	return id, err
}

func (c *cluster) addInstance(in Instance) *instance {
	p := c.place
	in.Launch = cmp.Or(in.Launch, LaunchEC2)
	in.Type = cmp.Or(in.Type, "m7g.large")
	in.Tags = maps.Clone(in.Tags)
	i := &instance{
		Instance: in, seq: p.nextSeq(), place: p, cluster: c, id: p.sim.hexID(32), version: 1, status: statusActive,
		connected: true, known: true, registered: p.now(), nextPort: firstDynamicPort, ports: map[int]bool{},
	}
	i.arn = p.arn("container-instance/" + c.name + "/" + i.id)
	if in.Launch == LaunchExternal {
		i.ID = cmp.Or(i.ID, "mi-"+p.sim.hexID(17))
		i.address = p.network.takeRemote()
	} else {
		i.ID = cmp.Or(i.ID, "i-"+p.sim.hexID(17))
		i.zone = p.network.zone()
		if in.Zone != "" {
			i.zone = zoneNumber(in.Zone)
		}
		i.Zone = zoneName(p.scope.Region, i.zone)
		i.address = p.network.take(i.zone)
	}
	if in.Public {
		i.public = p.network.takePublic()
	}
	c.instances[i.id] = i
	p.instances[i.ID] = i
	i.emit()
	return i
}

// Drain sets a container instance to DRAINING: services move their tasks away.
// The id is the machine's.
func (p *Place) Drain(id string) error {
	return p.onInstance(id, func(i *instance) { i.setStatus(statusDraining) })
}

// Activate takes a drained container instance back.
func (p *Place) Activate(id string) error {
	return p.onInstance(id, func(i *instance) { i.setStatus(statusActive) })
}

// LoseInstance makes a machine vanish as a crash does: EC2 or SSM no longer
// knows it, nothing on it listens any more, and ECS has not noticed: it still
// shows the tasks as running, with the agent disconnected.
func (p *Place) LoseInstance(id string) error {
	return p.onInstance(id, func(i *instance) {
		i.known = false
		i.connected = false
		for _, t := range i.tasks.items {
			t.unlisten()
		}
		i.changed()
	})
}

// TerminateInstance ends a machine, lost or not, and lets ECS notice: its
// tasks stop, it is deregistered, and services start replacements.
func (p *Place) TerminateInstance(id string) error {
	return p.onInstance(id, func(i *instance) { i.deregister() })
}

func (p *Place) onInstance(id string, f func(*instance)) error {
	return p.change(func() error {
		i, ok := p.instances[id]
		if !ok || i.status == statusInactive {
			return invalidParameter(fmt.Sprintf("instance %s is not registered", id))
		}
		f(i)
		for _, s := range i.cluster.sortedServices() {
			s.touch()
		}
		return nil
	})
}

func (i *instance) setStatus(status string) {
	i.status = status
	i.changed()
}

func (i *instance) deregister() {
	i.known = false
	i.connected = false
	i.status = statusInactive
	for _, t := range slices.Clone(i.tasks.items) {
		t.stopNow(fmt.Sprintf("Host EC2 (instance %s) terminated.", i.ID), "TerminationNotice")
	}
	i.place.network.free(i.address)
	i.changed()
}

// changed raises the version and emits the event.
func (i *instance) changed() {
	i.version++
	i.emit()
}

// fits says whether a revision's fixed host ports are free here.
func (i *instance) fits(r *revision) bool {
	for _, port := range fixedHostPorts(r) {
		if i.ports[port] {
			return false
		}
	}
	return true
}

// fixedHostPorts are the ports that a task occupies on any instance.
func fixedHostPorts(r *revision) []int {
	if r.NetworkMode == ModeAWSVPC {
		return nil
	}
	var out []int
	for _, c := range r.Containers {
		for _, m := range c.Ports {
			if m.Host > 0 {
				out = append(out, m.Host)
			}
		}
	}
	return out
}

// dynamicPorts takes n host ports in a row and answers the first. It counts
// upwards and starts over at the end of the range, as Docker does.
func (i *instance) dynamicPorts(n int) int {
	if forced := i.place.network.forcedPorts; len(forced) > 0 && i.allFree(forced[0], n) {
		i.place.network.forcedPorts = forced[1:]
		return forced[0]
	}
	for {
		first := i.nextPort
		if first+n-1 > lastDynamicPort {
			i.nextPort = firstDynamicPort
			continue
		}
		i.nextPort = first + 1
		if i.allFree(first, n) {
			i.nextPort = first + n
			return first
		}
	}
}

func (i *instance) allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		if i.ports[port] {
			return false
		}
	}
	return true
}

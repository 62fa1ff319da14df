package awssim

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
)

// launch is an order to start one task.
type launch struct {
	cluster   *cluster
	service   *service
	def       *revision
	kind      string
	public    bool
	tags      map[string]string
	overrides map[string]map[string]string
	group     string
	startedBy string
	on        *instance // a daemon's
}

// start creates a PENDING task, which then runs after the start delay. It
// answers nil where no instance has room.
func (p *Place) start(l launch) *task {
	host := l.on
	if host == nil && l.kind != LaunchFargate {
		if host = l.cluster.pick(l.kind, l.def); host == nil {
			return nil
		}
	}
	t := &task{
		seq: p.nextSeq(), id: p.sim.hexID(32), place: p, cluster: l.cluster, service: l.service, def: l.def,
		group: l.group, startedBy: l.startedBy, launch: l.kind, instance: host,
		overrides: cloneOverrides(l.overrides), tags: maps.Clone(l.tags), created: p.now(),
		now: taskState{version: 1, last: statusPending, desired: statusRunning, health: healthUnknown},
	}
	t.arn = p.arn("task/" + l.cluster.name + "/" + t.id)
	switch {
	case t.service != nil:
		t.group = t.service.group()
		t.startedBy = t.service.deployment
	case t.group == "":
		t.group = "family:" + t.def.Family
	}
	t.addContainers()
	t.attach(l.public)
	t.bind()
	t.older = t.now
	p.tasks[t.id] = t
	t.cluster.index(t)
	t.changed()
	if host != nil {
		host.load++
		host.changed()
	}
	p.later(p.sim.opts.StartDelay, t.run)
	return t
}

func cloneOverrides(in map[string]map[string]string) map[string]map[string]string {
	out := make(map[string]map[string]string, len(in))
	for name, env := range in {
		out[name] = maps.Clone(env)
	}
	return out
}

func (t *task) addContainers() {
	p := t.place
	for i, c := range slices.Concat(t.def.Containers, t.def.Extra) {
		t.containers = append(t.containers, taskContainer{
			Container: c,
			arn:       p.arn("container/" + t.cluster.name + "/" + t.id + "/" + uuid(p.sim)),
			runtimeID: t.id + "-" + strconv.Itoa(1000000000+i),
			extra:     i >= len(t.def.Containers),
		})
		t.now.containers = append(t.now.containers, containerState{status: statusPending, health: healthUnknown})
	}
}

// attach gives an awsvpc task its interface.
func (t *task) attach(public bool) {
	n := &t.place.network
	var zone int
	switch {
	case t.instance == nil:
		zone = n.zoneOfNext()
	case t.instance.Launch == LaunchExternal:
		return
	default:
		zone = t.instance.zone
	}
	t.zone = zoneName(t.place.scope.Region, zone)
	if t.def.NetworkMode != ModeAWSVPC {
		return
	}
	s := t.place.sim
	t.subnet = n.subnets[zone]
	t.address = n.take(zone)
	if public {
		t.public = n.takePublic()
	}
	t.eni = "eni-" + s.hexID(17)
	t.attachment = uuid(s)
	h := s.hexID(10)
	t.mac = fmt.Sprintf("0a:%s:%s:%s:%s:%s", h[0:2], h[2:4], h[4:6], h[6:8], h[8:10])
	t.place.interfaces[t.eni] = t
}

// bind takes the host ports of a bridge or host task.
func (t *task) bind() {
	if t.instance == nil || t.def.NetworkMode == ModeAWSVPC {
		return
	}
	for i, c := range t.containers {
		for _, m := range c.Ports {
			first, n := m.width()
			host := m.Host
			if t.def.NetworkMode == ModeHost {
				host = first
			} else if host == 0 {
				host = t.instance.dynamicPorts(n)
			}
			t.ports = append(t.ports, boundPort{container: i, mapping: m, first: first, host: host, n: n})
			for port := host; port < host+n; port++ {
				t.instance.ports[port] = true
			}
		}
	}
}

// reach answers where a container's port is reached, if at all: in bridge mode
// only a mapped port is.
func (t *task) reach(container, port int) (netip.AddrPort, bool) {
	if t.def.NetworkMode != ModeBridge {
		return netip.AddrPortFrom(t.hostAddress(), uint16(port)), true
	}
	for _, b := range t.ports {
		if b.container == container && port >= b.first && port < b.first+b.n {
			return netip.AddrPortFrom(t.hostAddress(), uint16(b.host+port-b.first)), true
		}
	}
	return netip.AddrPort{}, false
}

// uuid is a random identifier in the form of a UUID; the caller holds the lock.
func uuid(s *Sim) string {
	h := s.hexID(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}

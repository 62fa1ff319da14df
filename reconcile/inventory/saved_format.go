package inventory

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// The first lines of what is saved: what it is, and the version of its format.
// Whatever changes the bytes of the same value is another version.
const (
	snapshotFormat    = "inventory 2\n"
	definitionsFormat = "definitions 1\n"
)

// Bytes that a task of two containers, and a definition, usually take.
const (
	usualTask       = 400
	usualDefinition = 200
)

// EncodeSnapshot writes what [Store.Restore] takes of a snapshot: all of its
// scopes that are synced or stale. Equal ones give equal bytes.
func EncodeSnapshot(s *Snapshot, at time.Time) []byte {
	c := newWriter(snapshotFormat, len(s.Tasks)*usualTask)
	kept := *s
	kept.Scopes = slices.DeleteFunc(slices.Clone(s.Scopes), func(st ScopeStatus) bool {
		return st.State != Synced && st.State != Stale
	})
	at = stamp(at)
	c.snapshot(&kept, &at)
	return c.data
}

// DecodeSnapshot reads what EncodeSnapshot wrote, and when that was the state.
func DecodeSnapshot(data []byte) (*Snapshot, time.Time, error) {
	c, err := newReader(data, snapshotFormat)
	if err != nil {
		return nil, time.Time{}, err
	}
	var s Snapshot
	var at time.Time
	c.snapshot(&s, &at)
	if err := c.end(); err != nil {
		return nil, time.Time{}, err
	}
	return &s, at, nil
}

// EncodeDefinitions writes task definitions. Equal ones give equal bytes.
func EncodeDefinitions(all []SavedDefinition) []byte {
	c := newWriter(definitionsFormat, len(all)*usualDefinition)
	c.definitions(&all)
	return c.data
}

// DecodeDefinitions reads what EncodeDefinitions wrote.
func DecodeDefinitions(data []byte) ([]SavedDefinition, error) {
	c, err := newReader(data, definitionsFormat)
	if err != nil {
		return nil, err
	}
	var all []SavedDefinition
	c.definitions(&all)
	if err := c.end(); err != nil {
		return nil, err
	}
	return all, nil
}

func newWriter(format string, size int) *coder {
	return &coder{data: append(make([]byte, 0, len(format)+size), format...), index: map[string]uint64{}}
}

func newReader(data []byte, format string) (*coder, error) {
	rest, ok := bytes.CutPrefix(data, []byte(format))
	if !ok {
		first, _, _ := bytes.Cut(data[:min(len(data), 40)], []byte("\n"))
		return nil, fmt.Errorf("its format is %q, and this version reads %q", first, format[:len(format)-1])
	}
	return &coder{reading: true, data: rest}, nil
}

// end says whether everything was read, and nothing is left.
func (c *coder) end() error {
	if c.err == nil && len(c.data) > 0 {
		c.err = fmt.Errorf("%d bytes are left over", len(c.data))
	}
	return c.err
}

func (c *coder) snapshot(s *Snapshot, at *time.Time) {
	c.time(at)
	listOf(c, &s.Scopes, c.status)
	listOf(c, &s.Tasks, func(t **Task) { c.pointed(t) })
	mapOf(c, &s.Instances, func(i **Instance) { pointerTo(c, i, c.instance) })
	mapOf(c, &s.Services, func(v **Service) { pointerTo(c, v, c.service) })
	mapOf(c, &s.Clusters, func(v **Cluster) { pointerTo(c, v, c.cluster) })
}

// pointed codes a task, which is always there.
func (c *coder) pointed(t **Task) {
	if c.reading {
		*t = new(Task)
	}
	c.task(*t)
}

// status is of a scope what outlives the process.
func (c *coder) status(s *ScopeStatus) {
	c.scope(&s.Scope)
	c.time(&s.SyncedAt)
	c.time(&s.Since)
	c.time(&s.Restored)
	listOf(c, &s.Facts.Environment, c.name)
	for _, v := range []*bool{&s.Facts.TaskTags, &s.Facts.Services, &s.Facts.ClusterTags, &s.Facts.Health, &s.Facts.Instances, &s.Facts.Interfaces} {
		c.bool(v)
	}
	if c.reading {
		s.State = Stale
	}
}

func (c *coder) scope(s *Scope) {
	c.name(&s.Account)
	c.name(&s.Region)
	c.name(&s.Cluster)
}

func (c *coder) task(t *Task) {
	c.text(&t.ARN)
	c.scope(&t.Scope)
	c.int(&t.Version)
	c.time(&t.StartedAt)
	for _, v := range []*string{
		&t.LastStatus, &t.DesiredStatus, &t.HealthStatus, &t.Group, &t.StartedBy, &t.LaunchType,
		&t.PlatformFamily, &t.PlatformVersion, &t.AvailabilityZone, &t.Definition, &t.Instance,
	} {
		c.name(v)
	}
	listOf(c, &t.Containers, c.container)
	pointerTo(c, &t.Interface, c.networkInterface)
	mapOf(c, &t.Environment, c.values)
	c.values(&t.Tags)
}

// values are tags, labels or variables.
func (c *coder) values(v *map[string]string) { mapOf(c, v, c.name) }

func (c *coder) container(v *Container) {
	c.name(&v.Name)
	c.text(&v.ID)
	c.text(&v.RuntimeID)
	c.name(&v.Image)
	c.name(&v.LastStatus)
	c.name(&v.HealthStatus)
	listOf(c, &v.Addresses, c.addr)
	listOf(c, &v.Bindings, func(b *PortBinding) {
		c.ports(&b.Container)
		c.ports(&b.Host)
		c.name(&b.Protocol)
	})
}

func (c *coder) ports(r *PortRange) {
	c.port(&r.First)
	c.port(&r.Last)
}

func (c *coder) networkInterface(i *Interface) {
	c.text(&i.ID)
	c.name(&i.SubnetID)
	c.addr(&i.IPv4)
	c.addr(&i.IPv6)
	c.addr(&i.PublicIPv4)
	c.name(&i.VPC)
}

func (c *coder) instance(i *Instance) {
	for _, v := range []*string{&i.ARN, &i.MachineID, &i.Type, &i.AvailabilityZone, &i.VPC, &i.SubnetID} {
		c.name(v)
	}
	for _, v := range []*netip.Addr{&i.IPv4, &i.IPv6, &i.PublicIPv4} {
		c.addr(v)
	}
	c.values(&i.Tags)
}

func (c *coder) service(v *Service) {
	c.name(&v.ARN)
	c.name(&v.Name)
	c.name(&v.Status)
	c.values(&v.Tags)
}

func (c *coder) cluster(v *Cluster) {
	c.name(&v.ARN)
	c.values(&v.Tags)
}

func (c *coder) definitions(all *[]SavedDefinition) {
	listOf(c, all, func(d *SavedDefinition) {
		listOf(c, &d.Environment, c.name)
		c.int((*int64)(&d.Unused))
		if c.reading {
			d.Definition = new(Definition)
		}
		c.definition(d.Definition)
	})
}

func (c *coder) definition(d *Definition) {
	c.text(&d.ARN)
	c.name(&d.NetworkMode)
	listOf(c, &d.Containers, func(v *ContainerDefinition) {
		c.name(&v.Name)
		c.name(&v.Image)
		c.bool(&v.Essential)
		c.values(&v.Environment)
		c.values(&v.DockerLabels)
		listOf(c, &v.Ports, func(p *PortMapping) {
			c.name(&p.Name)
			c.ports(&p.Container)
			c.port(&p.Host)
			c.name(&p.Protocol)
		})
	})
}

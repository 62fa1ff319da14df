package inventory

import "sync"

// Interner makes equal strings share their bytes. A task of ECS is told in some
// forty strings, of which its peers repeat all but a handful, each time as bytes
// of their own. It is safe for concurrent use; the zero value is ready.
//
// It forgets what has not come up for long, so that it grows with what runs and
// not with what has ever run.
type Interner struct {
	mu         sync.Mutex
	young, old map[string]string
}

// internedAtMost bounds either generation: some 4 MiB of names of 100 bytes.
const internedAtMost = 1 << 15

// share returns an equal string, the same one as before if it can. The caller
// holds the lock.
func (n *Interner) share(s string) string {
	if s == "" {
		return ""
	}
	if known, ok := n.young[s]; ok {
		return known
	}
	if known, ok := n.old[s]; ok {
		s = known
	}
	if n.young == nil || len(n.young) >= internedAtMost {
		n.young, n.old = map[string]string{}, n.young
	}
	n.young[s] = s
	return s
}

// Task shares what a task has in common with others. The task must not have been
// given to anybody yet.
func (n *Interner) Task(t *Task) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range []*string{
		&t.Scope.Account, &t.Scope.Region, &t.Scope.Cluster, &t.LastStatus, &t.DesiredStatus, &t.HealthStatus,
		&t.Group, &t.StartedBy, &t.LaunchType, &t.PlatformFamily, &t.PlatformVersion, &t.AvailabilityZone,
		&t.Definition, &t.Instance,
	} {
		*s = n.share(*s)
	}
	for i := range t.Containers {
		n.container(&t.Containers[i])
	}
	if t.Interface != nil {
		t.Interface.SubnetID, t.Interface.VPC = n.share(t.Interface.SubnetID), n.share(t.Interface.VPC)
	}
	if len(t.Environment) > 0 {
		overrides := make(map[string]map[string]string, len(t.Environment))
		for container, values := range t.Environment {
			overrides[n.share(container)] = n.values(values)
		}
		t.Environment = overrides
	}
	t.Tags = n.values(t.Tags)
}

func (n *Interner) container(c *Container) {
	for _, s := range []*string{&c.Name, &c.Image, &c.LastStatus, &c.HealthStatus} {
		*s = n.share(*s)
	}
	for i := range c.Bindings {
		c.Bindings[i].Protocol = n.share(c.Bindings[i].Protocol)
	}
}

func (n *Interner) values(of map[string]string) map[string]string {
	if len(of) == 0 {
		return of
	}
	out := make(map[string]string, len(of))
	for name, value := range of {
		out[n.share(name)] = n.share(value)
	}
	return out
}

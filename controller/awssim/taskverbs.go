package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// RunTask describes standalone tasks to Place.RunTask.
type RunTask struct {
	// TaskDefinition is a family, family:revision or ARN.
	TaskDefinition string
	// Count is 1 if zero.
	Count int
	// Launch is EC2 if empty.
	Launch string
	// Environment overrides variables: container, name, value.
	Environment map[string]map[string]string
	Group       string
	StartedBy   string
	PublicIP    bool
	Tags        map[string]string
}

// RunTask starts standalone tasks and answers their ARNs. Where no instance has
// room it answers those that started, and an error.
func (p *Place) RunTask(cluster string, in RunTask) (arns []string, err error) {
	err = p.change(func() error {
		var err error
		arns, err = p.runTask(cluster, in)
		return err
	})
	return arns, err
}

func (p *Place) runTask(cluster string, in RunTask) ([]string, error) {
	c, err := p.activeCluster(cluster)
	if err != nil {
		return nil, err
	}
	def, ok := p.revision(in.TaskDefinition)
	if !ok {
		return nil, badRequest("ClientException", "TaskDefinition not found.")
	}
	kind := cmp.Or(in.Launch, LaunchEC2)
	if err := compatible(kind, def); err != nil {
		return nil, err
	}
	var arns []string
	for range max(1, in.Count) {
		t := p.start(launch{
			cluster: c, def: def, kind: kind, public: in.PublicIP, tags: in.Tags,
			overrides: in.Environment, group: in.Group, startedBy: in.StartedBy,
		})
		if t == nil {
			return arns, badRequest("ClientException", "No Container Instances were found in your cluster with room for the task.")
		}
		arns = append(arns, t.arn)
	}
	return arns, nil
}

// StopTask stops a task, named by ARN or id. Its service starts another.
func (p *Place) StopTask(name, reason string) error {
	return p.onTask(name, func(t *task) error {
		t.stop(reason, "UserInitiated")
		return nil
	})
}

// CrashTask ends a task, named by ARN or id, by the exit of an essential
// container. Its service starts another.
func (p *Place) CrashTask(name string, exitCode int) error {
	return p.onTask(name, func(t *task) error {
		for i := range t.now.containers {
			if !t.containers[i].Sidecar && !t.containers[i].extra {
				t.now.containers = slices.Clone(t.now.containers)
				t.now.containers[i].exit = &exitCode
				break
			}
		}
		t.stop("Essential container in task exited", "EssentialContainerExited")
		return nil
	})
}

// SetHealth sets a task's health status, and that of its essential containers:
// HEALTHY, UNHEALTHY or UNKNOWN. As in ECS this starts no event and does not
// raise the version.
func (p *Place) SetHealth(name, health string) error {
	return p.onTask(name, func(t *task) error {
		t.now.health = health
		t.now.containers = slices.Clone(t.now.containers)
		for i := range t.now.containers {
			if !t.containers[i].Sidecar && !t.containers[i].extra {
				t.now.containers[i].health = health
			}
		}
		return nil
	})
}

// StopContainer ends one container of a running task, which goes on. It raises
// the version.
func (p *Place) StopContainer(name, container string, exitCode int) error {
	return p.onTask(name, func(t *task) error {
		i := slices.IndexFunc(t.containers, func(c taskContainer) bool { return c.Name == container })
		if i < 0 {
			return invalidParameter(fmt.Sprintf("task %s has no container %s", name, container))
		}
		t.step()
		t.now.containers[i].status = statusStopped
		t.now.containers[i].exit = &exitCode
		t.unlistenContainer(container)
		t.changed()
		return nil
	})
}

// Tag sets tags of a task, service, cluster, container instance or task
// definition, named by its ARN, or of a machine, named by its id: its tags are
// those of its container instance. An empty value is a value; see Untag. As in
// ECS this starts no event and does not raise the version.
func (p *Place) Tag(arn string, tags map[string]string) error {
	return p.change(func() error {
		current, ok := p.tagsOf(arn)
		if !ok {
			return invalidParameter("The specified resource " + arn + " was not found.")
		}
		if *current == nil {
			*current = map[string]string{}
		}
		maps.Copy(*current, tags)
		return nil
	})
}

// Untag removes tags by key.
func (p *Place) Untag(arn string, keys ...string) error {
	return p.change(func() error {
		current, ok := p.tagsOf(arn)
		if !ok {
			return invalidParameter("The specified resource " + arn + " was not found.")
		}
		for _, key := range keys {
			delete(*current, key)
		}
		return nil
	})
}

// SetPublicAddress gives an awsvpc task, named by ARN or id, or a machine, named
// by its id, another public address, or with the zero Addr none. As in ECS this
// starts no event.
func (p *Place) SetPublicAddress(name string, a netip.Addr) error {
	return p.change(func() error {
		if i, ok := p.instances[name]; ok {
			i.public = a
			return nil
		}
		t, ok := p.tasks[lastPart(name)]
		if !ok || t.eni == "" {
			return invalidParameter("There is no machine or awsvpc task " + name + ".")
		}
		t.public = a
		return nil
	})
}

func (p *Place) tagsOf(arn string) (*map[string]string, bool) {
	if t, ok := p.tasks[lastPart(arn)]; ok && t.arn == arn {
		return &t.tags, true
	}
	if i, ok := p.instances[arn]; ok {
		return &i.Tags, true
	}
	if r, ok := p.revision(arn); ok {
		return &r.Tags, true
	}
	for _, c := range p.clusters {
		if c.arn == arn {
			return &c.tags, true
		}
		if s, ok := c.services[lastPart(arn)]; ok && s.arn == arn {
			return &s.Tags, true
		}
		if i, ok := c.instances[lastPart(arn)]; ok && i.arn == arn {
			return &i.Tags, true
		}
	}
	return nil, false
}

func (p *Place) onTask(name string, f func(*task) error) error {
	return p.change(func() error {
		t, ok := p.tasks[lastPart(name)]
		if !ok {
			return invalidParameter("The referenced task was not found.")
		}
		return f(t)
	})
}

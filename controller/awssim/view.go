package awssim

// RunningTasks lists the ARNs of a service's tasks that run and are meant to,
// in order of creation.
func (p *Place) RunningTasks(cluster, service string) (arns []string, err error) {
	err = p.change(func() error {
		s, err := p.findService(cluster, service)
		if err != nil {
			return err
		}
		for _, t := range s.tasks.items {
			if t.now.last == statusRunning && t.now.desired == statusRunning {
				arns = append(arns, t.arn)
			}
		}
		return nil
	})
	return arns, err
}

// Instances lists the machines of a cluster that are registered with a launch
// type, or with any if that is empty, in order of registration.
func (p *Place) Instances(cluster, launch string) (ids []string) {
	_ = p.change(func() error {
		c, err := p.activeCluster(cluster)
		if err != nil {
			return err
		}
		for _, i := range c.sortedInstances() {
			if i.status != statusInactive && (launch == "" || i.Launch == launch) {
				ids = append(ids, i.ID)
			}
		}
		return nil
	})
	return ids
}

// TaskInfo is what the simulator knows of a task.
type TaskInfo struct {
	ARN            string
	TaskDefinition string
	LastStatus     string
	DesiredStatus  string
	Version        int64
	// Address is the address at which the task is reached: its own in awsvpc
	// mode, else its machine's.
	Address string
	// Instance is its machine's id; empty on Fargate.
	Instance string
	// ContainerInstance is the ARN by which ECS knows that machine.
	ContainerInstance string
	// Interface is its network interface in awsvpc mode.
	Interface string
	// HostPorts are the ports that a bridge or host task holds on its machine.
	HostPorts []int
}

// Task tells what the simulator knows of a task, named by ARN or id.
func (p *Place) Task(name string) (info TaskInfo, err error) {
	err = p.onTask(name, func(t *task) error {
		info = TaskInfo{
			ARN: t.arn, TaskDefinition: t.def.arn, LastStatus: t.now.last, DesiredStatus: t.now.desired,
			Version: t.now.version, Address: text(t.hostAddress()), Interface: t.eni,
		}
		if t.instance != nil {
			info.Instance, info.ContainerInstance = t.instance.ID, t.instance.arn
		}
		for _, b := range t.ports {
			for n := range b.n {
				info.HostPorts = append(info.HostPorts, b.host+n)
			}
		}
		return nil
	})
	return info, err
}

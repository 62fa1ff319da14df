package awssim

import (
	"cmp"
	"maps"
	"time"
)

// managedCapacity is how many tasks one managed instance holds before the
// simulator, as ECS does, provides another.
const managedCapacity = 10

// Service describes a service to CreateService.
type Service struct {
	Name string
	// TaskDefinition is a family, family:revision or ARN.
	TaskDefinition string
	Desired        int
	// Launch is EC2 if empty.
	Launch string
	// Daemon runs one task on every active instance of the launch type;
	// Desired is then not used.
	Daemon bool
	// PublicIP gives awsvpc tasks a public address.
	PublicIP bool
	Tags     map[string]string
	TaskTags map[string]string
}

type service struct {
	Service
	arn        string
	place      *Place
	cluster    *cluster
	status     string
	def        *revision
	deployment string
	desired    int
	created    time.Time
	deployed   time.Time
	tasks      taskList
	dirty      bool // to be reconciled
	waiting    bool // for room
}

// CreateService starts a service and its tasks.
func (p *Place) CreateService(cluster string, in Service) error {
	return p.change(func() error {
		c, err := p.activeCluster(cluster)
		if err != nil {
			return err
		}
		if old, ok := c.services[in.Name]; ok && old.status == statusActive {
			return invalidParameter("Creation of service was not idempotent.")
		}
		def, ok := p.revision(in.TaskDefinition)
		if !ok {
			return badRequest("ClientException", "TaskDefinition not found.")
		}
		in.Launch = cmp.Or(in.Launch, LaunchEC2)
		if err := compatible(in.Launch, def); err != nil {
			return err
		}
		in.Tags, in.TaskTags = maps.Clone(in.Tags), maps.Clone(in.TaskTags)
		s := &service{
			Service: in, arn: p.arn("service/" + c.name + "/" + in.Name), place: p, cluster: c, status: statusActive,
			def: def, deployment: p.deploymentID(), desired: in.Desired, created: p.now(), deployed: p.now(),
		}
		c.services[in.Name] = s
		s.touch()
		return nil
	})
}

// compatible refuses what ECS refuses: Fargate without awsvpc, EXTERNAL with it.
func compatible(launch string, def *revision) error {
	switch {
	case launch == LaunchFargate && def.NetworkMode != ModeAWSVPC:
		return badRequest("ClientException", "Network Mode 'awsvpc' is required for the FARGATE launch type.")
	case launch == LaunchExternal && def.NetworkMode == ModeAWSVPC:
		return badRequest("ClientException", "Network Mode 'awsvpc' is not supported for the EXTERNAL launch type.")
	}
	return nil
}

func (p *Place) deploymentID() string { return "ecs-svc/" + p.sim.hexID(19) }

// Deploy registers a new revision and rolls the service over to it: new tasks
// start first, old ones stop as new ones run. A daemon, and what needs a fixed
// host port, stops its old task first.
func (p *Place) Deploy(cluster, name string, d TaskDefinition) error {
	return p.onService(cluster, name, func(s *service) error {
		def, err := p.register(d)
		if err != nil {
			return err
		}
		s.rollTo(def)
		return nil
	})
}

// UpdateService rolls the service over to a registered task definition.
func (p *Place) UpdateService(cluster, name, taskDefinition string) error {
	return p.onService(cluster, name, func(s *service) error {
		def, ok := p.revision(taskDefinition)
		if !ok {
			return badRequest("ClientException", "TaskDefinition not found.")
		}
		s.rollTo(def)
		return nil
	})
}

// Scale sets the desired count.
func (p *Place) Scale(cluster, name string, desired int) error {
	return p.onService(cluster, name, func(s *service) error {
		s.desired = desired
		return nil
	})
}

// DeleteService stops the service's tasks and leaves it INACTIVE.
func (p *Place) DeleteService(cluster, name string) error {
	return p.onService(cluster, name, func(s *service) error {
		s.status = statusInactive
		s.desired = 0
		return nil
	})
}

func (p *Place) onService(cluster, name string, f func(*service) error) error {
	return p.change(func() error {
		s, err := p.findService(cluster, name)
		if err != nil {
			return err
		}
		if err := f(s); err != nil {
			return err
		}
		s.touch()
		return nil
	})
}

func (p *Place) findService(cluster, name string) (*service, error) {
	c, err := p.activeCluster(cluster)
	if err != nil {
		return nil, err
	}
	s, ok := c.services[lastPart(name)]
	if !ok || s.status != statusActive {
		return nil, serviceNotFound()
	}
	return s, nil
}

func (s *service) rollTo(def *revision) {
	s.def = def
	s.deployment = s.place.deploymentID()
	s.deployed = s.place.now()
}

// touch has settle look at the service again.
func (s *service) touch() {
	if !s.dirty {
		s.dirty = true
		s.place.dirty = append(s.place.dirty, s)
	}
}

// group is the task group of the service's tasks.
func (s *service) group() string { return "service:" + s.Name }

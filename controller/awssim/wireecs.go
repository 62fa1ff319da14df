package awssim

import "strings"

type wireInstance struct {
	AgentConnected       bool           `json:"agentConnected"`
	Attachments          []struct{}     `json:"attachments"`
	Attributes           []wirePair     `json:"attributes"`
	ClusterARN           string         `json:"clusterArn,omitempty"` // in events only
	ContainerInstanceARN string         `json:"containerInstanceArn"`
	EC2InstanceID        string         `json:"ec2InstanceId"`
	PendingTasksCount    int            `json:"pendingTasksCount"`
	RegisteredAt         any            `json:"registeredAt"`
	RegisteredResources  []wireResource `json:"registeredResources"`
	RemainingResources   []wireResource `json:"remainingResources"`
	RunningTasksCount    int            `json:"runningTasksCount"`
	Status               string         `json:"status"`
	Tags                 []wireTag      `json:"tags,omitempty"`
	UpdatedAt            any            `json:"updatedAt,omitempty"` // in events only
	Version              int64          `json:"version"`
	VersionInfo          wireVersion    `json:"versionInfo"`
}

type wireResource struct {
	Name         string `json:"name"`
	Type         string `json:"type"`
	IntegerValue int    `json:"integerValue"`
}

type wireVersion struct {
	AgentVersion  string `json:"agentVersion"`
	DockerVersion string `json:"dockerVersion"`
}

func (i *instance) wire(at dial) wireInstance {
	running, pending := i.tasks.count()
	w := wireInstance{
		AgentConnected: i.connected, Attachments: []struct{}{}, ContainerInstanceARN: i.arn, EC2InstanceID: i.ID,
		PendingTasksCount: pending, RegisteredAt: at(i.registered), RunningTasksCount: running,
		RegisteredResources: []wireResource{{"CPU", "INTEGER", 4096}, {"MEMORY", "INTEGER", 16384}},
		RemainingResources:  []wireResource{{"CPU", "INTEGER", 4096}, {"MEMORY", "INTEGER", 16384}},
		Status:              i.status, Version: i.version, VersionInfo: wireVersion{"1.89.0", "DockerVersion: 25.0.8"},
		Attributes: []wirePair{{"ecs.os-type", "linux"}},
	}
	if i.Launch != LaunchExternal {
		w.Attributes = append(w.Attributes,
			wirePair{"ecs.availability-zone", i.Zone}, wirePair{"ecs.instance-type", i.Type},
			wirePair{"ecs.vpc-id", i.place.network.vpc}, wirePair{"ecs.subnet-id", i.place.network.subnets[i.zone]})
	}
	return w
}

type wireCluster struct {
	ClusterARN          string    `json:"clusterArn"`
	ClusterName         string    `json:"clusterName"`
	Status              string    `json:"status"`
	Registered          int       `json:"registeredContainerInstancesCount"`
	RunningTasksCount   int       `json:"runningTasksCount"`
	PendingTasksCount   int       `json:"pendingTasksCount"`
	ActiveServicesCount int       `json:"activeServicesCount"`
	Statistics          []wireTag `json:"statistics"`
	Tags                []wireTag `json:"tags,omitempty"`
}

func (c *cluster) wire() wireCluster {
	running, pending := c.tasks.count()
	w := wireCluster{
		ClusterARN: c.arn, ClusterName: c.name, Status: c.status, RunningTasksCount: running,
		PendingTasksCount: pending, Statistics: []wireTag{},
	}
	for _, i := range c.instances {
		if i.status != statusInactive {
			w.Registered++
		}
	}
	for _, s := range c.services {
		if s.status == statusActive {
			w.ActiveServicesCount++
		}
	}
	return w
}

type wireService struct {
	ServiceARN         string           `json:"serviceArn"`
	ServiceName        string           `json:"serviceName"`
	ClusterARN         string           `json:"clusterArn"`
	Status             string           `json:"status"`
	DesiredCount       int              `json:"desiredCount"`
	RunningCount       int              `json:"runningCount"`
	PendingCount       int              `json:"pendingCount"`
	LaunchType         string           `json:"launchType"`
	TaskDefinition     string           `json:"taskDefinition"`
	SchedulingStrategy string           `json:"schedulingStrategy"`
	Deployments        []wireDeployment `json:"deployments"`
	LoadBalancers      []struct{}       `json:"loadBalancers"`
	Events             []struct{}       `json:"events"`
	CreatedAt          any              `json:"createdAt"`
	Tags               []wireTag        `json:"tags,omitempty"`
}

type wireDeployment struct {
	ID             string `json:"id"`
	Status         string `json:"status"`
	TaskDefinition string `json:"taskDefinition"`
	DesiredCount   int    `json:"desiredCount"`
	RunningCount   int    `json:"runningCount"`
	PendingCount   int    `json:"pendingCount"`
	LaunchType     string `json:"launchType"`
	RolloutState   string `json:"rolloutState"`
	CreatedAt      any    `json:"createdAt"`
	UpdatedAt      any    `json:"updatedAt"`
}

func (s *service) wire() wireService {
	running, pending := s.tasks.count()
	w := wireService{
		ServiceARN: s.arn, ServiceName: s.Name, ClusterARN: s.cluster.arn, Status: s.status, DesiredCount: s.desired,
		RunningCount: running, PendingCount: pending, LaunchType: s.Launch, TaskDefinition: s.def.arn,
		SchedulingStrategy: s.strategy(), Deployments: []wireDeployment{}, LoadBalancers: []struct{}{},
		Events: []struct{}{}, CreatedAt: epochSeconds(s.created),
	}
	if s.status == statusActive {
		state := "COMPLETED"
		if running != s.desired || pending > 0 {
			state = "IN_PROGRESS"
		}
		w.Deployments = append(w.Deployments, wireDeployment{
			ID: s.deployment, Status: "PRIMARY", TaskDefinition: s.def.arn, DesiredCount: s.desired,
			RunningCount: running, PendingCount: pending, LaunchType: s.Launch, RolloutState: state,
			CreatedAt: epochSeconds(s.deployed), UpdatedAt: epochSeconds(s.deployed),
		})
	}
	return w
}

func (s *service) strategy() string {
	if s.Daemon {
		return "DAEMON"
	}
	return "REPLICA"
}

type wireDefinition struct {
	TaskDefinitionARN       string                    `json:"taskDefinitionArn"`
	Family                  string                    `json:"family"`
	Revision                int                       `json:"revision"`
	NetworkMode             string                    `json:"networkMode"`
	Status                  string                    `json:"status"`
	ContainerDefinitions    []wireContainerDefinition `json:"containerDefinitions"`
	Volumes                 []struct{}                `json:"volumes"`
	PlacementConstraints    []struct{}                `json:"placementConstraints"`
	RequiresCompatibilities []string                  `json:"requiresCompatibilities,omitempty"`
	CPU                     string                    `json:"cpu"`
	Memory                  string                    `json:"memory"`
	RegisteredAt            any                       `json:"registeredAt"`
}

type wireContainerDefinition struct {
	Name             string            `json:"name"`
	Image            string            `json:"image"`
	CPU              int               `json:"cpu"`
	Essential        bool              `json:"essential"`
	PortMappings     []wirePortMapping `json:"portMappings"`
	Environment      []wirePair        `json:"environment"`
	EnvironmentFiles []wireFile        `json:"environmentFiles,omitempty"`
	Secrets          []wireSecret      `json:"secrets,omitempty"`
	DockerLabels     map[string]string `json:"dockerLabels,omitempty"`
	HealthCheck      *wireHealthCheck  `json:"healthCheck,omitempty"`
	MountPoints      []struct{}        `json:"mountPoints"`
	VolumesFrom      []struct{}        `json:"volumesFrom"`
}

type wirePortMapping struct {
	Name               string `json:"name,omitempty"`
	ContainerPort      int    `json:"containerPort,omitempty"`
	HostPort           *int   `json:"hostPort,omitempty"`
	ContainerPortRange string `json:"containerPortRange,omitempty"`
	Protocol           string `json:"protocol"`
	AppProtocol        string `json:"appProtocol,omitempty"`
}

type wireFile struct {
	Value string `json:"value"`
	Type  string `json:"type"`
}

type wireSecret struct {
	Name      string `json:"name"`
	ValueFrom string `json:"valueFrom"`
}

type wireHealthCheck struct {
	Command []string `json:"command"`
}

func (r *revision) wire() wireDefinition {
	w := wireDefinition{
		TaskDefinitionARN: r.arn, Family: r.Family, Revision: r.number, NetworkMode: r.NetworkMode, Status: statusActive,
		ContainerDefinitions: []wireContainerDefinition{}, Volumes: []struct{}{}, PlacementConstraints: []struct{}{},
		CPU: "256", Memory: "512", RegisteredAt: epochSeconds(r.registered),
	}
	for _, c := range r.Containers {
		w.ContainerDefinitions = append(w.ContainerDefinitions, c.wire(r.arn))
	}
	return w
}

func (c Container) wire(definition string) wireContainerDefinition {
	w := wireContainerDefinition{
		Name: c.Name, Image: c.Image, Essential: !c.Sidecar, PortMappings: []wirePortMapping{},
		Environment: wirePairs(c.Environment), DockerLabels: c.DockerLabels,
		MountPoints: []struct{}{}, VolumesFrom: []struct{}{},
	}
	for _, m := range c.Ports {
		p := wirePortMapping{
			Name: m.Name, ContainerPort: m.Container, ContainerPortRange: m.Range,
			Protocol: m.Protocol, AppProtocol: m.AppProtocol,
		}
		if m.Range == "" {
			p.HostPort = &m.Host
		}
		w.PortMappings = append(w.PortMappings, p)
	}
	arn, _, _ := strings.Cut(definition, ":task-definition/")
	for _, name := range c.Secrets {
		w.Secrets = append(w.Secrets, wireSecret{name, strings.Replace(arn, ":ecs:", ":ssm:", 1) + ":parameter/" + name})
	}
	for _, file := range c.EnvironmentFiles {
		w.EnvironmentFiles = append(w.EnvironmentFiles, wireFile{file, "s3"})
	}
	if c.HealthCheck {
		w.HealthCheck = &wireHealthCheck{Command: []string{"CMD-SHELL", "curl -f http://localhost/ || exit 1"}}
	}
	return w
}

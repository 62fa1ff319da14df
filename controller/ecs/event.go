package ecs

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-scrape/reconcile/inventory"
)

// maxMessage is the largest message that SQS carries (Amazon SQS Developer
// Guide, "Amazon SQS message quotas").
const maxMessage = 1 << 20

// The events read here, by their detail type (Amazon ECS Developer Guide,
// "Amazon ECS events").
const (
	eventSource     = "aws.ecs"
	taskChange      = "ECS Task State Change"
	instanceChange  = "ECS Container Instance State Change"
	snsNotification = "Notification"
)

// The reasons for which a message is not used. They never quote it: it may
// carry secrets.
var (
	errPoison  = errors.New("not an event of ECS")
	errForeign = errors.New("an event that nobody here asks for")
)

// envelope is an event as EventBridge delivers it (Amazon EventBridge User
// Guide, "Events from AWS services"), or SNS's wrapping of one (Amazon SNS
// Developer Guide, "Parsing Amazon SNS message formats").
type envelope struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       string          `json:"time"`
	Detail     json.RawMessage `json:"detail"`

	Type    string `json:"Type"`
	Message string `json:"Message"`

	// Of S3's own notifications, see objectEnvelope.
	Records json.RawMessage `json:"Records"`
	Event   string          `json:"Event"`
}

// notice is what one message tells. Exactly one of task and instance is set, but
// for one of S3, which tells of objects and of nothing else.
type notice struct {
	s3       bool
	objects  []Object // written or removed
	scope    inventory.Scope
	at       time.Time // of the change, by AWS's clock; zero: not told
	odd      bool      // a part has another form than AWS documents
	task     *taskDetail
	instance *instanceDetail
}

// taskDetail is the detail of a task's event: a Task of the ECS API with
// updatedAt added, whose times are text. Only what decodeTask reads is here.
type taskDetail struct {
	TaskARN              string             `json:"taskArn"`
	ClusterARN           string             `json:"clusterArn"`
	Version              int64              `json:"version"`
	LastStatus           string             `json:"lastStatus"`
	DesiredStatus        string             `json:"desiredStatus"`
	HealthStatus         string             `json:"healthStatus"`
	Group                string             `json:"group"`
	StartedBy            string             `json:"startedBy"`
	StartedAt            string             `json:"startedAt"`
	StopCode             string             `json:"stopCode"`
	UpdatedAt            string             `json:"updatedAt"`
	LaunchType           string             `json:"launchType"`
	PlatformFamily       string             `json:"platformFamily"`
	PlatformVersion      string             `json:"platformVersion"`
	AvailabilityZone     string             `json:"availabilityZone"`
	TaskDefinitionARN    string             `json:"taskDefinitionArn"`
	ContainerInstanceARN string             `json:"containerInstanceArn"`
	Containers           []containerDetail  `json:"containers"`
	Attachments          []types.Attachment `json:"attachments"`
	Overrides            struct {
		ContainerOverrides []struct {
			Name        string               `json:"name"`
			Environment []types.KeyValuePair `json:"environment"`
		} `json:"containerOverrides"`
	} `json:"overrides"`
}

type containerDetail struct {
	Name              string                   `json:"name"`
	ContainerARN      string                   `json:"containerArn"`
	RuntimeID         string                   `json:"runtimeId"`
	Image             string                   `json:"image"`
	LastStatus        string                   `json:"lastStatus"`
	HealthStatus      string                   `json:"healthStatus"`
	NetworkBindings   []types.NetworkBinding   `json:"networkBindings"`
	NetworkInterfaces []types.NetworkInterface `json:"networkInterfaces"`
}

// instanceDetail is the part of a container instance's event that tells
// whether its address may have changed.
type instanceDetail struct {
	ARN            string `json:"containerInstanceArn"`
	ClusterARN     string `json:"clusterArn"`
	MachineID      string `json:"ec2InstanceId"`
	AgentConnected bool   `json:"agentConnected"`
	UpdatedAt      string `json:"updatedAt"`
}

// parseMessage reads the body of a message: an event, or one that SNS wrapped.
// The error is errPoison or errForeign.
func parseMessage(body string) (notice, error) {
	if len(body) > maxMessage {
		return notice{}, errPoison
	}
	e, err := parseEnvelope(body)
	if err == nil && e.Type == snsNotification && e.Source == "" {
		body = e.Message
		e, err = parseEnvelope(body)
	}
	if err != nil {
		return notice{}, err
	}
	if objects, ok := parseObjects(e, body); ok {
		return notice{s3: true, objects: objects}, nil
	}
	if e.Source != eventSource {
		return notice{}, errForeign
	}
	out := notice{at: parseTime(e.Time)}
	switch e.DetailType {
	case taskChange:
		err = out.readTask(e.Detail)
	case instanceChange:
		err = out.readInstance(e.Detail)
	default:
		err = errForeign
	}
	return out, err
}

func parseEnvelope(text string) (envelope, error) {
	var e envelope
	if _, err := unmarshal([]byte(text), &e); err != nil {
		return envelope{}, err
	}
	return e, nil
}

// unmarshal is lenient: odd says that a value had an unexpected type and was
// left out.
func unmarshal(text []byte, into any) (odd bool, err error) {
	err = json.Unmarshal(text, into)
	var mistyped *json.UnmarshalTypeError
	switch {
	case err == nil:
		return false, nil
	case !errors.As(err, &mistyped) || mistyped.Field == "":
		return false, errPoison
	}
	return true, nil
}

// readTask refuses what cannot be placed: were a task of another cluster taken,
// every listing would fail that asks for it. What is only odd, cannot be ordered,
// or says less of a running task than an event does, is for a describe to tell.
func (n *notice) readTask(detail json.RawMessage) error {
	n.task = &taskDetail{}
	odd, err := unmarshal(detail, n.task)
	if err != nil {
		return err
	}
	t := n.task
	scope, ok := scopeOf(t.ClusterARN)
	if !ok || t.LastStatus == "" || !within(t.TaskARN, "task", t.ClusterARN) {
		return errPoison
	}
	n.scope = scope
	if at := parseTime(t.UpdatedAt); !at.IsZero() {
		n.at = at
	}
	_, defined := besides(t.TaskDefinitionARN, "task-definition", t.ClusterARN)
	n.odd = odd || t.Version <= 0 || n.at.IsZero() || t.DesiredStatus == "" || !defined ||
		t.ContainerInstanceARN != "" && !within(t.ContainerInstanceARN, "container-instance", t.ClusterARN) ||
		t.LastStatus == inventory.StatusRunning && len(t.Containers) == 0
	return nil
}

func (n *notice) readInstance(detail json.RawMessage) error {
	n.instance = &instanceDetail{}
	_, err := unmarshal(detail, n.instance)
	if err != nil {
		return err
	}
	scope, ok := scopeOf(n.instance.ClusterARN)
	if !ok || !within(n.instance.ARN, "container-instance", n.instance.ClusterARN) {
		return errPoison
	}
	n.scope = scope
	if at := parseTime(n.instance.UpdatedAt); !at.IsZero() {
		n.at = at
	}
	return nil
}

func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// api is the task as DescribeTasks would tell it, so that one decoder serves
// both.
func (d *taskDetail) api() types.Task {
	out := types.Task{
		TaskArn: &d.TaskARN, ClusterArn: &d.ClusterARN, Version: d.Version,
		LastStatus: &d.LastStatus, DesiredStatus: &d.DesiredStatus, HealthStatus: types.HealthStatus(d.HealthStatus),
		Group: &d.Group, StartedBy: &d.StartedBy, LaunchType: types.LaunchType(d.LaunchType),
		PlatformFamily: &d.PlatformFamily, PlatformVersion: &d.PlatformVersion, AvailabilityZone: &d.AvailabilityZone,
		TaskDefinitionArn: &d.TaskDefinitionARN, ContainerInstanceArn: &d.ContainerInstanceARN,
		Attachments: d.Attachments, Overrides: &types.TaskOverride{},
	}
	if at := parseTime(d.StartedAt); !at.IsZero() {
		out.StartedAt = aws.Time(at)
	}
	for i := range d.Containers {
		c := &d.Containers[i]
		out.Containers = append(out.Containers, types.Container{
			Name: &c.Name, ContainerArn: &c.ContainerARN, RuntimeId: &c.RuntimeID, Image: &c.Image,
			LastStatus: &c.LastStatus, HealthStatus: types.HealthStatus(c.HealthStatus),
			NetworkBindings: c.NetworkBindings, NetworkInterfaces: c.NetworkInterfaces,
		})
	}
	for i := range d.Overrides.ContainerOverrides {
		o := &d.Overrides.ContainerOverrides[i]
		out.Overrides.ContainerOverrides = append(out.Overrides.ContainerOverrides, types.ContainerOverride{
			Name: &o.Name, Environment: o.Environment,
		})
	}
	return out
}

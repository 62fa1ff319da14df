package awssim

import (
	"fmt"
	"strings"
)

type listTasksInput struct {
	Cluster           string
	ContainerInstance string
	DesiredStatus     string
	Family            string
	LaunchType        string
	MaxResults        *int
	NextToken         string
	ServiceName       string
	StartedBy         string
}

type listTasksOutput struct {
	TaskARNs  []string `json:"taskArns"`
	NextToken string   `json:"nextToken,omitempty"`
}

func (p *Place) ecsListTasks(in *listTasksInput) (*listTasksOutput, error) {
	c, err := p.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxResults, ecsPage, ecsPage)
	if err != nil {
		return nil, err
	}
	token, err := parseToken("ListTasks", in.NextToken)
	if err != nil {
		return nil, err
	}
	list, err := c.narrowest(in)
	if err != nil {
		return nil, err
	}
	out := &listTasksOutput{TaskARNs: []string{}}
	last := token.After
	for _, t := range list.after(token.After) {
		if len(out.TaskARNs) == size {
			if in.wants(t) {
				out.NextToken = pageToken{Operation: "ListTasks", Page: token.Page + 1, After: last}.String()
				break
			}
			continue
		}
		if p.listed(in, t) {
			out.TaskARNs = append(out.TaskARNs, t.arn)
		}
		last = t.seq
	}
	return out, nil
}

// narrowest picks the shortest list that has every task the filters want.
func (c *cluster) narrowest(in *listTasksInput) (*taskList, error) {
	if in.ServiceName != "" {
		s, ok := c.services[lastPart(in.ServiceName)]
		if !ok {
			return nil, serviceNotFound()
		}
		return &s.tasks, nil
	}
	if in.ContainerInstance != "" {
		i, ok := c.instances[lastPart(in.ContainerInstance)]
		if !ok {
			return nil, invalidParameter("The specified container instance was not found.")
		}
		return &i.tasks, nil
	}
	if in.Family != "" {
		return listOf(c.byFamily, in.Family), nil
	}
	return &c.tasks, nil
}

// wants says whether a task passes the filters.
func (in *listTasksInput) wants(t *task) bool {
	status := in.DesiredStatus
	if status == "" {
		status = statusRunning
	}
	return t.now.desired == status && in.filters(t)
}

func (in *listTasksInput) filters(t *task) bool {
	return (in.Family == "" || in.Family == t.def.Family) &&
		(in.LaunchType == "" || in.LaunchType == t.launch) &&
		(in.StartedBy == "" || in.StartedBy == t.startedBy) &&
		(in.ServiceName == "" || (t.service != nil && lastPart(in.ServiceName) == t.service.Name)) &&
		(in.ContainerInstance == "" || (t.instance != nil && lastPart(in.ContainerInstance) == t.instance.id))
}

// listed says whether a listing names a task, be it rightly or by a fault.
func (p *Place) listed(in *listTasksInput, t *task) bool {
	if in.wants(t) {
		return !p.spend(omitFromNextListing, t)
	}
	stopped := in.DesiredStatus == "" || in.DesiredStatus == statusRunning
	return stopped && in.filters(t) && p.spend(listStopped, t)
}

type describeTasksInput struct {
	Cluster string
	Tasks   []string
	Include []string
}

type describeTasksOutput struct {
	Tasks    []wireTask   `json:"tasks"`
	Failures []ecsFailure `json:"failures"`
}

func (p *Place) ecsDescribeTasks(in *describeTasksInput) (*describeTasksOutput, error) {
	c, err := p.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("Tasks", len(in.Tasks), ecsBatch); err != nil {
		return nil, err
	}
	out := &describeTasksOutput{Tasks: []wireTask{}, Failures: []ecsFailure{}}
	for _, name := range in.Tasks {
		if err := c.owns("task", name); err != nil {
			return nil, err
		}
		t, ok := p.tasks[lastPart(name)]
		if !ok || t.cluster != c || p.spend(missingOnce, t) {
			out.Failures = append(out.Failures, missing(p.arn("task/"+c.name+"/"+lastPart(name))))
			continue
		}
		if reason, failed := p.spendReason(t); failed {
			out.Failures = append(out.Failures, ecsFailure{ARN: t.arn, Reason: reason})
			continue
		}
		if !p.spend(omitFromNextDescribe, t) {
			out.Tasks = append(out.Tasks, t.described(tagsAsked(in.Include)))
		}
	}
	return out, nil
}

// described renders the task as DescribeTasks answers it.
func (t *task) described(withTags bool) wireTask {
	state := t.now
	if t.place.spend(describeOlder, t) {
		state = t.older
	}
	w := t.wire(state, epochSeconds)
	if withTags {
		w.Tags = wireTags(t.tags)
	}
	return w
}

// owns refuses an ARN of another cluster, and an id that is not as long as one,
// as ECS does.
func (c *cluster) owns(kind, arn string) error {
	_, resource, ok := strings.Cut(arn, ":"+kind+"/")
	if name, _, long := strings.Cut(resource, "/"); ok && long && name != c.name {
		return invalidParameter(fmt.Sprintf("Invalid identifier: Identifier is for cluster %s. Your cluster is %s", name, c.name))
	}
	if n := len(lastPart(arn)); n != 32 && n != 36 {
		return invalidParameter("Invalid identifier: id length should be one of [32,36]")
	}
	return nil
}

type runTaskInput struct {
	Cluster        string
	Count          int
	Group          string
	LaunchType     string
	StartedBy      string
	TaskDefinition string
	Tags           []wireTag
	Overrides      wireOverrides
}

type runTaskOutput struct {
	Tasks    []wireTask   `json:"tasks"`
	Failures []ecsFailure `json:"failures"`
}

func (p *Place) ecsRunTask(in *runTaskInput) (*runTaskOutput, error) {
	order := RunTask{
		TaskDefinition: in.TaskDefinition, Count: in.Count, Launch: in.LaunchType, Group: in.Group,
		StartedBy: in.StartedBy, Tags: map[string]string{}, Environment: map[string]map[string]string{},
	}
	for _, tag := range in.Tags {
		order.Tags[tag.Key] = tag.Value
	}
	for _, o := range in.Overrides.ContainerOverrides {
		env := map[string]string{}
		for _, pair := range o.Environment {
			env[pair.Name] = pair.Value
		}
		order.Environment[o.Name] = env
	}
	arns, err := p.runTask(in.Cluster, order)
	if err != nil {
		return nil, err
	}
	out := &runTaskOutput{Tasks: []wireTask{}, Failures: []ecsFailure{}}
	for _, arn := range arns {
		out.Tasks = append(out.Tasks, p.tasks[lastPart(arn)].described(true))
	}
	return out, nil
}

type stopTaskInput struct {
	Cluster string
	Task    string
	Reason  string
}

type stopTaskOutput struct {
	Task wireTask `json:"task"`
}

func (p *Place) ecsStopTask(in *stopTaskInput) (*stopTaskOutput, error) {
	c, err := p.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	t, ok := p.tasks[lastPart(in.Task)]
	if !ok || t.cluster != c {
		return nil, invalidParameter("The referenced task was not found.")
	}
	t.stop(in.Reason, "UserInitiated")
	return &stopTaskOutput{Task: t.described(false)}, nil
}

package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

type listServicesInput struct {
	Cluster            string
	LaunchType         string
	MaxResults         *int
	NextToken          string
	SchedulingStrategy string
}

type listServicesOutput struct {
	ServiceARNs []string `json:"serviceArns"`
	NextToken   string   `json:"nextToken,omitempty"`
}

func (p *Place) ecsListServices(in *listServicesInput) (*listServicesOutput, error) {
	c, err := p.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxResults, ecsServicesPage, ecsPage)
	if err != nil {
		return nil, err
	}
	token, err := parseToken("ListServices", in.NextToken)
	if err != nil {
		return nil, err
	}
	wanted := slices.DeleteFunc(c.sortedServices(), func(s *service) bool {
		return s.status != statusActive ||
			(in.LaunchType != "" && in.LaunchType != s.Launch) ||
			(in.SchedulingStrategy != "" && in.SchedulingStrategy != s.strategy())
	})
	page, next := pageOfItems(wanted, func(s *service) string { return s.Name }, token, size)
	out := &listServicesOutput{ServiceARNs: []string{}, NextToken: next}
	for _, s := range page {
		out.ServiceARNs = append(out.ServiceARNs, s.arn)
	}
	return out, nil
}

type describeServicesInput struct {
	Cluster  string
	Services []string
	Include  []string
}

type describeServicesOutput struct {
	Services []wireService `json:"services"`
	Failures []ecsFailure  `json:"failures"`
}

func (p *Place) ecsDescribeServices(in *describeServicesInput) (*describeServicesOutput, error) {
	c, err := p.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("Services", len(in.Services), ecsServicesBatch); err != nil {
		return nil, err
	}
	out := &describeServicesOutput{Services: []wireService{}, Failures: []ecsFailure{}}
	for _, name := range in.Services {
		s, ok := c.services[lastPart(name)]
		if !ok {
			out.Failures = append(out.Failures, missing(p.arn("service/"+c.name+"/"+lastPart(name))))
			continue
		}
		w := s.wire()
		if tagsAsked(in.Include) {
			w.Tags = wireTags(s.Tags)
		}
		out.Services = append(out.Services, w)
	}
	return out, nil
}

type updateServiceInput struct {
	Cluster        string
	Service        string
	DesiredCount   *int
	TaskDefinition string
}

type updateServiceOutput struct {
	Service wireService `json:"service"`
}

func (p *Place) ecsUpdateService(in *updateServiceInput) (*updateServiceOutput, error) {
	s, err := p.findService(in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	if in.TaskDefinition != "" {
		def, ok := p.revision(in.TaskDefinition)
		if !ok {
			return nil, badRequest("ClientException", "TaskDefinition not found.")
		}
		s.rollTo(def)
	}
	if in.DesiredCount != nil {
		s.desired = *in.DesiredCount
	}
	s.touch()
	return &updateServiceOutput{Service: s.wire()}, nil
}

type describeTaskDefinitionInput struct {
	TaskDefinition string
	Include        []string
}

type describeTaskDefinitionOutput struct {
	TaskDefinition wireDefinition `json:"taskDefinition"`
	Tags           []wireTag      `json:"tags,omitempty"`
}

func (p *Place) ecsDescribeTaskDefinition(in *describeTaskDefinitionInput) (*describeTaskDefinitionOutput, error) {
	r, ok := p.revision(in.TaskDefinition)
	if !ok {
		return nil, badRequest("ClientException", "Unable to describe task definition.")
	}
	out := &describeTaskDefinitionOutput{TaskDefinition: r.wire()}
	if tagsAsked(in.Include) {
		out.Tags = wireTags(r.Tags)
	}
	return out, nil
}

type listTaskDefinitionsInput struct {
	FamilyPrefix string
	MaxResults   *int
	NextToken    string
}

type listTaskDefinitionsOutput struct {
	ARNs      []string `json:"taskDefinitionArns"`
	NextToken string   `json:"nextToken,omitempty"`
}

func (p *Place) ecsListTaskDefinitions(in *listTaskDefinitionsInput) (*listTaskDefinitionsOutput, error) {
	size, err := pageSize(in.MaxResults, ecsPage, ecsPage)
	if err != nil {
		return nil, err
	}
	token, err := parseToken("ListTaskDefinitions", in.NextToken)
	if err != nil {
		return nil, err
	}
	var all []*revision
	for _, family := range slices.Sorted(maps.Keys(p.families)) {
		if in.FamilyPrefix == "" || in.FamilyPrefix == family {
			all = append(all, p.families[family]...)
		}
	}
	slices.SortFunc(all, func(a, b *revision) int { return cmp.Compare(a.sortKey(), b.sortKey()) })
	page, next := pageOfItems(all, (*revision).sortKey, token, size)
	out := &listTaskDefinitionsOutput{ARNs: []string{}, NextToken: next}
	for _, r := range page {
		out.ARNs = append(out.ARNs, r.arn)
	}
	return out, nil
}

// sortKey sorts revisions by family, then number.
func (r *revision) sortKey() string {
	return strings.Join([]string{r.Family, fmt.Sprintf("%09d", r.number)}, "\x00")
}

package awssim

import (
	"fmt"
	"slices"
)

type listInstancesInput struct {
	Cluster    string
	MaxResults *int
	NextToken  string
	Status     string
}

type listInstancesOutput struct {
	ARNs      []string `json:"containerInstanceArns"`
	NextToken string   `json:"nextToken,omitempty"`
}

func (p *Place) ecsListContainerInstances(in *listInstancesInput) (*listInstancesOutput, error) {
	c, err := p.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxResults, ecsPage, ecsPage)
	if err != nil {
		return nil, err
	}
	token, err := parseToken("ListContainerInstances", in.NextToken)
	if err != nil {
		return nil, err
	}
	wanted := slices.DeleteFunc(c.sortedInstances(), func(i *instance) bool {
		return i.status == statusInactive || (in.Status != "" && in.Status != i.status)
	})
	page, next := pageOfItems(wanted, func(i *instance) string { return fmt.Sprintf("%019d", i.seq) }, token, size)
	out := &listInstancesOutput{ARNs: []string{}, NextToken: next}
	for _, i := range page {
		out.ARNs = append(out.ARNs, i.arn)
	}
	return out, nil
}

type describeInstancesInput struct {
	Cluster            string
	ContainerInstances []string
	Include            []string
}

type describeInstancesOutput struct {
	ContainerInstances []wireInstance `json:"containerInstances"`
	Failures           []ecsFailure   `json:"failures"`
}

func (p *Place) ecsDescribeContainerInstances(in *describeInstancesInput) (*describeInstancesOutput, error) {
	c, err := p.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("Container instances", len(in.ContainerInstances), ecsBatch); err != nil {
		return nil, err
	}
	out := &describeInstancesOutput{ContainerInstances: []wireInstance{}, Failures: []ecsFailure{}}
	for _, name := range in.ContainerInstances {
		if err := c.owns("container-instance", name); err != nil {
			return nil, err
		}
		i, ok := c.instances[lastPart(name)]
		if !ok {
			out.Failures = append(out.Failures, missing(p.arn("container-instance/"+c.name+"/"+lastPart(name))))
			continue
		}
		w := i.wire(epochSeconds)
		if tagsAsked(in.Include) {
			w.Tags = wireTags(i.Tags)
		}
		out.ContainerInstances = append(out.ContainerInstances, w)
	}
	return out, nil
}

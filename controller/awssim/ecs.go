package awssim

import "slices"

// The batch and page limits of the Amazon ECS API.
const (
	ecsPage          = 100
	ecsBatch         = 100
	ecsServicesPage  = 10
	ecsServicesBatch = 10
	reasonMissing    = "MISSING"
)

func ecsOperations() map[string]operation {
	return map[string]operation{
		"ListClusters":               typed((*Place).ecsListClusters),
		"DescribeClusters":           typed((*Place).ecsDescribeClusters),
		"ListTasks":                  typed((*Place).ecsListTasks),
		"DescribeTasks":              typed((*Place).ecsDescribeTasks),
		"ListServices":               typed((*Place).ecsListServices),
		"DescribeServices":           typed((*Place).ecsDescribeServices),
		"ListTaskDefinitions":        typed((*Place).ecsListTaskDefinitions),
		"DescribeTaskDefinition":     typed((*Place).ecsDescribeTaskDefinition),
		"ListContainerInstances":     typed((*Place).ecsListContainerInstances),
		"DescribeContainerInstances": typed((*Place).ecsDescribeContainerInstances),
		"RunTask":                    typed((*Place).ecsRunTask),
		"StopTask":                   typed((*Place).ecsStopTask),
		"UpdateService":              typed((*Place).ecsUpdateService),
	}
}

type ecsFailure struct {
	ARN    string `json:"arn"`
	Reason string `json:"reason"`
}

func missing(arn string) ecsFailure { return ecsFailure{ARN: arn, Reason: reasonMissing} }

// tagsAsked says whether a describe asks for tags.
func tagsAsked(include []string) bool { return slices.Contains(include, "TAGS") }

type listClustersInput struct {
	MaxResults *int
	NextToken  string
}

type listClustersOutput struct {
	ClusterARNs []string `json:"clusterArns"`
	NextToken   string   `json:"nextToken,omitempty"`
}

func (p *Place) ecsListClusters(in *listClustersInput) (*listClustersOutput, error) {
	size, err := pageSize(in.MaxResults, ecsPage, ecsPage)
	if err != nil {
		return nil, err
	}
	token, err := parseToken("ListClusters", in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listClustersOutput{ClusterARNs: []string{}}
	page, next := pageOfItems(p.activeClusters(), func(c *cluster) string { return c.name }, token, size)
	for _, c := range page {
		out.ClusterARNs = append(out.ClusterARNs, c.arn)
	}
	out.NextToken = next
	return out, nil
}

type describeClustersInput struct {
	Clusters []string
	Include  []string
}

type describeClustersOutput struct {
	Clusters []wireCluster `json:"clusters"`
	Failures []ecsFailure  `json:"failures"`
}

func (p *Place) ecsDescribeClusters(in *describeClustersInput) (*describeClustersOutput, error) {
	if len(in.Clusters) > ecsBatch {
		return nil, invalidParameter("Clusters cannot be longer than 100.")
	}
	if len(in.Clusters) == 0 {
		in.Clusters = []string{"default"}
	}
	out := &describeClustersOutput{Clusters: []wireCluster{}, Failures: []ecsFailure{}}
	for _, name := range in.Clusters {
		c, ok := p.findCluster(name)
		if !ok {
			out.Failures = append(out.Failures, missing(p.arn("cluster/"+clusterName(name))))
			continue
		}
		w := c.wire()
		if tagsAsked(in.Include) {
			w.Tags = wireTags(c.tags)
		}
		out.Clusters = append(out.Clusters, w)
	}
	return out, nil
}

package ecs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Category names a token bucket of an account and region.
type Category string

// The categories of calls made here.
const (
	ClusterRead         Category = "cluster-read"
	ClusterResourceRead Category = "cluster-resource-read"
	TaskDefinitionRead  Category = "task-definition-read"
	ServiceRead         Category = "service-read"
	DescribeInstances   Category = "ec2-describe-instances"
	DescribeInterfaces  Category = "ec2-describe-network-interfaces"
	SSMRead             Category = "ssm-read"
	STS                 Category = "sts"
	SQS                 Category = "sqs" // has no quota: counted only
)

// Quota is a token bucket: Burst calls at once, Refill calls a second.
type Quota struct {
	Burst  float64
	Refill float64
}

// Grant is what an account is granted for some calls in a region.
type Grant struct {
	Category Category
	Calls    []string // operations that are charged to it
	Quota    Quota    // zero: none
}

// Grants are those of all calls made here (Amazon ECS API reference, "Request
// throttling for the Amazon ECS API"; Amazon EC2 API reference, "Request
// throttling", for filtered or paginated calls). Systems Manager documents none,
// so it is given little; STS documents 600 a second.
func Grants() []Grant {
	return []Grant{
		{ClusterRead, []string{"ListClusters", "DescribeClusters"}, Quota{Burst: 50, Refill: 20}},
		{ClusterResourceRead, []string{"ListTasks", "DescribeTasks", "DescribeContainerInstances"}, Quota{Burst: 100, Refill: 20}},
		{TaskDefinitionRead, []string{"DescribeTaskDefinition"}, Quota{Burst: 50, Refill: 20}},
		{ServiceRead, []string{"DescribeServices", "ListServices"}, Quota{Burst: 100, Refill: 20}},
		{DescribeInstances, []string{"DescribeInstances"}, Quota{Burst: 100, Refill: 20}},
		{DescribeInterfaces, []string{"DescribeNetworkInterfaces"}, Quota{Burst: 100, Refill: 20}},
		{SSMRead, []string{"DescribeInstanceInformation"}, Quota{Burst: 20, Refill: 10}},
		{STS, []string{"GetCallerIdentity", "AssumeRole"}, Quota{Burst: 100, Refill: 100}},
		{SQS, []string{"ReceiveMessage", "DeleteMessageBatch"}, Quota{}},
	}
}

// DocumentedQuotas are the quotas of [Grants].
func DocumentedQuotas() map[Category]Quota {
	out := map[Category]Quota{}
	for _, g := range Grants() {
		if g.Quota != (Quota{}) {
			out[g.Category] = g.Quota
		}
	}
	return out
}

// ParseQuota reads "CATEGORY=BURST/REFILL", such as
// "cluster-resource-read=400/80". Burst is at least 1, Refill above 0.
func ParseQuota(text string) (Category, Quota, error) {
	name, value, _ := strings.Cut(text, "=")
	burst, refill, ok := strings.Cut(value, "/")
	if !ok {
		return "", Quota{}, fmt.Errorf("quota %q: want CATEGORY=BURST/REFILL, such as %s=400/80", text, ClusterResourceRead)
	}
	if _, known := DocumentedQuotas()[Category(name)]; !known {
		return "", Quota{}, fmt.Errorf("quota %q: no category %q; there are %s", text, name, categories())
	}
	b, err := positive(burst)
	if err != nil || b < 1 {
		return "", Quota{}, fmt.Errorf("quota %q: burst %q is not a number of at least 1", text, burst)
	}
	r, err := positive(refill)
	if err != nil {
		return "", Quota{}, fmt.Errorf("quota %q: refill %q is not a number above 0", text, refill)
	}
	return Category(name), Quota{Burst: b, Refill: r}, nil
}

func positive(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, err
	}
	if !(f > 0) || f > 1e6 {
		return 0, fmt.Errorf("%v is out of range", f)
	}
	return f, nil
}

func categories() string {
	var names []string
	for _, c := range slices.Sorted(maps.Keys(DocumentedQuotas())) {
		names = append(names, string(c))
	}
	return strings.Join(names, ", ")
}

// categoryOf is the bucket that a call is charged to, "" for none.
func categoryOf(operation string) Category {
	for _, g := range Grants() {
		if slices.Contains(g.Calls, operation) {
			return g.Category
		}
	}
	return ""
}

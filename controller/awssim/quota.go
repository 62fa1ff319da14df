package awssim

import (
	"cmp"
	"slices"
	"time"
)

// Category names one token bucket of an account in a region.
type Category string

// The categories with a documented quota (Amazon ECS API reference, "Request
// throttling for the Amazon ECS API"; Amazon EC2 API reference, "Request
// throttling"). EC2 has one bucket per operation; what is neither filtered nor
// paginated is charged to a smaller one.
const (
	ClusterRead                  Category = "ecs cluster read"
	ClusterResourceRead          Category = "ecs cluster resource read"
	ServiceRead                  Category = "ecs service read"
	TaskDefinitionRead           Category = "ecs task definition read"
	DescribeInstances            Category = "ec2 DescribeInstances"
	DescribeInstancesUnfiltered  Category = "ec2 DescribeInstances unfiltered"
	DescribeInterfaces           Category = "ec2 DescribeNetworkInterfaces"
	DescribeInterfacesUnfiltered Category = "ec2 DescribeNetworkInterfaces unfiltered"
)

// Quota is a token bucket: Burst requests at once, Refill requests a second.
type Quota struct {
	Burst  float64
	Refill float64
}

// Quotas says which categories are limited, and how far. A category that is
// absent is not limited.
type Quotas map[Category]Quota

// DocumentedQuotas are the limits that AWS documents for an account in a region.
func DocumentedQuotas() Quotas {
	return Quotas{
		ClusterRead:                  {Burst: 50, Refill: 20},
		ClusterResourceRead:          {Burst: 100, Refill: 20},
		ServiceRead:                  {Burst: 100, Refill: 20},
		TaskDefinitionRead:           {Burst: 50, Refill: 20},
		DescribeInstances:            {Burst: 100, Refill: 20},
		DescribeInstancesUnfiltered:  {Burst: 50, Refill: 10},
		DescribeInterfaces:           {Burst: 100, Refill: 20},
		DescribeInterfacesUnfiltered: {Burst: 50, Refill: 10},
	}
}

// NoQuotas limits nothing.
func NoQuotas() Quotas { return Quotas{} }

// SetQuotas replaces the quotas; every bucket is full again. Nil means
// DocumentedQuotas.
func (s *Sim) SetQuotas(q Quotas) {
	if q == nil {
		q = DocumentedQuotas()
	}
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if len(q) > 0 {
		s.faultCounts.armed("SetQuotas")
	}
	s.gate.quotas = q
	clear(s.gate.buckets)
}

// CategoryOf is the bucket that an operation is charged to, or "" where AWS
// documents none. filtered is of the EC2 operations alone.
func CategoryOf(operation string, filtered bool) Category {
	switch operation {
	case "DescribeClusters", "ListClusters":
		return ClusterRead
	case "ListTasks", "DescribeTasks", "ListContainerInstances", "DescribeContainerInstances", "ListAttributes":
		return ClusterResourceRead
	case "ListServices", "DescribeServices":
		return ServiceRead
	case "DescribeTaskDefinition", "ListTaskDefinitions":
		return TaskDefinitionRead
	case "DescribeInstances":
		if filtered {
			return DescribeInstances
		}
		return DescribeInstancesUnfiltered
	case "DescribeNetworkInterfaces":
		if filtered {
			return DescribeInterfaces
		}
		return DescribeInterfacesUnfiltered
	}
	return ""
}

// bucket is one token bucket; it starts full.
type bucket struct {
	quota  Quota
	tokens float64
	filled time.Time
}

// take removes a token if there is one.
func (b *bucket) take(now time.Time) bool {
	if elapsed := now.Sub(b.filled).Seconds(); elapsed > 0 {
		b.tokens = min(b.quota.Burst, b.tokens+elapsed*b.quota.Refill)
		b.filled = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// CallCount is how often an operation was called in an account and region.
// Calls includes Throttled, and those that other faults refused.
type CallCount struct {
	Scope
	Service   string
	Operation string
	Calls     int
	Throttled int
}

// Calls counts all requests since the start or the last ResetCalls, sorted by
// account, region, service and operation.
func (s *Sim) Calls() []CallCount {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	out := make([]CallCount, 0, len(s.gate.counts))
	for _, c := range s.gate.counts {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b CallCount) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region),
			cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation))
	})
	return out
}

// CallsTo sums the calls of one operation, such as "ListTasks", over all
// accounts and regions.
func (s *Sim) CallsTo(operation string) (calls, throttled int) {
	for _, c := range s.Calls() {
		if c.Operation == operation {
			calls += c.Calls
			throttled += c.Throttled
		}
	}
	return calls, throttled
}

// ResetCalls sets all counts to zero. Token buckets keep their level.
func (s *Sim) ResetCalls() {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	clear(s.gate.counts)
}

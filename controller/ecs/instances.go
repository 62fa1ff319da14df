package ecs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"ecs-scrape/reconcile/inventory"
)

// Batch sizes: DescribeContainerInstances (Amazon ECS API), values of a filter
// (Amazon EC2 API), page of DescribeInstanceInformation (Systems Manager API).
const (
	instanceBatch = 100
	ec2Batch      = inventory.MachineBatch
	ssmBatch      = 50
)

// instances asks for the machines whose addresses the scope's tasks use. One
// that the answers lack concerns only its own tasks: it is known without an
// address.
func (s *source) instances(ctx context.Context, scope inventory.Scope) error {
	found, err := s.containerInstances(ctx, scope, s.w.store.WantedInstances(scope, s.w.now()))
	if err != nil {
		return err
	}
	return s.addMachines(ctx, found)
}

func (s *source) containerInstances(ctx context.Context, scope inventory.Scope, arns []string) ([]*inventory.Instance, error) {
	var mu sync.Mutex
	var found []*inventory.Instance
	err := inBatches(ctx, arns, instanceBatch, func(ctx context.Context, batch []string) error {
		some, err := s.describeInstances(ctx, scope, batch)
		if err != nil {
			return fmt.Errorf("describe container instances in %s: %w", scope.Cluster, err)
		}
		mu.Lock()
		defer mu.Unlock()
		found = append(found, some...)
		return nil
	})
	return found, err
}

// addMachines gives the instances to the store, with what their machines' own
// API tells.
func (s *source) addMachines(ctx context.Context, of []*inventory.Instance) error {
	machines, err := s.machines(ctx, of)
	if err != nil {
		return err
	}
	for _, i := range of {
		s.w.store.PutInstance(with(*i, machines[i.MachineID]), s.w.now())
	}
	return nil
}

// describeInstances takes a name that ECS refuses for one without an answer.
func (s *source) describeInstances(ctx context.Context, scope inventory.Scope, arns []string) ([]*inventory.Instance, error) {
	told := &ecs.DescribeContainerInstancesOutput{}
	_, err := apart(scope, arns, func(names []string) error {
		out, err := s.aws.ecs.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{
			Cluster: aws.String(scope.Cluster), ContainerInstances: names,
		})
		if err == nil {
			told.ContainerInstances = append(told.ContainerInstances, out.ContainerInstances...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return sortInstances(arns, told), nil
}

// sortInstances is an instance for each ARN asked for. One that ECS gives no
// answer about, whatever the reason, is without an address: it is asked for again
// before long, and until then only its own tasks do without, or have the address
// that was known.
func sortInstances(arns []string, out *ecs.DescribeContainerInstancesOutput) []*inventory.Instance {
	told := make(map[string]*inventory.Instance, len(arns))
	for i := range out.ContainerInstances {
		c := decodeContainerInstance(&out.ContainerInstances[i])
		told[c.ARN] = c
	}
	found := make([]*inventory.Instance, len(arns))
	for i, arn := range arns {
		if found[i] = told[arn]; found[i] == nil {
			found[i] = &inventory.Instance{ARN: arn}
		}
	}
	return found
}

// machines asks EC2 for i-... and Systems Manager for mi-..., which EC2 would
// reject.
func (s *source) machines(ctx context.Context, of []*inventory.Instance) (machines, error) {
	var cloud, external []string
	for _, i := range of {
		switch {
		case i.External():
			external = append(external, i.MachineID)
		case strings.HasPrefix(i.MachineID, "i-"):
			cloud = append(cloud, i.MachineID)
		}
	}
	found := machines{}
	for batch := range slices.Chunk(unique(cloud), ec2Batch) {
		if err := s.describeEC2(ctx, batch, found); err != nil {
			return nil, fmt.Errorf("describe instances: %w", err)
		}
	}
	for batch := range slices.Chunk(unique(external), ssmBatch) {
		if err := s.describeSSM(ctx, batch, found); err != nil {
			return nil, fmt.Errorf("describe instance information: %w", err)
		}
	}
	return found, nil
}

// describeEC2 asks by filter: an unknown id among InstanceIds would fail the
// call, here it is only absent.
func (s *source) describeEC2(ctx context.Context, ids []string, found machines) error {
	pages := ec2.NewDescribeInstancesPaginator(s.aws.ec2, &ec2.DescribeInstancesInput{
		Filters:    []ec2types.Filter{{Name: aws.String("instance-id"), Values: ids}},
		MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		found.addEC2(page)
	}
	return nil
}

func (s *source) describeSSM(ctx context.Context, ids []string, found machines) error {
	pages := ssm.NewDescribeInstanceInformationPaginator(s.aws.ssm, &ssm.DescribeInstanceInformationInput{
		Filters:    []ssmtypes.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: ids}},
		MaxResults: aws.Int32(ssmBatch),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		found.addSSM(page)
	}
	return nil
}

// machines are those that answers tell of, by id. One without an id is no
// container instance's, whatever that lacks.
type machines map[string]machine

func (m machines) addEC2(page *ec2.DescribeInstancesOutput) {
	for _, r := range page.Reservations {
		for n := range r.Instances {
			if id := aws.ToString(r.Instances[n].InstanceId); id != "" {
				m[id] = decodeEC2(&r.Instances[n])
			}
		}
	}
}

func (m machines) addSSM(page *ssm.DescribeInstanceInformationOutput) {
	for i := range page.InstanceInformationList {
		if id := aws.ToString(page.InstanceInformationList[i].InstanceId); id != "" {
			m[id] = decodeSSM(&page.InstanceInformationList[i])
		}
	}
}

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

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

// describeInstances answers an instance for each ARN, or an error.
func (s *source) describeInstances(ctx context.Context, scope inventory.Scope, arns []string) ([]*inventory.Instance, error) {
	out, err := s.aws.ecs.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{
		Cluster: aws.String(scope.Cluster), ContainerInstances: arns,
	})
	if err != nil {
		return nil, err
	}
	silent := make(map[string]string, len(arns))
	for _, arn := range arns {
		silent[arn] = "no answer"
	}
	var found []*inventory.Instance
	for _, c := range out.ContainerInstances {
		if i := decodeContainerInstance(c); i.ARN != "" {
			found = append(found, i)
			delete(silent, i.ARN)
		}
	}
	for _, f := range out.Failures {
		arn := aws.ToString(f.Arn)
		if _, asked := silent[arn]; !asked {
			continue
		}
		silent[arn] = aws.ToString(f.Reason)
		if silent[arn] == "MISSING" {
			found = append(found, &inventory.Instance{ARN: arn})
			delete(silent, arn)
		}
	}
	for _, arn := range arns {
		if why, ok := silent[arn]; ok {
			return nil, fmt.Errorf("%s: %s", nameOf(arn), why)
		}
	}
	return found, nil
}

// machines asks EC2 for i-... and Systems Manager for mi-..., which EC2 would
// reject.
func (s *source) machines(ctx context.Context, of []*inventory.Instance) (map[string]machine, error) {
	var cloud, external []string
	for _, i := range of {
		switch {
		case i.External():
			external = append(external, i.MachineID)
		case strings.HasPrefix(i.MachineID, "i-"):
			cloud = append(cloud, i.MachineID)
		}
	}
	found := map[string]machine{}
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
func (s *source) describeEC2(ctx context.Context, ids []string, found map[string]machine) error {
	pages := ec2.NewDescribeInstancesPaginator(s.aws.ec2, &ec2.DescribeInstancesInput{
		Filters:    []ec2types.Filter{{Name: aws.String("instance-id"), Values: ids}},
		MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.Reservations {
			for n := range r.Instances {
				i := &r.Instances[n]
				found[aws.ToString(i.InstanceId)] = decodeEC2(i)
			}
		}
	}
	return nil
}

func (s *source) describeSSM(ctx context.Context, ids []string, found map[string]machine) error {
	pages := ssm.NewDescribeInstanceInformationPaginator(s.aws.ssm, &ssm.DescribeInstanceInformationInput{
		Filters:    []ssmtypes.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: ids}},
		MaxResults: aws.Int32(ssmBatch),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, i := range page.InstanceInformationList {
			found[aws.ToString(i.InstanceId)] = decodeSSM(i)
		}
	}
	return nil
}

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

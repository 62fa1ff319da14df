package ecs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// answers are all that AWS tells of a cluster.
type answers struct {
	Tasks       *ecs.DescribeTasksOutput
	Definitions []*ecs.DescribeTaskDefinitionOutput
	Instances   *ecs.DescribeContainerInstancesOutput
	EC2         *ec2.DescribeInstancesOutput
	SSM         *ssm.DescribeInstanceInformationOutput
}

// TestOddAnswersConcernTheirTasksAlone takes real answers, changes one field
// anywhere in what they tell of one task, definition or machine, and requires
// that every other task has exactly the targets that it had: when the cluster is
// known already, and when it is not.
func TestOddAnswersConcernTheirTasksAlone(t *testing.T) {
	scope, sound := soundAnswers(t)
	input := oddInput(t)
	w := newOddWorld(t, input, scope, sound)
	w.learn(t, sound)
	want := w.targets()
	if len(want) != len(sound.Tasks.Tasks) {
		t.Fatalf("%d tasks with targets, want %d", len(want), len(sound.Tasks.Tasks))
	}
	const rounds = 700
	changed := 0
	for seed := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, 2))
		odd := copyOf(reflect.ValueOf(sound)).Interface().(*answers) //nolint:forcetypeassert // a copy
		w := newOddWorld(t, input, scope, sound)
		concerned, what := w.spoil(random, odd)
		if random.IntN(2) == 0 {
			w.learn(t, sound)
		}
		w.learn(t, odd)
		got := w.targets()
		for id := range concerned {
			if !slices.Equal(want[id], got[id]) {
				changed++
			}
			got[id] = want[id]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s changes other tasks (-want +got):\n%s", seed, what, diff)
		}
	}
	if changed < rounds/20 {
		t.Errorf("only %d targets were changed in %d rounds", changed, rounds)
	}
}

// soundAnswers are those of a simulated cluster with tasks in every launch type
// and network mode.
func soundAnswers(t *testing.T) (inventory.Scope, *answers) {
	t.Helper()
	w := newWorld(t, awssim.Options{}, Options{})
	w.CreateCluster("prod", nil)
	for i, launch := range []string{awssim.LaunchEC2, awssim.LaunchExternal, awssim.LaunchManaged} {
		w.NextDualStack(netip.AddrFrom4([4]byte{10, 0, 9, byte(i)}), netip.MustParseAddr(fmt.Sprintf("2001:db8::9:%d", i)))
		_, err := w.AddInstance("prod", awssim.Instance{Launch: launch, Tags: map[string]string{"env": "prod"}})
		w.must(err)
	}
	for _, launch := range []string{awssim.LaunchFargate, awssim.LaunchEC2, awssim.LaunchExternal, awssim.LaunchManaged} {
		for _, mode := range []string{awssim.ModeAWSVPC, awssim.ModeBridge, awssim.ModeHost} {
			if launch == awssim.LaunchFargate && mode != awssim.ModeAWSVPC || launch == awssim.LaunchExternal && mode == awssim.ModeAWSVPC {
				continue
			}
			run(t, w.Place, launch, mode)
		}
	}
	_, err := w.RunTask("prod", awssim.RunTask{
		TaskDefinition: awssim.LaunchFargate + "-" + awssim.ModeAWSVPC, Launch: awssim.LaunchFargate, Tags: map[string]string{"env": "prod"},
		Environment: map[string]map[string]string{"app": {"STAGE": "canary"}},
	})
	w.must(err)
	w.want()
	snap := w.good()
	out := &answers{}
	var s *source
	for _, one := range w.sources {
		s = one
	}
	var tasks, instances, cloud, external []string
	for _, task := range snap.Tasks {
		tasks = append(tasks, task.ARN)
	}
	for _, arn := range slices.Sorted(maps.Keys(snap.Instances)) {
		i := snap.Instances[arn]
		instances = append(instances, arn)
		if i.External() {
			external = append(external, i.MachineID)
		} else {
			cloud = append(cloud, i.MachineID)
		}
	}
	cluster := aws.String("prod")
	out.Tasks, err = s.aws.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: cluster, Tasks: tasks, Include: []types.TaskField{types.TaskFieldTags}})
	w.must(err)
	for _, arn := range slices.Sorted(maps.Keys(snap.Definitions)) {
		d, err := s.aws.ecs.DescribeTaskDefinition(t.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String(arn)})
		w.must(err)
		out.Definitions = append(out.Definitions, d)
	}
	out.Instances, err = s.aws.ecs.DescribeContainerInstances(t.Context(), &ecs.DescribeContainerInstancesInput{Cluster: cluster, ContainerInstances: instances})
	w.must(err)
	out.EC2, err = s.aws.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: cloud})
	w.must(err)
	out.SSM, err = s.aws.ssm.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{})
	w.must(err)
	if len(external) != 1 || len(out.SSM.InstanceInformationList) != 1 {
		t.Fatalf("machines of ECS Anywhere: %q", external)
	}
	return snap.Scopes[0].Scope, out
}

package awssim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-scrape/controller/awssim"
)

// revisions counts a service's running tasks by task definition.
func revisions(t testing.TB, p *awssim.Place, name string) map[string]int {
	t.Helper()
	arns, err := p.RunningTasks("prod", name)
	must(t, err)
	out := map[string]int{}
	for _, arn := range arns {
		info, err := p.Task(arn)
		must(t, err)
		out[info.TaskDefinition]++
	}
	return out
}

func TestDeployReplacesEveryTask(t *testing.T) {
	for _, mode := range []string{awssim.ModeAWSVPC, awssim.ModeBridge, awssim.ModeHost} {
		t.Run(mode, func(t *testing.T) {
			sim := start(t, awssim.Options{})
			sim.CreateCluster("prod", nil)
			for range 3 {
				_, err := sim.AddInstance("prod", awssim.Instance{})
				must(t, err)
			}
			service(t, sim.Place, web("web", mode), awssim.LaunchEC2, 3)
			must(t, sim.Deploy("prod", "web", web("web", mode)))
			want := "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2"
			if got := revisions(t, sim.Place, "web"); got[want] != 3 || len(got) != 1 {
				t.Errorf("revisions %v, want 3 of the second", got)
			}
		})
	}
}

func TestDeployStartsBeforeItStops(t *testing.T) {
	sim := start(t, awssim.Options{StartDelay: 30 * time.Millisecond, StopDelay: 30 * time.Millisecond})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 4)
	running := func() int {
		arns, err := sim.RunningTasks("prod", "web")
		must(t, err)
		return len(arns)
	}
	eventually(t, "four tasks run", func() bool { return running() == 4 })
	must(t, sim.Deploy("prod", "web", web("web", awssim.ModeAWSVPC)))
	least := 4
	eventually(t, "the new revision runs", func() bool {
		least = min(least, running())
		return revisions(t, sim.Place, "web")["arn:aws:ecs:us-east-1:123456789012:task-definition/web:2"] == 4
	})
	if least < 4 {
		t.Errorf("the deployment went down to %d tasks", least)
	}
	eventually(t, "the old tasks have stopped", func() bool { return len(sim.Listeners()) == 4 })
}

func TestDaemons(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	_, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	_, err = sim.AddInstance("prod", awssim.Instance{Launch: awssim.LaunchExternal})
	must(t, err)
	_, err = sim.RegisterTaskDefinition(web("node", awssim.ModeHost))
	must(t, err)
	must(t, sim.CreateService("prod", awssim.Service{Name: "node", TaskDefinition: "node", Daemon: true}))
	id, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	if got := len(sim.Listeners()); got != 2 {
		t.Fatalf("%d daemons, want one for each of two EC2 instances", got)
	}
	must(t, sim.Drain(id))
	if got := len(sim.Listeners()); got != 1 {
		t.Errorf("%d daemons with one instance draining, want 1", got)
	}
	must(t, sim.Activate(id))
	must(t, sim.Deploy("prod", "node", web("node", awssim.ModeHost)))
	if got := revisions(t, sim.Place, "node"); len(got) != 1 || len(sim.Listeners()) != 2 {
		t.Errorf("revisions %v after a deployment", got)
	}
	out, err := ecsClient(sim.Place).DescribeServices(t.Context(), &ecs.DescribeServicesInput{
		Cluster: aws.String("prod"), Services: []string{"node"},
	})
	must(t, err)
	if s := out.Services[0]; s.SchedulingStrategy != ecstypes.SchedulingStrategyDaemon || s.DesiredCount != 2 {
		t.Errorf("strategy %s, desired %d", s.SchedulingStrategy, s.DesiredCount)
	}
}

func TestDrainMovesTasks(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	first, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	service(t, sim.Place, web("web", awssim.ModeBridge), awssim.LaunchEC2, 3)
	must(t, sim.Drain(first))
	if got := len(sim.Listeners()); got != 3 {
		t.Errorf("%d tasks with nowhere to go, want the 3 that run", got)
	}
	second, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	for _, arn := range list(t, sim.Place) {
		info, err := sim.Task(arn)
		must(t, err)
		if info.Instance != second {
			t.Errorf("task on %s, want %s", info.Instance, second)
		}
	}
}

func TestLaunchTypes(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	_, err := sim.RegisterTaskDefinition(web("bridge", awssim.ModeBridge))
	must(t, err)
	_, err = sim.RegisterTaskDefinition(web("vpc", awssim.ModeAWSVPC))
	must(t, err)
	if err := sim.CreateService("prod", awssim.Service{Name: "a", TaskDefinition: "bridge", Launch: awssim.LaunchFargate}); err == nil {
		t.Error("Fargate took a bridge task")
	}
	if err := sim.CreateService("prod", awssim.Service{Name: "b", TaskDefinition: "vpc", Launch: awssim.LaunchExternal}); err == nil {
		t.Error("an external instance took an awsvpc task")
	}
	must(t, sim.CreateService("prod", awssim.Service{Name: "m", TaskDefinition: "vpc", Launch: awssim.LaunchManaged, Desired: 25}))
	ids := sim.Instances("prod", awssim.LaunchManaged)
	if len(ids) != 3 {
		t.Errorf("%d managed instances for 25 tasks, want 3", len(ids))
	}
	if _, err := sim.RunTask("prod", awssim.RunTask{TaskDefinition: "bridge"}); err == nil {
		t.Error("a task ran on EC2 without an instance")
	}
}

func TestLoseAndTerminateInstance(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	lost, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	service(t, sim.Place, web("web", awssim.ModeBridge), awssim.LaunchEC2, 2)
	_, err = sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	must(t, sim.LoseInstance(lost))
	if got := len(list(t, sim.Place)); got != 2 || len(sim.Listeners()) != 0 {
		t.Errorf("ECS lists %d tasks and %d listen, want 2 and 0", got, len(sim.Listeners()))
	}
	gone := list(t, sim.Place)
	must(t, sim.TerminateInstance(lost))
	if got := len(sim.Listeners()); got != 2 {
		t.Errorf("%d replacements listen, want 2", got)
	}
	task := describe(t, sim.Place, gone[0])
	if *task.LastStatus != "STOPPED" || task.StopCode != ecstypes.TaskStopCodeTerminationNotice {
		t.Errorf("lost task is %s by %s", *task.LastStatus, task.StopCode)
	}
	if ids := sim.Instances("prod", ""); slices.Contains(ids, lost) {
		t.Errorf("instances %v still have %s", ids, lost)
	}
}

func TestSetHealth(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	arn := only(t, sim.Place, "web")
	if task := describe(t, sim.Place, arn); task.HealthStatus != ecstypes.HealthStatusUnknown {
		t.Errorf("health %s without a health check", task.HealthStatus)
	}
	must(t, sim.SetHealth(arn, "UNHEALTHY"))
	if task := describe(t, sim.Place, arn); task.HealthStatus != ecstypes.HealthStatusUnhealthy || task.Version != 2 {
		t.Errorf("health %s at version %d, want UNHEALTHY at 2", task.HealthStatus, task.Version)
	}
}

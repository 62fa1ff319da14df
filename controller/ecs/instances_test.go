package ecs

import (
	"testing"

	"ecs-scrape/controller/awssim"
)

// machineCalls are the calls that only bridge and host mode need.
var machineCalls = []string{"DescribeContainerInstances", "DescribeInstances", "DescribeInstanceInformation"}

func run(t *testing.T, p *awssim.Place, launch, mode string) string {
	t.Helper()
	family := launch + "-" + mode
	_, err := p.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: family, NetworkMode: mode,
		Containers: []awssim.Container{{Name: "app", Image: "app:1", Ports: []awssim.Port{{Container: 9100}, {Range: "8000-8003"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	arns, err := p.RunTask("prod", awssim.RunTask{TaskDefinition: family, Launch: launch})
	if err != nil {
		t.Fatal(err)
	}
	return arns[0]
}

func TestInstancesOnlyForBridgeAndHost(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	w.CreateCluster("prod", nil)
	for _, launch := range []string{awssim.LaunchEC2, awssim.LaunchExternal, awssim.LaunchManaged} {
		_, err := w.AddInstance("prod", awssim.Instance{Launch: launch})
		w.must(err)
	}
	run(t, w.Place, awssim.LaunchEC2, awssim.ModeAWSVPC)
	run(t, w.Place, awssim.LaunchFargate, awssim.ModeAWSVPC)
	w.want()
	wantTasks(t, w.good(), 2)
	for _, op := range machineCalls {
		if calls, _ := w.CallsTo(op); calls != 0 {
			t.Errorf("%s called %d times for awsvpc tasks", op, calls)
		}
	}
	run(t, w.Place, awssim.LaunchEC2, awssim.ModeBridge)
	run(t, w.Place, awssim.LaunchManaged, awssim.ModeHost)
	run(t, w.Place, awssim.LaunchExternal, awssim.ModeBridge)
	snap := w.good()
	wantTasks(t, snap, 5)
	if len(snap.Instances) != 3 {
		t.Fatalf("instances %v", snap.Instances)
	}
	for _, i := range snap.Instances {
		if !i.IPv4.IsValid() {
			t.Errorf("no address: %+v", i)
		}
	}
	w.good()
	for _, op := range machineCalls {
		w.wantCalls(op, 1)
	}
}

func TestLostInstanceConcernsItsTasksAlone(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	w.CreateCluster("prod", nil)
	id, err := w.AddInstance("prod", awssim.Instance{})
	w.must(err)
	bridge := run(t, w.Place, awssim.LaunchEC2, awssim.ModeBridge)
	run(t, w.Place, awssim.LaunchFargate, awssim.ModeAWSVPC)
	w.must(w.LoseInstance(id))
	w.want()
	snap := w.good()
	wantTasks(t, snap, 2)
	for _, task := range snap.Tasks {
		if task.ARN != bridge {
			continue
		}
		i := snap.Instances[task.Instance]
		if i == nil || i.MachineID != id || i.IPv4.IsValid() {
			t.Errorf("instance %+v", i)
		}
	}
}

func TestBridgeBindings(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	w.CreateCluster("prod", nil)
	_, err := w.AddInstance("prod", awssim.Instance{})
	w.must(err)
	run(t, w.Place, awssim.LaunchEC2, awssim.ModeBridge)
	w.want()
	bindings := w.good().Tasks[0].Containers[0].Bindings
	if len(bindings) != 2 {
		t.Fatalf("bindings %+v", bindings)
	}
	if b := bindings[0]; b.Container.First != 8000 || b.Container.Last != 8003 || b.Host.Last-b.Host.First != 3 || b.Protocol != "tcp" {
		t.Errorf("range %+v", b)
	}
	if b := bindings[1]; b.Container.First != 9100 || b.Host.First == 0 || b.Host.First != b.Host.Last {
		t.Errorf("port %+v", b)
	}
}

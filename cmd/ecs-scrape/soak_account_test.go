package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-scrape/controller/awssim"
)

const (
	soakEventDelay = 50 * time.Millisecond
	soakQueue      = "events"
	soakPolled     = "us-west-2" // the region that has no queue

	clusterServices = "services" // on Fargate
	clusterMachines = "machines" // on machines of every kind
	clusterBatch    = "batch"    // tasks of no service
	clusterBrief    = "brief"    // deleted and created again
)

// soakKind is a way of running tasks.
type soakKind struct {
	cluster, launch, mode string
	daemon, standalone    bool
}

// soakKinds are all ways; Fargate is the most usual.
func soakKinds() []soakKind {
	return []soakKind{
		{cluster: clusterServices, launch: awssim.LaunchFargate, mode: awssim.ModeAWSVPC},
		{cluster: clusterMachines, launch: awssim.LaunchEC2, mode: awssim.ModeBridge},
		{cluster: clusterBatch, launch: awssim.LaunchFargate, mode: awssim.ModeAWSVPC, standalone: true},
		{cluster: clusterMachines, launch: awssim.LaunchEC2, mode: awssim.ModeHost, daemon: true},
		{cluster: clusterServices, launch: awssim.LaunchFargate, mode: awssim.ModeAWSVPC},
		{cluster: clusterMachines, launch: awssim.LaunchExternal, mode: awssim.ModeBridge},
		{cluster: clusterMachines, launch: awssim.LaunchManaged, mode: awssim.ModeAWSVPC},
		{cluster: clusterMachines, launch: awssim.LaunchEC2, mode: awssim.ModeAWSVPC},
	}
}

// soakGroup are the tasks whose container has one name, in every place. One
// object selects them.
type soakGroup struct {
	soakKind
	name string
	port int
	size int // tasks in each place, about
}

func soakGroups(plan soakPlan) []*soakGroup {
	var out []*soakGroup
	kinds := soakKinds()
	for i := range plan.groups {
		k := kinds[i%len(kinds)]
		g := &soakGroup{soakKind: k, name: fmt.Sprintf("group-%02d", i), port: 9000 + i}
		g.size = plan.tasks / (2 * (plan.groups - plan.groups/len(kinds))) // daemons are few
		out = append(out, g)
	}
	return out
}

// definition is the next revision of the group's family.
func (g *soakGroup) definition() awssim.TaskDefinition {
	return awssim.TaskDefinition{Family: g.name, NetworkMode: g.mode, Containers: []awssim.Container{
		{Name: g.name, Ports: []awssim.Port{{Name: "metrics", Container: g.port}}, Metrics: []awssim.Metrics{{Port: g.port}}},
		{Name: "side", Sidecar: true},
	}}
}

// populate fills both places, and waits until all of it runs.
func (s *soak) populate() {
	s.t.Helper()
	s.queue = s.sim.SubscribeQueue(soakQueue)
	want := 0
	for _, p := range s.places {
		for _, name := range []string{clusterServices, clusterMachines, clusterBatch} {
			p.CreateCluster(name, nil)
		}
		machines := 4 + s.plan.tasks/500
		for range machines {
			must(s.t, second(p.AddInstance(clusterMachines, awssim.Instance{})))
			must(s.t, second(p.AddInstance(clusterMachines, awssim.Instance{Launch: awssim.LaunchExternal})))
		}
		for _, g := range s.groups {
			must(s.t, second(p.RegisterTaskDefinition(g.definition())))
			s.runGroup(p, g)
			if want += g.size; g.daemon {
				want += machines - g.size
			}
		}
		want += s.createBrief(p)
	}
	s.eventually("all tasks run", func() error {
		if n := len(s.sim.Listeners()); n < want {
			return fmt.Errorf("%d of %d", n, want)
		}
		return nil
	})
}

func (s *soak) runGroup(p *awssim.Place, g *soakGroup) {
	s.t.Helper()
	if g.standalone {
		s.runAlone(p, g, g.size)
		return
	}
	must(s.t, p.CreateService(g.cluster, awssim.Service{
		Name: g.name, TaskDefinition: g.name, Desired: g.size, Launch: g.launch, Daemon: g.daemon,
	}))
}

// createBrief creates the cluster that comes and goes.
func (s *soak) createBrief(p *awssim.Place) (tasks int) {
	const size = 4
	p.CreateCluster(clusterBrief, nil)
	s.tolerate(p.CreateService(clusterBrief, awssim.Service{
		Name: "brief", TaskDefinition: s.groups[0].name, Desired: size, Launch: awssim.LaunchFargate,
	}))
	return size
}

// standaloneTask is a task of no service, and when it was started.
type standaloneTask struct {
	arn     string
	started time.Time
}

func (s *soak) runAlone(p *awssim.Place, g *soakGroup, n int) {
	arns, err := p.RunTask(clusterBatch, awssim.RunTask{TaskDefinition: g.name, Count: n, Launch: g.launch})
	s.tolerate(err)
	for _, arn := range arns {
		s.alone[p] = append(s.alone[p], standaloneTask{arn, time.Now()})
	}
}

// tolerate takes the error of what may have gone before.
func (s *soak) tolerate(err error) {
	if err != nil {
		s.counts.refused++
	}
}

func second[A any](_ A, err error) error { return err }

// taskID is the last part of a task's ARN.
func taskID(arn string) string { return arn[lastSlash(arn)+1:] }

func lastSlash(s string) int {
	i := len(s) - 1
	for i >= 0 && s[i] != '/' {
		i--
	}
	return i
}

// truth is what runs and serves, by the key that published targets have.
func (s *soak) truth() map[string]awssim.Listener {
	out := map[string]awssim.Listener{}
	for _, l := range s.sim.Listeners() {
		out[taskID(l.TaskARN)+" "+l.Address] = l
	}
	return out
}

// tell is what the account knows of a target's task.
func (s *soak) tell(key string) string {
	id, _, _ := strings.Cut(key, " ")
	for _, p := range s.places {
		if info, err := p.Task(id); err == nil {
			return fmt.Sprintf("%+v", info)
		}
	}
	return "no such task"
}

// meant says that a target's task is meant to run: one that has been told to stop
// serves for a moment longer.
func (s *soak) meant(l awssim.Listener) bool {
	info, err := s.sim.Region(l.Account, l.Region).Task(l.TaskARN)
	return err == nil && info.DesiredStatus == "RUNNING"
}

// running are the ARNs of a place's tasks that serve, sorted.
func running(p *awssim.Place, all []awssim.Listener) []string {
	var out []string
	for _, l := range all {
		if l.Region == p.Scope().Region {
			out = append(out, l.TaskARN)
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return slices.Compact(out)
}

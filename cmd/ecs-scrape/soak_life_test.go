package main

import (
	"net/netip"
	"time"

	"ecs-scrape/controller/awssim"
)

// deck deals actions so that each comes before any comes again.
type deck struct {
	all  []soakAction
	left []soakAction
	done map[string]int
}

// soakAction does something, and says whether it could.
type soakAction struct {
	name string
	do   func(*soak) bool
}

func newDeck(all []soakAction) deck { return deck{all: all, done: map[string]int{}} }

func (d *deck) deal(s *soak) {
	s.draw()
	if len(d.left) == 0 {
		d.left = append(d.left, d.all...)
		s.random.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
	}
	action := d.left[0]
	d.left = d.left[1:]
	if action.do(s) {
		d.done[action.name]++
		s.journal.note("%s", action.name)
	}
}

func (d *deck) total() (n int) {
	for _, done := range d.done {
		n += done
	}
	return n
}

// soakLives are what happens in an account that works.
func soakLives() []soakAction {
	replace := soakAction{"replace tasks", (*soak).replaceTasks}
	scale := soakAction{"scale", (*soak).scale}
	batch := soakAction{"run tasks of no service", (*soak).batch}
	return []soakAction{
		replace, replace, replace, replace, scale, scale, scale, batch, batch, batch,
		{"deploy", (*soak).deploy},
		{"deploy", (*soak).deploy},
		{"lose a machine", (*soak).loseMachine},
		{"drain a machine", (*soak).drainMachine},
		{"delete a cluster and create it again", (*soak).recreateCluster},
		{"reuse an address", (*soak).reuseAddress},
		{"reuse a host port", (*soak).reuseHostPort},
		{"stop a container", (*soak).stopContainer},
		{"tag, and change health", (*soak).touchTasks},
	}
}

func (s *soak) place() *awssim.Place { return s.places[s.random.IntN(len(s.places))] }

// service is a group that is a service, which can be scaled if not a daemon.
func (s *soak) service(daemons bool) *soakGroup {
	for {
		if g := s.groups[s.random.IntN(len(s.groups))]; !g.standalone && (daemons || !g.daemon) {
			return g
		}
	}
}

// someTasks are the ARNs of up to n running tasks of a place.
func (s *soak) someTasks(p *awssim.Place, n int) []string {
	all := running(p, s.sim.Listeners())
	s.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(len(all), n)]
}

func (s *soak) few() int { return 1 + s.random.IntN(12) }

func (s *soak) replaceTasks() bool {
	p := s.place()
	for _, arn := range s.someTasks(p, 1+s.random.IntN(2+s.plan.tasks/250)) {
		s.tolerate(p.StopTask(arn, "replaced"))
	}
	return true
}

func (s *soak) scale() bool {
	g := s.service(false)
	s.tolerate(s.place().Scale(g.cluster, g.name, max(1, g.size/2+s.random.IntN(g.size))))
	return true
}

func (s *soak) deploy() bool {
	g := s.service(true)
	s.tolerate(s.place().Deploy(g.cluster, g.name, g.definition()))
	return true
}

// batch ends the oldest tasks of no service, and runs about as many.
func (s *soak) batch() bool {
	p := s.place()
	for _, g := range s.groups {
		if !g.standalone {
			continue
		}
		n := 1 + s.random.IntN(5)
		for _, t := range s.alone[p][:min(n, len(s.alone[p]))] {
			s.tolerate(p.StopTask(t.arn, "done"))
		}
		s.alone[p] = s.alone[p][min(n, len(s.alone[p])):]
		s.runAlone(p, g, min(s.few(), max(1, 2*g.size-len(s.alone[p]))))
	}
	return true
}

// loseMachine has a machine crash; later ECS notices, and another takes its place.
func (s *soak) loseMachine() bool {
	p, launch := s.place(), []string{awssim.LaunchEC2, awssim.LaunchExternal}[s.random.IntN(2)]
	all := p.Instances(clusterMachines, launch)
	if len(all) < 3 {
		return false
	}
	id := all[s.random.IntN(len(all))]
	s.tolerate(p.LoseInstance(id))
	s.later(s.random.IntN(50), func() {
		s.tolerate(p.TerminateInstance(id))
		s.tolerate(second(p.AddInstance(clusterMachines, awssim.Instance{Launch: launch})))
	})
	return true
}

func (s *soak) drainMachine() bool {
	p := s.place()
	all := p.Instances(clusterMachines, awssim.LaunchEC2)
	if len(all) < 3 {
		return false
	}
	id := all[s.random.IntN(len(all))]
	s.tolerate(p.Drain(id))
	s.later(s.random.IntN(60), func() { s.tolerate(p.Activate(id)) })
	return true
}

// recreateCluster: where its end goes unnoticed among faults, its tasks are
// MISSING from the next, and for a minute that is no evidence. A short soak has no
// time for that; see recreateQuietly.
func (s *soak) recreateCluster() bool {
	if s.plan.relist {
		return false
	}
	p, forget := s.place(), s.random.IntN(2) == 0
	if err := p.DeleteCluster(clusterBrief); err != nil {
		return false // it is gone already
	}
	if forget {
		p.ForgetCluster(clusterBrief)
	}
	s.later(s.random.IntN(40), func() { s.createBrief(p) })
	return true
}

// recreateQuietly deletes the cluster of each place, and creates it again once
// nothing of it is published.
func (s *soak) recreateQuietly() {
	s.t.Helper()
	tasks := map[string]bool{}
	for _, l := range s.sim.Listeners() {
		tasks[taskID(l.TaskARN)] = l.Cluster == clusterBrief
	}
	for _, p := range s.places {
		s.tolerate(p.DeleteCluster(clusterBrief))
	}
	s.eventually("nothing of the deleted cluster is published", func() error { return s.judge.without(tasks) })
	for _, p := range s.places {
		s.createBrief(p)
	}
}

// reuseAddress gives the address of a task that stops to one in another cluster.
func (s *soak) reuseAddress() bool {
	p := s.place()
	if len(s.alone[p]) == 0 {
		return false
	}
	old := s.alone[p][0]
	s.alone[p] = s.alone[p][1:]
	info, err := p.Task(old.arn)
	if err != nil || info.Interface == "" {
		return false
	}
	s.tolerate(p.StopTask(old.arn, "to make room"))
	s.until(func() bool {
		if !s.stopped(p, old.arn) {
			return false
		}
		p.NextAddress(netip.MustParseAddr(info.Address))
		g := s.groups[0]
		s.tolerate(second(p.RunTask(clusterServices, awssim.RunTask{TaskDefinition: g.name, Launch: g.launch})))
		return true
	})
	return true
}

// reuseHostPort gives the port of a task that stops to the next on its machine.
func (s *soak) reuseHostPort() bool {
	p := s.place()
	for _, arn := range s.someTasks(p, 50) {
		info, err := p.Task(arn)
		if err != nil || len(info.HostPorts) == 0 || info.HostPorts[0] < 32768 {
			continue
		}
		s.tolerate(p.StopTask(arn, "to make room"))
		s.until(func() bool {
			stopped := s.stopped(p, arn)
			if stopped {
				p.NextHostPort(info.HostPorts[0])
			}
			return stopped
		})
		return true
	}
	return false
}

func (s *soak) stopped(p *awssim.Place, arn string) bool {
	info, err := p.Task(arn)
	return err != nil || info.LastStatus == "STOPPED"
}

// stopContainer ends one container of a task that goes on, and then the task.
func (s *soak) stopContainer() bool {
	p := s.place()
	for _, arn := range s.someTasks(p, 1) {
		name := "side"
		if info, err := p.Task(arn); err == nil && s.random.IntN(2) == 0 {
			name = familyOf(info.TaskDefinition)
		}
		s.tolerate(p.StopContainer(arn, name, 1))
		s.later(20, func() { s.tolerate(p.StopTask(arn, "an essential container ended")) })
	}
	return true
}

// familyOf is the family in the ARN of a revision.
func familyOf(arn string) string {
	name := arn[lastSlash(arn)+1:]
	for i := range name {
		if name[i] == ':' {
			return name[:i]
		}
	}
	return name
}

// touchTasks changes what starts no event.
func (s *soak) touchTasks() bool {
	p := s.place()
	for _, arn := range s.someTasks(p, s.few()) {
		s.tolerate(p.Tag(arn, map[string]string{"touched": time.Now().Format(time.RFC3339)}))
		s.tolerate(p.SetHealth(arn, []string{"HEALTHY", "UNHEALTHY"}[s.random.IntN(2)]))
	}
	return true
}

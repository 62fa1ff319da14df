package controller_test

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ecs-scrape/controller/awssim"
)

const faultQueue = "events"

// verbs are what a world can meet: the faults of the simulated account, and what
// happens in an account that works. The name begins with that of the verb it
// plays; TestEveryVerbIsPlayed misses those that the simulator has and this
// table has not. A verb that needs what is not there at the moment does nothing.
func verbs() map[string]func(*faultWorld) {
	out := map[string]func(*faultWorld){}
	for name, arm := range faultsOfCalls() {
		out[name] = func(w *faultWorld) { arm(w, w.match(name)) }
	}
	for _, table := range []map[string]func(*faultWorld){faultsOfTasks(), faultsOfEvents(), life()} {
		maps.Copy(out, table)
	}
	return out
}

// match is what a fault of calls in a mixture meets: one of the occasions, or
// all calls, or all that name a cluster.
func (w *faultWorld) match(verb string) awssim.Match {
	all := []awssim.Match{{}, {Cluster: "alpha"}, {Cluster: "beta"}}
	if verb == "FailPage" || verb == "Expire" {
		all = nil
	}
	for _, o := range occasionsOf(verb, w.queue != "") {
		all = append(all, o.on)
	}
	m := all[w.random.IntN(len(all))]
	w.note("  on %q of cluster %q", m.Operation, m.Cluster)
	return m
}

func (w *faultWorld) few() int { return 1 + w.random.IntN(12) }

func faultsOfCalls() map[string]func(*faultWorld, awssim.Match) {
	type match = awssim.Match
	return map[string]func(*faultWorld, match){
		"Throttle":    func(w *faultWorld, m match) { w.Throttle(m, w.few()) },
		"Storm":       func(w *faultWorld, m match) { w.Storm(m, 0.3+0.7*w.random.Float64()) },
		"ServerError": func(w *faultWorld, m match) { w.ServerError(m, w.few()) },
		"FailPage":    func(w *faultWorld, m match) { w.FailPage(m, 1) },
		"Deny":        func(w *faultWorld, m match) { w.Deny(m) },
		"Expire":      func(w *faultWorld, m match) { w.Expire(m) },
		"Delay":       func(w *faultWorld, m match) { w.Delay(m, 200*time.Millisecond) },
		"Hang":        func(w *faultWorld, m match) { w.Hang(m) },
		"Disconnect":  func(w *faultWorld, m match) { w.Disconnect(m, w.few()) },
		"Truncate":    func(w *faultWorld, m match) { w.Truncate(m, w.few()) },
		"Garble":      func(w *faultWorld, m match) { w.Garble(m, w.few()) },
		"SetQuotas": func(w *faultWorld, _ match) {
			small := awssim.DocumentedQuotas()
			for category := range small {
				small[category] = awssim.Quota{Burst: 1, Refill: 2}
			}
			w.SetQuotas(small)
		},
		"Skew": func(w *faultWorld, _ match) {
			w.Skew([]time.Duration{4 * time.Minute, -4 * time.Minute, time.Hour, -time.Hour}[w.random.IntN(4)])
		},
	}
}

// onTasks plays a verb on some of the tasks.
func onTasks(verb func(*faultWorld, string) error) func(*faultWorld) {
	return func(w *faultWorld) {
		for i, task := range w.tasks() {
			w.task = i
			if i == 0 || w.choice(2) == 0 {
				_ = verb(w, task) // it may have stopped meanwhile
			}
		}
	}
}

func faultsOfTasks() map[string]func(*faultWorld) {
	return map[string]func(*faultWorld){
		"OmitFromNextListing": onTasks(func(w *faultWorld, task string) error { return w.OmitFromNextListing(task) }),
		"OmitFromNextDescribe": onTasks(func(w *faultWorld, task string) error {
			_ = w.OmitFromNextListing(task) // has it described
			return w.OmitFromNextDescribe(task)
		}),
		"DescribeOlder": onTasks(func(w *faultWorld, task string) error {
			_ = w.OmitFromNextListing(task)
			return w.DescribeOlder(task)
		}),
		"MissingOnce": onTasks(func(w *faultWorld, task string) error {
			_ = w.OmitFromNextListing(task)
			return w.MissingOnce(task)
		}),
		"FailOnce": onTasks(func(w *faultWorld, task string) error {
			_ = w.OmitFromNextListing(task)
			return w.FailOnce(task, []string{"", "ACCESS_DENIED", "INTERNAL", "missing"}[w.choice(4)])
		}),
		"ListStopped": onTasks(func(w *faultWorld, task string) error {
			_ = w.ListStopped(task)
			return w.StopTask(task, "to be listed all the same")
		}),
	}
}

// rubbish are messages that somebody may put into the queue.
var rubbish = []string{
	"", "not JSON", "{}", "[]", "null", `{"source": "aws.ecs", "detail-type": "ECS Task State Change"}`,
	`{"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {"taskArn": "arn:aws:ecs:x"}}`,
	`{"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {"taskArn": 7, "version": "high"}}`,
	`{"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {"state": "terminated"}}`,
	`{"source": "aws.ecs", "detail-type": "ECS Something New", "detail": {"clusterArn": "x", "new": [1, 2]}}`,
	strings.Repeat("x", 200_000),
}

func faultsOfEvents() map[string]func(*faultWorld) {
	return map[string]func(*faultWorld){
		"DropNext":      func(w *faultWorld) { w.DropNext(w.few()) },
		"DuplicateNext": func(w *faultWorld) { w.DuplicateNext(w.few()) },
		"ReorderNext":   func(w *faultWorld) { w.ReorderNext(w.few()) },
		"HoldNext":      func(w *faultWorld) { w.HoldNext(w.few()) },
		"ReleaseHeld":   func(w *faultWorld) { w.ReleaseHeld() },
		"LateNext": func(w *faultWorld) {
			for range w.few() {
				w.LateNext(time.Duration(w.random.IntN(40)) * time.Minute)
			}
		},
		"SetEventDelay": func(w *faultWorld) { w.SetEventDelay(time.Duration(w.random.IntN(900)) * time.Millisecond) },
		"SendRaw": func(w *faultWorld) {
			for _, body := range rubbish {
				w.SendRaw(body)
			}
		},
		"DeleteQueue":    func(w *faultWorld) { w.DeleteQueue(faultQueue) },
		"SubscribeQueue": func(w *faultWorld) { w.subscribe() },
	}
}

func (w *faultWorld) subscribe() {
	if w.queue != "" {
		w.SubscribeQueue(faultQueue)
	}
}

// inService plays a verb on one of the services.
func inService(verb func(*faultWorld, servicePlace) error) func(*faultWorld) {
	return func(w *faultWorld) {
		if all := w.services(); len(all) > 0 {
			w.must(verb(w, all[w.random.IntN(len(all))]))
		}
	}
}

// onInstance plays a verb on one of the machines.
func onInstance(verb func(*faultWorld, string) error) func(*faultWorld) {
	return func(w *faultWorld) {
		if all := w.Instances("beta", ""); len(all) > 0 {
			w.must(verb(w, all[w.random.IntN(len(all))]))
		}
	}
}

// life is what happens in an account that works.
func life() map[string]func(*faultWorld) {
	return map[string]func(*faultWorld){
		"Scale": inService(func(w *faultWorld, s servicePlace) error { return w.Scale(s.cluster, s.name, w.random.IntN(6)) }),
		"Deploy": inService(func(w *faultWorld, s servicePlace) error {
			return w.Deploy(s.cluster, s.name, faultDefinition(s.name, s.mode))
		}),
		"UpdateService": inService(func(w *faultWorld, s servicePlace) error { return w.UpdateService(s.cluster, s.name, s.name+":1") }),
		"RunTask": inService(func(w *faultWorld, s servicePlace) error {
			if s.mode != awssim.ModeAWSVPC {
				return nil
			}
			_, err := w.Sim.RunTask(s.cluster, awssim.RunTask{TaskDefinition: s.name, Launch: awssim.LaunchFargate})
			return err
		}),
		"StopTask":  onTasks(func(w *faultWorld, task string) error { return w.StopTask(task, "a test") }),
		"CrashTask": onTasks(func(w *faultWorld, task string) error { return w.CrashTask(task, 1) }),
		"SetHealth": onTasks(func(w *faultWorld, task string) error { return w.SetHealth(task, "UNHEALTHY") }),
		"Tag":       onTasks(func(w *faultWorld, task string) error { return w.Tag(task, map[string]string{"a": "b"}) }),
		"Untag":     onTasks(func(w *faultWorld, task string) error { return w.Untag(task, "a") }),
		"StopContainer": onTasks(func(w *faultWorld, task string) error {
			return w.StopContainer(task, []string{"app", "side"}[w.choice(2)], 1)
		}),
		"SetPublicAddress": onTasks(func(w *faultWorld, task string) error {
			return w.SetPublicAddress(task, netip.MustParseAddr("198.51.100.7"))
		}),
		"AddInstance": func(w *faultWorld) { w.tolerate(second(w.AddInstance("beta", awssim.Instance{}))) },
		"Drain":       onInstance(func(w *faultWorld, id string) error { return w.Drain(id) }),
		"Activate":    onInstance(func(w *faultWorld, id string) error { return w.Activate(id) }),
		"LoseInstance": onInstance(func(w *faultWorld, id string) error {
			if !slices.Contains(w.judge.lost, id) {
				w.judge.lost = append(w.judge.lost, id)
			}
			return w.LoseInstance(id)
		}),
		"TerminateInstance": onInstance(func(w *faultWorld, id string) error { return w.TerminateInstance(id) }),
		"DeleteCluster":     func(w *faultWorld) { w.tolerate(w.DeleteCluster("beta")) },
		"DeleteCluster, which is created again": func(w *faultWorld) {
			w.tolerate(w.DeleteCluster("alpha"))
			if w.random.IntN(2) == 0 {
				w.ForgetCluster("alpha")
			}
			w.progress()
			w.CreateCluster("alpha", nil)
			w.serve("alpha", "web", awssim.ModeAWSVPC, 2)
		},
		"ForgetCluster": func(w *faultWorld) {
			w.tolerate(w.DeleteCluster("beta"))
			w.ForgetCluster("beta")
		},
		"DeleteService": inService(func(w *faultWorld, s servicePlace) error { return w.DeleteService(s.cluster, s.name) }),
		"NextAddress":   (*faultWorld).reuseAddress,
		"NextDualStack": (*faultWorld).bothFamilies,
		"NextHostPort":  (*faultWorld).reuseHostPort,
	}
}

// tolerate takes the error of what may have gone before.
func (w *faultWorld) tolerate(err error) {
	if err != nil {
		w.note("  %v", err)
	}
}

func second[A any](_ A, err error) error { return err }

// reuseAddress gives the address of a task that stops to one in another cluster.
func (w *faultWorld) reuseAddress() {
	if old := w.onFargate(); old.ARN != "" {
		w.must(w.StopTask(old.ARN, "to make room"))
		w.eventually("the task has stopped", func() error { return w.runs(old.ARN) })
		w.giveAddress(old.Address)
	}
}

// onFargate is a task with an address of its own; its ARN is empty if there is none.
func (w *faultWorld) onFargate() awssim.TaskInfo {
	for _, task := range w.tasks() {
		if info, err := w.Task(task); err == nil && info.Interface != "" {
			return info
		}
	}
	return awssim.TaskInfo{}
}

// giveAddress starts a task with that address in a cluster of its own.
func (w *faultWorld) giveAddress(address string) (arn string) {
	w.NextAddress(netip.MustParseAddr(address))
	return w.runHeir()
}

// bothFamilies starts a task with two addresses that no other has.
func (w *faultWorld) bothFamilies() {
	w.dual++
	w.NextDualStack(netip.AddrFrom4([4]byte{10, 0, 200, w.dual}), netip.AddrFrom16([16]byte{0: 0xfd, 15: w.dual}))
	w.runHeir()
}

func (w *faultWorld) runHeir() (arn string) {
	w.t.Helper()
	w.CreateCluster("gamma", nil)
	_, err := w.RegisterTaskDefinition(faultDefinition("heir", awssim.ModeAWSVPC))
	w.must(err)
	arns, err := w.RunTask("gamma", awssim.RunTask{TaskDefinition: "heir", Launch: awssim.LaunchFargate})
	w.must(err)
	return arns[0]
}

// reuseHostPort gives the port of a task that stops to the next on its machine.
func (w *faultWorld) reuseHostPort() {
	for _, task := range w.tasks() {
		info, err := w.Task(task)
		if err != nil || len(info.HostPorts) == 0 {
			continue
		}
		w.must(w.StopTask(task, "to make room"))
		w.eventually("the task has stopped", func() error { return w.runs(task) })
		w.NextHostPort(info.HostPorts[0])
		w.tolerate(second(w.RunTask("beta", awssim.RunTask{TaskDefinition: "edge"})))
		return
	}
}

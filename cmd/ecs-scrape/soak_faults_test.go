package main

import (
	"strings"
	"time"

	"ecs-scrape/controller/awssim"
)

// armedFault is what ends later.
type armedFault struct {
	tock    int // when
	release func()
}

// later does something in so many ticks, or when the spell ends.
func (s *soak) later(ticks int, do func()) {
	s.armed = append(s.armed, armedFault{s.tock + 1 + ticks, do})
}

// until tries something at each tick until it is done.
func (s *soak) until(done func() bool) { s.pending = append(s.pending, done) }

// release ends what is due, or everything.
func (s *soak) release(all bool) {
	armed := s.armed
	s.armed = nil
	for _, f := range armed {
		if all || f.tock <= s.tock {
			f.release()
		} else {
			s.armed = append(s.armed, f)
		}
	}
	pending := s.pending
	s.pending = nil
	for _, done := range pending {
		if !done() && !all {
			s.pending = append(s.pending, done)
		}
	}
}

// soakVerbs are the faults of the simulated account, all of them.
func soakVerbs() []soakAction {
	var out []soakAction
	for name, arm := range faultsOfCalls() {
		out = append(out, soakAction{name, func(s *soak) bool {
			if release := arm(s, s.match()); release != nil {
				s.later(5+s.random.IntN(60), release)
			}
			return true
		}})
	}
	for name, arm := range faultsOfTasks() {
		out = append(out, soakAction{name, func(s *soak) bool {
			p := s.places[min(1, s.random.IntN(4))] // most where listings are frequent
			for _, task := range s.someTasks(p, s.few()) {
				s.tolerate(arm(s, p, task))
			}
			return true
		}})
	}
	out = append(out, soakAction{"MissingOnce", (*soak).missNewTasks})
	for name, arm := range faultsOfEvents() {
		out = append(out, soakAction{name, func(s *soak) bool { arm(s); return true }})
	}
	sortActions(out)
	return out
}

// match is what a fault of calls meets: all, or those of an operation, a region,
// a cluster.
func (s *soak) match() awssim.Match {
	operations := []string{
		"ListTasks", "ListTasks", "DescribeTasks", "DescribeTasks", "ReceiveMessage", "ReceiveMessage", "ListClusters",
		"DescribeClusters", "DescribeTaskDefinition", "DescribeContainerInstances", "DescribeInstances",
		"DescribeInstanceInformation", "GetCallerIdentity", "DeleteMessageBatch",
	}
	switch s.random.IntN(10) {
	case 0, 1:
		return awssim.Match{}
	case 2, 3:
		return awssim.Match{Region: s.place().Scope().Region}
	case 4, 5:
		return awssim.Match{Cluster: []string{clusterServices, clusterMachines, clusterBatch, clusterBrief}[s.random.IntN(4)]}
	}
	return awssim.Match{Operation: operations[s.random.IntN(len(operations))]}
}

// faultsOfCalls arm a fault of the calls that match; what they return ends it.
func faultsOfCalls() map[string]func(*soak, awssim.Match) (release func()) {
	type match = awssim.Match
	spent := func(arm func(*soak, match)) func(*soak, match) func() {
		return func(s *soak, m match) func() { arm(s, m); return nil }
	}
	return map[string]func(*soak, match) func(){
		"Throttle":    spent(func(s *soak, m match) { s.sim.Throttle(m, s.few()) }),
		"ServerError": spent(func(s *soak, m match) { s.sim.ServerError(m, s.few()) }),
		"Disconnect":  spent(func(s *soak, m match) { s.sim.Disconnect(m, s.few()) }),
		"Truncate":    spent(func(s *soak, m match) { s.sim.Truncate(m, s.few()) }),
		"Garble":      spent(func(s *soak, m match) { s.sim.Garble(m, s.few()) }),
		"Storm":       func(s *soak, m match) func() { return s.sim.Storm(m, 0.3+0.7*s.random.Float64()) },
		"FailPage": func(s *soak, _ match) func() {
			return s.sim.FailPage(awssim.Match{Operation: []string{"ListTasks", "ListClusters"}[s.random.IntN(2)]}, 1+s.random.IntN(2))
		},
		"Deny":   func(s *soak, m match) func() { return s.sim.Deny(m) },
		"Expire": func(s *soak, m match) func() { return s.sim.Expire(m) },
		"Delay": func(s *soak, m match) func() {
			return s.sim.Delay(m, time.Duration(s.random.IntN(2000))*time.Millisecond)
		},
		"Hang": func(s *soak, m match) func() { return s.sim.Hang(m) },
		"SetQuotas": func(s *soak, _ match) func() {
			small := awssim.DocumentedQuotas()
			for category := range small {
				small[category] = awssim.Quota{Burst: 1, Refill: 2}
			}
			s.sim.SetQuotas(small)
			return func() { s.sim.SetQuotas(awssim.NoQuotas()) }
		},
		"Skew": func(s *soak, _ match) func() {
			s.sim.Skew([]time.Duration{4 * time.Minute, -4 * time.Minute, time.Hour, -time.Hour}[s.random.IntN(4)])
			return func() { s.sim.Skew(0) }
		},
	}
}

// faultsOfTasks arm a fault of one task. What describes tasks describes those
// that a listing omits.
func faultsOfTasks() map[string]func(*soak, *awssim.Place, string) error {
	omitted := func(arm func(*soak, *awssim.Place, string) error) func(*soak, *awssim.Place, string) error {
		return func(s *soak, p *awssim.Place, task string) error {
			_ = p.OmitFromNextListing(task) // where it is gone, arm says so
			return arm(s, p, task)
		}
	}
	return map[string]func(*soak, *awssim.Place, string) error{
		"OmitFromNextListing":  omitted(func(*soak, *awssim.Place, string) error { return nil }),
		"OmitFromNextDescribe": omitted(func(_ *soak, p *awssim.Place, task string) error { return p.OmitFromNextDescribe(task) }),
		"DescribeOlder":        omitted(func(_ *soak, p *awssim.Place, task string) error { return p.DescribeOlder(task) }),
		"FailOnce": omitted(func(s *soak, p *awssim.Place, task string) error {
			return p.FailOnce(task, []string{"", "ACCESS_DENIED", "INTERNAL", "missing"}[s.random.IntN(4)])
		}),
		"ListStopped": func(_ *soak, p *awssim.Place, task string) error {
			_ = p.ListStopped(task)
			return p.StopTask(task, "to be listed all the same")
		},
	}
}

// missNewTasks: of a task that has been known for over a minute the answer would
// be evidence. Those that are new now are not that old when the spell ends, and
// with it the fault.
func (s *soak) missNewTasks() bool {
	p, n := s.places[1], 0 // where listings are frequent
	for _, t := range s.alone[p] {
		if time.Since(t.started) < 10*time.Second {
			_ = p.OmitFromNextListing(t.arn)
			s.tolerate(p.MissingOnce(t.arn))
			n++
		}
	}
	return n > 0
}

// rubbish are messages that somebody may put into the queue.
func rubbish() []string {
	return []string{
		"", "not JSON", "{}", "[]", "null", `{"source": "aws.ecs", "detail-type": "ECS Task State Change"}`,
		`{"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {"taskArn": 7, "version": "high"}}`,
		`{"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {"state": "terminated"}}`,
		`{"source": "aws.ecs", "detail-type": "ECS Something New", "detail": {"clusterArn": "x", "new": [1, 2]}}`,
		strings.Repeat("x", 200_000),
	}
}

func faultsOfEvents() map[string]func(*soak) {
	return map[string]func(*soak){
		"DropNext":      func(s *soak) { s.sim.DropNext(s.few()) },
		"DuplicateNext": func(s *soak) { s.sim.DuplicateNext(s.few()) },
		"ReorderNext":   func(s *soak) { s.sim.ReorderNext(s.few()) },
		"HoldNext": func(s *soak) {
			s.sim.HoldNext(s.few())
			s.later(s.random.IntN(60), s.sim.ReleaseHeld)
		},
		"LateNext": func(s *soak) {
			for range s.few() {
				s.sim.LateNext(time.Duration(s.random.IntN(40)) * time.Minute)
			}
		},
		"SetEventDelay": func(s *soak) {
			s.sim.SetEventDelay(time.Duration(s.random.IntN(3000)) * time.Millisecond)
			s.later(s.random.IntN(60), func() { s.sim.SetEventDelay(soakEventDelay) })
		},
		"SendRaw": func(s *soak) {
			for _, body := range rubbish() {
				s.sim.SendRaw(body)
			}
		},
		"DeleteQueue": func(s *soak) {
			s.sim.DeleteQueue(soakQueue)
			s.later(s.random.IntN(60), func() { s.sim.SubscribeQueue(soakQueue) })
		},
	}
}

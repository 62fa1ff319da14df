package awssim

// reconcile starts and stops tasks as the service's scheduler would.
func (s *service) reconcile() {
	if s.Daemon {
		s.reconcileDaemon()
		return
	}
	fresh, stale := s.split()
	for len(fresh) > s.desired {
		fresh[len(fresh)-1].stop("Scaling activity initiated by deployment "+s.deployment, "ServiceSchedulerInitiated")
		fresh = fresh[:len(fresh)-1]
	}
	blocked := false
	for n := len(fresh); n < s.desired && !blocked; n++ {
		t := s.place.start(launch{cluster: s.cluster, service: s, def: s.def, kind: s.Launch, public: s.PublicIP, tags: s.TaskTags})
		if t == nil {
			blocked = true
			continue
		}
		fresh = append(fresh, t)
	}
	if blocked {
		s.await()
	}
	s.retire(fresh, stale, blocked)
}

// await has the service looked at again when a task frees its place.
func (s *service) await() {
	if !s.waiting {
		s.waiting = true
		s.cluster.blocked = append(s.cluster.blocked, s)
	}
}

// unblock has the services that found no place look again.
func (c *cluster) unblock() {
	for _, s := range c.blocked {
		s.waiting = false
		s.touch()
	}
	c.blocked = nil
}

// split divides the tasks that are meant to run into those that the current
// deployment wants and those that are to be replaced.
func (s *service) split() (fresh, stale []*task) {
	for _, t := range s.tasks.items {
		switch {
		case t.now.desired != statusRunning:
		case t.def == s.def && (t.instance == nil || t.instance.status == statusActive):
			fresh = append(fresh, t)
		default:
			stale = append(stale, t)
		}
	}
	return fresh, stale
}

// retire stops as many old tasks as new ones run. Where a new one finds no
// place, one old task of another revision makes room at a time.
func (s *service) retire(fresh, stale []*task, blocked bool) {
	running := 0
	for _, t := range fresh {
		if t.now.last == statusRunning {
			running++
		}
	}
	keep := max(0, s.desired-running)
	const reason = "Scaling activity initiated by deployment "
	for len(stale) > keep {
		stale[0].stop(reason+s.deployment, "ServiceSchedulerInitiated")
		stale = stale[1:]
	}
	if !blocked || s.stopping() {
		return
	}
	for _, t := range stale {
		if t.def != s.def {
			t.stop(reason+s.deployment, "ServiceSchedulerInitiated")
			return
		}
	}
}

// stopping says whether a task is about to stop and will free its ports.
func (s *service) stopping() bool {
	for _, t := range s.tasks.items {
		if t.now.desired == statusStopped && t.now.last != statusStopped {
			return true
		}
	}
	return false
}

// reconcileDaemon keeps one task on each active instance.
func (s *service) reconcileDaemon() {
	on := map[*instance]*task{}
	for _, t := range s.tasks.items {
		if t.now.last != statusStopped {
			on[t.instance] = t
		}
	}
	s.desired = 0
	s.await()
	for _, i := range s.cluster.sortedInstances() {
		t := on[i]
		wanted := i.Launch == s.Launch && i.status == statusActive && s.status == statusActive
		if wanted {
			s.desired++
		}
		switch {
		case t == nil && wanted && i.connected && i.fits(s.def):
			s.place.start(launch{cluster: s.cluster, service: s, def: s.def, kind: s.Launch, tags: s.TaskTags, on: i})
		case t != nil && (!wanted || t.def != s.def):
			t.stop("Scaling activity initiated by deployment "+s.deployment, "ServiceSchedulerInitiated")
		}
	}
}

// pick chooses the instance for a task: of those that have its ports free, the
// one with the fewest tasks, the oldest if equal. Nil means that none has room.
func (c *cluster) pick(kind string, def *revision) *instance {
	var best *instance
	for _, i := range c.instances {
		if i.Launch != kind || i.status != statusActive || !i.connected || !i.fits(def) {
			continue
		}
		if kind == LaunchManaged && i.load >= managedCapacity {
			continue
		}
		if best == nil || i.load < best.load || (i.load == best.load && i.seq < best.seq) {
			best = i
		}
	}
	if best == nil && kind == LaunchManaged {
		return c.addInstance(Instance{Launch: LaunchManaged, Type: "c7g.xlarge"})
	}
	return best
}

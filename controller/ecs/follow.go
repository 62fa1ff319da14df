package ecs

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ecs-scrape/reconcile/inventory"
)

const (
	// gather is how long follow-ups wait for more events, to ask in batches.
	gather = 100 * time.Millisecond
	// lookEvery is how often all scopes are looked at, for what the store comes to
	// want with time.
	lookEvery = 5 * time.Second
	// lasting is how many failures in a row are worth a word in the status, and
	// stuckAfter how long nothing of a scope may get through before it is stale.
	lasting    = 3
	stuckAfter = time.Minute
	// extraAge and maxExtra bound what events have asked for beyond what the store
	// wants; the next listing tells of it, too.
	extraAge = resyncEvery
	maxExtra = 1000
)

// following is what events of a source leave open.
type following struct {
	told chan struct{}

	mu       sync.Mutex
	looked   time.Time // at all scopes
	clusters map[string]*pending
	strange  map[string]*stranger
	held     int             // events, of all strangers
	absent   map[string]bool // instances whose agent is not connected
}

// pending is what is asked for in one cluster.
type pending struct {
	due, busy bool
	tasks     extra              // to describe, beyond what the store wants
	machines  extra              // container instances, likewise
	asked     map[string]*putOff // what the store still wants, by name
	stuck     time.Time          // nothing has got through since
	remarked  bool
}

// extra are names to ask for, and since when.
type extra map[string]time.Time

func (x extra) add(name string, now time.Time) {
	if _, ok := x[name]; ok || len(x) < maxExtra {
		x[name] = now
	}
}

// putOff is something that was asked for, and may be asked for again later.
type putOff struct {
	*retrying
	err error
}

func newFollowing() *following {
	return &following{
		told: make(chan struct{}, 1), clusters: map[string]*pending{},
		strange: map[string]*stranger{}, absent: map[string]bool{},
	}
}

// of is what is open in a cluster; the caller holds the lock.
func (f *following) of(cluster string) *pending {
	p, ok := f.clusters[cluster]
	if !ok {
		p = &pending{tasks: extra{}, machines: extra{}, asked: map[string]*putOff{}}
		f.clusters[cluster] = p
	}
	return p
}

// hear says that events of the scope have been applied.
func (s *source) hear(scope inventory.Scope) { s.ask(scope, func(*pending) {}) }

// hearOdd has a task described whose event cannot be taken as it is. The store
// wants that itself where the event tells a version that is new to it.
func (s *source) hearOdd(e inventory.Event) {
	s.ask(e.Task.Scope, func(p *pending) {
		if e.Task.Version <= 0 {
			p.tasks.add(e.Task.ARN, s.w.now())
		}
	})
}

// hearInstance has a container instance that is in use asked for again where
// its address may have changed. Most of its events tell of placements.
func (s *source) hearInstance(n notice) {
	known := s.w.store.Machine(n.instance.ARN)
	if known == nil {
		return // the first task that needs it asks
	}
	s.follow.mu.Lock()
	returned := s.follow.absent[n.instance.ARN] && n.instance.AgentConnected
	delete(s.follow.absent, n.instance.ARN)
	if !n.instance.AgentConnected {
		s.follow.absent[n.instance.ARN] = true
	}
	s.follow.mu.Unlock()
	if returned || n.instance.MachineID != "" && n.instance.MachineID != known.MachineID {
		s.ask(n.scope, func(p *pending) { p.machines.add(n.instance.ARN, s.w.now()) })
	}
}

func (s *source) ask(scope inventory.Scope, what func(*pending)) {
	s.follow.mu.Lock()
	p := s.follow.of(scope.Cluster)
	p.due = true
	what(p)
	s.follow.mu.Unlock()
	signal(s.follow.told)
}

// followUp asks for what events leave open until ctx ends. It waits for no
// poll, and its calls go before a poll's.
func (s *source) followUp(ctx context.Context, _ *worker) {
	ctx = withUrgency(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	for {
		timer := time.NewTimer(s.followPause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.follow.told:
			timer.Stop()
		case <-timer.C:
		}
		if !sleep(ctx, gather) {
			return
		}
		if !s.connected() {
			continue
		}
		if names := s.strangers(); len(names) > 0 {
			group.Go(func() { s.meet(ctx, names) })
		}
		for _, scope := range s.takeDue() {
			group.Go(func() {
				s.followScope(ctx, scope)
				s.release(scope)
			})
		}
	}
}

// followPause is the time until something that was put off is due.
func (s *source) followPause() time.Duration {
	if !s.connected() {
		return lookEvery
	}
	now, discovered := s.w.now(), s.discovered()
	s.follow.mu.Lock()
	defer s.follow.mu.Unlock()
	pause := lookEvery
	for _, p := range s.follow.clusters {
		for _, o := range p.asked {
			if !p.busy {
				pause = min(pause, o.at.Sub(now))
			}
		}
	}
	for _, one := range s.follow.strange {
		if discovered && !one.busy && len(one.events) > 0 {
			pause = min(pause, one.notBefore.Sub(now))
		}
	}
	return max(0, pause)
}

// takeDue are the scopes to look at now: those told of, and now and then all
// that events tell of, for what the store comes to want with time.
func (s *source) takeDue() []inventory.Scope {
	now := s.w.now()
	var all []inventory.Scope
	if s.fed() {
		all = s.known()
	}
	f := s.follow
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.looked) >= lookEvery {
		f.looked = now
		maps.DeleteFunc(f.absent, func(arn string, _ bool) bool { return s.w.store.Machine(arn) == nil })
		maps.DeleteFunc(f.clusters, func(name string, p *pending) bool { return !p.busy && !s.w.store.Knows(s.scope(name)) })
		for _, scope := range all {
			f.of(scope.Cluster).due = true
		}
	}
	var out []inventory.Scope
	for _, cluster := range slices.Sorted(maps.Keys(f.clusters)) {
		p := f.clusters[cluster]
		for _, o := range p.asked {
			p.due = p.due || !now.Before(o.at)
		}
		if p.due && !p.busy {
			p.due, p.busy = false, true
			out = append(out, s.scope(cluster))
		}
	}
	return out
}

func (s *source) release(scope inventory.Scope) {
	s.follow.mu.Lock()
	p := s.follow.of(scope.Cluster)
	p.busy = false
	again := p.due
	s.follow.mu.Unlock()
	if again {
		signal(s.follow.told)
	}
}

// followScope asks for what is open until nothing is, or the rest has to wait:
// tasks name definitions, and these tell which instances are needed.
func (s *source) followScope(ctx context.Context, scope inventory.Scope) {
	for range 4 {
		open := s.open(scope)
		if open.Empty() {
			break
		}
		s.askFor(ctx, scope, open)
		if ctx.Err() != nil {
			return
		}
	}
	s.remark(scope)
}

// open is what the store wants of the scope, without what has to wait.
func (s *source) open(scope inventory.Scope) inventory.Wanting {
	now := s.w.now()
	out := s.w.store.Wanting(scope, now)
	s.follow.mu.Lock()
	defer s.follow.mu.Unlock()
	p := s.follow.of(scope.Cluster)
	for _, x := range []extra{p.tasks, p.machines} {
		maps.DeleteFunc(x, func(_ string, since time.Time) bool { return now.Sub(since) >= extraAge })
	}
	out.Tasks = joined(out.Tasks, p.tasks)
	out.Instances = joined(out.Instances, p.machines)
	wanted := map[string]bool{}
	for _, names := range []*[]string{&out.Tasks, &out.Definitions, &out.Instances, &out.Services, &out.Interfaces} {
		*names = slices.DeleteFunc(slices.Clone(*names), func(name string) bool {
			wanted[name] = true
			o := p.asked[name]
			return o != nil && now.Before(o.at)
		})
	}
	maps.DeleteFunc(p.asked, func(name string, _ *putOff) bool { return !wanted[name] })
	return out
}

// askFor asks for everything at once; what one answer lacks concerns nothing
// else.
func (s *source) askFor(ctx context.Context, scope inventory.Scope, open inventory.Wanting) {
	var group errgroup.Group
	group.SetLimit(inFlight)
	tally := &tally{}
	ask := func(names []string, size int, do func(context.Context, inventory.Scope, []string) error) {
		fresh, failed := s.split(scope, names)
		for batch := range batches(size, fresh, failed) {
			group.Go(func() error {
				err := do(ctx, scope, batch)
				s.settleAsked(ctx, scope, batch, err)
				tally.add(err)
				s.w.notify()
				return nil
			})
		}
	}
	ask(open.Tasks, inventory.DescribeBatch, s.askTasks)
	ask(open.Definitions, 1, s.askDefinitions)
	ask(open.Instances, instanceBatch, s.askInstances)
	if s.mayAsk(part{scope.Cluster, inventory.FactServices}) {
		ask(open.Services, inventory.ServiceBatch, s.askServices)
	}
	if s.mayAsk(part{scope.Cluster, inventory.FactInterfaces}) {
		ask(open.Interfaces, inventory.InterfaceBatch, s.askInterfaces)
	}
	_ = group.Wait() // its functions return nil
	s.judgeFollowing(ctx, scope, tally)
}

func (s *source) askTasks(ctx context.Context, scope inventory.Scope, arns []string) error {
	_, err := s.describeBatch(ctx, scope, arns)
	return err
}

func (s *source) askDefinitions(ctx context.Context, _ inventory.Scope, arns []string) error {
	return s.definition(ctx, arns[0])
}

func (s *source) askInstances(ctx context.Context, scope inventory.Scope, arns []string) error {
	found, err := s.containerInstances(ctx, scope, arns)
	if err != nil {
		return err
	}
	return s.addMachines(ctx, found)
}

func (s *source) askServices(ctx context.Context, scope inventory.Scope, names []string) error {
	return s.told(ctx, part{scope.Cluster, inventory.FactServices}, s.describeServices(ctx, scope, names))
}

func (s *source) askInterfaces(ctx context.Context, scope inventory.Scope, ids []string) error {
	return s.told(ctx, part{scope.Cluster, inventory.FactInterfaces}, s.describeInterfaces(ctx, scope, ids))
}

// told keeps why an optional fact could not be asked for, as a poll does, which
// will ask again.
func (s *source) told(ctx context.Context, p part, err error) error {
	if err != nil {
		s.settlePart(ctx, p, err)
		signal(s.wake)
	}
	return err
}

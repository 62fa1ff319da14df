package awssim

import (
	"net/netip"
	"time"
)

// stoppedFor is how long ECS still describes a task that has stopped.
const stoppedFor = time.Hour

// Place is one account in one region: its clusters, instances and queues. Its
// methods are the verbs by which a test or a demonstration changes it.
type Place struct {
	sim   *Sim
	scope Scope
	index int // in order of coming into being; decides its address block

	clusters    map[string]*cluster
	families    map[string][]*revision
	tasks       map[string]*task // by id, stopped ones included
	instances   map[string]*instance
	interfaces  map[string]*task // by eni id
	queues      map[string]*queue
	subscribers []*queue
	stopped     []*task // in order of stopping, to be forgotten after stoppedFor
	dirty       []*service
	seq         int64

	network  network
	listing  listingFaults
	eventing eventFaults
}

func newPlace(s *Sim, scope Scope, index int) *Place {
	return &Place{
		sim:        s,
		scope:      scope,
		index:      index,
		clusters:   map[string]*cluster{},
		families:   map[string][]*revision{},
		tasks:      map[string]*task{},
		instances:  map[string]*instance{},
		interfaces: map[string]*task{},
		queues:     map[string]*queue{},
		network:    newNetwork(s, index),
		listing:    newListingFaults(),
	}
}

// Scope says which account and region this is.
func (p *Place) Scope() Scope { return p.scope }

// VPC is the identifier of the place's only VPC.
func (p *Place) VPC() string { return p.network.vpc }

// NextAddress makes the next awsvpc task or instance of this place take the
// given private address, even one that is in use. Called repeatedly, the
// addresses are taken in turn. A task on Fargate is then in the zone and subnet
// that the address belongs to. An IPv6 address gives an awsvpc task an
// interface with that address only.
func (p *Place) NextAddress(address netip.Addr) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.network.forced = append(p.network.forced, address)
}

// NextHostPort makes the next dynamic host port of a bridge task of this place
// the given one, as soon as one starts on a machine that has it free.
func (p *Place) NextHostPort(port int) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.network.forcedPorts = append(p.network.forcedPorts, port)
}

// change runs f under the lock and lets services react to what it did.
func (p *Place) change(f func() error) error {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.forgetStopped()
	err := f()
	p.settle()
	return err
}

// now is the time by AWS's clock, by which tasks and events are dated.
func (p *Place) now() time.Time { return p.sim.opts.Now().Add(p.sim.skew) }

func (p *Place) nextSeq() int64 {
	p.seq++
	return p.seq
}

func (p *Place) arn(resource string) string {
	return "arn:aws:ecs:" + p.scope.Region + ":" + p.scope.Account + ":" + resource
}

// forgetStopped drops tasks that stopped over an hour ago, which no skew of AWS's
// clock changes.
func (p *Place) forgetStopped() {
	limit := p.sim.opts.Now().Add(-stoppedFor)
	n := 0
	for ; n < len(p.stopped) && p.stopped[n].ended.Before(limit); n++ {
		p.stopped[n].forget()
	}
	p.stopped = p.stopped[n:]
}

// settle lets every service that something happened to start and stop tasks
// until none has anything left to do. Tasks that start at once make their
// service dirty again, which is why this is a loop and not a recursion.
func (p *Place) settle() {
	for len(p.dirty) > 0 {
		s := p.dirty[0]
		p.dirty = p.dirty[1:]
		s.dirty = false
		s.reconcile()
	}
}

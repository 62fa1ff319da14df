package awssim

import (
	"net/netip"
	"slices"
	"time"
)

const (
	statusPending = "PENDING"
	statusRunning = "RUNNING"
	statusStopped = "STOPPED"

	healthUnknown = "UNKNOWN"
	healthHealthy = "HEALTHY"
)

// task is what never changes about a task, and its two last states.
type task struct {
	seq        int64
	id         string
	arn        string
	place      *Place
	cluster    *cluster
	service    *service // nil for a standalone task
	def        *revision
	group      string
	startedBy  string
	launch     string
	instance   *instance // nil on Fargate
	zone       string
	subnet     string
	address    netip.Addr // its own, in awsvpc mode
	public     netip.Addr
	eni        string
	attachment string
	mac        string
	overrides  map[string]map[string]string // container, name, value
	tags       map[string]string
	containers []taskContainer // in the order of now.containers
	ports      []boundPort
	created    time.Time
	ended      time.Time // when it stopped, whatever AWS's clock said

	now     taskState
	older   taskState // before the last rise of the version
	listens []*endpoint
}

// taskContainer is a container of a task.
type taskContainer struct {
	Container
	arn       string
	runtimeID string
	extra     bool
}

// boundPort is a port mapping of a bridge task with its host ports.
type boundPort struct {
	container int // index
	mapping   Port
	first     int // container port
	host      int
	n         int
}

// taskState is what changes.
type taskState struct {
	version    int64
	last       string
	desired    string
	health     string
	reason     string
	code       string
	startedAt  time.Time
	stoppingAt time.Time
	stoppedAt  time.Time
	containers []containerState
}

type containerState struct {
	status string
	health string
	exit   *int
}

// step begins a new version of the state.
func (t *task) step() {
	t.older = t.now
	t.now.version++
	t.now.containers = slices.Clone(t.now.containers)
}

// changed emits the new version and has the service look at it.
func (t *task) changed() {
	t.emit()
	if t.service != nil {
		t.service.touch()
	}
}

// run makes a pending task run.
func (t *task) run() {
	if t.now.last != statusPending || t.now.desired != statusRunning {
		return
	}
	t.step()
	t.now.last = statusRunning
	t.now.startedAt = t.place.now()
	for i := range t.now.containers {
		c := &t.now.containers[i]
		c.status = statusRunning
		if t.containers[i].HealthCheck {
			c.health = healthHealthy
			t.now.health = healthHealthy
		}
	}
	t.listen()
	t.changed()
}

// stop asks a task to stop; it stops when the stop delay has passed.
func (t *task) stop(reason, code string) {
	if t.now.desired == statusStopped {
		return
	}
	t.step()
	t.now.desired = statusStopped
	t.now.stoppingAt = t.place.now()
	t.now.reason = reason
	t.now.code = code
	t.changed()
	t.place.later(t.place.sim.opts.StopDelay, t.finish)
}

// stopNow stops a task without a delay.
func (t *task) stopNow(reason, code string) {
	if t.now.desired == statusRunning {
		t.step()
		t.now.desired = statusStopped
		t.now.stoppingAt = t.place.now()
		t.now.reason = reason
		t.now.code = code
	}
	t.finish()
}

// finish makes a task STOPPED and frees what it held.
func (t *task) finish() {
	if t.now.last == statusStopped {
		return
	}
	t.step()
	t.now.last = statusStopped
	t.now.stoppedAt = t.place.now()
	t.ended = t.place.sim.opts.Now()
	for i := range t.now.containers {
		c := &t.now.containers[i]
		c.status = statusStopped
		if c.exit == nil {
			c.exit = new(int)
		}
	}
	t.unlisten()
	t.release()
	t.place.stopped = append(t.place.stopped, t)
	t.cluster.unblock()
	t.changed()
	if t.instance != nil {
		t.instance.changed()
	}
}

func (t *task) release() {
	if t.address.IsValid() {
		t.place.network.free(t.address)
		delete(t.place.interfaces, t.eni)
	}
	if t.instance == nil {
		return
	}
	t.instance.load--
	for _, b := range t.ports {
		for port := b.host; port < b.host+b.n; port++ {
			delete(t.instance.ports, port)
		}
	}
}

// forget ends the hour in which a stopped task is described.
func (t *task) forget() {
	delete(t.place.tasks, t.id)
	t.cluster.unindex(t)
	t.place.listing.forget(t)
}

// later runs f under the lock after d, at once if d is zero.
func (p *Place) later(d time.Duration, f func()) {
	if d <= 0 {
		f()
		return
	}
	p.sim.clock.after(d, func() {
		_ = p.change(func() error {
			f()
			return nil
		})
	})
}

// hostAddress is the address at which a container's host ports are reached.
func (t *task) hostAddress() netip.Addr {
	if t.instance != nil && t.def.NetworkMode != ModeAWSVPC {
		return t.instance.address
	}
	return t.address
}

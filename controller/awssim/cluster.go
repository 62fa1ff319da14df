package awssim

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

const (
	statusActive   = "ACTIVE"
	statusInactive = "INACTIVE"
	statusDraining = "DRAINING"
)

// cluster holds its tasks by the keys that ListTasks filters by.
type cluster struct {
	name      string
	arn       string
	status    string
	place     *Place
	tags      map[string]string
	services  map[string]*service
	instances map[string]*instance // by the id of the container instance
	blocked   []*service           // waiting for room
	tasks     taskList
	byFamily  map[string]*taskList
	byGroup   map[string]*taskList
}

// CreateCluster creates a cluster, if there is none of that name, and answers
// its ARN.
func (p *Place) CreateCluster(name string, tags map[string]string) (arn string) {
	_ = p.change(func() error {
		if c, ok := p.clusters[name]; ok && c.status == statusActive {
			arn = c.arn
			return nil
		}
		arn = p.arn("cluster/" + name)
		p.clusters[name] = &cluster{
			name: name, arn: arn, status: statusActive, place: p, tags: maps.Clone(tags),
			services: map[string]*service{}, instances: map[string]*instance{},
			byFamily: map[string]*taskList{}, byGroup: map[string]*taskList{},
		}
		return nil
	})
	return arn
}

// DeleteCluster ends the cluster's services, tasks and instances, and leaves it
// INACTIVE, as ECS describes it for a while.
func (p *Place) DeleteCluster(name string) error {
	return p.change(func() error {
		c, err := p.activeCluster(name)
		if err != nil {
			return err
		}
		for _, s := range c.sortedServices() {
			s.desired = 0
			s.status = statusInactive
		}
		for _, t := range slices.Clone(c.tasks.items) {
			t.stop("Cluster deleted", "UserInitiated")
		}
		for _, i := range c.sortedInstances() {
			i.deregister()
		}
		c.status = statusInactive
		return nil
	})
}

// ForgetCluster makes ECS answer MISSING for a cluster that DeleteCluster has
// left INACTIVE.
func (p *Place) ForgetCluster(name string) {
	_ = p.change(func() error {
		if c, ok := p.findCluster(name); ok && c.status == statusInactive {
			delete(p.clusters, c.name)
		}
		return nil
	})
}

// findCluster finds a cluster by name or ARN; the empty name means "default".
func (p *Place) findCluster(name string) (*cluster, bool) {
	name = clusterName(name)
	c, ok := p.clusters[name]
	return c, ok
}

func (p *Place) activeCluster(name string) (*cluster, error) {
	c, ok := p.findCluster(name)
	if !ok || c.status != statusActive {
		return nil, clusterNotFound()
	}
	return c, nil
}

// clusterName is the name in a name or ARN of a cluster.
func clusterName(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	return cmp.Or(name, "default")
}

func (c *cluster) sortedServices() []*service {
	out := make([]*service, 0, len(c.services))
	for _, name := range slices.Sorted(maps.Keys(c.services)) {
		out = append(out, c.services[name])
	}
	return out
}

func (c *cluster) sortedInstances() []*instance {
	out := slices.Collect(maps.Values(c.instances))
	slices.SortFunc(out, func(a, b *instance) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// index adds a task to every list that it belongs to.
func (c *cluster) index(t *task) {
	for _, list := range c.lists(t) {
		list.add(t)
	}
}

func (c *cluster) unindex(t *task) {
	for _, list := range c.lists(t) {
		list.remove(t)
	}
}

func (c *cluster) lists(t *task) []*taskList {
	lists := []*taskList{&c.tasks, listOf(c.byFamily, t.def.Family), listOf(c.byGroup, t.group)}
	if t.instance != nil {
		lists = append(lists, &t.instance.tasks)
	}
	if t.service != nil {
		lists = append(lists, &t.service.tasks)
	}
	return lists
}

func listOf(lists map[string]*taskList, key string) *taskList {
	list, ok := lists[key]
	if !ok {
		list = &taskList{}
		lists[key] = list
	}
	return list
}

// taskList holds tasks in order of creation.
type taskList struct{ items []*task }

func (l *taskList) add(t *task) { l.items = append(l.items, t) }

func (l *taskList) remove(t *task) {
	if i, ok := l.find(t.seq); ok {
		l.items = slices.Delete(l.items, i, i+1)
	}
}

// after answers the tasks created after the one numbered seq.
func (l *taskList) after(seq int64) []*task {
	i, ok := l.find(seq)
	if ok {
		i++
	}
	return l.items[i:]
}

func (l *taskList) find(seq int64) (int, bool) {
	return slices.BinarySearchFunc(l.items, seq, func(t *task, seq int64) int { return cmp.Compare(t.seq, seq) })
}

// count counts tasks by last status.
func (l *taskList) count() (running, pending int) {
	for _, t := range l.items {
		switch t.now.last {
		case statusRunning:
			running++
		case statusPending:
			pending++
		}
	}
	return running, pending
}

// activeClusters lists the clusters that are ACTIVE, by name.
func (p *Place) activeClusters() []*cluster {
	var out []*cluster
	for _, name := range slices.Sorted(maps.Keys(p.clusters)) {
		if c := p.clusters[name]; c.status == statusActive {
			out = append(out, c)
		}
	}
	return out
}

package plan

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

var (
	staging = inventory.Scope{Account: prod.Account, Region: prod.Region, Cluster: "stage"}
	abroad  = inventory.Scope{Account: "444455556666", Region: "eu-west-1", Cluster: "prod"}
	allFact = inventory.Facts{
		Environment: []string{"PROMETHEUS", "STAGE"}, TaskTags: true, Services: true, ClusterTags: true, Instances: true, Interfaces: true,
	}
)

func (f *fate) begin() {
	f.w = world{inventory.Snapshot{
		Sources: []inventory.SourceStatus{
			{Source: inventory.Source{Region: prod.Region}, Account: prod.Account, Region: prod.Region, Listed: true},
			{Source: inventory.Source{Region: abroad.Region}, Account: abroad.Account, Region: abroad.Region, Listed: true},
		},
		Definitions: map[string]*inventory.Definition{}, Instances: map[string]*inventory.Instance{},
		Services: map[string]*inventory.Service{}, Clusters: map[string]*inventory.Cluster{},
	}}
	for _, scope := range []inventory.Scope{prod, staging, abroad} {
		f.w.Scopes = append(f.w.Scopes, inventory.ScopeStatus{Scope: scope, State: inventory.Synced, Facts: allFact})
		f.w.Clusters[scope.String()] = &inventory.Cluster{Tags: map[string]string{"zone": scope.Cluster}}
	}
	for _, name := range families {
		f.define(name)
		f.machine()
		f.serve()
	}
	tasks := 3 + f.r.IntN(12)
	if f.large {
		tasks += 40
	}
	for range tasks {
		f.add()
	}
	f.in = pick(f.r, f.inputs)
}

// snapshot is a copy, sorted as the store does it, but for a few.
func (f *fate) snapshot() *inventory.Snapshot {
	s := f.w.Snapshot
	s.Sources, s.Scopes = slices.Clone(s.Sources), slices.Clone(s.Scopes)
	s.Definitions, s.Instances = maps.Clone(s.Definitions), maps.Clone(s.Instances)
	s.Services, s.Clusters = maps.Clone(s.Services), maps.Clone(s.Clusters)
	s.Tasks = slices.SortedFunc(slices.Values(s.Tasks), compareTasks)
	if f.oneIn(20) {
		f.r.Shuffle(len(s.Tasks), func(i, j int) { s.Tasks[i], s.Tasks[j] = s.Tasks[j], s.Tasks[i] })
	}
	return &s
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func (f *fate) oneIn(n int) bool { return f.r.IntN(n) == 0 }

var families = []string{"api", "web", "batch", "node"}

// define makes one definition another, or anew.
func (f *fate) define(name string) {
	app := container("app", port("metrics", 9090))
	if f.oneIn(3) {
		app.Ports = []inventory.PortMapping{port("http", 8080)}
	}
	if f.oneIn(2) {
		app.DockerLabels = map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": pick(f.r, []string{"9090", "8080", "odd"})}
	}
	if f.oneIn(2) {
		app.Environment = map[string]string{"STAGE": pick(f.r, []string{"9090", "metrics", "no port"})}
	}
	containers := []inventory.ContainerDefinition{app}
	if f.oneIn(2) {
		containers = append(containers, container("proxy", port("admin", 9901)))
	}
	modes := []string{"awsvpc", "awsvpc", "bridge", "host", ""}
	if f.calm {
		modes = modes[:1]
	}
	f.w.define(name, pick(f.r, modes), containers...)
}

func (f *fate) machine() {
	name := "ci-" + strconv.Itoa(f.r.IntN(3))
	f.w.Instances[name] = &inventory.Instance{
		ARN: name, MachineID: "i-" + name, Type: pick(f.r, []string{"m5", "c7"}), IPv4: netip.AddrFrom4([4]byte{10, 1, 0, byte(f.r.IntN(3))}),
	}
}

func (f *fate) serve() {
	scope, name := pick(f.r, f.w.Scopes).Scope, pick(f.r, families)
	f.w.Services[scope.String()+"/"+name] = &inventory.Service{Name: name, Status: "ACTIVE", Tags: map[string]string{"team": pick(f.r, []string{"a", "b"})}}
}

// add runs a task; its id and its address may have been another's, or be one's.
func (f *fate) add() {
	scope := pick(f.r, []inventory.Scope{prod, prod, staging, abroad})
	t := &inventory.Task{
		ARN:   "arn:aws:ecs:" + scope.Region + ":" + scope.Account + ":task/" + scope.Cluster + "/" + strconv.Itoa(f.r.IntN(60)),
		Scope: scope,
	}
	if slices.ContainsFunc(f.w.Tasks, func(o *inventory.Task) bool { return o.ARN == t.ARN }) {
		return
	}
	f.fill(t)
	f.w.Tasks = append(f.w.Tasks, t)
}

// fill gives a task everything but its name.
func (f *fate) fill(t *inventory.Task) {
	name := pick(f.r, families)
	t.Definition = "arn:aws:ecs:us-east-1:111122223333:task-definition/" + name + ":1"
	t.LastStatus, t.DesiredStatus = inventory.StatusRunning, inventory.StatusRunning
	t.LaunchType, t.AvailabilityZone, t.StartedAt = "FARGATE", "us-east-1a", time.Unix(int64(1000+f.r.IntN(4)), 0)
	t.Group = pick(f.r, []string{"service:" + name, "service:" + name, "family:" + name})
	t.HealthStatus = pick(f.r, []string{"", "HEALTHY", "UNHEALTHY"})
	if f.oneIn(8) {
		t.DesiredStatus = inventory.StatusStopped
	}
	if f.oneIn(2) {
		t.Tags = map[string]string{"env": pick(f.r, []string{"prod", "test"})}
	}
	t.Containers = []inventory.Container{{Name: "app", LastStatus: inventory.StatusRunning}, {Name: "proxy", LastStatus: pick(f.r, []string{inventory.StatusRunning, "PENDING"})}}
	address := netip.AddrFrom4([4]byte{10, 0, 0, byte(f.r.IntN(16))})
	switch k := f.r.IntN(4); {
	case k == 0 && !f.calm: // not known
	case k == 1:
		t.Interface = &inventory.Interface{SubnetID: "subnet-1", IPv4: address}
	default:
		at(address.String())(t)
	}
	if f.oneIn(2) {
		t.Instance = "ci-" + strconv.Itoa(f.r.IntN(4))
		t.Containers[0].Bindings = []inventory.PortBinding{bind(9090, 32768+uint16(f.r.IntN(4)))} //nolint:gosec // small
	}
	if f.oneIn(4) {
		t.Environment = map[string]map[string]string{"app": {"STAGE": pick(f.r, []string{"9090", "8080"})}}
	}
}

// change has one thing happen, or a few, and tells what.
func (f *fate) change() string {
	for range f.r.IntN(3) {
		f.happen()
	}
	return f.happen()
}

func (f *fate) happen() string {
	e := pick(f.r, events)
	e.happens(f)
	return e.what
}

// event is one thing that may happen.
type event struct {
	what    string
	happens func(*fate)
}

// events are in the list as often as they are likely.
var events = slices.Concat(
	slices.Repeat([]event{{"a new task", (*fate).add}, {"another version of a task", (*fate).turn}}, 5),
	slices.Repeat([]event{
		{"a task less", (*fate).drop},
		{"a definition", func(f *fate) { f.define(pick(f.r, families)) }},
		{"a scope", (*fate).trust},
		{"publication", (*fate).publish},
	}, 3),
	[]event{
		{"definitions less", (*fate).forget},
		{"an instance", (*fate).machine},
		{"no instances", func(f *fate) { clear(f.w.Instances) }},
		{"a service", (*fate).serve},
		{"a cluster", func(f *fate) {
			scope := pick(f.r, f.w.Scopes).Scope
			f.w.Clusters[scope.String()] = &inventory.Cluster{Tags: map[string]string{"zone": pick(f.r, families)}}
		}},
		{"a source", func(f *fate) { f.w.Sources[f.r.IntN(2)].Listed = f.oneIn(2) }},
		{"specs", func(f *fate) {
			live := f.in.Live
			f.in = pick(f.r, f.inputs)
			f.in.Live = live
		}},
		{"nothing", func(*fate) {}},
	},
)

// turn makes another version of a task, half of the time of the same values.
func (f *fate) turn() {
	if len(f.w.Tasks) == 0 {
		return
	}
	i := f.r.IntN(len(f.w.Tasks))
	next := *f.w.Tasks[i]
	if f.oneIn(2) {
		f.fill(&next)
	}
	f.w.Tasks = slices.Clone(f.w.Tasks)
	f.w.Tasks[i] = &next
}

func (f *fate) drop() {
	if len(f.w.Tasks) > 0 {
		i := f.r.IntN(len(f.w.Tasks))
		f.w.Tasks = slices.Delete(slices.Clone(f.w.Tasks), i, i+1)
	}
}

// forget leaves some definitions out.
func (f *fate) forget() {
	for _, arn := range slices.Sorted(maps.Keys(f.w.Definitions)) {
		if !f.calm && f.oneIn(2) {
			delete(f.w.Definitions, arn)
		}
	}
}

// trust changes what is known of a scope.
func (f *fate) trust() {
	st := &f.w.Scopes[f.r.IntN(len(f.w.Scopes))]
	st.State = pick(f.r, []inventory.State{inventory.Synced, inventory.Synced, inventory.Stale, inventory.Unsynced, inventory.Gone})
	if f.calm {
		st.State = inventory.Synced
	}
	st.Facts, st.Lacking, st.Restored = allFact, nil, time.Time{}
	if st.State == inventory.Stale && f.oneIn(2) {
		st.Restored = time.Unix(500, 0)
	}
	switch f.r.IntN(4) {
	case 0:
		st.Facts = inventory.Facts{Environment: allFact.Environment}
	case 1:
		st.Facts = inventory.Facts{Environment: allFact.Environment, TaskTags: true}
		st.Lacking = map[string]string{"services": pick(f.r, []string{"denied", "denied again"})}
	}
}

// publish makes an earlier plan live, as a whole or in part, with or without the
// records of where its targets are from.
func (f *fate) publish() {
	if len(f.seen) == 0 {
		return
	}
	live, nothing := slices.Clone(f.seen[max(0, len(f.seen)-1-f.r.IntN(4))]), f.oneIn(4)
	for i := range live {
		switch k := f.r.IntN(8); {
		case k == 0 || nothing:
			live[i].Targets = nil
		case k == 1:
			live[i].Targets = slices.Clone(live[i].Targets)
			for k := range live[i].Targets {
				live[i].Targets[k].Origin = artifact.Origin{}
			}
		}
	}
	f.in.Live = live
}

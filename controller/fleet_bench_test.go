package controller

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// The largest fleet that is promised: tasks of two containers, in services of 50.
const (
	fleetTasks   = 50_000
	fleetObjects = 200
	perService   = 50
)

// fleetSpecs are as a company may have them: three classes, most objects in the
// default one, one in ten with a pool of its own, one in ten with rules.
func fleetSpecs() map[string]string {
	files := map[string]string{"main.yaml": "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec:\n" +
		"  scrapeClasses: [{name: slow, scrapeConfig: {scrape_interval: 2m}}, {name: wide, scrapeConfig: {sample_limit: 50000}}]\n"}
	per := fleetTasks / perService / fleetObjects
	for i := range fleetObjects {
		names := make([]string, per)
		for k := range names {
			names[k] = serviceName(i*per + k)
		}
		text := fmt.Sprintf("apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: target-%03d}\nspec:\n"+
			"  selector: {services: [%s]}\n  endpoints: [{port: metrics}, {port: admin, path: /stats}]\n", i, strings.Join(names, ", "))
		switch i % 10 {
		case 1:
			text += "  scrapeConfig: {sample_limit: 20000}\n"
		case 2:
			text += "  scrapeClass: slow\n"
		case 3:
			text += "  scrapeClass: wide\n"
		case 4:
			text += "  relabelConfigs:\n  - {source_labels: [__meta_ecs_availability_zone], target_label: zone}\n  - {regex: ecs_container, action: labeldrop}\n"
		}
		files[fmt.Sprintf("target-%03d.yaml", i)] = text
	}
	return files
}

func serviceName(i int) string { return fmt.Sprintf("service-%04d", i) }

func definitionOf(service int) string {
	return "arn:aws:ecs:us-east-1:111111111111:task-definition/" + serviceName(service) + ":1"
}

func fleetTask(i, replaced int) *inventory.Task {
	n := i + replaced*fleetTasks
	addr := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
	t := &inventory.Task{
		ARN: fmt.Sprintf("arn:aws:ecs:us-east-1:111111111111:task/prod/%08x%024x", i*2654435761&0xffffffff, n), Scope: prod, Version: 3,
		LastStatus: inventory.StatusRunning, DesiredStatus: inventory.StatusRunning, LaunchType: inventory.LaunchFargate,
		Group: "service:" + serviceName(i/perService), Definition: definitionOf(i / perService),
		StartedBy: fmt.Sprintf("ecs-svc/%016d", i/perService), AvailabilityZone: "us-east-1" + string("abc"[i%3]), StartedAt: time.Unix(int64(1000+n), 0),
		Interface: &inventory.Interface{ID: fmt.Sprintf("eni-%017x", n), SubnetID: "subnet-0123456789abcdef0", IPv4: addr},
	}
	for k, name := range []string{"app", "proxy"} {
		t.Containers = append(t.Containers, inventory.Container{
			Name: name, ID: fmt.Sprintf("%032x", 2*n+k), RuntimeID: fmt.Sprintf("%032x-%010d", n, k), Image: "111111111111.dkr.ecr.us-east-1.amazonaws.com/" + name + ":1",
			LastStatus: inventory.StatusRunning, Addresses: []netip.Addr{addr},
		})
	}
	return t
}

func fleetSnapshot() *inventory.Snapshot {
	s := &inventory.Snapshot{
		Sources:     []inventory.SourceStatus{{Account: prod.Account, Region: prod.Region, Listed: true}},
		Scopes:      []inventory.ScopeStatus{{Scope: prod, State: inventory.Synced}},
		Definitions: map[string]*inventory.Definition{},
		Instances:   map[string]*inventory.Instance{},
	}
	for i := range fleetTasks / perService {
		arn := definitionOf(i)
		s.Definitions[arn] = &inventory.Definition{ARN: arn, NetworkMode: inventory.NetworkAWSVPC, Containers: []inventory.ContainerDefinition{
			{Name: "app", Essential: true, Ports: []inventory.PortMapping{{Name: "metrics", Container: inventory.PortRange{First: 9090, Last: 9090}, Protocol: "tcp"}}},
			{Name: "proxy", Ports: []inventory.PortMapping{{Name: "admin", Container: inventory.PortRange{First: 9901, Last: 9901}, Protocol: "tcp"}}},
		}}
	}
	for i := range fleetTasks {
		s.Tasks = append(s.Tasks, fleetTask(i, 0))
	}
	slices.SortFunc(s.Tasks, func(a, b *inventory.Task) int { return strings.Compare(a.ARN, b.ARN) })
	return s
}

// replace puts the task t in the place of the one with its address or, where none
// has it, of the one at i, as the store would: in a new snapshot.
func (a *account) replace(i, round int) {
	old := a.snapshot.Tasks[i]
	var n int
	_, _ = fmt.Sscanf(old.ID()[8:], "%x", &n)
	next := *a.snapshot
	next.Definitions = maps.Clone(next.Definitions)
	next.Tasks = slices.Delete(slices.Clone(next.Tasks), i, i+1)
	t := fleetTask(n%fleetTasks, round)
	at, _ := slices.BinarySearchFunc(next.Tasks, t, func(a, b *inventory.Task) int { return strings.Compare(a.ARN, b.ARN) })
	next.Tasks = slices.Insert(next.Tasks, at, t)
	a.snapshot = &next
}

// spent is the CPU time of this process.
func spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident are the bytes of memory in use, and the most that were.
func resident() (now, peak int64) {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			now = kib << 10
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			peak = kib << 10
		}
	}
	return now, peak
}

// fleet is a controller over the fleet and a real directory; time passes as it is
// told.
type fleet struct {
	b         *testing.B
	c         *Controller
	inventory *account
	now       time.Time
	path      string

	evaluated, published, surveyed time.Duration
}

func newFleet(b *testing.B) *fleet {
	b.Helper()
	path := b.TempDir()
	dir, err := target.Open(path, target.Options{})
	if err != nil {
		b.Fatal(err)
	}
	account := &account{snapshot: fleetSnapshot(), changed: make(chan struct{}, 1)}
	out := Directory{Directory: dir}
	rec := reconcile.New(&source{files: fleetSpecs()}, account, out, reconcile.Accepted{}, reconcile.Options{})
	options := Options{SpecsInterval: time.Hour, Log: slog.New(slog.DiscardHandler)}
	return &fleet{b: b, c: New(rec, account, out, nil, NewMetrics(prometheus.NewRegistry()), options), inventory: account, now: time.Now(), path: path}
}

// pass is one of the controller's, its parts measured.
func (f *fleet) pass() {
	f.now = f.now.Add(time.Second)
	start := spent()
	r := result{}
	r.pass, r.err = f.c.reconciler.Evaluate(f.b.Context())
	evaluated := spent()
	if r.err == nil {
		r.done, r.err = f.c.publish(r.pass, f.now)
	}
	published := spent()
	f.c.report(r)
	f.c.explained.Store(r.pass)
	f.c.last, f.c.unfinished = r.pass, !r.done.Due.IsZero()
	f.evaluated += evaluated - start
	f.published += published - evaluated
	f.surveyed += spent() - published
	if r.err != nil {
		f.b.Fatal(r.err)
	}
}

// BenchmarkFleet is the real loop at the largest promised size but for AWS and
// Prometheus: one task is replaced before each pass, and a pass runs each second.
// Its figures are CPU time, the collector's included.
func BenchmarkFleet(b *testing.B) {
	f := newFleet(b)
	f.pass()
	first := f.evaluated
	if n := artifact.Found(f.c.last.Plan.Bundle.Pools); n != 2*fleetTasks {
		b.Fatalf("%d targets, %v", n, f.c.last.Plan.Findings)
	}
	for range 5 { // the files are as old as they get
		f.pass()
	}
	f.evaluated, f.published, f.surveyed = 0, 0, 0
	rounds := 0
	for b.Loop() {
		rounds++
		f.inventory.replace(rounds*7919%fleetTasks, 1+rounds/fleetTasks)
		f.pass()
	}
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(rounds) }
	b.ReportMetric(first.Seconds(), "full-plan-s")
	b.ReportMetric(per(f.evaluated), "plan-ms")
	b.ReportMetric(per(f.published), "publish-ms")
	b.ReportMetric(per(f.surveyed), "status-ms")
	_, peak := resident()
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "heap-MiB")
	runtime.KeepAlive(f)
}

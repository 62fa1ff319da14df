package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
)

// BenchmarkProcess runs the program as a process on a simulated account in this
// one, with AWS's documented quotas, 50 ms a call and 300 ms from a change to its
// event in the queue, and a real Prometheus beside it that takes the files up.
// All figures are of the whole way: process, network, disk. Run it with
// -benchtime 1x, and with nothing else on the machine.
//
// The latency of a change is from the moment its event enters the queue to the
// renamed target file that shows it: for a task that starts the event of its
// RUNNING, for one that ends the first that it is to stop.
func BenchmarkProcess(b *testing.B) {
	for _, size := range []struct {
		tasks, perService int
		measure           func(*fleet)
	}{
		{200, 10, (*fleet).scrapes},
		{10_000, 100, (*fleet).quietChanges},
		{50_000, 250, (*fleet).steadyChanges},
	} {
		b.Run(fmt.Sprintf("tasks=%d", size.tasks), func(b *testing.B) {
			for b.Loop() {
				f := newFleet(b, size.tasks, size.perService)
				size.measure(f)
				f.restart()
				f.end()
			}
			b.ReportMetric(0, "ns/op") // most of it is waiting
		})
	}
}

const (
	fleetClusters   = 4
	fleetContainers = 2 // of each task, each a target
	quietSpells     = 60
	steadyFor       = time.Minute
	steadyRate      = 10 // changes a second
)

// fleet is a world with many tasks.
type fleet struct {
	*world
	b        *testing.B
	tasks    int
	interval string // of scrapes
	entered  *entries
	file     *fileWatch
	random   uint64
}

func newFleet(b *testing.B, tasks, perService int) *fleet {
	b.Helper()
	f := &fleet{b: b, tasks: tasks, interval: "1h", entered: newEntries(), random: 1}
	if tasks < 1000 {
		f.interval = "1s"
	}
	f.world = newWorld(b, awssim.Options{
		EventDelay: 300 * time.Millisecond, StartDelay: time.Second, StopDelay: time.Second, Delivered: f.entered.delivered,
	})
	f.populate(tasks, perService)
	f.sim.Delay(awssim.Match{}, 50*time.Millisecond)
	f.file = watchFile(filepath.Join(f.output, "targets", "class", "default", "targets.json"), f.entered)
	b.Cleanup(f.file.stop)
	began := time.Now()
	f.startFleet()
	f.await("the first complete set", func() error { return f.file.shows(fleetContainers * tasks) })
	f.report("first-s", f.file.last().Sub(began).Seconds())
	f.healthy()
	f.startPrometheus(prometheusBinary{path: current(b).path})
	f.ready()
	return f
}

// populate fills clusters with services on Fargate, and has a ScrapeTarget for
// each.
func (f *fleet) populate(tasks, perService int) {
	var specs strings.Builder
	fmt.Fprintf(&specs, "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec:\n"+
		"  config: {global: {scrape_interval: %s, scrape_timeout: 1s}}\n"+
		"  scrapeClasses: [{name: default, scrapeConfig: {proxy_url: %q}}]\n", f.interval, f.sim.ProxyURL())
	for s := range tasks / perService {
		cluster, name := fmt.Sprintf("cluster-%d", s%fleetClusters), fmt.Sprintf("service-%03d", s)
		f.sim.CreateCluster(cluster, nil)
		_, err := f.sim.RegisterTaskDefinition(awssim.TaskDefinition{Family: name, NetworkMode: awssim.ModeAWSVPC, Containers: []awssim.Container{
			{Name: "app", Ports: []awssim.Port{{Name: "metrics", Container: 9090}}, Metrics: []awssim.Metrics{{Port: 9090}}},
			{Name: "proxy", Ports: []awssim.Port{{Name: "admin", Container: 9901}}, Metrics: []awssim.Metrics{{Port: 9901}}},
		}})
		must(f.b, err)
		must(f.b, f.sim.CreateService(cluster, awssim.Service{Name: name, TaskDefinition: name, Desired: perService, Launch: awssim.LaunchFargate}))
		fmt.Fprintf(&specs, "---\napiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: %s}\nspec:\n"+
			"  selector: {services: [%s]}\n  endpoints: [{port: metrics}, {port: admin}]\n", name, name)
	}
	f.write("fleet.yaml", specs.String())
	f.await("all tasks run", func() error {
		if n := len(f.sim.Listeners()); n != fleetContainers*tasks {
			return fmt.Errorf("%d listeners", n)
		}
		return nil
	})
}

// startFleet runs the program as an operator would, with its default intervals.
func (f *fleet) startFleet() {
	self, err := os.Executable()
	must(f.b, err)
	f.controller = f.start("ecs-scrape", self, f.environment(), "run", "--specs", f.specs, "--output", f.output,
		"--prometheus.url", "http://"+f.prom, "--web.listen-address", f.web, "--ecs.events-queue", f.sim.SubscribeQueue("events"))
}

// quietChanges replaces single tasks, each after a spell without changes.
func (f *fleet) quietChanges() {
	began := f.usage()
	for range quietSpells {
		<-time.After(2*time.Second + time.Duration(f.next(2000))*time.Millisecond)
		f.replace()
		f.await("the change is published", f.entered.settled)
	}
	f.reportUsage(began)
	f.reportLatency()
}

// steadyChanges replaces tasks at a steady rate.
func (f *fleet) steadyChanges() {
	<-time.After(30 * time.Second) // Prometheus has taken up the first set
	f.report("idle-prometheus-cores", f.cores(10*time.Second))
	began := f.usage()
	tick := time.NewTicker(time.Second / steadyRate)
	for range int(steadyFor/time.Second) * steadyRate {
		<-tick.C
		f.replace()
	}
	tick.Stop()
	f.reportUsage(began)
	f.await("all changes are published", f.entered.settled)
	f.reportLatency()
}

// scrapes measures from the event of a task that starts to its first scrape. The
// interval is a second, so that Prometheus, which spreads the first scrapes of
// new targets over it, adds little.
func (f *fleet) scrapes() {
	f.await("all are scraped", func() error { return f.scraped(fleetContainers * f.tasks) })
	var took []float64
	for range quietSpells / 3 {
		before := len(f.sim.Scrapes())
		f.entered.keep()
		f.replace()
		f.await("the new task is scraped", func() error { return f.scraped(before + 1) })
		took = append(took, time.Since(f.entered.started()).Seconds())
		f.await("all of it is scraped", func() error { return f.scraped(before + fleetContainers) })
	}
	f.report("event-to-scrape-p50-s", quantile(took, 0.5))
	f.report("event-to-scrape-max-s", slices.Max(took))
	f.await("all changes are published", f.entered.settled)
	f.reportLatency()
}

// scraped is an error unless so many addresses have ever been scraped.
func (f *fleet) scraped(addresses int) error {
	if n := len(f.sim.Scrapes()); n < addresses {
		return fmt.Errorf("%d are", n)
	}
	return nil
}

// restart has the program start again on what it left.
func (f *fleet) restart() {
	f.reportMemory("first-")
	f.controller.stop()
	f.sim.ResetCalls()
	began := time.Now()
	f.startFleet()
	want := f.file.targets()
	f.await("everything is served", func() error { return f.shows("ecs_scrape_object_targets", want) })
	f.report("restart-s", time.Since(began).Seconds())
	f.await("every cluster is listed", func() error { return f.shows("ecs_scrape_cluster_synced", fleetClusters) })
	f.report("restart-synced-s", time.Since(began).Seconds())
	asked, _ := f.sim.CallsTo("DescribeTaskDefinition")
	f.report("restart-definitions-asked", float64(asked))
	if n := f.file.targets(); n != want {
		f.b.Errorf("%d targets after the restart, %d before", n, want)
	}
}

// shows is an error unless the values of a metric of the controller's add up to
// that. Asking for the status would have it list a hundred thousand targets.
func (f *fleet) shows(metric string, want int) error {
	text, err := get("http://" + f.web + "/metrics")
	if err != nil {
		return err
	}
	sum := 0.0
	for line := range strings.Lines(string(text)) {
		if name, rest, ok := strings.Cut(line, "{"); ok && name == metric {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, '}')+1:]), 64)
			must(f.b, err)
			sum += value
		}
	}
	if int(sum) != want {
		return fmt.Errorf("%s is %v", metric, sum)
	}
	return nil
}

// end reports what was spent and takes the world down.
func (f *fleet) end() {
	throttled := 0
	for _, c := range f.sim.Calls() {
		throttled += c.Throttled
	}
	f.report("throttled", float64(throttled))
	f.reportMemory("")
	f.controller.stop()
	f.prometheus.stop()
	f.file.stop()
	f.sim.Close()
}

// reportMemory is of the controller by now: of the first run, or of the one after
// the restart.
func (f *fleet) reportMemory(of string) {
	f.report(of+"rss-MiB", f.memory("VmRSS"))
	f.report(of+"peak-rss-MiB", f.memory("VmHWM"))
	f.report(of+"heap-MiB", f.heap())
}

// replace stops a random task, whose service starts another.
func (f *fleet) replace() {
	for {
		name := f.file.anyTask(f.next)
		if info, err := f.sim.Task(name); err != nil || info.DesiredStatus != "RUNNING" {
			continue // replaced already, and published still
		}
		f.entered.expect(2) // one that ends and one that starts
		must(f.b, f.sim.StopTask(name, "replaced"))
		return
	}
}

// await is eventually with the patience that fifty thousand tasks need.
func (f *fleet) await(what string, check func() error) {
	f.b.Helper()
	deadline := time.Now().Add(10 * time.Minute)
	for err := check(); err != nil; err = check() {
		if time.Now().After(deadline) {
			f.b.Fatalf("waited in vain until %s: %v", what, err)
		}
		f.alive()
		<-time.After(10 * time.Millisecond)
	}
}

// next is a number below n, the same in every run.
func (f *fleet) next(n int) int {
	f.random = f.random*6364136223846793005 + 1442695040888963407
	return int(f.random >> 33 % uint64(n))
}

func (f *fleet) report(unit string, value float64) {
	f.b.ReportMetric(value, unit)
}

func (f *fleet) reportLatency() {
	all := f.entered.latencies()
	f.report("changes", float64(len(all)))
	f.report("latency-p50-s", quantile(all, 0.5))
	f.report("latency-p99-s", quantile(all, 0.99))
	f.report("latency-max-s", slices.Max(all))
}

// quantile is of values in any order; at least one.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// usage is what was spent until a moment.
type usage struct {
	at                     time.Time
	controller, prometheus time.Duration // of CPU
	calls                  int           // of ECS and EC2
}

func (f *fleet) usage() usage {
	u := usage{at: time.Now(), controller: f.cpu(f.controller), prometheus: f.cpu(f.prometheus)}
	for _, c := range f.sim.Calls() {
		if c.Service == "ecs" || c.Service == "ec2" {
			u.calls += c.Calls
		}
	}
	return u
}

func (f *fleet) reportUsage(began usage) {
	now := f.usage()
	passed := now.at.Sub(began.at)
	f.report("controller-cores", (now.controller-began.controller).Seconds()/passed.Seconds())
	f.report("prometheus-cores", (now.prometheus-began.prometheus).Seconds()/passed.Seconds())
	f.report("calls/min", float64(now.calls-began.calls)/passed.Minutes())
}

// cores is what Prometheus uses over a while.
func (f *fleet) cores(d time.Duration) float64 {
	before := f.cpu(f.prometheus)
	<-time.After(d)
	return (f.cpu(f.prometheus) - before).Seconds() / d.Seconds()
}

// cpu is what a process has used, by fields 14 and 15 of proc(5)'s stat, in
// hundredths of a second.
func (f *fleet) cpu(p *process) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	must(f.b, err)
	fields := strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
	var sum time.Duration
	for _, i := range []int{11, 12} {
		ticks, err := strconv.Atoi(fields[i])
		must(f.b, err)
		sum += time.Duration(ticks) * 10 * time.Millisecond
	}
	return sum
}

// memory is a field of proc(5)'s status, in MiB, of the controller.
func (f *fleet) memory(field string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.controller.cmd.Process.Pid))
	must(f.b, err)
	_, after, _ := strings.Cut(string(text), field+":")
	var kib float64
	_, err = fmt.Sscan(after, &kib)
	must(f.b, err)
	return kib / 1024
}

// heap is what the controller's Go heap holds, in MiB.
func (f *fleet) heap() float64 {
	body, err := get("http://" + f.web + "/metrics")
	must(f.b, err)
	_, after, _ := strings.Cut(string(body), "\ngo_memstats_heap_alloc_bytes ")
	var bytes float64
	_, err = fmt.Sscan(after, &bytes)
	must(f.b, err)
	return bytes / (1 << 20)
}

// taskEvent is what entries read of an event.
type taskEvent struct {
	DetailType string `json:"detail-type"`
	Detail     struct{ TaskARN, LastStatus, DesiredStatus string }
}

// decodeEvent is nil for what is no event of a task.
func decodeEvent(body string) *taskEvent {
	e := &taskEvent{}
	if json.Unmarshal([]byte(body), e) != nil || e.DetailType != awssim.TaskStateChange {
		return nil
	}
	return e
}

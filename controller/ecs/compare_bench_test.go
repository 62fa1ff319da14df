package ecs

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	promaws "github.com/prometheus/prometheus/discovery/aws"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// BenchmarkCompare polls an account with AWS's documented quotas, over HTTP,
// with a Watcher and then, its token buckets full again, with Prometheus's own
// ECS discovery, both as they are by default and once a minute. Nothing in the
// account changes meanwhile, and every call takes the usual 50 ms: without
// that, Prometheus would be throttled more than it is. Run it with
// -benchtime 1x.
//
// Polls pass in real time. Between them the account's clock leaps to the next
// minute; the Watcher's limiter, which has no part in that, is the poorer for
// it. A Watcher's poll therefore takes longer here than it would, and makes the
// same calls. Reported for each of the two:
//
//	calls/poll   in the steady state, retries included
//	throttled    calls, over all polls, the first included
//	worst        distinct addresses known after the poll that found the fewest
//	first-s      seconds to the first complete set; absent if there was none
//	heap-MiB     that what is known takes after the last poll
//
// The same account is then followed by events; see [account.watched].
func BenchmarkCompare(b *testing.B) {
	for _, tasks := range []int{1000, 5000, 10000, 20000, 50000} {
		b.Run(fmt.Sprintf("tasks=%d", tasks), func(b *testing.B) {
			for b.Loop() {
				a := newAccount(b, tasks)
				a.measure("ours", a.watcher)
				a.SetQuotas(nil)
				a.measure("theirs", a.rival)
				a.SetQuotas(nil)
				a.watched()
				a.Close()
			}
			b.ReportMetric(0, "ns/op") // most of it is waiting for tokens
		})
	}
}

// account is a simulated account whose clock leaps.
type account struct {
	*awssim.Sim
	b     *testing.B
	tasks int

	mu   sync.Mutex
	lead time.Duration
}

// An account has this many clusters, and this many services in each.
const benchClusters, benchServices = 4, 25

// newAccount has that many Fargate tasks, spread evenly over its services.
func newAccount(b *testing.B, tasks int) *account {
	a := &account{b: b, tasks: tasks}
	var err error
	a.Sim, err = awssim.Start(awssim.Options{Now: a.now})
	a.must(err)
	b.Cleanup(a.Close)
	a.Delay(awssim.Match{}, 50*time.Millisecond)
	for c := range benchClusters {
		cluster := fmt.Sprintf("cluster-%d", c)
		a.CreateCluster(cluster, nil)
		for s := range benchServices {
			a.must(a.fill(cluster, fmt.Sprintf("service-%d-%d", c, s), tasks/benchClusters/benchServices))
		}
	}
	// The SDK takes no AWS_CA_BUNDLE with the HTTP client of Prometheus.
	for _, kv := range append(a.Env(), "AWS_CA_BUNDLE=", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PROFILE=") {
		name, value, _ := strings.Cut(kv, "=")
		b.Setenv(name, value)
	}
	return a
}

func (a *account) fill(cluster, name string, tasks int) error {
	arn, err := a.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: name, NetworkMode: awssim.ModeAWSVPC,
		Containers: []awssim.Container{{Name: "app", Image: "app:1", Ports: []awssim.Port{{Name: "metrics", Container: 9090}}, Metrics: []awssim.Metrics{{Port: 9090}}}},
	})
	if err != nil {
		return err
	}
	return a.CreateService(cluster, awssim.Service{Name: name, TaskDefinition: arn, Desired: tasks, Launch: awssim.LaunchFargate})
}

func (a *account) must(err error) {
	a.b.Helper()
	if err != nil {
		a.b.Fatal(err)
	}
}

func (a *account) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Add(a.lead)
}

// leap moves the clock forward to t, if it has not come to that.
func (a *account) leap(t time.Time) {
	missing := t.Sub(a.now())
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lead += max(0, missing)
}

// minutes are the times of the polls. A Watcher describes every task again
// within ten minutes, the same number at each poll, so that any of the minutes
// after the first few tell of its steady state.
// Of a very large account two of them have to do: a poll of fifty thousand tasks
// takes most of a minute.
func minutes(tasks int) (all []int, steady int) {
	if tasks > 10000 {
		return []int{0, 4, 5, 6}, 2
	}
	return []int{0, 4, 5, 6, 7, 8, 9}, 5
}

// measure polls and reports; poll answers how many tasks are known after it.
func (a *account) measure(who string, start func() (poll func() int)) {
	before := heap()
	poll := start()
	began, worst, throttled, calls := a.now(), a.tasks, 0, 0
	all, steady := minutes(a.tasks)
	complete := false
	for i, minute := range all {
		a.leap(began.Add(time.Duration(minute) * time.Minute))
		a.ResetCalls()
		found := poll()
		if found == a.tasks && !complete {
			complete = true
			a.b.ReportMetric(a.now().Sub(began).Seconds(), who+"-first-s")
		}
		made, refused := a.count()
		described, _ := a.CallsTo("DescribeTasks")
		a.b.Logf("%s, minute %d: %d calls (%d DescribeTasks), %d throttled, %d tasks", who, minute, made, described, refused, found)
		worst = min(worst, found)
		throttled += refused
		if i >= len(all)-steady {
			calls += made
		}
	}
	a.b.ReportMetric(float64(calls)/float64(steady), who+"-calls/poll")
	a.b.ReportMetric(float64(throttled), who+"-throttled")
	a.b.ReportMetric(float64(worst), who+"-worst")
	a.b.ReportMetric(float64(int64(heap())-int64(before))/(1<<20), who+"-heap-MiB")
	runtime.KeepAlive(poll)
}

func (a *account) count() (calls, throttled int) {
	for _, c := range a.Calls() {
		calls += c.Calls
		throttled += c.Throttled
	}
	return calls, throttled
}

// watcher polls with a Watcher of the default options.
func (a *account) watcher() (poll func() int) {
	w, err := New(Options{})
	a.must(err)
	w.now = a.now
	w.Want(inventory.Want{Sources: []inventory.Source{{}}})
	return func() int {
		a.must(w.Once(a.b.Context()))
		addresses := map[netip.Addr]bool{}
		for _, task := range w.Snapshot().Tasks {
			if task.Running() {
				addresses[task.Interface.IPv4] = true
			}
		}
		return len(addresses)
	}
}

// rival refreshes with the discovery of Prometheus, which begins every Run with
// a refresh. One that fails leaves Prometheus what it had.
func (a *account) rival() (poll func() int) {
	failed := make(failures, 1)
	ecs := promaws.DefaultECSSDConfig
	config := &promaws.SDConfig{Role: promaws.RoleECS, ECSSDConfig: &ecs}
	d, err := config.NewDiscoverer(discovery.DiscovererOptions{
		Metrics: config.NewDiscovererMetrics(prometheus.NewRegistry(), failed),
	})
	a.must(err)
	var kept []*targetgroup.Group // as Prometheus keeps them
	return func() int {
		ctx, cancel := context.WithCancel(a.b.Context())
		groups := make(chan []*targetgroup.Group)
		var running sync.WaitGroup
		running.Go(func() { d.Run(ctx, groups) })
		select {
		case kept = <-groups:
		case <-failed:
			a.b.Log("theirs: the refresh failed")
		}
		cancel()
		running.Wait()
		return countAddresses(kept)
	}
}

func countAddresses(groups []*targetgroup.Group) int {
	addresses := map[model.LabelValue]bool{}
	for _, group := range groups {
		for _, target := range group.Targets {
			addresses[target[model.AddressLabel]] = true
		}
	}
	return len(addresses)
}

// failures receives whenever a refresh of a discovery fails.
type failures chan struct{}

// Instantiate makes the metrics of a refreshing discovery.
func (f failures) Instantiate(_, _ string) *discovery.RefreshMetrics {
	return &discovery.RefreshMetrics{
		Failures:          failureCounter{prometheus.NewCounter(prometheus.CounterOpts{Name: "failures"}), f},
		Duration:          prometheus.ObserverFunc(func(float64) {}),
		DurationHistogram: prometheus.ObserverFunc(func(float64) {}),
	}
}

type failureCounter struct {
	prometheus.Counter
	signals failures
}

// Inc tells of a failure, at the latest when Run is about to wait for its
// next refresh.
func (c failureCounter) Inc() { signal(c.signals) }

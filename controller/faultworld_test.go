package controller_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/controller"
	"ecs-scrape/controller/awssim"
	"ecs-scrape/controller/ecs"
	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

const (
	// faultPoll is how often the worlds are polled, and heldUp how long an attempt
	// of a call may take.
	faultPoll = 250 * time.Millisecond
	heldUp    = 300 * time.Millisecond
	// faultResync is how often everything is listed beside events, so that faults
	// of listings are met there too, and the longest pause after failures.
	faultResync = 500 * time.Millisecond
	// faultPatience is how long a world may take to converge: above the pauses
	// between failed attempts, on a slow and busy machine.
	faultPatience = 90 * time.Second
	// haste is by how much faster clocks run once the faults have ended, so that
	// what has to be old to be believed soon is.
	haste = 20
	// worlds is how many run at once: they wait more than they compute.
	worlds = 64
)

// faultSpecs scrape everything with a port of that name.
const faultSpecs = `apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec: {}
---
apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: all}
spec:
  selector: {clusters: ["*"]}
  endpoints: [{port: metrics}]
`

// faultCase is a world's script. events says that it is watched by events,
// watched that it has to be, aged that all its tasks have been known for a while
// when the script begins.
type faultCase struct {
	name    string
	seed    uint64
	events  bool
	watched bool
	aged    bool
	play    func(w *faultWorld)
}

// playAll plays cases side by side, each in a world of its own.
func playAll(t *testing.T, cases []faultCase) {
	t.Helper()
	router, totals := newRouter(t), &faultTotals{}
	var group errgroup.Group
	group.SetLimit(worlds)
	for i, c := range cases {
		group.Go(func() error {
			t.Run(c.name, func(t *testing.T) {
				w := newFaultWorld(t, router, fmt.Sprintf("world-%d", i), c)
				c.play(w)
				w.count(totals)
				w.converge()
			})
			return nil
		})
	}
	_ = group.Wait() // its functions return nil
	t.Logf("%d worlds armed %d faults, which were met %d times; %d of %d verbs in them were met",
		totals.worlds, totals.armed, totals.met, totals.verbsMet, totals.verbs)
	if totals.verbsMet*2 < totals.verbs { // how many are depends on the machine's speed; each verb alone must be
		t.Error("too few of the faults were met")
	}
}

// faultTotals are the faults of all worlds.
type faultTotals struct {
	mu                 sync.Mutex
	worlds, armed, met int
	verbs, verbsMet    int
}

// count adds the faults of the world.
func (w *faultWorld) count(sum *faultTotals) {
	counts := w.FaultCounts()
	verbs, verbsMet := w.verbsMet()
	w.note("faults: %v", counts)
	sum.mu.Lock()
	defer sum.mu.Unlock()
	sum.worlds++
	sum.verbs, sum.verbsMet = sum.verbs+verbs, sum.verbsMet+verbsMet
	for verb, n := range counts {
		sum.armed += n.Armed
		if verb != "SetEventDelay" || n.Armed > 0 {
			sum.met += n.Met
		}
	}
}

// faultWorld is an account, a controller of it, and the judge of what that
// publishes.
type faultWorld struct {
	*awssim.Sim
	t      *testing.T
	seed   uint64
	aged   bool
	judge  *judge
	region string
	queue  string // its URL; "" without events
	output string
	steps  []string
	dual   byte // tasks with two addresses

	random *rand.Rand // of the verb that is played
	drawn  uint64     // its seed
	task   int        // the task that it is at, of those that run

	watcher *ecs.Watcher
	stop    func()

	mu     sync.Mutex
	lead   time.Duration
	healed time.Time // if set, the clock runs faster since then
}

func newFaultWorld(t *testing.T, r *router, region string, c faultCase) *faultWorld {
	t.Helper()
	w := &faultWorld{t: t, region: region, seed: c.seed, aged: c.aged, output: filepath.Join(t.TempDir(), "output")}
	sim, err := awssim.Start(awssim.Options{
		Region: region, Now: w.now, Quotas: awssim.NoQuotas(), Seed: c.seed,
		EventDelay: 5 * time.Millisecond, StartDelay: 20 * time.Millisecond, StopDelay: 20 * time.Millisecond,
	})
	w.must(err)
	t.Cleanup(sim.Close)
	w.Sim = sim
	r.add(region, sim.URL())
	w.judge = newJudge(t, w)
	if c.events {
		w.queue = w.SubscribeQueue(faultQueue)
	}
	w.populate()
	w.start()
	t.Cleanup(func() {
		w.stop()
		if t.Failed() {
			t.Logf("seed %d, events %v:\n%s", c.seed, c.events, strings.Join(w.steps, "\n"))
		}
	})
	w.agree("the first set")
	if w.aged {
		w.age(5 * time.Minute)
	}
	return w
}

func (w *faultWorld) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.healed.IsZero() {
		return now.Add(w.lead)
	}
	return now.Add(w.lead + haste*now.Sub(w.healed))
}

// age moves the clock before anything has happened, while no controller runs: a
// poll under way would seem to have taken that long, and the next be put off
// accordingly.
func (w *faultWorld) age(d time.Duration) {
	w.t.Helper()
	w.note("%s pass", d)
	w.stop()
	w.mu.Lock()
	w.lead += d
	w.mu.Unlock()
	w.start()
	w.eventually("all is listed again", func() error {
		if w.polls() == 0 {
			return errors.New("not yet")
		}
		return nil
	})
}

// leap moves the clock while the controller restarts.
func (w *faultWorld) leap(d time.Duration) {
	w.note("%s pass while the controller restarts", d)
	w.stop()
	w.mu.Lock()
	w.lead += d
	w.mu.Unlock()
	w.judge.restarts()
	w.start()
}

func (w *faultWorld) note(format string, args ...any) {
	w.steps = append(w.steps, fmt.Sprintf("%s  ", time.Now().Format("05.000"))+fmt.Sprintf(format, args...))
}

func (w *faultWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// start runs a controller on the output directory until stop.
func (w *faultWorld) start() {
	w.t.Helper()
	quotas := ecs.DocumentedQuotas()
	for category := range quotas {
		quotas[category] = ecs.Quota{Burst: 1e4, Refill: 1e4}
	}
	dir, err := target.Open(w.output, target.Options{})
	w.must(err)
	watcher, err := ecs.New(ecs.Options{
		PollInterval: faultPoll, ResyncInterval: faultResync, MaxBackoff: faultResync, QuotaShare: 1, Quotas: quotas, CallTimeout: heldUp, Now: w.now, Cache: stateCache{dir},
	})
	w.must(err)
	w.watcher = watcher
	out := &watchedOutput{controller.Directory{Directory: dir}, w.judge}
	set := spec.Decode([]spec.File{{Name: "specs.yaml", Data: []byte(faultSpecs)}})
	r := reconcile.New(fixedSpecs{set}, watcher, out, reconcile.Accepted{}, reconcile.Options{
		Sources: []inventory.Source{{Region: w.region, EventsQueue: w.queue}},
	})
	c := controller.New(r, watcher, out, nil, controller.NewMetrics(prometheus.NewRegistry()), controller.Options{
		SpecsInterval: time.Second, ConfigPath: dir.ConfigPath(), Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background()) // outlives the test's own, which ends before its clean-ups
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
}

// stateCache is the program's: what is known of ECS, in the output directory.
type stateCache struct{ *target.Directory }

func (c stateCache) Load(name string) ([]byte, error) {
	data, err := c.ReadState(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (c stateCache) Save(name string, data []byte) error { return c.WriteState(name, data) }

// draw has what a verb leaves to chance depend on a seed, and on nothing that
// was played before.
func (w *faultWorld) draw(seed uint64) {
	w.drawn, w.random = seed, rand.New(rand.NewPCG(seed, 3))
}

// choice is one of n for the task at hand, whatever there is of others.
func (w *faultWorld) choice(n int) int {
	return rand.New(rand.NewPCG(w.drawn, uint64(w.task))).IntN(n)
}

// restart ends the controller and starts another on the same directory.
func (w *faultWorld) restart() {
	w.note("the controller restarts")
	w.stop()
	w.judge.restarts()
	w.start()
}

// fixedSpecs never change.
type fixedSpecs struct{ set *spec.Set }

func (f fixedSpecs) Load(context.Context) (*spec.Set, error) { return f.set, nil }

// progress waits until the controller has listed everything, or has tried to,
// twice since now (of three polls that end the first may have begun before), or
// has made some calls where they are slow to fail.
func (w *faultWorld) progress() {
	w.t.Helper()
	polls, calls, began := w.polls(), w.calls(), time.Now()
	w.eventually("the controller goes on", func() error {
		ended, made := w.polls()-polls, w.calls()-calls
		slow := made >= 3 && time.Since(began) > 10*faultPoll
		if ended < 3 && made < 12 && !slow {
			return fmt.Errorf("%d polls, %d calls", ended, made)
		}
		return nil
	})
}

// calls are those of ECS.
func (w *faultWorld) calls() int {
	n := 0
	for _, c := range w.Calls() {
		if c.Service == "ecs" {
			n += c.Calls
		}
	}
	return n
}

// polls are those of the controller since it started.
func (w *faultWorld) polls() uint64 {
	var n uint64
	for _, p := range w.watcher.Stats().Polls {
		n += p.Polls
	}
	return n
}

// converge ends all faults and waits until what is published is the truth.
func (w *faultWorld) converge() {
	w.t.Helper()
	w.note("faults end")
	w.Heal()
	w.SetQuotas(awssim.NoQuotas())
	w.SetEventDelay(0)
	for _, id := range w.Instances("beta", "") {
		if slices.Contains(w.judge.lost, id) {
			w.must(w.TerminateInstance(id))
		}
	}
	if w.queue != "" {
		w.SubscribeQueue(faultQueue)
	}
	w.hurry()
	w.agree("the truth")
	w.calm()
	w.note("converged")
	if w.seed%4 == 0 {
		w.leap(20 * time.Minute) // what is kept on disk is old
		w.agree("the truth, still")
	}
	w.tolerate(second(w.AddInstance("beta", awssim.Instance{}))) // all others may be drained
	for _, s := range w.services() {                             // and it follows what happens next
		w.must(w.Scale(s.cluster, s.name, 4))
		w.settled(s, 4)
	}
	w.agree("what has changed since")
}

// hurry has clocks run faster.
func (w *faultWorld) hurry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.healed = time.Now()
}

// calm ends hurry: a controller whose clock runs is one that polls all the time.
func (w *faultWorld) calm() {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lead, w.healed = time.Until(now), time.Time{}
}

// settled waits until a service runs as many tasks as it is to.
func (w *faultWorld) settled(s servicePlace, desired int) {
	w.t.Helper()
	w.eventually(s.name+" runs", func() error {
		if arns, err := w.RunningTasks(s.cluster, s.name); err != nil || len(arns) != desired {
			return fmt.Errorf("%d tasks, %w", len(arns), err)
		}
		return nil
	})
}

func (w *faultWorld) agree(what string) {
	w.t.Helper()
	w.eventually(what+" is published", w.judge.disagree)
}

// eventually waits for a state of the world.
func (w *faultWorld) eventually(what string, check func() error) {
	w.t.Helper()
	deadline := time.Now().Add(faultPatience)
	for {
		err := check()
		switch {
		case w.t.Failed():
			w.t.FailNow()
		case err == nil:
			return
		case time.Now().After(deadline):
			w.t.Fatalf("waited in vain until %s: %v", what, err)
		}
		select {
		case <-w.judge.looked:
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// populate has tasks in every way of reaching one: Fargate, bridge with dynamic
// ports, standalone.
func (w *faultWorld) populate() {
	w.t.Helper()
	w.CreateCluster("alpha", nil)
	w.CreateCluster("beta", nil)
	for range 2 {
		_, err := w.AddInstance("beta", awssim.Instance{})
		w.must(err)
	}
	w.serve("alpha", "web", awssim.ModeAWSVPC, 3)
	w.serve("alpha", "api", awssim.ModeAWSVPC, 2)
	w.serve("beta", "edge", awssim.ModeBridge, 3)
	arns, err := w.RunTask("alpha", awssim.RunTask{TaskDefinition: "web", Launch: awssim.LaunchFargate})
	w.must(err)
	w.eventually("all run", func() error {
		if n := len(w.Listeners()); n != 8+len(arns) {
			return fmt.Errorf("%d listen", n)
		}
		return nil
	})
}

// serve creates a service, on Fargate in awsvpc mode and else on instances.
func (w *faultWorld) serve(cluster, name, mode string, desired int) {
	w.t.Helper()
	arn, err := w.RegisterTaskDefinition(faultDefinition(name, mode))
	w.must(err)
	launch := awssim.LaunchEC2
	if mode == awssim.ModeAWSVPC {
		launch = awssim.LaunchFargate
	}
	w.must(w.CreateService(cluster, awssim.Service{Name: name, TaskDefinition: arn, Desired: desired, Launch: launch}))
}

// faultDefinition has a second container, which serves nothing.
func faultDefinition(name, mode string) awssim.TaskDefinition {
	return awssim.TaskDefinition{Family: name, NetworkMode: mode, Containers: []awssim.Container{
		{Name: "app", Ports: []awssim.Port{{Name: "metrics", Container: 8080}}, Metrics: []awssim.Metrics{{Port: 8080}}},
		{Name: "side", Sidecar: true},
	}}
}

// place is a service of the world.
type servicePlace struct{ cluster, name, mode string }

// services are those of the world; others may have gone.
func (w *faultWorld) services() []servicePlace {
	var out []servicePlace
	for _, s := range []servicePlace{
		{"alpha", "web", awssim.ModeAWSVPC}, {"alpha", "api", awssim.ModeAWSVPC}, {"beta", "edge", awssim.ModeBridge},
	} {
		if _, err := w.RunningTasks(s.cluster, s.name); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// tasks are the ids of those that run and serve.
func (w *faultWorld) tasks() []string {
	var out []string
	for _, l := range w.Listeners() {
		out = append(out, l.TaskARN)
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// runs is an error while the task has not stopped.
func (w *faultWorld) runs(task string) error {
	info, err := w.Task(task)
	if err == nil && info.LastStatus != "STOPPED" {
		err = fmt.Errorf("it is %s", info.LastStatus)
	}
	return err
}

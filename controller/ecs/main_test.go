package ecs

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a simulated account and a Watcher of it, whose clock the test may
// move.
type world struct {
	*awssim.Sim
	t *testing.T
	*Watcher

	mu   sync.Mutex
	lead time.Duration
}

func newWorld(t *testing.T, sim awssim.Options, o Options) *world {
	t.Helper()
	s, err := awssim.Start(sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for _, kv := range append(s.Env(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PROFILE=") {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	out := &world{Sim: s, t: t, Watcher: w}
	w.now = func() time.Time {
		out.mu.Lock()
		defer out.mu.Unlock()
		return time.Now().Add(out.lead)
	}
	return out
}

// unlimited is o for an account without quotas.
func unlimited(o Options) Options {
	o.QuotaShare, o.Quotas = 1, DocumentedQuotas()
	for c := range o.Quotas {
		o.Quotas[c] = Quota{Burst: 1e4, Refill: 1e4}
	}
	return o
}

// pass moves the watcher's clock.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lead += d
}

// want asks for the environment's region with these clusters.
func (w *world) want(clusters ...string) {
	w.Want(inventory.Want{Sources: []inventory.Source{{Clusters: clusters}}})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// poll polls everything once and returns the snapshot and the error.
func (w *world) poll() (*inventory.Snapshot, error) {
	w.t.Helper()
	for _, s := range w.sources {
		s.forgive()
	}
	err := w.Once(w.t.Context())
	return w.Snapshot(), err
}

// good is poll without an error.
func (w *world) good() *inventory.Snapshot {
	w.t.Helper()
	snap, err := w.poll()
	w.must(err)
	return snap
}

// bad is poll with an error that says what.
func (w *world) bad(what string) *inventory.Snapshot {
	w.t.Helper()
	snap, err := w.poll()
	if err == nil || !strings.Contains(err.Error(), what) {
		w.t.Fatalf("error %v, want %q in it", err, what)
	}
	return snap
}

// fargate makes a cluster with a service of n tasks.
func fargate(t *testing.T, p *awssim.Place, cluster string, n int) {
	t.Helper()
	p.CreateCluster(cluster, nil)
	arn, err := p.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: "web-" + cluster, NetworkMode: awssim.ModeAWSVPC,
		Containers: []awssim.Container{{
			Name: "app", Image: "app:1", Ports: []awssim.Port{{Name: "metrics", Container: 9090}},
			Environment:  map[string]string{"MODE": "plain", "PASSWORD": "hunter2"},
			DockerLabels: map[string]string{"team": "a"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = p.CreateService(cluster, awssim.Service{Name: "web", TaskDefinition: arn, Desired: n, Launch: awssim.LaunchFargate})
	if err != nil {
		t.Fatal(err)
	}
}

func status(t *testing.T, snap *inventory.Snapshot, cluster string) inventory.ScopeStatus {
	t.Helper()
	for _, st := range snap.Scopes {
		if st.Scope.Cluster == cluster {
			return st
		}
	}
	t.Fatalf("no scope %s in %v", cluster, snap.Scopes)
	return inventory.ScopeStatus{}
}

func wantState(t *testing.T, snap *inventory.Snapshot, cluster string, state inventory.State) {
	t.Helper()
	if st := status(t, snap, cluster); st.State != state {
		t.Fatalf("%s is %s (%s), want %s", cluster, st.State, st.Reason, state)
	}
}

func wantTasks(t *testing.T, snap *inventory.Snapshot, n int) {
	t.Helper()
	if len(snap.Tasks) != n {
		t.Fatalf("%d tasks, want %d", len(snap.Tasks), n)
	}
}

// wantCalls holds the calls that the account saw since they were last reset to a
// number. Now and then the transport closes a connection under an answer and the
// SDK repeats the call: those that failed may be seen twice.
func (w *world) wantCalls(operation string, n int) {
	w.t.Helper()
	failed := 0
	for _, op := range w.Watcher.Stats().Operations {
		if op.Operation == operation {
			failed += int(op.Errors)
		}
	}
	if calls, _ := w.CallsTo(operation); calls < n || calls > n+failed {
		w.t.Errorf("%d calls of %s, %d of which failed, want %d", calls, operation, failed, n)
	}
}

// run runs the watcher until the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}

// eventually waits for a snapshot that satisfies ok.
func (w *world) eventually(what string, ok func(*inventory.Snapshot) bool) {
	w.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		snap := w.Snapshot()
		if ok(snap) {
			return
		}
		select {
		case <-w.Changed():
		case <-limit:
			w.t.Fatalf("never %s: %s; queues %+v", what, describeSnapshot(snap), w.Stats().Queues)
		}
	}
}

func describeSnapshot(s *inventory.Snapshot) string {
	var events []inventory.EventsStatus
	for _, src := range s.Sources {
		if src.Events != nil {
			events = append(events, *src.Events)
		}
	}
	return fmt.Sprintf("%d tasks, events %+v, sources %+v, scopes %+v", len(s.Tasks), events, s.Sources, s.Scopes)
}

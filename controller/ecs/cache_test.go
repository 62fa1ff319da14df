package ecs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// memory is a Cache that outlives a Watcher.
type memory struct {
	mu     sync.Mutex
	data   map[string][]byte
	saves  map[string]int
	refuse error
	told   []string // failures
}

func newMemory() *memory { return &memory{data: map[string][]byte{}, saves: map[string]int{}} }

func (m *memory) Load(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.data[name], nil
}

func (m *memory) Save(name string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves[name]++
	if m.refuse == nil {
		m.data[name] = data
	}
	return m.refuse
}

func (m *memory) failed(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, err.Error())
}

func (m *memory) saved(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saves[name]
}

func (m *memory) options() Options { return Options{Cache: m, CacheFailed: m.failed} }

// restart replaces the watcher by one that starts from what this one leaves.
func (w *world) restart(m *memory) {
	w.t.Helper()
	w.keeper.last()
	clock := w.now
	next, err := New(m.options())
	w.must(err)
	next.now = clock
	w.Watcher = next
	w.ResetCalls()
}

// wantNames asks for the values of environment variables, and holds these tasks.
func (w *world) wantNames(held []string, names ...string) {
	scope := inventory.Scope{Account: w.Place.Scope().Account, Region: "us-east-1", Cluster: "prod"}
	slices.Sort(held)
	w.Want(inventory.Want{
		Sources: []inventory.Source{{}}, Facts: inventory.Facts{Environment: names},
		Held: []inventory.Held{{Scope: scope, Tasks: held, Since: w.now()}},
	})
}

func ids(s *inventory.Snapshot) []string {
	var out []string
	for _, t := range s.Tasks {
		out = append(out, t.ID())
	}
	return out
}

func (w *world) definitionCalls() int {
	calls, _ := w.CallsTo("DescribeTaskDefinition")
	return calls
}

// TestRestartAsksForNoDefinition: the second process has what the first one knew
// at once, and finds out what has changed since.
func TestRestartAsksForNoDefinition(t *testing.T) {
	m := newMemory()
	w := newWorld(t, awssim.Options{}, m.options())
	fargate(t, w.Place, "prod", 3)
	w.wantNames(nil, "MODE")
	before := ids(w.good())
	w.restart(m)
	w.must(w.Scale("prod", "web", 2))
	w.must(w.Scale("prod", "web", 4))
	w.wantNames(slices.Clone(before), "MODE")
	snap := w.Snapshot()
	if !slices.Equal(ids(snap), before) || len(snap.Definitions) != 1 {
		t.Fatalf("restored: %s", describeSnapshot(snap))
	}
	wantState(t, snap, "prod", inventory.Stale)
	if st := status(t, snap, "prod"); st.Listed() || !strings.HasPrefix(st.Reason, "restored from disk") {
		t.Errorf("restored: %+v", st)
	}
	snap = w.good()
	wantState(t, snap, "prod", inventory.Synced)
	wantTasks(t, snap, 4)
	if n := w.definitionCalls(); n != 0 || !status(t, snap, "prod").Listed() {
		t.Errorf("%d calls for definitions, %+v", n, snap.Scopes)
	}
	for name, data := range m.data {
		if bytes.Contains(data, []byte("hunter2")) || !bytes.Contains(data, []byte("web-prod:1")) {
			t.Errorf("%s is %q", name, data)
		}
	}

	w.restart(m)
	w.wantNames(nil)
	w.good()
	if n := w.definitionCalls(); n != 0 {
		t.Errorf("%d calls for definitions with fewer variables", n)
	}
	w.restart(m)
	w.wantNames(nil, "MODE", "OTHER")
	snap = w.good()
	if n := w.definitionCalls(); n != 1 {
		t.Errorf("%d calls for definitions with a new variable, of one definition", n)
	}
	if env := snap.Definitions[snap.Tasks[0].Definition].Containers[0].Environment; env["MODE"] != "plain" || env["PASSWORD"] != "" {
		t.Errorf("it holds %v", env)
	}
}

// TestRestartWithoutAWS: not even the account is known, and nothing that was
// known is gone.
func TestRestartWithoutAWS(t *testing.T) {
	m := newMemory()
	w := newWorld(t, awssim.Options{}, m.options())
	fargate(t, w.Place, "prod", 2)
	w.wantNames(nil, "MODE")
	before := ids(w.good())
	release := w.Deny(awssim.Match{})
	for range 2 { // what was restored is kept for the next one, too
		w.restart(m)
		w.wantNames(slices.Clone(before), "MODE")
		if _, err := w.poll(); err == nil {
			t.Fatal("a poll works")
		}
		snap := w.Snapshot()
		if st := status(t, snap, "prod"); !slices.Equal(ids(snap), before) || st.State != inventory.Stale || st.Listed() || snap.Sources[0].Account != "" {
			t.Fatalf("restored: %s", describeSnapshot(snap))
		}
	}
	release()
	w.restart(m)
	w.wantNames(slices.Clone(before), "MODE")
	wantState(t, w.good(), "prod", inventory.Synced)
	if n := w.definitionCalls(); n != 0 {
		t.Errorf("%d calls for definitions", n)
	}
}

// TestRestoredClusterThatIsNotNamed goes at once where the region tells, although
// the account is not known.
func TestRestoredClusterThatIsNotNamed(t *testing.T) {
	for _, tt := range []struct {
		source inventory.Source
		want   inventory.State
	}{
		{inventory.Source{Region: "us-east-1"}, inventory.Stale},
		{inventory.Source{}, inventory.Stale},
		{inventory.Source{Region: "eu-west-1"}, inventory.Gone},
		{inventory.Source{Region: "us-east-1", Clusters: []string{"test"}}, inventory.Gone},
	} {
		m := newMemory()
		w := newWorld(t, awssim.Options{}, m.options())
		fargate(t, w.Place, "prod", 1)
		w.want()
		w.good()
		w.restart(m)
		w.Want(inventory.Want{Sources: []inventory.Source{tt.source}})
		wantState(t, w.Snapshot(), "prod", tt.want)
	}
}

func TestUnusableCacheIsIgnored(t *testing.T) {
	m := newMemory()
	m.data[cachedDefinitions], m.data[cachedInventory] = []byte("definitions 99\n"), []byte("inventory 2\nrubbish")
	w := newWorld(t, awssim.Options{}, m.options())
	if len(m.told) != 2 || !strings.Contains(m.told[0], `its format is "definitions 99"`) || !strings.Contains(m.told[1], "the inventory of an earlier run cannot be used") {
		t.Errorf("told: %q", m.told)
	}
	fargate(t, w.Place, "prod", 1)
	w.wantNames(nil)
	wantTasks(t, w.good(), 1)
	w.restart(m)
	w.wantNames(nil)
	w.good()
	if n := w.definitionCalls(); n != 0 || len(m.told) != 2 {
		t.Errorf("%d calls for definitions, told: %q", n, m.told)
	}
}

// TestWhenTheCacheIsWritten: soon after something was learnt, at the end, and
// never for nothing; a failure is told once.
func TestWhenTheCacheIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		w, err := New(m.options())
		if err != nil {
			t.Fatal(err)
		}
		scope := inventory.Scope{Account: "1", Region: "us-east-1", Cluster: "prod"}
		learn := func(name string) {
			now := time.Now()
			w.store.Found(scope, now)
			task := &inventory.Task{ARN: "arn:aws:ecs:us-east-1:1:task/prod/" + name, Scope: scope, LastStatus: "RUNNING", DesiredStatus: "RUNNING", Definition: name}
			w.store.PutDefinition(&inventory.Definition{ARN: name}, 0, now)
			w.store.Describe(inventory.Description{Scope: scope, Asked: now, Answered: now, Tasks: []*inventory.Task{task}})
			_ = w.store.Complete(inventory.Listing{Scope: scope, Began: now, Tasks: []string{task.ARN}}, now)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		expect := func(after time.Duration, definitions, inventories int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if d, i := m.saved(cachedDefinitions), m.saved(cachedInventory); d != definitions || i != inventories {
				t.Errorf("definitions were written %d times, want %d; the inventory %d times, want %d", d, definitions, i, inventories)
			}
		}
		expect(time.Minute, 0, 0)
		learn("a")
		expect(definitionsEvery, 1, 1)
		learn("b")
		expect(definitionsEvery, 2, 1)
		expect(inventoryEvery, 2, 2)
		expect(time.Hour, 2, 2)
		m.mu.Lock()
		m.refuse = errors.New("no space")
		m.mu.Unlock()
		learn("c")
		expect(definitionsEvery*3, 5, 5)
		if len(m.told) != 2 || m.told[0] != "keep the definitions for the next run: no space" {
			t.Errorf("told: %q", m.told)
		}
		m.mu.Lock()
		m.refuse = nil
		m.mu.Unlock()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		expect(0, 6, 6)
	})
}

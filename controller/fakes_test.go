package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBroken = errors.New("broken on purpose")

// source is a directory of specs in memory.
type source struct {
	mu     sync.Mutex
	files  map[string]string
	set    *spec.Set
	err    error
	panics string
	loads  int
	gate   chan struct{}
}

// Set writes files; an empty text removes one.
func (s *source) Set(files map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = nil
	maps.Copy(s.files, files)
	maps.DeleteFunc(s.files, func(_, text string) bool { return text == "" })
}

// Fail makes every load fail until it is told nil.
func (s *source) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Panic makes every load panic until it is told "".
func (s *source) Panic(words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panics = words
}

// Hang makes the loads that begin from now on wait for release.
func (s *source) Hang() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gate := make(chan struct{})
	s.gate = gate
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gate = nil
		close(gate)
	}
}

// Loads counts the passes.
func (s *source) Loads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

func (s *source) Load(ctx context.Context) (*spec.Set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	if gate := s.gate; gate != nil {
		s.mu.Unlock()
		select {
		case <-gate:
		case <-ctx.Done():
		}
		s.mu.Lock()
	}
	if s.panics != "" {
		panic(s.panics)
	}
	if s.err != nil {
		return nil, s.err
	}
	if s.set == nil {
		var files []spec.File
		for name, text := range s.files {
			files = append(files, spec.File{Name: name, Data: []byte(text)})
		}
		s.set = spec.Decode(files)
	}
	return s.set, nil
}

// account is what runs on ECS.
type account struct {
	mu       sync.Mutex
	snapshot *inventory.Snapshot
	changed  chan struct{}
	failed   chan error
}

var prod = inventory.Scope{Account: "111111111111", Region: "us-east-1", Cluster: "prod"}

func newAccount() *account {
	a := &account{changed: make(chan struct{}, 1), failed: make(chan error, 1)}
	a.Scale(1)
	<-a.changed
	return a
}

// Run ends when the context does, or when it is told to Fail.
func (a *account) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-a.failed:
		return err
	}
}

func (a *account) Changed() <-chan struct{} { return a.changed }
func (a *account) Want(inventory.Want)      {}

func (a *account) Snapshot() *inventory.Snapshot {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.snapshot
}

// Trigger says that something may have changed.
func (a *account) Trigger() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// Fail ends Run.
func (a *account) Fail(err error) { a.failed <- err }

// Scale runs n tasks of the service api, and triggers.
func (a *account) Scale(n int) {
	const definition = "arn:aws:ecs:us-east-1:111111111111:task-definition/api:1"
	s := &inventory.Snapshot{
		Sources: []inventory.SourceStatus{{Account: prod.Account, Region: prod.Region, Listed: true}},
		Scopes:  []inventory.ScopeStatus{{Scope: prod, State: inventory.Synced}},
		Definitions: map[string]*inventory.Definition{definition: {
			ARN: definition, NetworkMode: inventory.NetworkAWSVPC,
			Containers: []inventory.ContainerDefinition{{Name: "app", Essential: true}},
		}},
	}
	for i := range n {
		s.Tasks = append(s.Tasks, &inventory.Task{
			ARN: fmt.Sprintf("arn:aws:ecs:us-east-1:111111111111:task/prod/%03d", i), Scope: prod, Definition: definition,
			LastStatus: inventory.StatusRunning, DesiredStatus: inventory.StatusRunning, Group: "service:api",
			Containers: []inventory.Container{{Name: "app", LastStatus: inventory.StatusRunning}},
			Interface:  &inventory.Interface{IPv4: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})},
		})
	}
	a.mu.Lock()
	a.snapshot = s
	a.mu.Unlock()
	a.Trigger()
}

// Become changes how far scopes can be trusted, and triggers. They are sorted.
func (a *account) Become(scopes ...inventory.ScopeStatus) {
	a.mu.Lock()
	s := *a.snapshot
	s.Scopes = scopes
	a.snapshot = &s
	a.mu.Unlock()
	a.Trigger()
}

// Miss has listings omit a task, and triggers.
func (a *account) Miss(o inventory.Omission) {
	a.mu.Lock()
	s := *a.snapshot
	s.Omitted = append(s.Omitted, o)
	s.Waiting = len(s.Omitted)
	a.snapshot = &s
	a.mu.Unlock()
	a.Trigger()
}

// output is the published directory in memory.
type output struct {
	mu          sync.Mutex
	pools       map[string]artifact.Pool
	generations map[string]artifact.Files
	current     string
	swapped     time.Time
	failing     map[string]error
	deferral    time.Duration
	written     time.Time
	writes      int
	collected   []string
	collections int
	state       map[string]string
	earlier     []string
	modified    map[string]time.Time
	meddled     []string
	hold        *target.Hold
	confirmed   []string
	watch       func(o *output) // called at every change
}

// Watch has every change of what is published looked at; the lock is held then.
func (o *output) Watch(look func(o *output)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.watch = look
}

func (o *output) changed() {
	if o.watch != nil {
		o.watch(o)
	}
}

// Fail makes a method fail by its name until it is told nil.
func (o *output) Fail(method string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing[method] = err
}

// Defer sets the shortest time between two writes of target files.
func (o *output) Defer(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deferral = d
}

// Targets counts the published targets.
func (o *output) Targets() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return artifact.Found(slices.Collect(maps.Values(o.pools)))
}

// Rules are the names of the published rule files.
func (o *output) Rules() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var names []string
	for _, p := range o.generations[o.current].Paths() {
		if p != artifact.ConfigFile {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(p, "rules/"), ".yml"))
		}
	}
	return strings.Join(names, " ")
}

// Collections counts them.
func (o *output) Collections() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.collections
}

// Collected are the target files that were kept at the last collection.
func (o *output) Collected() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.collected
}

func (o *output) Intact() bool { return true }

func (o *output) Modified() map[string]time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.modified)
}

func (o *output) Mend() error { return nil }

// Meddle is somebody else who does something to published files.
func (o *output) Meddle(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.meddled = append(o.meddled, what)
}

func (o *output) Interference() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.meddled
	o.meddled = nil
	return out
}

// Ask is an operator who asks for a configuration to be held; nil releases it.
func (o *output) Ask(h *target.Hold) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hold = h
}

func (o *output) Hold() (*target.Hold, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.hold, o.failing["Hold"]
}

func (o *output) Sound(digest string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.generations[digest] == nil {
		return fmt.Errorf("no generation %q", digest)
	}
	return o.failing["Sound"]
}

func (o *output) Confirm(digest string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.confirmed = append(o.confirmed, digest)
	return o.failing["Confirm"]
}

func (o *output) Live() (*artifact.Bundle, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := &artifact.Bundle{Config: o.generations[o.current]}
	for _, path := range slices.Sorted(maps.Keys(o.pools)) {
		b.Pools = append(b.Pools, o.pools[path])
	}
	return b, o.failing["Live"]
}

func (o *output) WriteTargets(now time.Time, pools []artifact.Pool) (done reconcile.Published, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.failing["WriteTargets"]; err != nil {
		return done, err
	}
	for _, p := range pools {
		if old, had := o.pools[p.Path]; had && bytes.Equal(old.Encode(), p.Encode()) {
			continue
		}
		if next := o.written.Add(o.deferral); !o.written.IsZero() && now.Before(next) {
			done.Due = next
			continue
		}
		done.Changed++
		done.Bytes += int64(len(p.Encode()))
		o.pools[p.Path], o.modified[p.Path] = p, now
		o.changed()
	}
	if done.Changed > 0 {
		o.written = now
		o.writes++
	}
	return done, nil
}

func (o *output) WriteConfig(files artifact.Files, check func(artifact.Files) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.failing["WriteConfig"]; err != nil {
		return err
	}
	if err := check(files); err != nil {
		return err
	}
	digest := files.Digest()
	o.generations[digest] = files
	o.swap(digest)
	return nil
}

func (o *output) swap(digest string) {
	if o.current != digest {
		o.current, o.swapped = digest, time.Now()
		o.changed()
	}
}

func (o *output) Current() (digest string, swapped time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.current, o.swapped, o.failing["Current"]
}

func (o *output) Swap(digest string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.failing["Swap"]; err != nil {
		return err
	}
	if o.generations[digest] == nil {
		return fmt.Errorf("no generation %q", digest)
	}
	o.swap(digest)
	return nil
}

func (o *output) Collect(keep map[string]bool, _ int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.collected = slices.Sorted(maps.Keys(keep))
	o.collections++
	maps.DeleteFunc(o.pools, func(path string, _ artifact.Pool) bool { return !keep[path] })
	o.changed()
	return o.failing["Collect"]
}

func (o *output) ReadGeneration(digest string) (artifact.Files, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.generations[digest] == nil {
		return nil, fmt.Errorf("no generation %q", digest)
	}
	return o.generations[digest], nil
}

func (o *output) Scraped(digest string) (s artifact.Scraped, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if data, ok := o.state[target.ScrapedFile(digest)]; ok {
		err = json.Unmarshal([]byte(data), &s)
	}
	return s, err
}

func (o *output) WriteState(name string, data []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.state[name] = string(data)
	return o.failing["WriteState"]
}

func (o *output) Earlier() ([]string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.earlier, o.failing["Earlier"]
}

// server is a Prometheus.
type server struct {
	mu      sync.Mutex
	changed chan struct{} // closed at every change
	refuses func(digest string) error
	away    bool
	loaded  string
	started time.Time
	asked   []string // digests it was asked to load
	lost    map[string]bool
	report  func(state string, err error)
}

func (s *server) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Refuse decides which configurations are refused; nil refuses none.
func (s *server) Refuse(f func(digest string) error) { s.change(func() { s.refuses = f }) }

// Leave makes it unreachable, Return reachable again.
func (s *server) Leave()  { s.change(func() { s.away = true }) }
func (s *server) Return() { s.change(func() { s.away = false }) }

// Restart makes it a new process.
func (s *server) Restart() { s.change(func() { s.loaded, s.started = "", time.Now() }) }

// Asked is how often it was asked to load something.
func (s *server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *server) Loaded() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loaded
}

func (s *server) Ensure(ctx context.Context, want target.Want) (target.Confirmation, error) {
	for {
		s.mu.Lock()
		away, changed, refuses := s.away, s.changed, s.refuses
		s.mu.Unlock()
		if !away {
			return s.load(want, refuses)
		}
		if s.report != nil {
			s.report(target.StateUnreachable, &target.UnreachableError{Cause: errBroken})
		}
		select {
		case <-ctx.Done():
			return target.Confirmation{}, ctx.Err()
		case <-changed:
		}
	}
}

func (s *server) load(want target.Want, refuses func(string) error) (target.Confirmation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, want.Digest)
	if refuses != nil {
		if err := refuses(want.Digest); err != nil {
			return target.Confirmation{}, err
		}
	}
	s.loaded = want.Digest
	if lost := s.missing(want); len(lost) > 0 {
		return target.Confirmation{}, &target.PoolsMissingError{Pools: lost}
	}
	if s.report != nil {
		s.report(target.StateConfirmed, nil)
	}
	return target.Confirmation{Digest: want.Digest}, nil
}

func (s *server) Check(_ context.Context, want target.Want) (confirmed bool, started time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return false, time.Time{}, &target.UnreachableError{Cause: errBroken}
	}
	return s.loaded == want.Digest, s.started, nil
}

func (s *server) Missing(_ context.Context, want target.Want) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missing(want), nil
}

// missing are the pools with targets that it does not list.
func (s *server) missing(want target.Want) []string {
	var out []string
	for _, name := range want.Pools() {
		if s.lost[name] {
			out = append(out, name)
		}
	}
	return out
}

// Lose makes it lack scrape pools; no name mends it.
func (s *server) Lose(pools ...string) {
	s.change(func() {
		s.lost = map[string]bool{}
		for _, name := range pools {
			s.lost[name] = true
		}
	})
}

// journal keeps the log.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *journal) WithGroup(string) slog.Handler            { return j }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" || a.Key == "problem" {
			line += ": " + a.Value.String()
		}
		return true
	})
	if r.Level > slog.LevelDebug {
		j.lines = append(j.lines, line)
	}
	return nil
}

// Take is what was logged above debug since the last call.
func (j *journal) Take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.lines
	j.lines = nil
	return out
}

// world is a controller between its fakes, in a bubble of its own time.
type world struct {
	t         *testing.T
	source    *source
	inventory *account
	output    *output
	server    *server
	log       *journal
	registry  *prometheus.Registry
	c         *Controller
	options   Options
	cancel    context.CancelFunc
	done      chan error
}

// inWorld runs a test against a started controller that has confirmed its first
// configuration. Specs are looked at every hour only, so that a test says when.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	inWorldWith(t, func(*Options) {}, test)
}

// inWorldWith is inWorld with other options.
func inWorldWith(t *testing.T, change func(*Options), test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		change(&w.options)
		w.start(w.server)
		w.wait(window) // the pass after the confirmation too
		test(t, w)
		w.stop()
	})
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, source: &source{files: map[string]string{"main.yaml": configText, "api.yaml": targetText, "rule.yaml": ruleText("first")}},
		inventory: newAccount(),
		output: &output{
			pools: map[string]artifact.Pool{}, generations: map[string]artifact.Files{}, failing: map[string]error{}, state: map[string]string{},
			modified: map[string]time.Time{},
		},
		server: &server{changed: make(chan struct{}), started: time.Now()},
		log:    &journal{},
	}
	w.options = Options{SpecsInterval: time.Hour, ConfigPath: "/out/current/prometheus.yml", Log: slog.New(w.log)}
	return w
}

func (w *world) start(r Reloader) {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.cancel, w.done = cancel, make(chan error, 1)
	w.registry = prometheus.NewRegistry()
	rec := reconcile.New(w.source, w.inventory, w.output, reconcile.Accepted{}, reconcile.Options{})
	w.c = New(rec, w.inventory, w.output, r, NewMetrics(w.registry), w.options)
	w.server.report = w.c.Reported
	go func() { w.done <- w.c.Run(ctx) }()
}

func (w *world) stop() {
	w.t.Helper()
	w.cancel()
	if err := <-w.done; err != nil {
		w.t.Errorf("run: %v", err)
	}
}

// wait lets time pass and everything that happens in it.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// write changes specs and has them looked at.
func (w *world) write(files map[string]string) {
	w.source.Set(files)
	w.inventory.Trigger()
	w.wait(window)
}

// rejects is the refusal of every configuration but the loaded one.
func (w *world) rejects() func(string) error {
	loaded := w.server.Loaded()
	return func(digest string) error {
		if digest == loaded {
			return nil
		}
		return &target.RejectedError{Digest: digest, Status: 500, Body: "couldn't load configuration: no"}
	}
}

const (
	configText = "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n"
	targetText = "apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: api}\nspec:\n  selector: {services: [api]}\n  endpoints: [{port: 8080}]\n"
)

func ruleText(name string) string {
	return "apiVersion: ecs-scrape/v1\nkind: PrometheusRule\nmetadata: {name: " + name + "}\nspec:\n  groups:\n  - {name: g, rules: [{record: a, expr: up}]}\n"
}

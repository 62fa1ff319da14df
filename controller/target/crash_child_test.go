package target_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// publication is one state of the specs and of ECS, and what becomes of it.
type publication struct {
	name    string
	objects []string
	tasks   int
	secret  string // value of the secret token; "" for none
	refused bool   // by Prometheus: taken back
	hold    bool   // the configuration of before is held: only targets change
}

const (
	mainSpec  = "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n"
	tokenSpec = "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec:\n  scrapeClasses:\n  - {name: default, scrapeConfig: {authorization: {credentials_file: 'secret:token'}}}\n"
	apiSpec   = "apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: api}\nspec:\n  selector: {services: [api]}\n  endpoints: [{port: 8080}]\n"
	ownSpec   = "apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: own}\nspec:\n  selector: {services: [api]}\n  endpoints: [{port: 9090}]\n  scrapeConfig: {sample_limit: 5}\n"
)

func ruleSpec(name string) string {
	return "apiVersion: ecs-scrape/v1\nkind: PrometheusRule\nmetadata: {name: " + name + "}\nspec:\n  groups:\n  - {name: g, rules: [{record: " + name + ", expr: up}]}\n"
}

// script is what is published, again and again.
func script() []publication {
	return []publication{
		{name: "first", objects: []string{mainSpec, apiSpec}, tasks: 2},
		{name: "targets", objects: []string{mainSpec, apiSpec}, tasks: 3},
		{name: "rule and own pool", objects: []string{mainSpec, apiSpec, ownSpec, ruleSpec("a")}, tasks: 3},
		{name: "refused", objects: []string{mainSpec, apiSpec, ownSpec, ruleSpec("b")}, tasks: 4, refused: true},
		{name: "secret", objects: []string{tokenSpec, apiSpec, ownSpec, ruleSpec("a")}, tasks: 4, secret: "s3cret"},
		{name: "hold", objects: []string{mainSpec, apiSpec, ruleSpec("c")}, tasks: 5, secret: "s3cret", hold: true},
		{name: "secret changed", objects: []string{tokenSpec, apiSpec, ownSpec, ruleSpec("c")}, tasks: 5, secret: "other"},
		{name: "own pool and secret gone", objects: []string{mainSpec, apiSpec, ruleSpec("d")}, tasks: 1},
	}
}

// memory is the specs and the account of a publication.
type memory struct {
	set      *spec.Set
	snapshot *inventory.Snapshot
}

func (m *memory) Load(context.Context) (*spec.Set, error) { return m.set, nil }
func (m *memory) Want(inventory.Want)                     {}
func (m *memory) Snapshot() *inventory.Snapshot           { return m.snapshot }

func (m *memory) become(p publication) {
	var files []spec.File
	for i, text := range p.objects {
		files = append(files, spec.File{Name: fmt.Sprintf("%d.yaml", i), Data: []byte(text)})
	}
	m.set = spec.Decode(files)
	const definition = "arn:aws:ecs:us-east-1:111111111111:task-definition/api:1"
	scope := inventory.Scope{Account: "111111111111", Region: "us-east-1", Cluster: "prod"}
	s := &inventory.Snapshot{
		Sources: []inventory.SourceStatus{{Account: scope.Account, Region: scope.Region, Listed: true}},
		Scopes:  []inventory.ScopeStatus{{Scope: scope, State: inventory.Synced}},
		Definitions: map[string]*inventory.Definition{definition: {
			ARN: definition, NetworkMode: inventory.NetworkAWSVPC, Containers: []inventory.ContainerDefinition{{Name: "app", Essential: true}},
		}},
	}
	for i := range p.tasks {
		s.Tasks = append(s.Tasks, &inventory.Task{
			ARN: fmt.Sprintf("arn:aws:ecs:us-east-1:111111111111:task/prod/%03d", i), Scope: scope, Definition: definition,
			LastStatus: inventory.StatusRunning, DesiredStatus: inventory.StatusRunning, Group: "service:api",
			Containers: []inventory.Container{{Name: "app", LastStatus: inventory.StatusRunning}},
			Interface:  &inventory.Interface{IPv4: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})},
		})
	}
	m.snapshot = s
}

// stepReload is the step that is not the directory's.
const stepReload = "reload"

// publisher does what a controller does with each publication.
type publisher struct {
	memory
	hook     func(step, path string, after bool) error
	out      controller.Directory
	r        *reconcile.Reconciler
	reloader *target.Reloader
	now      time.Time
}

// newPublisher starts on a directory, as a process does.
func newPublisher(dir, prometheus string, hook func(step, path string, after bool) error) (*publisher, error) {
	d, err := target.OpenHooked(dir, target.Options{}, hook)
	if err != nil {
		return nil, err
	}
	p := &publisher{hook: hook, out: controller.Directory{Directory: d, Secrets: map[string][]byte{}, SecretsUID: target.OwnerByItself}, now: time.Now()}
	client, err := target.NewPrometheus(prometheus, target.PrometheusOptions{Transport: p})
	if err != nil {
		return nil, err
	}
	p.reloader = &target.Reloader{Prometheus: client}
	accepted := reconcile.Accepted{}
	if data, err := d.ReadState(controller.AcceptedFile); err == nil {
		if accepted, err = reconcile.DecodeAccepted(data); err != nil {
			return nil, err
		}
	}
	p.r = reconcile.New(p, p, p.out, accepted, reconcile.Options{Secrets: func(name string) bool { return p.out.Secrets[name] != nil }})
	return p, nil
}

// RoundTrip makes the reload a step like those of the directory.
func (p *publisher) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || p.hook == nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	if err := p.hook(stepReload, r.URL.Path, false); err != nil {
		return nil, err
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		if err := p.hook(stepReload, r.URL.Path, true); err != nil {
			_ = response.Body.Close()
			return nil, err
		}
	}
	return response, err
}

// publish makes one publication live, from the pass to the collection.
func (p *publisher) publish(pub publication) error {
	p.become(pub)
	clear(p.out.Secrets)
	if pub.secret != "" {
		p.out.Secrets["token"] = []byte(pub.secret)
	}
	pass, err := p.r.Evaluate(context.Background())
	if err != nil {
		return err
	}
	if pub.hold {
		err = p.stay(pass)
	} else {
		err = p.write(pass, reconcile.Wanted)
	}
	if err != nil {
		return err
	}
	data, err := p.r.Accepted().Encode()
	if err != nil {
		return err
	}
	if err := p.out.WriteState(controller.AcceptedFile, data); err != nil || pub.hold {
		return err
	}
	if err := p.confirm(); err != nil {
		return err
	}
	if pub.refused {
		return p.takeBack()
	}
	if err := p.write(pass, reconcile.Confirmed); err != nil {
		return err
	}
	return p.collect(pass)
}

func (p *publisher) write(pass *reconcile.Pass, s reconcile.Standing) error {
	p.now = p.now.Add(time.Minute) // no file is too young
	_, err := p.r.Publish(pass, p.now, s)
	return err
}

// stay has the targets of a pass follow in the pools of what is current.
func (p *publisher) stay(pass *reconcile.Pass) error {
	digest, _, err := p.out.Current()
	if err != nil {
		return err
	}
	p.now = p.now.Add(time.Minute)
	_, err = p.out.Stay(&pass.Plan.Bundle, p.now, digest)
	return err
}

func (p *publisher) confirm() error {
	digest, swapped, err := p.out.Current()
	if err != nil {
		return err
	}
	_, err = p.reloader.Ensure(context.Background(), target.Want{
		Digest: digest, Swapped: swapped, Path: "/current/prometheus.yml", Pools: func() []string { return nil },
	})
	return err
}

func (p *publisher) takeBack() error {
	earlier, err := p.out.Earlier()
	if err != nil {
		return err
	}
	if err := p.out.Swap(earlier[0]); err != nil {
		return err
	}
	return p.confirm()
}

// kept is how many generations the script keeps.
const kept = 3

func (p *publisher) collect(pass *reconcile.Pass) error {
	keep := map[string]bool{}
	for _, pool := range pass.Plan.Bundle.Pools {
		keep[pool.Path] = true
	}
	if err := p.out.Confirm(pass.Plan.Bundle.Digest()); err != nil {
		return err
	}
	return p.out.Collect(keep, kept)
}

// Variables of a child: the directory, Prometheus, the first publication and that
// in which it is killed, and at which kind of step of it, or else at which moment.
const (
	crashDir  = "ECS_SCRAPE_TEST_CRASH_DIR"
	crashURL  = "ECS_SCRAPE_TEST_CRASH_URL"
	crashPlan = "ECS_SCRAPE_TEST_CRASH_PLAN"
	crashKind = "ECS_SCRAPE_TEST_CRASH_KIND"
)

var digits = regexp.MustCompile(`[0-9a-f]{16}|[0-9]+`)

// kindOf tells the steps of a publication apart, whatever the digests and numbers
// in their paths.
func kindOf(dir, step, path string, after bool) string {
	when := "before"
	if after {
		when = "after"
	}
	if rel, err := filepath.Rel(dir, path); err == nil {
		path = rel
	}
	return when + " " + step + " " + digits.ReplaceAllString(path, "#")
}

// death is when a child kills itself.
type death struct {
	mu          sync.Mutex
	dir, kind   string
	publication int // in which it is now
	last        int // in which it is killed
	moment, at  int
}

func (d *death) hook(step, path string, after bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.publication != d.last {
		return nil
	}
	d.moment++
	if d.kind == "" && d.moment == d.at || d.kind != "" && d.kind == kindOf(d.dir, step, path, after) {
		fmt.Println("met")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return nil
}

func (d *death) begin(publication int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.publication = publication
	fmt.Println(publication)
}

// crashChild publishes until it kills itself, telling its parent what it begins.
// Where that moment never comes it does so at the end.
func crashChild() {
	d := &death{dir: os.Getenv(crashDir), kind: os.Getenv(crashKind)}
	first := 0
	if _, err := fmt.Sscan(os.Getenv(crashPlan), &first, &d.last, &d.at); err != nil {
		panic(err)
	}
	d.begin(first)
	p, err := newPublisher(d.dir, os.Getenv(crashURL), d.hook)
	all := script()
	for g := first; err == nil && g <= d.last; g++ {
		d.begin(g)
		pub := all[g%len(all)]
		if pub.secret == "" && p.out.Secrets["token"] != nil { // a process keeps the secrets that it was started with
			if p, err = newPublisher(d.dir, os.Getenv(crashURL), d.hook); err != nil {
				break
			}
		}
		err = p.publish(pub)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // between two publications
}

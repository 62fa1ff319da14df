package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

var errBroken = errors.New("broken on purpose")

// source is a directory of specs in memory.
type source struct {
	files    map[string]string
	set      *spec.Set
	warnings []spec.Problem // of the decoder
	err      error
}

// Set writes files; an empty text removes one.
func (s *source) Set(files map[string]string) {
	s.set = nil
	maps.Copy(s.files, files)
	maps.DeleteFunc(s.files, func(_, text string) bool { return text == "" })
}

// Fail makes every load fail until it is told nil.
func (s *source) Fail(err error) { s.err = err }

func (s *source) Load(context.Context) (*spec.Set, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.set == nil {
		var files []spec.File
		for name, text := range s.files {
			files = append(files, spec.File{Name: name, Data: []byte(text)})
		}
		s.set = spec.Decode(files)
		s.set.Problems = append(s.set.Problems, s.warnings...)
	}
	return s.set, nil
}

// account is what runs on ECS.
type account struct {
	snapshot *inventory.Snapshot
	want     inventory.Want
}

var prod = inventory.Scope{Account: "111111111111", Region: "us-east-1", Cluster: "prod"}

func (a *account) Want(w inventory.Want)         { a.want = w }
func (a *account) Snapshot() *inventory.Snapshot { return a.snapshot }

// Run replaces what runs by one Fargate task of each service.
func (a *account) Run(services ...string) {
	s := &inventory.Snapshot{
		Sources:     []inventory.SourceStatus{{Account: prod.Account, Region: prod.Region, Listed: true}},
		Scopes:      []inventory.ScopeStatus{{Scope: prod, State: inventory.Synced}},
		Definitions: map[string]*inventory.Definition{},
	}
	for i, name := range services {
		definition := "arn:aws:ecs:us-east-1:111111111111:task-definition/" + name + ":1"
		s.Definitions[definition] = &inventory.Definition{
			ARN: definition, NetworkMode: inventory.NetworkAWSVPC,
			Containers: []inventory.ContainerDefinition{{Name: "app", Essential: true}},
		}
		s.Tasks = append(s.Tasks, &inventory.Task{
			ARN: "arn:aws:ecs:us-east-1:111111111111:task/prod/" + name, Scope: prod, Definition: definition,
			LastStatus: inventory.StatusRunning, DesiredStatus: inventory.StatusRunning, Group: "service:" + name,
			LaunchType: inventory.LaunchFargate,
			Containers: []inventory.Container{{Name: "app", LastStatus: inventory.StatusRunning}},
			Interface:  &inventory.Interface{IPv4: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})},
		})
	}
	a.snapshot = s
}

// output is the published directory in memory.
type output struct {
	config  artifact.Files
	pools   map[string]artifact.Pool
	failing map[string]error
	spoil   bool
	paced   map[string]bool // files that may not be written again yet
}

// Pace has files that are there wait, by their paths, until it is called again.
func (o *output) Pace(paths ...string) {
	o.paced = map[string]bool{}
	for _, p := range paths {
		o.paced[p] = true
	}
}

// Fail makes a method fail by its name until it is told nil.
func (o *output) Fail(method string, err error) { o.failing[method] = err }

// Spoil makes the disk give back something else than was written.
func (o *output) Spoil() { o.spoil = true }

func (o *output) Live() (*artifact.Bundle, error) {
	b := &artifact.Bundle{Config: o.config}
	for _, path := range slices.Sorted(maps.Keys(o.pools)) {
		b.Pools = append(b.Pools, o.pools[path])
	}
	return b, o.failing["Live"]
}

func (o *output) WriteTargets(now time.Time, pools []artifact.Pool) (done reconcile.Published, err error) {
	if err := o.failing["WriteTargets"]; err != nil {
		return done, err
	}
	for _, p := range pools {
		if old, had := o.pools[p.Path]; !had || !bytes.Equal(old.Encode(), p.Encode()) {
			if had && o.paced[p.Path] {
				done.Due = now.Add(time.Second)
				continue
			}
			done.Changed++
		}
		o.pools[p.Path] = p
	}
	return done, nil
}

func (o *output) WriteConfig(files artifact.Files, check func(artifact.Files) error) error {
	if err := o.failing["WriteConfig"]; err != nil {
		return err
	}
	back := maps.Clone(files)
	if o.spoil {
		back[artifact.ConfigFile] = []byte("nonsense: 1\n")
	}
	if err := check(back); err != nil {
		return err
	}
	o.config = files
	return nil
}

// world is a reconciler between its fakes.
type world struct {
	t         *testing.T
	source    *source
	inventory *account
	output    *output
	options   reconcile.Options
	r         *reconcile.Reconciler
	scraped   map[string]artifact.Scraped // by the digest of a configuration
}

func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	w := &world{
		t: t, source: &source{files: map[string]string{}}, inventory: &account{},
		output:  &output{pools: map[string]artifact.Pool{}, failing: map[string]error{}},
		scraped: map[string]artifact.Scraped{},
	}
	w.source.Set(files)
	w.inventory.Run("api", "web")
	w.start(reconcile.Accepted{})
	return w
}

func (w *world) start(accepted reconcile.Accepted) {
	w.r = reconcile.New(w.source, w.inventory, w.output, accepted, w.options)
}

// restart keeps nothing but what a restart keeps.
func (w *world) restart() {
	w.t.Helper()
	data, err := w.r.Accepted().Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	accepted, err := reconcile.DecodeAccepted(data)
	if err != nil {
		w.t.Fatal(err)
	}
	w.start(accepted)
}

// pass evaluates and publishes, and must succeed.
func (w *world) pass() *reconcile.Pass {
	w.t.Helper()
	p, err := w.r.Evaluate(w.t.Context())
	if err != nil {
		w.t.Fatalf("evaluate: %v", err)
	}
	if _, err := w.r.Publish(p, time.Time{}, reconcile.Confirmed); err != nil {
		w.t.Fatalf("publish: %v", err)
	}
	w.note()
	return p
}

// fails evaluates, and must not succeed.
func (w *world) fails() (*reconcile.Pass, error) {
	w.t.Helper()
	p, err := w.r.Evaluate(w.t.Context())
	if err == nil {
		w.t.Fatal("evaluate: no error")
	}
	if p.Plan != nil {
		w.t.Error("there is a plan although there is an error")
	}
	return p, err
}

// targets are the published addresses and jobs, by target file.
func (w *world) targets() map[string][]string {
	out := map[string][]string{}
	for path, p := range w.output.pools {
		for _, t := range p.Targets {
			out[path] = append(out[path], t.Address()+" "+t.Labels.Get("job"))
		}
	}
	return out
}

// problems are their texts.
func problems(p *reconcile.Pass) []string {
	var out []string
	for _, problem := range p.Problems {
		out = append(out, problem.Error())
	}
	return out
}

// status is one object's line, or nil.
func status(p *reconcile.Pass, id string) *reconcile.ObjectStatus {
	for i := range p.Objects {
		if p.Objects[i].String() == id {
			return &p.Objects[i]
		}
	}
	return nil
}

package ecs

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/file" // registers file_sd_configs

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// oddSpecs look at all parts of an answer.
const oddSpecs = `apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec: {selfScrape: false}
---
apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: all}
spec:
  selector: {}
  endpoints: [{port: 9100}, {port: 8002}]
  labelsFrom:
    env: {taskTag: env}
    stage: {environment: STAGE}
    team: {dockerLabel: team}
    zone: {meta: __meta_ecs_availability_zone}
    machine: {meta: __meta_ecs_ec2_instance_type}
`

// oddWorld is a store that learns from answers to the questions that sound
// answers answer.
type oddWorld struct {
	*Watcher
	input plan.Input
	scope inventory.Scope
	now   time.Time

	tasks, definitions, instances []string // asked for
}

func newOddWorld(t *testing.T, input plan.Input, scope inventory.Scope, sound *answers) *oddWorld {
	t.Helper()
	w, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := &oddWorld{Watcher: w, input: input, scope: scope, now: time.Unix(1e9, 0)}
	for i := range sound.Tasks.Tasks {
		out.tasks = append(out.tasks, *sound.Tasks.Tasks[i].TaskArn)
	}
	for _, d := range sound.Definitions {
		out.definitions = append(out.definitions, *d.TaskDefinition.TaskDefinitionArn)
	}
	for i := range sound.Instances.ContainerInstances {
		out.instances = append(out.instances, *sound.Instances.ContainerInstances[i].ContainerInstanceArn)
	}
	w.store.SetFacts(out.input.Choice.Want(nil).Facts)
	w.store.Found(scope, out.now)
	return out
}

func oddInput(t *testing.T) plan.Input {
	t.Helper()
	set := spec.Decode([]spec.File{{Name: "test.yaml", Data: []byte(oddSpecs)}})
	if len(set.Problems) > 0 {
		t.Fatal(set.Problems)
	}
	choice, err := plan.Choose(set.Objects, "")
	if err != nil {
		t.Fatal(err)
	}
	files, err := choice.Render()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(string(files[artifact.ConfigFile]), promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return plan.Input{Choice: choice, Files: files, Config: cfg}
}

// learn polls twice: what was odd the first time has been so for long the second
// time.
func (w *oddWorld) learn(t *testing.T, a *answers) {
	t.Helper()
	var err error
	for range 2 {
		w.now = w.now.Add(2 * inventory.MissingAge)
		err = w.poll(a)
	}
	if err != nil {
		t.Fatalf("an odd answer holds back the cluster: %v", err)
	}
}

func (w *oddWorld) poll(a *answers) error {
	facts, generation := w.store.Facts()
	answer := inventory.Description{Scope: w.scope, Asked: w.now, Answered: w.now, Facts: generation}
	w.sortOut(&answer, w.tasks, a.Tasks, facts)
	w.store.Describe(answer)
	for i, d := range a.Definitions {
		if d.TaskDefinition == nil {
			w.store.PutAbsentDefinition(w.definitions[i], w.now)
		} else {
			w.store.PutDefinition(decodeDefinition(w.definitions[i], d.TaskDefinition, facts), generation, w.now)
		}
	}
	found := machines{}
	found.addEC2(a.EC2)
	found.addSSM(a.SSM)
	for _, i := range sortInstances(w.instances, a.Instances) {
		w.store.PutInstance(with(*i, found[i.MachineID]), w.now)
	}
	for _, arn := range w.store.WantedDefinitions(w.scope, w.now) { // there is none of such a name
		w.store.PutAbsentDefinition(arn, w.now)
	}
	unknown, _ := w.store.WholeInstances(w.scope, w.now, inventory.Refresh)
	for _, arn := range append(unknown, w.store.WantedInstances(w.scope, w.now)...) {
		w.store.PutInstance(&inventory.Instance{ARN: arn}, w.now)
	}
	return w.store.Complete(inventory.Listing{Scope: w.scope, Began: w.now, Tasks: w.tasks}, w.now)
}

// targets are those of each task, by id.
func (w *oddWorld) targets() map[string][]string {
	in := w.input
	in.Snapshot = w.store.Snapshot()
	out := map[string][]string{}
	for _, pool := range plan.Build(in).Bundle.Pools {
		for i := range pool.Targets {
			t := &pool.Targets[i]
			out[t.Origin.Task] = append(out[t.Origin.Task], t.Address()+" "+t.Labels.String())
		}
	}
	return out
}

// spoil changes one thing in what the answers tell of a task, a definition or a
// machine. It returns the ids of the tasks that this concerns, and what it was.
func (w *oddWorld) spoil(random *rand.Rand, a *answers) (concerned map[string]bool, what string) {
	machine := map[string]string{} // container instances by machine
	for i := range a.Instances.ContainerInstances {
		c := &a.Instances.ContainerInstances[i]
		machine[*c.Ec2InstanceId] = *c.ContainerInstanceArn
	}
	var root reflect.Value
	var arn string // of what is spoilt
	switch part := random.IntN(10); {
	case part < 5:
		one := &a.Tasks.Tasks[random.IntN(len(a.Tasks.Tasks))]
		root, arn = reflect.ValueOf(one), *one.TaskArn
	case part < 7:
		one := a.Definitions[random.IntN(len(a.Definitions))]
		root, arn = reflect.ValueOf(one), *one.TaskDefinition.TaskDefinitionArn
	case part < 8:
		one := &a.Instances.ContainerInstances[random.IntN(len(a.Instances.ContainerInstances))]
		root, arn = reflect.ValueOf(one), *one.ContainerInstanceArn
	case part < 9:
		of := &a.EC2.Reservations[random.IntN(len(a.EC2.Reservations))]
		one := &of.Instances[random.IntN(len(of.Instances))]
		root, arn = reflect.ValueOf(one), machine[*one.InstanceId]
	default:
		one := &a.SSM.InstanceInformationList[0]
		root, arn = reflect.ValueOf(one), machine[*one.InstanceId]
	}
	concerned = map[string]bool{}
	for i := range a.Tasks.Tasks {
		t := &a.Tasks.Tasks[i]
		if arn == *t.TaskArn || arn == *t.TaskDefinitionArn || arn == aws.ToString(t.ContainerInstanceArn) {
			concerned[nameOf(*t.TaskArn)] = true
		}
	}
	all := parts(root.Elem(), root.Elem().Type().String())
	one := all[random.IntN(len(all))]
	change(random, one.value)
	return concerned, fmt.Sprintf("%s as %v", one.path, one.value)
}

// answerPart is a field, or an item, of an answer.
type answerPart struct {
	path  string
	value reflect.Value
}

// parts are all that can be changed in a value.
func parts(v reflect.Value, path string) []answerPart {
	out := []answerPart{{path, v}}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out = append(out, parts(v.Elem(), path)...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, parts(v.Index(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && v.Type() != reflect.TypeFor[time.Time]() && f.Name != "ResultMetadata" {
				out = append(out, parts(v.Field(i), path+"."+f.Name)...)
			}
		}
	}
	return out
}

var junk = []string{
	"", " ", "\xff\xfe", "0", "-1", "99999", "::", "10.0.0.300", "fe80::1%eth0", "a/b", "arn:aws:ecs:::task/x/y", "service:", "true",
	"STOPPED", "RUNNING", "DANCING", "9-5", "0-70000", strings.Repeat("x", 300), "{}", "\n",
}

// change replaces a value by nothing, or by nonsense.
func change(random *rand.Rand, v reflect.Value) {
	if random.IntN(3) == 0 {
		v.SetZero()
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(junk[random.IntN(len(junk))])
	case reflect.Int32, reflect.Int64:
		v.SetInt([]int64{-1, 1, 65535, 65536, math.MaxInt32, math.MinInt32}[random.IntN(6)])
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Pointer:
		if next := reflect.New(v.Type().Elem()); next.Elem().Kind() != reflect.Struct {
			change(random, next.Elem())
			v.Set(next)
		}
	case reflect.Slice:
		changeSlice(random, v)
	case reflect.Map:
		if v.Type() == reflect.TypeFor[map[string]string]() {
			v.Set(reflect.ValueOf(map[string]string{junk[random.IntN(len(junk))]: junk[random.IntN(len(junk))]}))
		}
	}
}

// changeSlice drops an item, repeats one, or adds an empty one.
func changeSlice(random *rand.Rand, v reflect.Value) {
	next := reflect.MakeSlice(v.Type(), 0, v.Len()+1)
	at, how := random.IntN(v.Len()+1), random.IntN(3)
	for i := range v.Len() {
		switch {
		case i == at && how == 0:
			continue
		case i == at && how == 1:
			next = reflect.Append(next, v.Index(i))
		}
		next = reflect.Append(next, v.Index(i))
	}
	if how == 2 {
		next = reflect.Append(next, reflect.Zero(v.Type().Elem()))
	}
	v.Set(next)
}

// copyOf is a deep copy, of what answers are made of.
func copyOf(v reflect.Value) reflect.Value {
	next := reflect.New(v.Type()).Elem()
	next.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			next.Set(reflect.New(v.Type().Elem()))
			next.Elem().Set(copyOf(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			next.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				next.Index(i).Set(copyOf(v.Index(i)))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && v.Type() != reflect.TypeFor[time.Time]() && f.Name != "ResultMetadata" {
				next.Field(i).Set(copyOf(v.Field(i)))
			}
		}
	}
	return next
}

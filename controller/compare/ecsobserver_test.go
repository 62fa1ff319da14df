package compare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/observer/ecsobserver"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/file" // registers file_sd_configs
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/controller/ecs"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

const (
	cluster   = "prod"
	portLabel = "ECS_PROMETHEUS_EXPORTER_PORT"
	pathLabel = "ECS_PROMETHEUS_METRICS_PATH"
	jobLabel  = "job"
)

// exporter is a container that serves metrics and says so. Of the ports that it
// maps the first is not the one.
func exporter(name string, port int, labels map[string]string) awssim.Container {
	all := map[string]string{portLabel: fmt.Sprint(port)}
	maps.Copy(all, labels)
	return awssim.Container{
		Name: name, DockerLabels: all, Ports: []awssim.Port{{Container: port + 1}, {Container: port}},
	}
}

// service is one with a task definition of its own name.
type service struct {
	name, mode, launch string
	containers         []awssim.Container
}

// same are services of which both find the same targets. None has a port label
// that is no number: because of one the original drops every target of a cluster.
var same = []service{
	{"fargate", awssim.ModeAWSVPC, awssim.LaunchFargate, []awssim.Container{exporter("app", 9102, nil)}},
	{"labelled", awssim.ModeAWSVPC, awssim.LaunchFargate, []awssim.Container{
		exporter("app", 9102, map[string]string{pathLabel: "/internal/metrics", jobLabel: "payments"}),
	}},
	{"sidecars", awssim.ModeAWSVPC, awssim.LaunchFargate, []awssim.Container{
		{Name: "app", Ports: []awssim.Port{{Container: 80}}},
		exporter("redis-exporter", 9121, map[string]string{jobLabel: "redis"}),
		exporter("envoy", 9901, map[string]string{pathLabel: "/stats/prometheus"}),
	}},
	{"bridge", awssim.ModeBridge, awssim.LaunchEC2, []awssim.Container{exporter("app", 8080, nil), exporter("side", 8080, nil)}},
	{"host", awssim.ModeHost, awssim.LaunchEC2, []awssim.Container{exporter("node", 9100, map[string]string{jobLabel: "node"})}},
	{"eni", awssim.ModeAWSVPC, awssim.LaunchEC2, []awssim.Container{exporter("app", 9102, nil)}},
	{"managed", awssim.ModeAWSVPC, awssim.LaunchManaged, []awssim.Container{exporter("app", 9102, nil)}},
	{"silent", awssim.ModeAWSVPC, awssim.LaunchFargate, []awssim.Container{
		{Name: "app", DockerLabels: map[string]string{pathLabel: "/metrics", jobLabel: "x"}, Ports: []awssim.Port{{Container: 9102}}},
	}},
	{"unmapped-bridge", awssim.ModeBridge, awssim.LaunchEC2, []awssim.Container{
		{Name: "app", DockerLabels: map[string]string{portLabel: "9102"}, Ports: []awssim.Port{{Container: 80}}},
	}},
}

// oursOnly are services of which the original finds nothing, and says so in its
// log at most; docs/conventions.md names them.
var oursOnly = []service{
	// A port that is not mapped is reachable in awsvpc mode all the same.
	{"unmapped", awssim.ModeAWSVPC, awssim.LaunchFargate, []awssim.Container{
		{Name: "app", DockerLabels: map[string]string{portLabel: "9102"}, Ports: []awssim.Port{{Container: 80}}},
	}},
	// A range is no containerPort to the original.
	{"range", awssim.ModeBridge, awssim.LaunchEC2, []awssim.Container{
		{Name: "app", DockerLabels: map[string]string{portLabel: "7003"}, Ports: []awssim.Port{{Range: "7000-7010"}}},
	}},
	// It knows no addresses of machines outside EC2.
	{"external", awssim.ModeBridge, awssim.LaunchExternal, []awssim.Container{exporter("app", 9102, nil)}},
}

// TestECSObserver: the preset cloudwatch-agent finds what OpenTelemetry's
// ecs_observer finds by the CloudWatch agent's docker labels, with the same
// paths and jobs, and where it finds more, just what is expected.
func TestECSObserver(t *testing.T) {
	sim := account(t)
	for _, e := range sim.Env() {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	theirs, ours := observe(t, sim.Scope().Region), discover(t)
	if len(theirs) == 0 {
		t.Fatal("the original finds nothing")
	}
	known := map[string]bool{}
	for _, s := range oursOnly {
		known[s.name] = true
	}
	more := map[string]int{}
	for key, found := range ours {
		if known[found.family] {
			delete(ours, key)
			more[found.family]++
		}
	}
	if diff := cmp.Diff(theirs, ours, cmp.AllowUnexported(target{})); diff != "" {
		t.Errorf("-original +ours\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"unmapped": 2, "range": 2, "external": 2}, more); diff != "" {
		t.Errorf("targets that the original does not find: -want +got\n%s", diff)
	}
}

// account is one with two tasks of every service.
func account(t *testing.T) *awssim.Place {
	t.Helper()
	sim, err := awssim.Start(awssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	sim.CreateCluster(cluster, nil)
	for _, launch := range []string{awssim.LaunchEC2, awssim.LaunchEC2, awssim.LaunchExternal} {
		if _, err := sim.AddInstance(cluster, awssim.Instance{Launch: launch}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range slices.Concat(same, oursOnly) {
		if _, err := sim.RegisterTaskDefinition(awssim.TaskDefinition{Family: s.name, NetworkMode: s.mode, Containers: s.containers}); err != nil {
			t.Fatal(err)
		}
		if err := sim.CreateService(cluster, awssim.Service{Name: s.name, TaskDefinition: s.name, Desired: 2, Launch: s.launch}); err != nil {
			t.Fatal(err)
		}
	}
	return sim.Place
}

// target is what is compared of one; the job only where a docker label tells it.
type target struct {
	path, job, family, container string
}

// observe runs ecs_observer until it has written its targets, and answers them
// by address.
func observe(t *testing.T, region string) map[string]target {
	t.Helper()
	factory := ecsobserver.NewFactory()
	cfg := factory.CreateDefaultConfig().(*ecsobserver.Config)
	cfg.ClusterName, cfg.ClusterRegion = cluster, region
	cfg.RefreshInterval = 50 * time.Millisecond
	cfg.ResultFile = filepath.Join(t.TempDir(), "targets.yaml")
	cfg.JobLabelName = jobLabel
	cfg.DockerLabels = []ecsobserver.DockerLabelConfig{{PortLabel: portLabel, MetricsPathLabel: pathLabel, JobNameLabel: jobLabel}}
	settings := extension.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	observer, err := factory.Create(t.Context(), settings, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := observer.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := observer.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	return parse(t, written(t, cfg.ResultFile))
}

// written is the file as soon as it has content; it is written at once.
func written(t *testing.T, name string) []byte {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); <-time.After(20 * time.Millisecond) {
		data, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if len(data) > 0 {
			return data
		}
	}
	t.Fatal("the original writes no targets")
	return nil
}

func parse(t *testing.T, data []byte) map[string]target {
	t.Helper()
	var groups []struct {
		Targets []string          `yaml:"targets"`
		Labels  map[string]string `yaml:"labels"`
	}
	if err := yaml.Unmarshal(data, &groups); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	out := map[string]target{}
	for _, g := range groups {
		for _, address := range g.Targets {
			out[address] = target{
				path: g.Labels["__metrics_path__"], job: g.Labels[jobLabel],
				family: g.Labels["__meta_ecs_task_definition_family"], container: g.Labels["__meta_ecs_container_name"],
			}
		}
	}
	return out
}

const specs = `apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec: {}
---
apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: migrated}
spec:
  selector: {}
  convention: cloudwatch-agent
`

// discover reads the account once and plans its targets, by address.
func discover(t *testing.T) map[string]target {
	t.Helper()
	set := spec.Decode([]spec.File{{Name: "specs.yaml", Data: []byte(specs)}})
	if len(set.Problems) > 0 {
		t.Fatal(set.Problems)
	}
	choice, err := plan.Choose(set.Objects, "")
	if err != nil {
		t.Fatal(err)
	}
	sources := []inventory.Source{{}}
	watcher, err := ecs.New(ecs.Options{QuotaShare: 1})
	if err != nil {
		t.Fatal(err)
	}
	watcher.Want(choice.Want(sources))
	if err := watcher.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	return targets(t, choice, watcher.Snapshot(), sources)
}

func targets(t *testing.T, choice *plan.Choice, snapshot *inventory.Snapshot, sources []inventory.Source) map[string]target {
	t.Helper()
	files, err := choice.Render()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(string(files[artifact.ConfigFile]), promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Build(plan.Input{Choice: choice, Files: files, Config: cfg, Snapshot: snapshot, Sources: sources})
	var findings []string
	for _, f := range p.Findings {
		findings = append(findings, fmt.Sprintf("%s in %d of %s", f.Code, f.Tasks, f.Container))
	}
	if diff := cmp.Diff([]string{"no-such-port in 2 of app"}, findings); diff != "" {
		t.Errorf("findings: -want +got\n%s", diff)
	}
	out := map[string]target{}
	for _, pool := range p.Bundle.Pools {
		for _, one := range pool.Targets {
			family := one.Labels.Get("ecs_task_family")
			found := target{path: one.Labels.Get("__metrics_path__"), job: one.Labels.Get("job"), family: family, container: one.Labels.Get("ecs_container")}
			if found.job == one.Labels.Get("ecs_service") {
				found.job = "" // nothing told it
			}
			out[one.Address()] = found
		}
	}
	return out
}

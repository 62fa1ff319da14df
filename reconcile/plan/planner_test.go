package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ecs-scrape/reconcile/artifact"
)

// fates is how many random histories of a fleet a test plays, each of as many
// changes; the seed of one is its number.
const (
	fates   = 400
	changes = 15
)

// TestPlannerIsBuild: whatever happens, a plan made from the one before is the one
// that is made from nothing. PLANNER_FATES plays more.
func TestPlannerIsBuild(t *testing.T) {
	n := uint64(fates)
	if more, err := strconv.ParseUint(os.Getenv("PLANNER_FATES"), 10, 64); err == nil {
		n = more
	}
	inputs := specSets(t)
	for seed := range n {
		if err := playFate(inputs, seed, 0); err != nil {
			t.Fatalf("history %d: %v", seed, err)
		}
	}
}

// TestPlannerHeedsAll takes out one by one what a Planner heeds: some history must
// then go wrong, or the histories prove nothing of that.
func TestPlannerHeedsAll(t *testing.T) {
	inputs := specSets(t)
	for name, without := range map[string]heed{
		"tasks": heedTasks, "definitions": heedDefinitions, "instances": heedInstances, "services": heedServices,
		"clusters": heedClusters, "facts": heedFacts, "restored": heedRestored, "claims": heedClaims, "specs": heedSpecs, "first tasks": heedFirstTasks,
		"places": heedPlaces, "held": heedHeld, "live": heedLive, "verdicts": heedVerdicts, "ranks": heedRanks,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(fates) {
				if err := playFate(inputs, seed, without); err != nil {
					t.Logf("history %d: %.300s", seed, err)
					return
				}
			}
			t.Error("no history goes wrong without it")
		})
	}
}

// specSets are inputs without a snapshot, with all that a plan knows of.
func specSets(t *testing.T) []Input {
	t.Helper()
	config := func(spec string) string {
		return "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec:\n" + spec
	}
	const classes = "  scrapeClasses: [{name: gold, scrapeConfig: {basic_auth: {username: u, password: p}}}, {name: slow, scrapeConfig: {scrape_interval: 2m}}]\n"
	configs := []string{
		config(classes),
		config(classes + "  shards: 2\n"),
		config(classes + "  enforced: {targets_per_object: 3, min_interval: 20s}\n  defaultLabels: [ecs_cluster, ecs_service]\n"),
		config(classes + "  shards: 2\n  enforced: {targets_per_object: 2}\n  alertmanagers: [{name: main, selector: {services: [api]}, port: 9093}, {name: none, selector: {services: [nobody]}, port: 9093}]\n"),
		config(classes + "  config: {scrape_configs: [{job_name: own, static_configs: [{targets: ['10.0.0.1:9090'], labels: {job: api, ecs_cluster: prod}}]}]}\n  defaultLabels: [ecs_cluster]\n"),
		config(classes + "  alertmanagers: [{name: main, selector: {taskTags: {matchLabels: {env: prod}}}, port: metrics}]\n"),
		config(classes + "  shards: 2\n  enforced: {targets_per_object: 15}\n"),
	}
	objects := []string{
		"  selector: {}\n  endpoints: [{port: 9090}]\n",
		"  selector: {services: [api]}\n  endpoints: [{port: metrics}, {port: 9090, path: /other}]\n",
		"  selector: {services: [api, web]}\n  endpoints: [{port: metrics, interval: 5s}]\n  labels: {tier: one}\n",
		"  selector: {taskTags: {matchLabels: {env: prod}}}\n  endpoints: [{port: 9090}]\n  labelsFrom: {env: {taskTag: env}}\n",
		"  selector: {serviceTags: {matchLabels: {team: a}}}\n  endpoints: [{port: metrics}]\n  scrapeConfig: {sample_limit: 9}\n",
		"  selector: {}\n  convention: prometheus.io\n  scrapeClass: slow\n",
		"  selector: {healthStatus: [HEALTHY]}\n  endpoints: [{portFrom: {environment: STAGE}, port: 9090}]\n",
		"  selector: {clusters: [prod]}\n  endpoints: [{port: 9090}]\n  scrapeClass: gold\n  relabelConfigs: [{source_labels: [__meta_ecs_task_id], regex: '.*1', target_label: __address__, replacement: 'elsewhere:80'}]\n",
		"  selector: {}\n  endpoints: [{port: 9090, interval: 10s}]\n  relabelConfigs:\n  - {source_labels: [__meta_ecs_tag_service_team, __meta_ecs_tag_cluster_zone, __meta_ecs_ec2_instance_type], target_label: info}\n  - {source_labels: [__meta_ecs_task_id], regex: '.*3', action: drop}\n",
		"  selector: {}\n  endpoints: [{port: 9090}]\n  jobName: same\n  relabelConfigs: [{regex: 'ecs_.*', action: labeldrop}]\n",
		"  selector: {}\n  endpoints: [{port: 9090}]\n  relabelConfigs: [{target_label: instance, replacement: one}, {regex: 'ecs_task_id|ecs_container', action: labeldrop}]\n",
		"  selector: {services: [web]}\n  endpoints: [{port: 8080}]\n  scrapeClass: missing\n",
		"  selector: {}\n  endpoints: [{port: 9090, path: /other}]\n",
		"  selector: {}\n  endpoints: [{port: 9090}, {port: 9090, path: /third}]\n  labels: {part: catch-all}\n",
	}
	var out []Input
	for i := range 6 * len(configs) {
		r := rand.New(rand.NewPCG(uint64(i), 3))
		docs := []string{configs[i%len(configs)]}
		for k := range objects {
			if r.IntN(5) < 2 {
				docs = append(docs, scrapeTarget("object-"+string(rune('a'+r.IntN(3)))+strconv.Itoa(k), objects[k]))
			}
		}
		in := input(t, nil, nil, docs...)
		in.Shard = i / len(configs) % max(1, in.Choice.Config.PrometheusConfig.Shards)
		in.Changed = Changed{Targets: map[string]bool{}}
		for _, o := range in.Choice.Targets {
			in.Changed.Targets[o.Name] = r.IntN(3) == 0
		}
		in.Self = Self{Prometheus: SelfTarget{Scheme: "http", Address: "10.0.0.9:9090", Path: "/metrics"}}
		out = append(out, in)
	}
	return out
}

// fate is a fleet to which one thing after the other happens. In every other one
// it is always known where a task is reached, and every fifth is a large one.
type fate struct {
	r      *rand.Rand
	calm   bool
	large  bool
	w      world
	in     Input
	inputs []Input
	last   *Plan
	seen   [][]artifact.Pool // pools of earlier plans, any of which may be published
}

func playFate(inputs []Input, seed uint64, without heed) error {
	f := &fate{r: rand.New(rand.NewPCG(seed, 11)), calm: seed%2 == 1, large: seed%5 == 0, inputs: inputs}
	f.begin()
	planner := Planner{without: without}
	for step := range changes {
		specs := f.in.Choice
		what := f.change()
		in := f.in
		in.Snapshot = f.snapshot()
		want, got := Build(in), planner.Build(in)
		if err := differ(want, got); err != nil {
			return fmt.Errorf("change %d, %s: %w", step, what, err)
		}
		if err := f.keeps(got); err != nil && without == 0 && f.in.Choice == specs {
			return fmt.Errorf("change %d, %s: %w", step, what, err)
		}
		f.last, f.seen = got, append(f.seen, got.Bundle.Pools)
	}
	return nil
}

// differ says how two plans differ in anything at all.
func differ(want, got *Plan) error {
	if reflect.DeepEqual(want, got) {
		return nil
	}
	text := func(p *Plan) string {
		out, err := json.MarshalIndent(p, "", " ")
		if err != nil {
			return err.Error()
		}
		return string(out)
	}
	a, b := strings.Split(text(want), "\n"), strings.Split(text(got), "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			from := max(0, i-8)
			return fmt.Errorf("want\n%s\ngot\n%s", strings.Join(a[min(from, len(a)):min(i+8, len(a))], "\n"), strings.Join(b[min(from, len(b)):min(i+8, len(b))], "\n"))
		}
	}
	return errors.New("the plans differ in what JSON does not show")
}

// keeps says which pool has equal targets that are not the very same ones.
func (f *fate) keeps(got *Plan) error {
	if f.last == nil || len(f.last.Bundle.Pools) != len(got.Bundle.Pools) {
		return nil
	}
	for i, p := range got.Bundle.Pools {
		before := f.last.Bundle.Pools[i]
		if len(p.Targets) > 0 && slices.EqualFunc(p.Targets, before.Targets, artifact.Target.Equal) && !p.SameTargets(before) {
			return fmt.Errorf("%s has equal targets that are copies", p.Path)
		}
		if !slices.IsSortedFunc(p.Targets, artifact.Target.CompareInFile) {
			return fmt.Errorf("%s is not in the order of its file", p.Path)
		}
	}
	return nil
}

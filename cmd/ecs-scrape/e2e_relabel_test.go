package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// ruleSets are relabel_configs as people write them, by name.
var ruleSets = map[string]string{
	"none": `[]`,
	"replace": `
- {source_labels: [__meta_ecs_ip_address, __meta_ecs_container_port], separator: ":", target_label: __address__}
- {source_labels: [__meta_ecs_task_definition], regex: ".*/(.+):([0-9]+)", target_label: definition, replacement: "$1-$2"}
- {source_labels: [__meta_ecs_health_status], target_label: health}
- {target_label: ecs_task_family, replacement: ""}`,
	"keep": `
- {source_labels: [__meta_ecs_tag_task_env], regex: prod, action: keep}`,
	"drop": `
- {source_labels: [__meta_ecs_launch_type, __meta_ecs_tag_task_env], regex: FARGATE;test, action: drop}`,
	"labelmap": `
- {regex: "__meta_ecs_tag_(?:task_(.+)|service_(Team.+))", action: labelmap, replacement: "$1$2"}
- {regex: "__meta_ecs_(container_label_.+|subnet_id)", action: labelmap, replacement: "x_$1"}`,
	"labeldrop": `
- {regex: "ecs_.+", action: labeldrop}`,
	"labelkeep": `
- {regex: "__.+|job|set|instance|ecs_task_id", action: labelkeep}`,
	"hashmod": `
- {source_labels: [__address__], modulus: 3, target_label: __tmp_hash, action: hashmod}
- {source_labels: [__tmp_hash], regex: "[01]", action: keep}
- {source_labels: [__tmp_hash], target_label: hash}`,
	"lowercase": `
- {source_labels: [__meta_ecs_launch_type], target_label: launch, action: lowercase}
- {source_labels: [__meta_ecs_service], target_label: shouted, action: uppercase}`,
	"keepequal": `
- {source_labels: [__meta_ecs_tag_task_env], target_label: __meta_ecs_tag_service_env, action: keepequal}`,
	"dropequal": `
- {source_labels: [__meta_ecs_container_port], target_label: __meta_ecs_tag_task_port, action: dropequal}`,
	"probe": `
- {source_labels: [__address__], target_label: __param_target}
- {source_labels: [__param_target], target_label: instance}
- {target_label: __param_module, replacement: tcp_connect}
- {target_label: __metrics_path__, replacement: /probe}
- {target_label: __address__, replacement: "127.0.0.1:9115"}`,
	"timing": `
- {source_labels: [__meta_ecs_tag_task_env], regex: test, target_label: __scrape_interval__, replacement: 2m}
- {source_labels: [__meta_ecs_tag_task_env], regex: test, target_label: __scrape_timeout__, replacement: 20s}
- {source_labels: [__scrape_interval__], target_label: interval}
- {source_labels: [__meta_ecs_tag_task_env], regex: prod, target_label: __scheme__, replacement: https}`,
}

// TestRulesAreThoseOfPrometheus: what a rule makes of a target here is what
// Prometheus makes of it, given the same labels to start from.
func TestRulesAreThoseOfPrometheus(t *testing.T) {
	t.Parallel()
	eachPrometheus(t, func(t *testing.T, p prometheusBinary) {
		w := newWorld(t, awssim.Options{})
		in := relabelInput(t)
		file := writeBoth(t, plan.Build(in), plan.Discovered(in))
		w.startPrometheusOn(p, file)
		for name := range ruleSets {
			w.eventually("Prometheus agrees on "+name, func() error { return w.agrees(name) })
		}
		targets, err := w.targets()
		must(t, err)
		if len(targets) < 2*3*len(ruleSets) {
			t.Errorf("only %d targets were compared", len(targets))
		}
	})
}

// agrees compares the targets of a set's two jobs.
func (w *world) agrees(name string) error {
	targets, err := w.targets()
	if err != nil {
		return err
	}
	seen := map[string][]string{}
	for _, t := range targets {
		text, err := json.Marshal([]any{t.ScrapeURL, t.ScrapeInterval, t.ScrapeTimeout, t.Labels})
		if err != nil {
			return err
		}
		seen[t.ScrapePool] = append(seen[t.ScrapePool], string(text))
	}
	theirs, ours := seen["theirs-"+name], seen["ours-"+name]
	slices.Sort(theirs)
	slices.Sort(ours)
	if diff := cmp.Diff(theirs, ours); diff != "" || len(ours) == 0 {
		return fmt.Errorf("%d targets (-Prometheus +ecs-scrape):\n%s", len(ours), diff)
	}
	return nil
}

// writeBoth writes a configuration with two jobs for each set: one that has the
// rules and what was discovered, one that has our final targets and no rules.
func writeBoth(t *testing.T, p *plan.Plan, discovered map[string][]labels.Labels) string {
	t.Helper()
	dir := t.TempDir()
	final := map[string][]labels.Labels{}
	for _, pool := range p.Bundle.Pools {
		for _, target := range pool.Targets {
			final[target.Origin.Object] = append(final[target.Origin.Object], target.Labels)
		}
	}
	text := "global: {scrape_interval: 1m, scrape_timeout: 10s}\nscrape_configs:\n"
	for name, rules := range ruleSets {
		for job, targets := range map[string][]labels.Labels{"theirs-" + name: discovered[name], "ours-" + name: final[name]} {
			writeTargets(t, filepath.Join(dir, job+".json"), targets)
			text += fmt.Sprintf("- job_name: %s\n  file_sd_configs: [{files: [%s.json]}]\n", job, job)
		}
		text = strings.Replace(text, "- job_name: theirs-"+name+"\n", "- job_name: theirs-"+name+"\n  relabel_configs: "+indented(rules)+"\n", 1)
	}
	file := filepath.Join(dir, "prometheus.yml")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func indented(rules string) string { return strings.ReplaceAll(rules, "\n", "\n  ") }

func writeTargets(t *testing.T, path string, targets []labels.Labels) {
	t.Helper()
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := []group{}
	for _, l := range targets {
		all := l.Map()
		address := all["__address__"]
		delete(all, "__address__")
		groups = append(groups, group{[]string{address}, all})
	}
	data, err := json.Marshal(groups)
	must(t, err)
	must(t, os.WriteFile(path, data, 0o600))
}

// relabelInput plans one ScrapeTarget for each set over a few tasks that differ
// in what the rules look at.
func relabelInput(t *testing.T) plan.Input {
	t.Helper()
	docs := []string{"apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec:\n" +
		"  prometheus: {version: '2.42'}\n  config: {global: {scrape_interval: 1m, scrape_timeout: 10s}}\n"}
	for name, rules := range ruleSets {
		docs = append(docs, fmt.Sprintf("apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: %s}\nspec:\n"+
			"  selector: {}\n  endpoints: [{port: metrics, params: {format: [text]}}]\n  labels: {set: %s}\n  labelsFrom: {env: {taskTag: env}}\n"+
			"  relabelConfigs: %s\n", name, name, indented(rules)))
	}
	set := spec.Decode([]spec.File{{Name: "test.yaml", Data: []byte(strings.Join(docs, "---\n"))}})
	for _, problem := range set.Problems {
		t.Fatal(problem)
	}
	choice, err := plan.Choose(set.Objects, "")
	must(t, err)
	files, err := choice.Render()
	must(t, err)
	cfg, errs := validate.Files(files)
	for _, err := range errs {
		t.Fatal(err)
	}
	return plan.Input{Choice: choice, Files: files, Config: cfg, Snapshot: relabelSnapshot(), Sources: []inventory.Source{{Region: "us-east-1"}}}
}

func relabelSnapshot() *inventory.Snapshot {
	scope := inventory.Scope{Account: "111122223333", Region: "us-east-1", Cluster: "prod"}
	const arn = "arn:aws:ecs:us-east-1:111122223333:"
	definition := arn + "task-definition/web:7"
	s := &inventory.Snapshot{
		Scopes: []inventory.ScopeStatus{{Scope: scope, State: inventory.Synced, Facts: inventory.Facts{
			TaskTags: true, Services: true, ClusterTags: true, Instances: true, Interfaces: true,
		}}},
		Definitions: map[string]*inventory.Definition{definition: {
			ARN: definition, NetworkMode: inventory.NetworkAWSVPC, Containers: []inventory.ContainerDefinition{{
				Name: "app", Essential: true, Image: "shop/web:7", DockerLabels: map[string]string{"app.version": "1.2"},
				Ports: []inventory.PortMapping{{Name: "metrics", Container: inventory.PortRange{First: 9090, Last: 9090}, Protocol: "tcp"}},
			}},
		}},
		Services: map[string]*inventory.Service{scope.String() + "/web": {Name: "web", Status: "ACTIVE", Tags: map[string]string{"env": "prod", "Team Name": "shop"}}},
	}
	for i := range 12 {
		id := fmt.Sprintf("task-%02d", i)
		address := netip.AddrFrom4([4]byte{127, 1, 0, byte(i + 1)})
		s.Tasks = append(s.Tasks, &inventory.Task{
			ARN: arn + "task/prod/" + id, Scope: scope, LastStatus: "RUNNING", DesiredStatus: "RUNNING", HealthStatus: []string{"HEALTHY", "UNHEALTHY"}[i%2],
			Group: "service:web", LaunchType: []string{"FARGATE", "EC2", "EXTERNAL"}[i%3], Definition: definition, StartedAt: time.Unix(int64(i), 0),
			Containers: []inventory.Container{{Name: "app", LastStatus: "RUNNING", RuntimeID: id, Addresses: []netip.Addr{address}}},
			Interface:  &inventory.Interface{SubnetID: "subnet-1", IPv4: address, VPC: "vpc-1"},
			Tags:       map[string]string{"env": []string{"prod", "test"}[i/2%2], "Cost Center": id, "port": []string{"9090", "80"}[i/3%2]},
		})
	}
	return s
}

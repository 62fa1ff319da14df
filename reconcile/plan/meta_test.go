package plan

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// TestMetaLabelsOfPrometheus: every label of Prometheus's own ECS discovery is
// in the table, by the constants of its source.
func TestMetaLabelsOfPrometheus(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Fatal(err)
	}
	names := ecsConstants(t, filepath.Join(strings.TrimSpace(string(out)), "discovery", "aws", "ecs.go"))
	if len(names) < 30 {
		t.Fatalf("only %d constants found: %v", len(names), names)
	}
	for _, name := range names {
		if name == metaPrefix || name == metaPrefix+"tag_" {
			continue // beginnings of the others
		}
		if !slices.ContainsFunc(MetaLabels(), func(m MetaLabel) bool { return m.Name == name }) {
			t.Errorf("the table lacks %s", name)
		}
	}
}

// ecsConstants are the values of the constants named ecsLabel*, each of which is
// another constant and a string, or model.MetaLabelPrefix and a string.
func ecsConstants(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(s.Names[0].Name, "ecsLabel") {
			return true
		}
		sum := s.Values[0].(*ast.BinaryExpr)
		base := "__meta_"
		if id, ok := sum.X.(*ast.Ident); ok {
			base = values[id.Name]
		}
		end, err := strconv.Unquote(sum.Y.(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		values[s.Names[0].Name] = base + end
		names = append(names, base+end)
		return true
	})
	return names
}

func TestMetaLabelsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range MetaLabels() {
		if seen[m.Name] || m.Meaning == "" || (m.value == nil) == (m.values == nil) || (m.Key == "") != (m.values == nil) {
			t.Errorf("%s is there twice, or not whole", m.Name)
		}
		seen[m.Name] = true
	}
}

// everything is a world in which every label has a value: an awsvpc task on an
// instance, and a task in bridge mode.
func everything() *world {
	w := newWorld()
	w.Scopes[0].Facts = inventory.Facts{
		Environment: []string{"STAGE"}, TaskTags: true, Services: true, ClusterTags: true, Instances: true, Interfaces: true,
	}
	w.Clusters = map[string]*inventory.Cluster{prod.String(): {Tags: map[string]string{"stage": "live"}}}
	w.Services = map[string]*inventory.Service{prod.String() + "/web": {Name: "web", Status: "ACTIVE", Tags: map[string]string{"team": "shop"}}}
	w.Instances["ci-1"] = &inventory.Instance{
		ARN: "ci-1", MachineID: "i-1", Type: "m7g.large", VPC: "vpc-9", SubnetID: "subnet-9", Tags: map[string]string{"Name": "box"},
		IPv4: netip.MustParseAddr("10.1.0.1"), IPv6: netip.MustParseAddr("2001:db8::9"), PublicIPv4: netip.MustParseAddr("198.51.100.9"),
	}
	app := container("app", port("metrics", 9090))
	app.Image = "shop/web:1"
	app.DockerLabels = map[string]string{"app.version": "1.2"}
	app.Environment = map[string]string{"STAGE": "live"}
	common := func(t *inventory.Task) {
		t.Instance, t.LaunchType, t.HealthStatus, t.StartedBy = "ci-1", "EC2", "HEALTHY", "ecs-svc/1"
		t.PlatformFamily, t.PlatformVersion = "Linux", "1.4.0"
		t.Tags = map[string]string{"Cost Center": "7", "aws:x": "y"}
		t.Containers[0].ID, t.Containers[0].RuntimeID = "cid", "rid"
	}
	w.run("t1", "web", w.define("web", "awsvpc", app), func(t *inventory.Task) {
		at("10.0.0.1")(t)
		common(t)
		t.Interface.IPv6 = netip.MustParseAddr("2001:db8::1")
		t.Interface.PublicIPv4, t.Interface.VPC = netip.MustParseAddr("198.51.100.1"), "vpc-1"
	})
	w.run("t2", "", w.define("bridged", "bridge", app), func(t *inventory.Task) {
		common(t)
		t.Containers[0].Bindings = []inventory.PortBinding{bind(9090, 32768)}
	})
	return w
}

func TestMetaValues(t *testing.T) {
	found := Discovered(input(t, &everything().Snapshot, nil, bareConfig, scrapeTarget("all", "  selector: {}\n  endpoints: [{port: metrics}]\n")))["all"]
	if len(found) != 2 {
		t.Fatalf("%d endpoints", len(found))
	}
	arn := "arn:aws:ecs:us-east-1:111122223333:"
	same := map[string]string{
		"account_id": "111122223333", "region": "us-east-1", "availability_zone": "us-east-1a", "cluster": "prod",
		"cluster_arn": arn + "cluster/prod", "launch_type": "EC2", "platform_family": "Linux", "platform_version": "1.4.0",
		"desired_status": "RUNNING", "last_status": "RUNNING", "health_status": "HEALTHY", "task_started_by": "ecs-svc/1", "task_revision": "1",
		"container_instance_arn": "ci-1", "ec2_instance_id": "i-1", "ec2_instance_type": "m7g.large",
		"ec2_instance_private_ip": "10.1.0.1", "ec2_instance_public_ip": "198.51.100.9", "tag_ec2_Name": "box",
		"container_name": "app", "container_runtime_id": "rid", "container_image": "shop/web:1", "container_port": "9090",
		"container_port_name": "metrics", "container_label_app_version": "1.2", "tag_cluster_stage": "live",
		"tag_task_Cost_Center": "7", "tag_task_aws_x": "y",
	}
	differ := []map[string]string{
		{
			"task_arn": arn + "task/prod/t1", "task_id": "t1", "container_arn": arn + "container/prod/t1/cid",
			"task_definition": arn + "task-definition/web:1", "task_family": "web", "task_group": "service:web", "network_mode": "awsvpc",
			"service": "web", "service_arn": arn + "service/prod/web", "service_status": "ACTIVE", "tag_service_team": "shop",
			"ip_address": "10.0.0.1", "ipv6_address": "2001:db8::1", "public_ip": "198.51.100.1", "subnet_id": "subnet-1", "vpc_id": "vpc-1",
		},
		{
			"task_arn": arn + "task/prod/t2", "task_id": "t2", "container_arn": arn + "container/prod/t2/cid",
			"task_definition": arn + "task-definition/bridged:1", "task_family": "bridged", "network_mode": "bridge",
			"ip_address": "10.1.0.1", "ipv6_address": "2001:db8::9", "public_ip": "198.51.100.9", "subnet_id": "subnet-9", "vpc_id": "vpc-9",
		},
	}
	covered := map[string]bool{}
	for i, l := range found {
		want, got := map[string]string{}, map[string]string{}
		for _, m := range []map[string]string{same, differ[i]} {
			for name, value := range m {
				want[metaPrefix+name] = value
			}
		}
		for name, value := range l.Map() {
			if strings.HasPrefix(name, "__meta_") {
				got[name] = value
				for _, m := range MetaLabels() {
					covered[m.Name] = covered[m.Name] || m.covers(name)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("endpoint %d (-want +got):\n%s", i, diff)
		}
	}
	for _, m := range MetaLabels() {
		if !covered[m.Name] {
			t.Errorf("no value of %s is tested", m.Name)
		}
	}
}

// TestFactsOfLabels: what rules and labelsFrom look at is asked for, and nothing else.
func TestFactsOfLabels(t *testing.T) {
	relabelled := func(rule string) string { return "  relabelConfigs: [" + rule + "]\n" }
	all := inventory.Facts{TaskTags: true, Services: true, ClusterTags: true, Instances: true, Interfaces: true, Health: true}
	tests := []struct {
		name, body string
		want       inventory.Facts
	}{
		{"nothing", "", inventory.Facts{}},
		{"a tag", "  labelsFrom: {env: {taskTag: env}}\n", inventory.Facts{TaskTags: true}},
		{"a service's tag", "  labelsFrom: {env: {serviceTag: env}}\n", inventory.Facts{Services: true}},
		{"a variable", "  labelsFrom: {env: {environment: STAGE}}\n", inventory.Facts{Environment: []string{"STAGE"}}},
		{"a docker label", "  labelsFrom: {env: {dockerLabel: stage}}\n", inventory.Facts{}},
		{"a free meta label", "  labelsFrom: {zone: {meta: __meta_ecs_availability_zone}}\n", inventory.Facts{}},
		{"a meta label", "  labelsFrom: {vpc: {meta: __meta_ecs_vpc_id}}\n", inventory.Facts{Interfaces: true}},
		{"the health", relabelled("{source_labels: [__meta_ecs_health_status], action: drop, regex: UNHEALTHY}"), inventory.Facts{Health: true}},
		{"of a family", "  labelsFrom: {x: {meta: __meta_ecs_tag_cluster_stage}}\n", inventory.Facts{ClusterTags: true}},
		{"a source label", relabelled("{source_labels: [__meta_ecs_service_status], action: drop, regex: DRAINING}"), inventory.Facts{Services: true}},
		{"several source labels", relabelled("{source_labels: [__meta_ecs_tag_task_a, __meta_ecs_public_ip], target_label: x}"), inventory.Facts{TaskTags: true, Instances: true, Interfaces: true}},
		{"a target that is compared", relabelled("{source_labels: [job], target_label: __meta_ecs_ec2_instance_type, action: KeepEqual}"), inventory.Facts{Instances: true}},
		{"a target that is written", relabelled("{source_labels: [job], target_label: __meta_ecs_vpc_id}"), inventory.Facts{}},
		{"labelmap over one family", relabelled("{action: labelmap, regex: __meta_ecs_tag_task_(.+)}"), inventory.Facts{TaskTags: true}},
		{"labelmap over one key", relabelled("{action: labelmap, regex: __meta_ecs_tag_(service_team)}"), inventory.Facts{Services: true}},
		{"labelmap over all tags", relabelled("{action: labelmap, regex: __meta_ecs_tag_(.+)}"), inventory.Facts{TaskTags: true, Services: true, ClusterTags: true, Instances: true}},
		{"labelmap over everything", relabelled("{action: labelmap, regex: __meta_ecs_(.+)}"), all},
		{"labelmap by default", relabelled("{action: labelmap}"), all},
		{"labelmap in any case", relabelled("{action: labelmap, regex: '(?i).*TAG_SERVICE.*'}"), inventory.Facts{TaskTags: true, Services: true, ClusterTags: true, Instances: true}},
		{"labelmap over something else", relabelled("{action: labelmap, regex: __param_(.+)}"), inventory.Facts{}},
		{"labeldrop looks at nothing", relabelled("{action: labeldrop, regex: __meta_ecs_.*}"), inventory.Facts{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := decode(t, scrapeTarget("x", "  selector: {}\n  endpoints: [{port: 1}]\n"+tt.body))[0]
			if diff := cmp.Diff(tt.want, needs(o)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	o := decode(t, scrapeTarget("x", "  selector: {healthStatus: [HEALTHY]}\n  endpoints: [{port: 1}]\n"))[0]
	if diff := cmp.Diff(inventory.Facts{Health: true}, needs(o)); diff != "" {
		t.Errorf("a selector by health (-want +got):\n%s", diff)
	}
}

func TestUnknownMeta(t *testing.T) {
	o := decode(t, scrapeTarget("x", `  selector: {}
  endpoints: [{port: 1}]
  labelsFrom:
    a: {meta: __meta_ecs_vpc_id}
    b: {meta: __meta_ecs_tag_task_env}
    c: {meta: __meta_ecs_vpcid}
    d: {meta: __meta_ecs_tag_task}
    e: {meta: __meta_ecs_somewhere}
`))[0]
	var got []string
	for _, p := range UnknownMeta(o) {
		got = append(got, p.Path+" "+p.Message)
	}
	want := []string{
		`spec.labelsFrom.c.meta "__meta_ecs_vpcid" does not exist; did you mean __meta_ecs_vpc_id?`,
		`spec.labelsFrom.d.meta "__meta_ecs_tag_task" does not exist; write __meta_ecs_tag_task_ and the tag's key`,
		`spec.labelsFrom.e.meta "__meta_ecs_somewhere" does not exist; docs/labels.md lists those that do`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := UnknownMeta(&spec.Object{PrometheusConfig: &spec.PrometheusConfigSpec{}}); len(got) > 0 {
		t.Errorf("of a PrometheusConfig: %v", got)
	}
}

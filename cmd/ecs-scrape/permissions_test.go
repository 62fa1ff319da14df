package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/controller/ecs"
	"ecs-scrape/controller/s3object"
	"ecs-scrape/controller/source"
	"ecs-scrape/reconcile/inventory"
)

// TestPermissions holds the IAM policy of docs/aws.md to the calls that the
// simulated account sees: what a statement is needed for makes its calls, all of
// them, and no others.
func TestPermissions(t *testing.T) {
	policy := documentedPolicy(t)
	unused := maps.Clone(policy)
	for _, c := range []struct {
		name       string
		shop       bool // with machines; else a cluster of Fargate tasks
		facts      inventory.Facts
		do         func(*testing.T, *awssim.Sim)
		statements []string
	}{
		{name: "fargate", statements: []string{"Clusters"}},
		{name: "tags", facts: inventory.Facts{TaskTags: true, ClusterTags: true}, statements: []string{"Clusters"}},
		{name: "services", facts: inventory.Facts{Services: true}, statements: []string{"Clusters", "Services"}},
		{name: "service metrics", do: countServices, statements: []string{"Clusters", "ServiceMetrics"}},
		{name: "network interfaces", facts: inventory.Facts{Interfaces: true}, statements: []string{"Clusters", "NetworkInterfaces"}},
		{name: "every launch type", shop: true, statements: []string{"Clusters", "Machines", "MachinesOnPremises"}},
		{name: "machines", shop: true, facts: inventory.Facts{Instances: true}, statements: []string{"Clusters", "Machines", "MachinesOnPremises"}},
		{name: "a role", do: watchWithRole, statements: []string{"Clusters", "Roles"}},
		{name: "specs", do: loadFromS3, statements: []string{"Clusters", "SpecsList", "SpecsRead"}},
		{name: "status", do: putStatus, statements: []string{"Clusters", "StatusWrite"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := permissionsAccount(t, c.shop)
			// A cluster that the list of all does not have is asked for by its name.
			watchOnce(t, inventory.Want{Sources: []inventory.Source{{Clusters: []string{"*", "deleted"}}}, Facts: c.facts})
			if c.do != nil {
				c.do(t, sim)
			}
			want := map[string]bool{}
			for _, sid := range c.statements {
				delete(unused, sid)
				for _, action := range policy[sid] {
					want[action] = true
				}
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), actions(sim)); diff != "" {
				t.Errorf("actions: -documented +called\n%s", diff)
			}
		})
	}
	delete(unused, "Events")
	if len(unused) > 0 {
		t.Errorf("nothing holds these statements to the calls: %v", slices.Sorted(maps.Keys(unused)))
	}
}

// documentedPolicy are the actions of the policy, by statement.
func documentedPolicy(t *testing.T) map[string][]string {
	t.Helper()
	_, text, ok := strings.Cut(read(t, filepath.Join(moduleDir, "docs", "aws.md")), "```json\n")
	text, _, closed := strings.Cut(text, "```")
	if !ok || !closed {
		t.Fatal("docs/aws.md has no policy")
	}
	var policy struct {
		Statement []struct {
			Sid      string
			Effect   string
			Action   []string
			Resource string
		}
	}
	must(t, json.Unmarshal([]byte(text), &policy))
	out := map[string][]string{}
	for _, s := range policy.Statement {
		if s.Effect != "Allow" || s.Resource == "" || len(out[s.Sid]) > 0 {
			t.Errorf("statement %+v", s)
		}
		out[s.Sid] = s.Action
	}
	return out
}

// actions are those of IAM that the calls so far were checked against, sorted
// (Service Authorization Reference).
func actions(sim *awssim.Sim) []string {
	found := map[string]bool{}
	for _, c := range sim.Calls() {
		switch call := c.Service + ":" + c.Operation; call {
		case "sts:GetCallerIdentity": // needs no permission
		case "s3:ListObjectsV2", "s3:ListObjects":
			found["s3:ListBucket"] = true
		case "sqs:DeleteMessageBatch":
			found["sqs:DeleteMessage"] = true
		default:
			found[call] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

const permissionsRole = "arn:aws:iam::222233334444:role/prometheus"

func permissionsAccount(t *testing.T, shop bool) *awssim.Sim {
	t.Helper()
	sim, err := awssim.Start(awssim.Options{Quotas: awssim.NoQuotas()})
	must(t, err)
	t.Cleanup(sim.Close)
	useAccount(t, sim)
	if shop {
		_, err := awssim.Shop(sim)
		must(t, err)
		return sim
	}
	runFargate(t, sim.Place, "prod")
	return sim
}

func runFargate(t *testing.T, p *awssim.Place, cluster string) {
	t.Helper()
	p.CreateCluster(cluster, map[string]string{"env": "prod"})
	arn, err := p.RegisterTaskDefinition(awssim.TaskDefinition{
		Family: "web", NetworkMode: awssim.ModeAWSVPC,
		Containers: []awssim.Container{{Name: "app", Image: "app:1", Ports: []awssim.Port{{Name: "metrics", Container: 9090}}}},
	})
	must(t, err)
	must(t, p.CreateService(cluster, awssim.Service{Name: "web", TaskDefinition: arn, Desired: 3, Launch: awssim.LaunchFargate}))
}

func watchOnce(t *testing.T, want inventory.Want) {
	t.Helper()
	w, err := ecs.New(ecs.Options{QuotaShare: 1})
	must(t, err)
	w.Want(want)
	must(t, w.Once(t.Context()))
	if len(w.Snapshot().Tasks) == 0 {
		t.Fatal("no task was found")
	}
	must(t, withFacts(nil, w.Snapshot()))
}

// watchWithRole watches another account.
func watchWithRole(t *testing.T, sim *awssim.Sim) {
	sim.AllowRole(permissionsRole, "")
	runFargate(t, sim.Region("222233334444", ""), "theirs")
	watchOnce(t, inventory.Want{Sources: []inventory.Source{{RoleARN: permissionsRole}}})
}

func putStatus(t *testing.T, sim *awssim.Sim) {
	must(t, sim.CreateBucket("example-status"))
	object, err := s3object.Open(t.Context(), "s3://example-status/prometheus.json")
	must(t, err)
	must(t, object.PutJSON(t.Context(), []byte("{}")))
}

// countServices watches with --ecs.service-metrics until the services are read.
func countServices(t *testing.T, _ *awssim.Sim) {
	w, err := ecs.New(ecs.Options{QuotaShare: 1, ServiceMetrics: true})
	must(t, err)
	w.Want(inventory.Want{Sources: []inventory.Source{{}}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	defer func() {
		cancel()
		must(t, <-done)
	}()
	deadline := time.After(patience)
	for services := w.Stats().Services; len(services) == 0 || !services[0].Read; services = w.Stats().Services {
		select {
		case <-deadline:
			t.Fatalf("services are not read: %+v", services)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func loadFromS3(t *testing.T, sim *awssim.Sim) {
	must(t, sim.CreateBucket("example-specs"))
	must(t, sim.PutObject("example-specs", "prometheus/main.yaml", []byte("apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n")))
	specs, err := source.Open(t.Context(), "s3://example-specs/prometheus")
	must(t, err)
	set, err := specs.Load(t.Context())
	must(t, err)
	if len(set.Objects) != 1 {
		t.Fatal(fmt.Sprint(set.Problems))
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

const taggedSpecs = `apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec: {}
---
apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: shop}
spec:
  selector: {serviceTags: {matchLabels: {team: shop}}}
  endpoints: [{port: 8080}]
`

// TestSnapshotOfFacts: a snapshot holds what the specs need. Where that cannot
// be read there is none, and the error says what and why.
func TestSnapshotOfFacts(t *testing.T) {
	sim, err := awssim.Start(awssim.Options{Account: exampleMainAccount, Region: exampleRegion, Now: exampleTime})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	c := newExampleCluster(t, sim.Place, "prod")
	c.register("shop", awssim.ModeAWSVPC, []awssim.Container{{Name: "app", Ports: []awssim.Port{{Container: 8080}}}})
	c.start(awssim.Service{Name: "shop", TaskDefinition: "shop", Launch: awssim.LaunchFargate, Desired: 1, Tags: map[string]string{"team": "shop"}})
	useAccount(t, sim)
	specs := filepath.Join(t.TempDir(), "specs.yaml")
	if err := os.WriteFile(specs, []byte(taggedSpecs), 0o600); err != nil {
		t.Fatal(err)
	}
	release := sim.Deny(awssim.Match{Operation: "DescribeServices"})
	var stdout, stderr bytes.Buffer
	args := []string{"snapshot", "--specs", filepath.Dir(specs)}
	code := execute(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	want := "read ECS: services of cluster " + exampleMainAccount + "/" + exampleRegion + "/prod: describe services: "
	if code == exitOK || stdout.Len() > 0 || !strings.Contains(stderr.String(), want) {
		t.Errorf("exit code %d, printed %q, said %s, want %s", code, &stdout, &stderr, want)
	}
	release()
	var s inventory.Snapshot
	if err := json.Unmarshal(runExampleCommand(t, args...), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Tasks) != 1 || s.Service(s.Tasks[0]) == nil || s.Service(s.Tasks[0]).Tags["team"] != "shop" {
		t.Errorf("services %v", s.Services)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/inventory"
)

// recordedWith is a snapshot of the clusters prod and dev, whose one source was
// recorded as the text says.
func recordedWith(t *testing.T, source string) *recorded {
	t.Helper()
	const scope = `{"account": "111111111111", "region": "us-east-1", "cluster": "`
	path := filepath.Join(t.TempDir(), "snapshot.json")
	must(t, os.WriteFile(path, []byte(`{
  "sources": [{"source": `+source+`, "account": "111111111111", "region": "us-east-1", "listed": true}],
  "scopes": [
    {"scope": `+scope+`dev"}, "state": "synced", "facts": {"environment": ["PORT", "B", "A"]}},
    {"scope": `+scope+`prod"}, "state": "synced", "facts": {"environment": ["PORT", "B", "A"]}}
  ],
  "tasks": [{"arn": "t/dev/1", "scope": `+scope+`dev"}}, {"arn": "t/prod/1", "scope": `+scope+`prod"}}],
  "definitions": {}, "instances": {}
}`), 0o600))
	r, err := readSnapshot(path)
	must(t, err)
	return r
}

// TestRecordedClusters: a snapshot is used only for clusters that it tells of,
// and tells of no others.
func TestRecordedClusters(t *testing.T) {
	const region = "us-east-1"
	for _, c := range []struct {
		name, recorded string
		want           []inventory.Source
		err            string
		tasks          []string
	}{
		{"all of all", `{"region": "us-east-1"}`, []inventory.Source{{Region: region}}, "", []string{"t/dev/1", "t/prod/1"}},
		{"some of all", `{"region": ""}`, []inventory.Source{{Region: region, Clusters: []string{"pro*"}}}, "", []string{"t/prod/1"}},
		{"two of all", `{"region": ""}`, []inventory.Source{{Clusters: []string{"prod"}}, {Clusters: []string{"dev"}}}, "", []string{"t/dev/1", "t/prod/1"}},
		{"equal", `{"region": "us-east-1", "clusters": ["dev", "prod"]}`, []inventory.Source{{Region: region, Clusters: []string{"prod", "dev", "dev"}}}, "", []string{"t/dev/1", "t/prod/1"}},
		{
			"all of some", `{"region": "us-east-1", "clusters": ["prod", "dev"]}`,
			[]inventory.Source{{Region: region}},
			"was recorded with the clusters dev, prod of region us-east-1, and the specs watch all clusters\n", nil,
		},
		{
			"all of some, of the own region", `{"region": "", "clusters": ["prod"]}`,
			[]inventory.Source{{}},
			"was recorded with the clusters prod of region us-east-1, and the specs watch all clusters\n", nil,
		},
		{
			"others", `{"region": "us-east-1", "clusters": ["prod"]}`,
			[]inventory.Source{{Region: region, Clusters: []string{"prod", "test-*"}}},
			"was recorded with the clusters prod of region us-east-1, and the specs watch the clusters prod, test-*\n", nil,
		},
		{
			"another region", `{"region": "us-east-1"}`,
			[]inventory.Source{{Region: "eu-west-1"}},
			"holds nothing of region eu-west-1, which the specs watch\n", nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := recordedWith(t, c.recorded)
			r.Want(inventory.Want{Sources: c.want})
			err := r.Once(t.Context())
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), "record it again") {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			var tasks []string
			for _, task := range r.Snapshot().Tasks {
				tasks = append(tasks, task.ARN)
			}
			if diff := cmp.Diff(c.tasks, tasks); err != nil || diff != "" {
				t.Errorf("%v, tasks -want +got\n%s", err, diff)
			}
			if gone := r.Snapshot().Scopes[0].State == inventory.Gone; gone != (len(tasks) == 1) {
				t.Errorf("the cluster dev is gone: %v", gone)
			}
		})
	}
}

// TestRecordedFacts: the names of a snapshot written by hand need no order.
func TestRecordedFacts(t *testing.T) {
	r := recordedWith(t, `{"region": ""}`)
	r.Want(inventory.Want{Sources: []inventory.Source{{}}, Facts: inventory.Facts{Environment: []string{"A", "B", "PORT"}}})
	if err := r.Once(t.Context()); err != nil {
		t.Error(err)
	}
}

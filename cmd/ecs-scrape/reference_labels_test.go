package main

import (
	"strings"
	"testing"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
)

// labelsPage describes every __meta_ecs_* label.
func labelsPage(*testing.T) string {
	var b strings.Builder
	b.WriteString(generated + "# Meta labels\n\n" +
		"What `relabelConfigs` and `labelsFrom` (`meta`) of a [ScrapeTarget](scrape-target.md#labels-of-a-target) can look at. None of them is written to a target.\n" +
		"The names that Prometheus's own ECS discovery has mean the same here, so that its rules can be taken over; what differs is said.\n" +
		"In the name of a tag or docker label every character outside `[a-zA-Z0-9_]` is an underscore.\n\n" +
		"A label without a value does not exist for its target. The last column is what AWS is asked for only because somebody looks at the label: " +
		"a name in `source_labels` or `meta`, or a regular expression of `labelmap` that can match it. The controller needs the permission of the same name.\n\n" +
		"| label | meaning | costs |\n| --- | --- | --- |\n")
	for _, m := range plan.MetaLabels() {
		name := m.Name
		if m.Key != "" {
			name += "<" + m.Key + ">"
		}
		b.WriteString(row(code(name), cell(m.Meaning), cell(calls(m.Facts))))
	}
	return b.String()
}

// calls are the AWS calls that facts cost.
func calls(f inventory.Facts) string {
	var out []string
	for _, c := range []struct {
		asked bool
		call  string
	}{
		{f.TaskTags, "tags in `ecs:DescribeTasks`"},
		{f.Services, "`ecs:DescribeServices`"},
		{f.ClusterTags, "tags in `ecs:DescribeClusters`"},
		{f.Instances, "`ecs:DescribeContainerInstances` and `ec2:DescribeInstances` for all tasks on instances"},
		{f.Interfaces, "`ec2:DescribeNetworkInterfaces` for `awsvpc` tasks"},
		{f.Health, "`ecs:DescribeTasks` for all running tasks each minute"},
	} {
		if c.asked {
			out = append(out, c.call)
		}
	}
	return strings.Join(out, "; ")
}

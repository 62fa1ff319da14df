package inventory

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// told is a task as it comes from the wire: no string shares its bytes.
func told(id string) *Task {
	text := strings.Clone
	return &Task{
		ARN: "arn:aws:ecs:r:1:task/c/" + id, Scope: Scope{Account: text("1"), Region: text("r"), Cluster: text("c")},
		LastStatus: text("RUNNING"), Group: text("service:web"), Definition: text("web:1"), Instance: text("ci-1"),
		Containers: []Container{{
			Name: text("app"), Image: text("app:1"), RuntimeID: id + "-1",
			Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")},
			Bindings:  []PortBinding{{Container: PortRange{80, 80}, Host: PortRange{32768, 32768}, Protocol: text("tcp")}},
		}},
		Interface:   &Interface{ID: "eni-" + id, SubnetID: text("subnet-1"), IPv4: netip.MustParseAddr("10.0.0.1")},
		Environment: map[string]map[string]string{text("app"): {text("PROMETHEUS"): text("true")}},
		Tags:        map[string]string{text("env"): text("prod")},
	}
}

func TestInternedTasksAreEqualAndShare(t *testing.T) {
	var names Interner
	one, two := told("1"), told("2")
	names.Task(one)
	names.Task(two)
	for i, got := range []*Task{one, two} {
		if diff := cmp.Diff(told(fmt.Sprint(i+1)), got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Error(diff)
		}
	}
	for _, pair := range [][2]string{
		{one.Definition, two.Definition},
		{one.Group, two.Group},
		{one.Instance, two.Instance},
		{one.Scope.Cluster, two.Scope.Cluster},
		{one.Containers[0].Image, two.Containers[0].Image},
		{one.Containers[0].Bindings[0].Protocol, two.Containers[0].Bindings[0].Protocol},
		{one.Interface.SubnetID, two.Interface.SubnetID},
		{one.Environment["app"]["PROMETHEUS"], two.Environment["app"]["PROMETHEUS"]},
		{one.Tags["env"], two.Tags["env"]},
	} {
		if unsafe.StringData(pair[0]) != unsafe.StringData(pair[1]) {
			t.Errorf("%q is kept twice", pair[0])
		}
	}
}

// What comes up again and again stays shared, however much comes and goes.
func TestInternerForgets(t *testing.T) {
	var names Interner
	often := names.share(strings.Clone("web:1"))
	for i := range 5 * internedAtMost {
		names.share(fmt.Sprint("once ", i))
		if i%internedAtMost == 0 && unsafe.StringData(names.share(strings.Clone("web:1"))) != unsafe.StringData(often) {
			t.Fatalf("web:1 is kept twice after %d others", i)
		}
	}
	if n := len(names.young) + len(names.old); n > 2*internedAtMost {
		t.Errorf("%d strings are remembered", n)
	}
}

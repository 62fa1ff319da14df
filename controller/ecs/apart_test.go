package ecs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

func TestApart(t *testing.T) {
	scope := inventory.Scope{Account: "1", Region: "r", Cluster: "prod"}
	ids := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("arn:aws:ecs:r:1:task/prod/%032x", i))
		}
		return out
	}
	all := ids(100)
	theirs := strings.Replace(all[0], "/prod/", "/other/", 1)
	for _, c := range []struct {
		what         string
		names, wrong []string // ECS refuses calls with wrong ones
		refused      []string
		fails        bool
		most         int // calls
	}{
		{"nothing", all, nil, nil, false, 1},
		{"one", all, all[7:8], all[7:8], false, 15},
		{"the first and last", all, []string{all[0], all[99]}, []string{all[0], all[99]}, false, 29},
		{"one of odd form", append(ids(99), "t"), []string{"t"}, []string{"t"}, false, 2},
		{"one of another cluster", append(ids(99), theirs), []string{theirs}, []string{theirs}, false, 2},
		{"only such", []string{"t", theirs}, []string{"t", theirs}, []string{theirs, "t"}, false, 1},
		{"all", all, all, nil, true, 8},
		{"the only one", all[:1], all, nil, true, 1},
		{"all, and one of odd form", append(ids(99), "t"), append(ids(99), "t"), nil, true, 16},
	} {
		calls := 0
		refused, err := apart(scope, c.names, func(names []string) error {
			calls++
			if slices.ContainsFunc(names, func(name string) bool { return slices.Contains(c.wrong, name) }) {
				return &types.InvalidParameterException{}
			}
			return nil
		})
		slices.Sort(refused)
		if diff := cmp.Diff(c.refused, refused); diff != "" || (err != nil) != c.fails {
			t.Errorf("%s wrong: error %v, refused (-want +got):\n%s", c.what, err, diff)
		}
		if calls > c.most {
			t.Errorf("%s wrong: %d calls, want at most %d", c.what, calls, c.most)
		}
	}
	broken := errors.New("broken")
	if _, err := apart(scope, all, func([]string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("another failure is %v", err)
	}
}

// TestNameThatECSRefuses: what the labels of published targets call a task may be
// anything. It must not keep the cluster from being read.
func TestNameThatECSRefuses(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 2)
	w.wantHeld(w.now(), "t", "u")
	wantState(t, w.bad("not answered for, such as t"), "prod", inventory.Unsynced)
	w.pass(2 * time.Minute)
	snap := w.good()
	wantState(t, snap, "prod", inventory.Synced)
	wantTasks(t, snap, 2)
}

func TestInstanceThatECSRefuses(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	w.CreateCluster("prod", nil)
	_, err := w.AddInstance("prod", awssim.Instance{})
	w.must(err)
	task, err := w.Task(run(t, w.Place, awssim.LaunchEC2, awssim.ModeBridge))
	w.must(err)
	w.want()
	w.good()
	for _, s := range w.sources {
		found, err := s.describeInstances(t.Context(), s.scope("prod"), []string{"i", task.ContainerInstance})
		w.must(err)
		if len(found) != 2 || found[0].MachineID != "" || found[1].MachineID == "" {
			t.Errorf("found %+v, want the one that there is", found)
		}
	}
}

func TestClusterNameThatECSRefuses(t *testing.T) {
	w := newWorld(t, awssim.Options{}, Options{})
	fargate(t, w.Place, "prod", 1)
	w.want("prod", "the other")
	snap := w.bad(`describe cluster "the other": want`)
	wantState(t, snap, "prod", inventory.Synced)
	wantState(t, snap, "the other", inventory.Unsynced)
	wantTasks(t, snap, 1)
}

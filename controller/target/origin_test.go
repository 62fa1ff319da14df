package target

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
)

// twoTasks is a pool with two tasks of one object in one cluster.
func twoTasks() artifact.Pool {
	p := pool(classPath, "a:1", "b:1", "c:1")
	for i, task := range []string{"0a", "0b", "0b"} {
		p.Targets[i].Origin.Object, p.Targets[i].Origin.Task = "web", task
	}
	return p
}

func TestOriginRecord(t *testing.T) {
	d := open(t, t.TempDir())
	write(t, d, time.Now(), twoTasks())
	data, err := os.ReadFile(d.at(stateDir, stateFiles(t, d)[0]))
	if err != nil {
		t.Fatal(err)
	}
	var record originRecord
	if err := json.Unmarshal(data, &record); err != nil {
		t.Fatal(err)
	}
	want := originRecord{
		Origins: []artifact.Origin{{Object: "web", Account: "111111111111", Region: "eu-west-1", Cluster: "c"}},
		Index:   []int{0, 0, 0}, Tasks: []string{"0a", "0b", "0b"},
	}
	if diff := cmp.Diff(want, record); diff != "" {
		t.Error(diff)
	}
	again := open(t, d.Path())
	if diff := cmp.Diff(twoTasks().Targets, live(t, again).Pools[0].Targets, cmp.Comparer(labels.Equal)); diff != "" {
		t.Error(diff)
	}
}

// TestOriginRecordWithoutTasks: a record of before tasks were kept tells all it
// can, and the next pass writes it anew without touching the file.
func TestOriginRecordWithoutTasks(t *testing.T) {
	d := open(t, t.TempDir())
	write(t, d, time.Now(), twoTasks())
	replace(t, d.at(stateDir, stateFiles(t, d)[0]),
		[]byte(`{"origins":[{"object":"web","account":"111111111111","region":"eu-west-1","cluster":"c"}],"index":[0,0,0]}`))
	d = open(t, d.Path())
	for i, target := range live(t, d).Pools[0].Targets {
		want := twoTasks().Targets[i].Origin
		want.Task = ""
		if diff := cmp.Diff(want, target.Origin); diff != "" {
			t.Error(diff)
		}
	}
	before := inode(t, d.at(classPath))
	if w := write(t, d, time.Now(), twoTasks()); len(w.Paths) > 0 || inode(t, d.at(classPath)) != before {
		t.Errorf("written: %q", w.Paths)
	}
	if got := live(t, open(t, d.Path())).Pools[0].Targets[2].Origin.Task; got != "0b" {
		t.Errorf("task %q", got)
	}
}

// TestTaskReplacedBehindTheSameTarget: on a host network the labels may outlive
// the task; its record may not.
func TestTaskReplacedBehindTheSameTarget(t *testing.T) {
	d := open(t, t.TempDir())
	write(t, d, time.Now(), twoTasks())
	next := twoTasks()
	next.Targets[0].Origin.Task = "0c"
	if w := write(t, d, time.Now(), next); len(w.Paths) > 0 {
		t.Errorf("written: %q", w.Paths)
	}
	if got := live(t, open(t, d.Path())).Pools[0].Targets[0].Origin.Task; got != "0c" {
		t.Errorf("task %q", got)
	}
}

// TestSince: what is found was published when its record was written, whatever
// is written later; a clock ahead of this one is not believed.
func TestSince(t *testing.T) {
	d := open(t, t.TempDir())
	if b := live(t, d); !b.Since.IsZero() {
		t.Errorf("an empty directory has targets since %v", b.Since)
	}
	write(t, d, time.Now(), twoTasks(), pool("targets/own/00/x.json", "d:1"))
	now := time.Now()
	for after, want := range map[time.Duration]time.Time{-time.Hour: now.Add(-time.Hour), time.Hour: now} {
		for _, record := range stateFiles(t, d) {
			at := now.Add(after)
			if err := os.Chtimes(d.at(stateDir, record), at, at); err != nil {
				t.Fatal(err)
			}
		}
		again := open(t, d.Path())
		since := live(t, again).Since
		if since.Before(want) || since.Sub(want) > time.Minute {
			t.Errorf("since %v, want %v", since, want)
		}
		write(t, again, now, pool("targets/own/00/x.json"))
		if got := live(t, again).Since; !got.Equal(since) {
			t.Errorf("since %v after a write, %v before", got, since)
		}
		write(t, again, now.Add(time.Minute), pool("targets/own/00/x.json", "d:1"))
	}
}

// TestOriginsAreJSON: the record is what encoding/json would write.
func TestOriginsAreJSON(t *testing.T) {
	t.Parallel()
	for name, targets := range map[string][]artifact.Target{
		"none": {},
		"some": {
			{Origin: artifact.Origin{Object: "a", Account: "1", Region: "r", Cluster: "c", Task: "0a"}},
			{Origin: artifact.Origin{Object: "b", Account: "1", Region: "r", Cluster: "c", Task: "0a", Moved: true}},
			{Origin: artifact.Origin{Object: "a", Account: "1", Region: "r", Cluster: "c", Task: "0\"b\n"}},
			{},
		},
	} {
		var got bytes.Buffer
		if err := encodeOrigins(&got, targets); err != nil {
			t.Fatal(err)
		}
		record := originRecord{}
		record.Origins, record.Index = sharedOrigins(targets)
		for _, target := range targets {
			record.Tasks = append(record.Tasks, target.Origin.Task)
		}
		var back originRecord
		if err := json.Unmarshal(got.Bytes(), &back); err != nil {
			t.Fatalf("%s: %v in %s", name, err, &got)
		}
		if diff := cmp.Diff(record, back, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}
